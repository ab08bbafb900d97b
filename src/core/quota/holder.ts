/** What one isolate holds of one limit: leases that it spends by itself, and when it may or must ask again. */
import { DecayingRate } from './decaying.ts';
import type { Allotted, Ask, Settlement } from './desk.ts';
import { LEASE_MARGIN_MS, LONGEST_LEASE_MS } from './numbers.ts';
import { Queue } from './queue.ts';

/** As much of the desk's answer as crosses the network. */
export type LeaseAnswer = Omit<Allotted, 'rows'>;

export type Taken =
  /** To be spent while the isolate's clock is before this. */
  | { readonly tag: 'permit'; readonly usableUntilMs: number }
  | { readonly tag: 'wait'; readonly retryAfterMs: number }
  /** Somebody else's question is on its way; look again in a moment. */
  | { readonly tag: 'pending' }
  | { readonly tag: 'ask' };

interface Held {
  readonly lease: string;
  left: number;
  readonly usableFromMs: number;
  readonly usableUntilMs: number;
}

/** A renewal is asked for when what is left is needed within the time that its journey may take; of a short lease, within a part of its life. */
const RENEW_AHEAD_MS = 500;
const RENEW_FRACTION = 0.3;
/** Leases whose rest is still to be told. One that is forgotten here stays counted till its end. */
const MAX_SETTLED = 50;
const RATE_MEMORY_MS = 5_000;
/** The gate gives up no later. */
const LOST_QUESTION_MS = 2_000;

export class LeaseHolder {
  readonly #name: string;
  readonly #rate = new DecayingRate(RATE_MEMORY_MS);
  #rateBefore = 0;
  /** What dies first is spent first. */
  #held: Held[] = [];
  #settled: readonly Settlement[] = [];
  /** When the desk said that room returns, which is what callers are told … */
  #roomAtMs = 0;
  /** … and when to ask again: a limit that is raised meanwhile must not be hidden for longer than a lease. */
  #askAgainAtMs = 0;
  #queue = new Queue();
  #roomEveryMs = 0;
  #askedAtMs: number | undefined;
  #hasAsked = false;

  /** `name`: no other isolate's. */
  constructor(name: string) {
    this.#name = name;
  }

  /** One exchange wants a permit. */
  take(nowMs: number): Taken {
    // Without this one: at the moment of an exchange every rate looks high.
    this.#rateBefore = this.#rate.perSecond(nowMs);
    this.#rate.add(nowMs);
    return this.look(nowMs);
  }

  /** Whoever found nothing, and looks again. */
  look(nowMs: number): Taken {
    const usableUntilMs = this.#use(nowMs);
    if (usableUntilMs !== undefined) return { tag: 'permit', usableUntilMs };
    if (nowMs < this.#askAgainAtMs) {
      return { tag: 'wait', retryAfterMs: Math.max(this.#roomAtMs, this.#askAgainAtMs) - nowMs };
    }
    return this.#isAsking(nowMs) ? { tag: 'pending' } : { tag: 'ask' };
  }

  /** The question to send now; while it is on its way, whoever else needs a permit waits for what it brings. */
  ask(nowMs: number): Ask {
    this.#dropDead(nowMs);
    this.#askedAtMs = nowMs;
    const ratePerSecond = this.#hasAsked ? this.#rateBefore : 0;
    this.#hasAsked = true;
    const settled = this.#settled;
    this.#settled = [];
    return { asker: this.#name, ratePerSecond, settled };
  }

  /** `askedAtMs`: before the question left; how long it travelled is not known, so all of it is taken off. */
  answered(answer: LeaseAnswer, askedAtMs: number, nowMs: number): void {
    this.#asked(askedAtMs);
    const { permits, retryAfterMs = 0 } = answer;
    this.#roomAtMs = nowMs + retryAfterMs;
    this.#roomEveryMs = answer.roomEveryMs ?? 0;
    const awayMs = permits < 1 ? Math.min(retryAfterMs, LONGEST_LEASE_MS) : retryAfterMs;
    this.#askAgainAtMs = Math.max(this.#askAgainAtMs, nowMs + awayMs);
    if (permits < 1) return;
    const usableUntilMs = askedAtMs + answer.expiresAfterMs - LEASE_MARGIN_MS;
    this.#held.push({ lease: answer.lease, left: permits, usableFromMs: nowMs, usableUntilMs });
    this.#held.sort((one, other) => one.usableUntilMs - other.usableUntilMs);
  }

  /** No answer came: what was to be settled with it is told again, which changes nothing where it arrived. */
  failed(ask: Ask, askedAtMs: number): void {
    this.#asked(askedAtMs);
    this.#settled = [...ask.settled, ...this.#settled].slice(-MAX_SETTLED);
  }

  /** What one caller is told who must wait for so long at the least: one after the other, and each his own moment. */
  comeBackAfterMs(retryAfterMs: number, nowMs: number): number {
    return this.#queue.next(nowMs + retryAfterMs, this.#roomEveryMs) - nowMs;
  }

  /** After a permit was taken: is it time to ask for the next lease, beside the work of this request? */
  shouldRenew(nowMs: number): boolean {
    const last = this.#held.at(-1);
    if (last === undefined || this.#isAsking(nowMs) || nowMs < this.#askAgainAtMs) return false;
    const left = this.#held.reduce((sum, held) => sum + held.left, 0);
    const aheadMs = Math.min(RENEW_AHEAD_MS, (last.usableUntilMs - last.usableFromMs) * RENEW_FRACTION);
    const needed = (this.#rateBefore * aheadMs) / 1_000;
    // A lease of a few permits is asked for anew when it is used up: who exchanges seldom would renew for nobody.
    return needed >= 1 && (left < needed || last.usableUntilMs - nowMs < aheadMs);
  }

  /** Nothing that is held may be used any more, nor is a refusal remembered: all of it is known to be from before a change. */
  drop(): void {
    for (const held of this.#held) this.#settle(held);
    this.#held = [];
    this.#askAgainAtMs = 0;
    this.#queue = new Queue();
  }

  /** An answer that comes after the gate gave up, and somebody asked anew, is not that one's. */
  #asked(askedAtMs: number): void {
    if (this.#askedAtMs === askedAtMs) this.#askedAtMs = undefined;
  }

  /** A question whose asker is gone, its request cut off, is as good as none. */
  #isAsking(nowMs: number): boolean {
    return this.#askedAtMs !== undefined && nowMs < this.#askedAtMs + LOST_QUESTION_MS;
  }

  #use(nowMs: number): number | undefined {
    this.#dropDead(nowMs);
    const [first] = this.#held;
    if (first === undefined) return undefined;
    first.left -= 1;
    return first.usableUntilMs;
  }

  #dropDead(nowMs: number): void {
    this.#held = this.#held.filter((held) => {
      const isAlive = held.left > 0 && nowMs < held.usableUntilMs;
      if (!isAlive) this.#settle(held);
      return isAlive;
    });
  }

  #settle({ lease, left }: Held): void {
    if (left > 0) this.#settled = [...this.#settled, { lease, unused: left }].slice(-MAX_SETTLED);
  }
}

/** What one isolate holds of one limit: leases that it spends by itself, and when it may or must ask again. */
import type { Ask, Settlement } from './desk.ts';
import { DecayingRate } from './decaying.ts';
import { LEASE_MARGIN_MS } from './numbers.ts';

export interface LeaseAnswer {
  readonly permits: number;
  readonly lease: string;
  readonly expiresAfterMs: number;
  readonly retryAfterMs?: number;
}

interface Held {
  readonly lease: string;
  left: number;
  readonly usableFromMs: number;
  readonly usableUntilMs: number;
}

export type Taken =
  /** May be spent while the isolate's clock is before this. */
  | { readonly tag: 'permit'; readonly usableUntilMs: number }
  | { readonly tag: 'wait'; readonly retryAfterMs: number }
  /** Somebody else's question is on its way; look again in a moment. */
  | { readonly tag: 'pending' }
  | { readonly tag: 'ask' };

/** A renewal is asked for when so much of the need of its journey is all that is left. */
const RENEW_AHEAD_MS = 1_000;
const RENEW_FRACTION = 0.3;
const MAX_SETTLED = 50;
const RATE_MEMORY_MS = 5_000;
const LOST_QUESTION_MS = 2_000;

export class LeaseHolder {
  readonly #name: string;
  readonly #rate = new DecayingRate(RATE_MEMORY_MS);
  #held: Held[] = [];
  #settled: Settlement[] = [];
  #waitUntilMs = 0;
  #askedAtMs: number | undefined;
  #firstTakenMs: number | undefined;
  #hasAsked = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** One exchange wants a permit. */
  take(nowMs: number): Taken {
    this.#firstTakenMs ??= nowMs;
    this.#rate.add(1, nowMs);
    return this.look(nowMs);
  }

  /** Whoever found nothing, and looks again. */
  look(nowMs: number): Taken {
    const usableUntilMs = this.use(nowMs);
    if (usableUntilMs !== undefined) return { tag: 'permit', usableUntilMs };
    if (nowMs < this.#waitUntilMs) return { tag: 'wait', retryAfterMs: this.#waitUntilMs - nowMs };
    return this.#isAsking(nowMs) ? { tag: 'pending' } : { tag: 'ask' };
  }

  /** One permit of what is held, or nothing: for who has asked and was answered. */
  use(nowMs: number): number | undefined {
    this.#dropDead(nowMs);
    const first = this.#held[0];
    if (first === undefined) return undefined;
    first.left -= 1;
    return first.usableUntilMs;
  }

  /** The question to send now; while it is on its way, whoever else needs a permit waits for what it brings. */
  ask(nowMs: number): Ask {
    this.#askedAtMs = nowMs;
    const ratePerSecond = this.#hasAsked ? this.#ratePerSecond(nowMs) : 0;
    this.#hasAsked = true;
    const settled = this.#settled;
    this.#settled = [];
    return { asker: this.#name, ratePerSecond, settled };
  }

  /** `askedAtMs`: before the question left; how long it travelled is not known, so all of it is taken off. */
  answered(answer: LeaseAnswer, askedAtMs: number, nowMs: number): void {
    this.#askedAtMs = undefined;
    if (answer.retryAfterMs !== undefined) this.#waitUntilMs = Math.max(this.#waitUntilMs, nowMs + answer.retryAfterMs);
    if (answer.permits < 1) return;
    const usableUntilMs = askedAtMs + answer.expiresAfterMs - LEASE_MARGIN_MS;
    this.#held.push({ lease: answer.lease, left: answer.permits, usableFromMs: nowMs, usableUntilMs });
    this.#held.sort((one, other) => one.usableUntilMs - other.usableUntilMs);
  }

  /** No answer came: what was to be settled with it is told again, which changes nothing where it arrived. */
  failed(ask: Ask): void {
    this.#askedAtMs = undefined;
    this.#settled = [...ask.settled, ...this.#settled].slice(0, MAX_SETTLED);
  }

  /** After a permit was taken: is it time to ask for the next lease, beside the work of this request? */
  shouldRenew(nowMs: number): boolean {
    const left = this.#held.reduce((sum, held) => sum + held.left, 0);
    const last = this.#held.at(-1);
    if (last === undefined || this.#isAsking(nowMs) || nowMs < this.#waitUntilMs) return false;
    const aheadMs = Math.min(RENEW_AHEAD_MS, (last.usableUntilMs - last.usableFromMs) * RENEW_FRACTION);
    const needed = (this.#ratePerSecond(nowMs) * aheadMs) / 1_000;
    // A lease of a few permits is asked for anew when it is used up: who exchanges seldom would renew for nobody.
    return needed >= 1 && (left < needed || last.usableUntilMs - nowMs < aheadMs);
  }

  /** Nothing that is held may be used any more: it is known to be from before a change. */
  drop(): void {
    for (const held of this.#held) this.#settle(held);
    this.#held = [];
  }

  /** A question whose asker is gone, its request cut off, is as good as none. */
  #isAsking(nowMs: number): boolean {
    return this.#askedAtMs !== undefined && nowMs < this.#askedAtMs + LOST_QUESTION_MS;
  }

  /** An isolate that began a moment ago has seen little because it began a moment ago. */
  #ratePerSecond(nowMs: number): number {
    const sinceMs = Math.max(500, nowMs - (this.#firstTakenMs ?? nowMs));
    return this.#rate.perSecond(nowMs) * Math.max(1, RATE_MEMORY_MS / Math.min(sinceMs, RATE_MEMORY_MS));
  }

  #dropDead(nowMs: number): void {
    this.#held = this.#held.filter((held) => {
      const isAlive = held.left > 0 && nowMs < held.usableUntilMs;
      if (!isAlive) this.#settle(held);
      return isAlive;
    });
  }

  #settle({ lease, left }: Held): void {
    if (left > 0) this.#settled.push({ lease, unused: left });
    if (this.#settled.length > MAX_SETTLED) this.#settled.shift();
  }
}

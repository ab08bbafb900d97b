/** What the Worker asks of quota: from the isolate's own leases where it can, else of the project's object; closed by default. */
import { BoundedMap } from '../../core/bounded-map.ts';
import { type Denial, unverified } from '../../core/denial.ts';
import type { EpochNews } from '../../core/news.ts';
import type { NoPermit, OnceMarker, Permit } from '../../core/ports.ts';
import { LeaseHolder } from '../../core/quota/holder.ts';
import { LEASE_MARGIN_MS } from '../../core/quota/numbers.ts';
import type { SpendOnce } from '../../core/quota/once.ts';
import type { SpendAnswer, SpendAsk } from '../../core/quota/spend.ts';
import type { RecentBatch } from '../../core/recent.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type Asking, ask, atMostTwice, type QuotaObjects } from './asking.ts';
import { sentAgain } from './recent-buffer.ts';
import { type Cargo, NO_CARGO } from './recent-sender.ts';
import type { QuotaUsage } from './store.ts';

export interface QuotaGate {
  /**
   * One permit, or `over_quota` with the news, or `unavailable`. It may be spent while the isolate's clock is before `usableUntilMs`.
   * With `marker` a token is taken as well, and one that was taken before is a replay.
   */
  spend(projectNumber: string, marker?: OnceMarker): Promise<Result<Permit, NoPermit>>;
  /** Epoch 0: the project does not exist. */
  news(projectNumber: string): Promise<Result<EpochNews, Denial>>;
  /** Something of this project has changed just now: what is held is from before, and the next exchange asks anew. */
  drop(projectNumber: string): void;
  usage(projectNumber: string): Promise<Result<QuotaUsage, Denial>>;
  /** Does any quota object answer? Says nothing of a project. */
  ping(): Promise<boolean>;
}

export interface GateOptions {
  /** What questions take along. */
  readonly cargo?: Cargo;
  readonly wait?: (ms: number) => Promise<void>;
  /** Goes on when the request that began it has been answered. */
  readonly inBackground?: (work: Promise<void>) => void;
}

/** What an isolate holds of one project. */
interface Held {
  readonly holder: LeaseHolder;
  /** The newest that any answer told. */
  news: EpochNews | undefined;
}

const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'quota' };
/** A token is dead from its `exp` on; clocks that differ, and whatever else is late, have this much. */
const MARK_KEPT_MS = 60_000;
/** Not digits, so never a project's object. */
const PING_NAME = 'ping';
const MAX_PROJECTS = 1_000;
/** While another request's question is on its way: nothing but time can be waited for, for no request may wait for another's answer. */
const LOOK_AGAIN_MS = 20;
const PATIENCE_MS = 2_500;

/** `nowMs` is the isolate's clock, the one that `admittedAtMs` is read from. */
export function createQuotaGate(
  namespace: QuotaObjects,
  nowMs: () => number,
  { cargo = NO_CARGO, wait = sleep, inBackground = () => undefined }: GateOptions = {},
): QuotaGate {
  const projects = new BoundedMap<Held>(MAX_PROJECTS);

  function heldOf(projectNumber: string): Held {
    const known = projects.get(projectNumber);
    if (known !== undefined) return known;
    const fresh: Held = { holder: new LeaseHolder(crypto.randomUUID()), news: undefined };
    projects.set(projectNumber, fresh);
    return fresh;
  }

  function learn(projectNumber: string, { epoch, recent }: EpochNews): EpochNews {
    const held = heldOf(projectNumber);
    if (held.news === undefined || epoch >= held.news.epoch) held.news = { epoch, recent };
    return held.news;
  }

  async function fromLeases(projectNumber: string): Promise<Result<Permit, NoPermit>> {
    const held = heldOf(projectNumber);
    const { holder } = held;
    const untilMs = nowMs() + PATIENCE_MS;
    for (let taken = holder.take(nowMs()); ; taken = holder.look(nowMs())) {
      if (taken.tag === 'permit' && held.news !== undefined) {
        if (holder.shouldRenew(nowMs())) inBackground(fill(projectNumber).then(() => undefined));
        return ok({ news: held.news, usableUntilMs: taken.usableUntilMs });
      }
      if (taken.tag === 'wait') {
        return err({ denial: overQuota(taken.retryAfterMs), ...(held.news === undefined ? {} : { news: held.news }) });
      }
      if (nowMs() >= untilMs) return err({ denial: UNAVAILABLE });
      if (taken.tag === 'pending') await wait(LOOK_AGAIN_MS);
      // Without an answer there is no use in asking on and on: whoever comes next tries again.
      else if (!(await fill(projectNumber))) return err({ denial: UNAVAILABLE });
    }
  }

  /** One question for a lease; false where nobody answered. */
  async function fill(projectNumber: string): Promise<boolean> {
    const { holder } = heldOf(projectNumber);
    // Read before the asking: how long the question travelled is not known, so all of it is taken off the lease's life.
    const askedAtMs = nowMs();
    const question = holder.ask(askedAtMs);
    const asking = await carrying(projectNumber, (recent) =>
      ask(namespace, projectNumber, (stub) => stub.spend(question, recent)),
    );
    if (asking.came !== 'answer') {
      holder.failed(question);
      return false;
    }
    learn(projectNumber, asking.answer);
    holder.answered(asking.answer, askedAtMs, nowMs());
    return true;
  }

  /** A token that is taken once is marked where it is counted, so it is always asked about. */
  async function taking(projectNumber: string, marker: OnceMarker): Promise<Result<Permit, NoPermit>> {
    // One nonce for both askings: the first may have been granted though its answer was lost, and we are no replay of ourselves.
    const question: SpendAsk = { asker: '', ratePerSecond: 0, settled: [], once: await onceOf(marker) };
    const asking = await carrying(projectNumber, async (recent): Promise<Asking<Result<Permit, NoPermit>>> => {
      const askedAtMs = nowMs();
      const came = await ask(namespace, projectNumber, (stub) => stub.spend(question, recent));
      return came.came === 'answer' ? judged(projectNumber, came.answer, askedAtMs) : came;
    });
    return asking.came === 'answer' ? asking.answer : err({ denial: UNAVAILABLE });
  }

  function judged(projectNumber: string, answer: SpendAnswer, askedAtMs: number): Asking<Result<Permit, NoPermit>> {
    const news = learn(projectNumber, answer);
    if (answer.replayed === true) return { came: 'answer', answer: err({ denial: unverified('replay'), news }) };
    if (answer.permits < 1) return { came: 'answer', answer: err({ denial: overQuota(answer.retryAfterMs), news }) };
    const usableUntilMs = askedAtMs + answer.expiresAfterMs - LEASE_MARGIN_MS;
    // A permit that came too late is lost, and stays counted: using it would break the promise, asking anew does not.
    return nowMs() < usableUntilMs ? { came: 'answer', answer: ok({ news, usableUntilMs }) } : { came: 'again' };
  }

  /** Both askings take the same; what neither brought to an answer comes back. */
  async function carrying<T>(
    projectNumber: string,
    asking: (recent: RecentBatch | undefined) => Promise<Asking<T>>,
  ): Promise<Asking<T>> {
    const recent = cargo.take(projectNumber);
    let sent = recent;
    const came = await atMostTwice(async () => {
      const taken = sent;
      sent = taken && sentAgain(taken);
      return asking(taken);
    });
    if (recent !== undefined && came.came !== 'answer') cargo.putBack(projectNumber, recent);
    return came;
  }

  return {
    spend: (projectNumber, marker) =>
      marker === undefined ? fromLeases(projectNumber) : taking(projectNumber, marker),
    async news(projectNumber) {
      const asking = await carrying(projectNumber, (recent) =>
        ask(namespace, projectNumber, (stub) => stub.news(recent)),
      );
      return asking.came === 'answer' ? ok(learn(projectNumber, asking.answer)) : err(UNAVAILABLE);
    },
    drop: (projectNumber) => projects.get(projectNumber)?.holder.drop(),
    async usage(projectNumber) {
      const asking = await atMostTwice(() => ask(namespace, projectNumber, (stub) => stub.usage()));
      return asking.came === 'answer' ? ok(asking.answer) : err(UNAVAILABLE);
    },
    async ping() {
      return (await atMostTwice(() => ask(namespace, PING_NAME, (stub) => stub.ping()))).came === 'answer';
    },
  };
}

async function onceOf({ key, untilSeconds }: OnceMarker): Promise<SpendOnce> {
  return {
    keyHash: await sha256Hex(key),
    untilMs: untilSeconds * 1_000 + MARK_KEPT_MS,
    nonce: crypto.randomUUID(),
  };
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function overQuota(retryAfterMs = 0): Denial {
  return { tag: 'over_quota', retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000)) };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

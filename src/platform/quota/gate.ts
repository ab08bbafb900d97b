/** What the Worker asks of quota, closed by default: an object that is away, slow or overloaded gives no permit. */
import { type Denial, unverified } from '../../core/denial.ts';
import type { EpochNews } from '../../core/news.ts';
import type { NoPermit, OnceMarker, Permit } from '../../core/ports.ts';
import { PERMIT_MARGIN_MS } from '../../core/quota.ts';
import type { SpendOnce } from '../../core/quota-once.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { within } from '../within.ts';
import type { RecentBatch } from '../../core/recent.ts';
import type { Quota } from './object.ts';
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
  usage(projectNumber: string): Promise<Result<QuotaUsage, Denial>>;
  /** Does any quota object answer? Says nothing of a project. */
  ping(): Promise<boolean>;
}

type Stub = Pick<Quota, 'spend' | 'news' | 'usage' | 'ping'>;

/** As much of `DurableObjectNamespace<Quota>` as the gate uses. */
export interface QuotaObjects {
  getByName(name: string): Stub;
}

/** What one asking brought; `again` where asking once more may help. */
type Asking<T> = { readonly came: 'answer'; readonly answer: T } | { readonly came: 'again' | 'nothing' };

/** Longer than a permit's life: an answer that takes this long is of no use. */
const ANSWER_BUDGET_MS = 2_000;
const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'quota' };
/** A token is dead from its `exp` on; clocks that differ, and whatever else is late, have this much. */
const MARK_KEPT_MS = 60_000;
/** Not digits, so never a project's object. */
const PING_NAME = 'ping';

/** `nowMs` is the isolate's clock, the one that `admittedAtMs` is read from. `cargo`: what questions take along. */
export function createQuotaGate(namespace: QuotaObjects, nowMs: () => number, cargo: Cargo = NO_CARGO): QuotaGate {
  async function askForPermit(
    projectNumber: string,
    once: SpendOnce | undefined,
    taken: RecentBatch | undefined,
  ): Promise<Asking<Result<Permit, NoPermit>>> {
    // Read before the asking: how long the question travelled is not known, so all of it is taken off the permit's life.
    const askedAtMs = nowMs();
    const asking = await ask(namespace, projectNumber, (stub) => stub.spend(once, taken));
    if (asking.came !== 'answer') return asking;
    const { permits, expiresAfterMs, epoch, recent, retryAfterMs, replayed } = asking.answer;
    const news: EpochNews = { epoch, recent };
    if (replayed === true) return answered(err({ denial: unverified('replay'), news }));
    if (permits < 1) return answered(err({ denial: overQuota(retryAfterMs), news }));
    const usableUntilMs = askedAtMs + expiresAfterMs - PERMIT_MARGIN_MS;
    // A permit that came too late is lost, and stays counted: using it would break the promise, asking anew does not.
    return nowMs() < usableUntilMs ? answered(ok({ news, usableUntilMs })) : { came: 'again' };
  }

  async function read<T>(name: string, question: (stub: Stub) => Promise<T>): Promise<Result<T, Denial>> {
    const asking = await atMostTwice(() => ask(namespace, name, question));
    return asking.came === 'answer' ? ok(asking.answer) : err(UNAVAILABLE);
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
    async spend(projectNumber, marker) {
      // One nonce for both askings: the first may have been granted though its answer was lost, and we are no replay of ourselves.
      const once = marker && (await onceOf(marker));
      const asking = await carrying(projectNumber, (recent) => askForPermit(projectNumber, once, recent));
      return asking.came === 'answer' ? asking.answer : err({ denial: UNAVAILABLE });
    },
    async news(projectNumber) {
      const asking = await carrying(projectNumber, (recent) =>
        ask(namespace, projectNumber, (stub) => stub.news(recent)),
      );
      return asking.came === 'answer' ? ok(asking.answer) : err(UNAVAILABLE);
    },
    usage: (projectNumber) => read(projectNumber, (stub) => stub.usage()),
    async ping() {
      return (await read(PING_NAME, (stub) => stub.ping())).ok;
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

async function atMostTwice<T>(once: () => Promise<Asking<T>>): Promise<Asking<T>> {
  const first = await once();
  return first.came === 'again' ? once() : first;
}

/** One question over a stub of its own: a stub whose object broke stays broken. Every fault is an absence, never an exception. */
async function ask<T>(namespace: QuotaObjects, name: string, question: (stub: Stub) => Promise<T>): Promise<Asking<T>> {
  try {
    return answered(await within(ANSWER_BUDGET_MS, question(namespace.getByName(name))));
  } catch (fault) {
    return { came: isRetryable(fault) ? 'again' : 'nothing' };
  }
}

/** As the platform marks its own faults. An overloaded object is left alone: asking again would make it worse. */
function isRetryable(fault: unknown): boolean {
  const { retryable, overloaded } = (fault ?? {}) as { readonly retryable?: unknown; readonly overloaded?: unknown };
  return retryable === true && overloaded !== true;
}

function answered<T>(answer: T): Asking<T> {
  return { came: 'answer', answer };
}

function overQuota(retryAfterMs = 0): Denial {
  return { tag: 'over_quota', retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000)) };
}

/** What the Worker asks of quota, closed by default: an object that is away, slow or overloaded gives no permit. */
import type { Denial } from '../../core/denial.ts';
import type { EpochNews } from '../../core/news.ts';
import type { Permit } from '../../core/ports.ts';
import { PERMIT_MARGIN_MS } from '../../core/quota.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { within } from '../within.ts';
import type { Quota } from './object.ts';
import type { QuotaUsage } from './store.ts';

export interface QuotaGate {
  /** One permit, or `over_quota` with the news, or `unavailable`. It may be spent while the isolate's clock is before `usableUntilMs`. */
  spend(projectNumber: string): Promise<Result<Permit, QuotaDenial>>;
  /** Epoch 0: the project does not exist. */
  news(projectNumber: string): Promise<Result<EpochNews, Denial>>;
  usage(projectNumber: string): Promise<Result<QuotaUsage, Denial>>;
  /** Does any quota object answer? Says nothing of a project. */
  ping(): Promise<boolean>;
}

/** Why no permit came. Being over quota still carries the news: a change of configuration must reach isolates that are refused, too. */
export interface QuotaDenial {
  readonly denial: Denial;
  readonly news?: EpochNews;
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
/** Not digits, so never a project's object. */
const PING_NAME = 'ping';

/** `nowMs` is the isolate's clock, the one that `admittedAtMs` is read from. */
export function createQuotaGate(namespace: QuotaObjects, nowMs: () => number): QuotaGate {
  async function spendOnce(projectNumber: string): Promise<Asking<Result<Permit, QuotaDenial>>> {
    // Read before the asking: how long the question travelled is not known, so all of it is taken off the permit's life.
    const askedAtMs = nowMs();
    const asking = await ask(namespace, projectNumber, (stub) => stub.spend());
    if (asking.came !== 'answer') return asking;
    const { permits, expiresAfterMs, epoch, recent, retryAfterMs } = asking.answer;
    const news: EpochNews = { epoch, recent };
    if (permits < 1) return answered(err({ denial: overQuota(retryAfterMs), news }));
    const usableUntilMs = askedAtMs + expiresAfterMs - PERMIT_MARGIN_MS;
    // A permit that came too late is lost, and stays counted: using it would break the promise, asking anew does not.
    return nowMs() < usableUntilMs ? answered(ok({ news, usableUntilMs })) : { came: 'again' };
  }

  async function read<T>(name: string, question: (stub: Stub) => Promise<T>): Promise<Result<T, Denial>> {
    const asking = await atMostTwice(() => ask(namespace, name, question));
    return asking.came === 'answer' ? ok(asking.answer) : err(UNAVAILABLE);
  }

  return {
    async spend(projectNumber) {
      const asking = await atMostTwice(() => spendOnce(projectNumber));
      return asking.came === 'answer' ? asking.answer : err({ denial: UNAVAILABLE });
    },
    news: (projectNumber) => read(projectNumber, (stub) => stub.news()),
    usage: (projectNumber) => read(projectNumber, (stub) => stub.usage()),
    async ping() {
      return (await read(PING_NAME, (stub) => stub.ping())).ok;
    },
  };
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

/** One question to a Quota object: every fault is an absence, never an exception, and whether asking again may help. */
import { within } from '../within.ts';
import type { Quota } from './object.ts';

type Stub = Pick<Quota, 'spend' | 'news' | 'usage' | 'ping'>;

/** As much of `DurableObjectNamespace<Quota>` as the gate uses. */
export interface QuotaObjects {
  getByName(name: string): Stub;
}

/** What one asking brought; `again` where asking once more may help. */
export type Asking<T> = { readonly came: 'answer'; readonly answer: T } | { readonly came: 'again' | 'nothing' };

/** A caller waits for it: an answer that takes this long is of no use to him. */
const ANSWER_BUDGET_MS = 2_000;

export async function atMostTwice<T>(once: () => Promise<Asking<T>>): Promise<Asking<T>> {
  const first = await once();
  return first.came === 'again' ? once() : first;
}

/** Over a stub of its own: a stub whose object broke stays broken. */
export async function ask<T>(
  namespace: QuotaObjects,
  name: string,
  question: (stub: Stub) => Promise<T>,
): Promise<Asking<T>> {
  try {
    return { came: 'answer', answer: await within(ANSWER_BUDGET_MS, question(namespace.getByName(name))) };
  } catch (fault) {
    return { came: isRetryable(fault) ? 'again' : 'nothing' };
  }
}

/** As the platform marks its own faults. An overloaded object is left alone: asking again would make it worse. */
function isRetryable(fault: unknown): boolean {
  const { retryable, overloaded } = (fault ?? {}) as { readonly retryable?: unknown; readonly overloaded?: unknown };
  return retryable === true && overloaded !== true;
}

/** Permits that an exchange asks for itself, never from a lease: counted in limits that are not the project's, and a token is marked as taken where its unit is counted. */
import { type Denial, unverified } from '../../core/denial.ts';
import type { NoPermit, OnceMarker, Permit, SpendAlone } from '../../core/ports.ts';
import { LEASE_MARGIN_MS } from '../../core/quota/numbers.ts';
import type { SpendOnce } from '../../core/quota/once.ts';
import { limitOf } from '../../core/quota/own-limits.ts';
import type { SpendAnswer, SpendAsk } from '../../core/quota/spend.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { ask, type Asking, type QuotaObjects } from './asking.ts';
import { carryingTwice } from './carrying.ts';
import { type Held, learn } from './held.ts';
import { overQuota } from './over-quota.ts';
import type { Cargo } from './recent-sender.ts';

interface AloneDeps {
  readonly namespace: QuotaObjects;
  readonly nowMs: () => number;
  readonly cargo: Cargo;
  /** Whose exchange asks. */
  readonly requestId: string | undefined;
}

const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'quota' };
const PROJECT = 'project';
/** A token is dead from its `exp` on; clocks that differ, and whatever else is late, have this much. */
const MARK_KEPT_MS = 60_000;

export async function askAlone(
  held: Held,
  { limits, once }: SpendAlone,
  deps: AloneDeps,
): Promise<Result<Permit, NoPermit>> {
  const { nowMs, namespace, cargo } = deps;
  const { projectNumber, drops } = held;
  const known = held.news === undefined ? {} : { news: held.news };
  const mark = once === undefined ? undefined : await onceOf(once);
  // Who found a used token must not make the project's object answer him each time.
  if (mark !== undefined && held.replays.get(mark.keyHash)) return err({ denial: unverified('replay'), ...known });
  const refused = held.refusals.find([...limits, PROJECT], nowMs());
  if (refused !== undefined) {
    return err({ denial: overQuota(limitOf(refused.limit), refused.retryAfterMs, refused.limitPerMinute), ...known });
  }
  // One nonce for both askings: the first may have been granted though its answer was lost, and we are no replay of ourselves.
  const question: SpendAsk = {
    asker: '',
    ratePerSecond: 0,
    settled: [],
    atMost: 1,
    limits,
    ...(mark === undefined ? {} : { once: mark }),
  };
  const asking = await carryingTwice(cargo, projectNumber, async (recent) => {
    const askedAtMs = nowMs();
    const came = await ask(namespace, projectNumber, (stub) => stub.spend(question, recent, deps.requestId));
    return came.came === 'answer' ? judged(came.answer, askedAtMs) : came;
  });
  return asking.came === 'answer' ? asking.answer : err({ denial: UNAVAILABLE });

  function judged(answer: SpendAnswer, askedAtMs: number): Asking<Result<Permit, NoPermit>> {
    const news = learn(held, answer);
    cargo.acknowledged(projectNumber, answer.usage);
    if (answer.replayed === true) {
      if (mark !== undefined) held.replays.set(mark.keyHash, true);
      return { came: 'answer', answer: err({ denial: unverified('replay'), news }) };
    }
    if (answer.permits < 1) {
      const { fullLimit = PROJECT, retryAfterMs = 0, fullLimitPerMinute } = answer;
      // What was refused before a change may be granted after it.
      const refusal = { retryAfterMs, roomEveryMs: answer.roomEveryMs ?? 0, limitPerMinute: fullLimitPerMinute };
      if (held.drops === drops) held.refusals.add(fullLimit, refusal, nowMs());
      const told = held.refusals.find([fullLimit], nowMs())?.retryAfterMs ?? retryAfterMs;
      return {
        came: 'answer',
        answer: err({ denial: overQuota(limitOf(fullLimit), told, fullLimitPerMinute), news }),
      };
    }
    const usableUntilMs = askedAtMs + answer.expiresAfterMs - LEASE_MARGIN_MS;
    // A permit that came too late is lost, and stays counted: using it would break the promise, asking anew does not.
    return nowMs() < usableUntilMs ? { came: 'answer', answer: ok({ news, usableUntilMs }) } : { came: 'again' };
  }
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

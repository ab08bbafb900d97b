/** Permits from the isolate's own leases; the project's object is asked where they are used up, and ahead of that beside a request that has its permit. */
import type { Denial } from '../../core/denial.ts';
import type { NoPermit, Permit } from '../../core/ports.ts';
import type { SpendAnswer } from '../../core/quota/spend.ts';
import type { Taken } from '../../core/quota/holder.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Soon } from '../../core/soon.ts';
import { ask, type Asking, type QuotaObjects } from './asking.ts';
import { carrying } from './carrying.ts';
import { type Held, learn } from './held.ts';
import { overQuota } from './over-quota.ts';
import type { Cargo } from './recent-sender.ts';

interface LeaseDeps {
  readonly namespace: QuotaObjects;
  /** The isolate's clock, the one that `admittedAtMs` is read from. */
  readonly nowMs: () => number;
  readonly cargo: Cargo;
  readonly wait: (ms: number) => Promise<void>;
  /** Goes on when the request that began it has been answered, or is cut off. */
  readonly inBackground: (work: Promise<void>) => void;
  /** Whose exchange asks. */
  readonly requestId: string | undefined;
}

const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'quota' };
/** While another request's question is on its way: nothing but time can be waited for, for no request may wait for another's answer. */
const LOOK_AGAIN_MS = 20;
const PATIENCE_MS = 2_500;
const MAX_QUESTIONS = 2;
const RENEW_AFTER_FAILURE_MS = 1_000;

export function takeFromLeases(held: Held, deps: LeaseDeps): Soon<Result<Permit, NoPermit>> {
  const taken = held.holder.take(deps.nowMs());
  return permitOf(taken, held, deps) ?? askedFor(taken, held, deps);
}

/** Undefined where none is at hand. */
function permitOf(taken: Taken, held: Held, deps: LeaseDeps): Result<Permit, never> | undefined {
  if (taken.tag !== 'permit' || held.news === undefined) return undefined;
  const nowMs = deps.nowMs();
  if (nowMs >= held.renewNotBeforeMs && held.holder.shouldRenew(nowMs)) {
    deps.inBackground(askForLease(held, deps).then(() => undefined));
  }
  return ok({ news: held.news, usableUntilMs: taken.usableUntilMs });
}

async function askedFor(first: Taken, held: Held, deps: LeaseDeps): Promise<Result<Permit, NoPermit>> {
  const { holder, failures } = held;
  const { nowMs } = deps;
  const untilMs = nowMs() + PATIENCE_MS;
  let questions = 0;
  for (let taken = first; ; taken = holder.look(nowMs())) {
    const permit = permitOf(taken, held, deps);
    if (permit !== undefined) return permit;
    if (taken.tag === 'wait') return refused(held, taken.retryAfterMs, nowMs());
    if (nowMs() >= untilMs) return err({ denial: UNAVAILABLE });
    if (taken.tag === 'pending') await deps.wait(LOOK_AGAIN_MS);
    else if (held.failures !== failures || questions === MAX_QUESTIONS) return err({ denial: UNAVAILABLE });
    else {
      questions += 1;
      const { drops } = held;
      const asking = await askForLease(held, deps);
      if (asking.came === 'answer') {
        // However late it comes: room does not come from asking. A refusal from before a change says nothing.
        if (asking.answer.permits < 1 && held.drops === drops) {
          return refused(held, asking.answer.retryAfterMs ?? 0, nowMs());
        }
      } else if (asking.came === 'nothing' || questions === MAX_QUESTIONS) {
        held.failures += 1;
        return err({ denial: UNAVAILABLE });
      }
    }
  }
}

/** With the news, for whoever is shut out is to hear that rather than to wait. */
function refused({ holder, news }: Held, retryAfterMs: number, nowMs: number): Result<never, NoPermit> {
  const denial = overQuota('project', holder.comeBackAfterMs(retryAfterMs, nowMs));
  return err({ denial, ...(news === undefined ? {} : { news }) });
}

/** One question. Whatever comes of it is the holder's, also when nobody waits for it any more. */
function askForLease(held: Held, deps: LeaseDeps): Promise<Asking<SpendAnswer>> {
  const { holder, drops, projectNumber } = held;
  // Read before the asking: how long the question travelled is not known, so all of it is taken off the lease's life.
  const askedAtMs = deps.nowMs();
  const question = holder.ask(askedAtMs);
  const answered = (answer: SpendAnswer): void => {
    learn(held, answer);
    deps.cargo.acknowledged(projectNumber, answer.usage);
    holder.answered(answer, askedAtMs, deps.nowMs());
    // Answered before the change that what is held was dropped for, or after it: nobody knows.
    if (held.drops !== drops) holder.drop();
  };
  const asking = carrying(deps.cargo, projectNumber, (recent) =>
    ask(deps.namespace, projectNumber, async (stub) => {
      const answering = stub.spend(question, recent, deps.requestId);
      // Nobody need be waiting any more: a request may be cut off, and an answer that is late may still be used, or settled.
      deps.inBackground(answering.then(answered, () => undefined));
      return answering;
    }),
  );
  return asking.then((came) => {
    if (came.came === 'answer') return came;
    holder.failed(question, askedAtMs);
    held.renewNotBeforeMs = deps.nowMs() + RENEW_AFTER_FAILURE_MS;
    return came;
  });
}

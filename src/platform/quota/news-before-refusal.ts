/** Asks for the epoch before a refusal is said, within budgets: a stranger's refusals must not become a tenant's object calls. */
import type { Denial } from '../../core/denial.ts';
import type { AskNews } from '../../core/ports.ts';
import { ok, type Result } from '../../core/result.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { Budget } from '../budget.ts';
import type { QuotaGate } from './gate.ts';

const MAX_PROJECTS = 1_000;
/** Whoever showed a verified token may be an honest workload that an administrator has let in just now: he is to be let in at once. */
const FOR_VERIFIED = { burst: 200, refillPerSecond: 50, maxKeys: MAX_PROJECTS };
/** One of them that is refused over and over neither keeps the object busy nor uses up what is there for the others. */
const FOR_ONE_PRINCIPAL = { burst: 100, refillPerSecond: 5, maxKeys: 5_000 };
/** Anybody else costs a project one question a second in the long run. */
const FOR_STRANGERS = { burst: 30, refillPerSecond: 1, maxKeys: MAX_PROJECTS };
/** Of public documents only a deleted pool's are refused, and every relying party has them cached: a few seconds are soon enough. */
const FOR_READERS = { burst: 10, refillPerSecond: 0.2, maxKeys: MAX_PROJECTS };
/** Numbers that are no project here, all together: they must not wake an object each. */
const FOR_UNKNOWN_PROJECTS = { burst: 30, refillPerSecond: 1, maxKeys: 1 };

/** `projectExists` asks the directory, the one object for all strangers. */
export function createNewsBeforeRefusal(
  gate: QuotaGate,
  projectExists: (projectNumber: string) => Promise<Result<boolean, Denial>>,
  nowMs: () => number,
): AskNews {
  const budgets = {
    verified: new Budget(FOR_VERIFIED, nowMs),
    stranger: new Budget(FOR_STRANGERS, nowMs),
    reader: new Budget(FOR_READERS, nowMs),
  };
  const principals = new Budget(FOR_ONE_PRINCIPAL, nowMs);
  const unknown = new Budget(FOR_UNKNOWN_PROJECTS, nowMs);
  const known = new BoundedMap<true>(MAX_PROJECTS);

  return async (projectNumber, who, principal) => {
    // Whose pool was found is there: strangers who try out numbers cannot use up what this is asked from.
    const exists = who === 'reader' ? ok(true) : await isKnown(projectNumber);
    if (!exists.ok) return exists;
    const isOftenRefused = principal !== undefined && !principals.take(principal);
    const worthIt = exists.value && !isOftenRefused && budgets[who].take(projectNumber);
    return worthIt ? gate.news(projectNumber) : ok(undefined);
  };

  async function isKnown(projectNumber: string): Promise<Result<boolean, Denial>> {
    if (known.get(projectNumber) !== undefined) return ok(true);
    if (!unknown.take('all')) return ok(false);
    const exists = await projectExists(projectNumber);
    if (exists.ok && exists.value) known.set(projectNumber, true);
    return exists;
  }
}

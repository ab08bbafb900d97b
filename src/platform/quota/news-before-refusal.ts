/**
 * Asks for the epoch before a refusal is said, within budgets: a stranger's refusals must not become a tenant's object calls. A budget is empty only
 * where somebody asked less than a second ago, so who finds it empty takes the answer to that question, and waits for it where it is on its way:
 * of a crowd that comes after a change nobody is refused for having come last.
 */
import type { Denial } from '../../core/denial.ts';
import type { AskNews } from '../../core/ports.ts';
import type { EpochNews } from '../../core/news.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { Budget } from '../budget.ts';
import { InFlight, WaitingRoom } from '../waiting-room.ts';
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

/** Requests that wait at once, in this isolate, for a project's epoch, and for whether there is such a project. */
const PLACES = 200;
const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'quota' };

/** `projectExists` asks the directory, the one object for all strangers. */
export function createNewsBeforeRefusal(
  gate: Pick<QuotaGate, 'news'>,
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
  const lookedFor = new InFlight();
  const asked = new BoundedMap<Asked>(MAX_PROJECTS);
  const [forNews, forProjects] = [new WaitingRoom(PLACES), new WaitingRoom(PLACES)];

  return async (projectNumber, who, principal) => {
    // Whose pool was found is there: strangers who try out numbers cannot use up what this is asked from. Nor does he wait: he gets his documents.
    if (who === 'reader') return budgets.reader.take(projectNumber) ? ask(projectNumber) : ok(undefined);
    const exists = await isKnown(projectNumber);
    if (!exists.ok) return exists;
    if (!exists.value) return ok(undefined);
    const isOftenRefused = principal !== undefined && !principals.take(principal);
    if (!isOftenRefused && budgets[who].take(projectNumber)) return ask(projectNumber);
    const last = asked.get(projectNumber)?.begun ?? 0;
    const heard = await forNews.until(() => {
      const { answered = 0, answer } = asked.get(projectNumber) ?? {};
      return answered >= last ? answer : undefined;
    });
    return heard ?? err(UNAVAILABLE);
  };

  async function ask(projectNumber: string): Promise<Result<EpochNews, Denial>> {
    const one = asked.get(projectNumber) ?? { begun: 0, answered: 0 };
    one.begun += 1;
    asked.set(projectNumber, one);
    const place = one.begun;
    const answer = await gate.news(projectNumber);
    if (place > one.answered) Object.assign(one, { answered: place, answer });
    return answer;
  }

  async function isKnown(projectNumber: string): Promise<Result<boolean, Denial>> {
    if (known.get(projectNumber) !== undefined) return ok(true);
    if (unknown.take('all')) {
      const exists = await lookedFor.during(projectNumber, () => projectExists(projectNumber));
      if (exists.ok && exists.value) known.set(projectNumber, true);
      return exists;
    }
    await forProjects.until(() => (lookedFor.has(projectNumber) ? undefined : true));
    return ok(known.get(projectNumber) !== undefined);
  }
}

/** Of one project: how many questions were begun here, and the newest answer with the place of its question. */
interface Asked {
  begun: number;
  answered: number;
  answer?: Result<EpochNews, Denial>;
}

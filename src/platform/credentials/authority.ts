/** What IAM Credentials asks of the Registry objects: which project an id means, and whether the way to an account is open. */
import type { Impersonable, ImpersonationAsked } from '../../core/admin/authority/impersonation.ts';
import type { Identity } from '../../core/admin/caller.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { Budget } from '../budget.ts';
import { DIRECTORY_NAME, projectRegistryName } from '../object-names.ts';
import type { Registry } from '../registry/object.ts';
import { DIRECTORY_AWAY } from '../standing.ts';
import { within } from '../within.ts';

const PATIENCE_MS = 5_000;
const MAX_PROJECTS = 5_000;
/**
 * Ids that nobody knows are asked for no more often than this: one object answers for all of them. Strangers have a budget of their own, which
 * nobody who said who he is can be kept out by.
 */
const GUESSES = { burst: 60, refillPerSecond: 5, maxKeys: 2 };
type Asker = 'stranger' | 'caller';

export interface Authority {
  /** Unavailable where the budget is empty: not known is not the same as not there. */
  projectNumberOf(projectId: string, asker: Asker): Promise<Result<string | undefined, AdminDenial>>;
  impersonation(
    projectNumber: string,
    identity: Identity,
    asked: ImpersonationAsked,
  ): Promise<Result<Impersonable, AdminDenial>>;
}

export function createAuthority(registry: DurableObjectNamespace<Registry>, nowMs: () => number): Authority {
  // A project keeps its number and its id for ever, and nobody gets either again: what is known stays true.
  const numbers = new BoundedMap<string>(MAX_PROJECTS);
  const guesses = new Budget(GUESSES, nowMs);
  return {
    async projectNumberOf(projectId, asker) {
      const known = numbers.get(projectId);
      if (known !== undefined) return ok(known);
      if (!guesses.take(asker)) return err(DIRECTORY_AWAY);
      return asking(async () => {
        const found = await within(PATIENCE_MS, registry.getByName(DIRECTORY_NAME).findProject(projectId));
        if (found !== undefined) numbers.set(projectId, found.projectNumber);
        return ok(found?.projectNumber);
      });
    },
    impersonation: (projectNumber, identity, asked) =>
      asking(() =>
        within(PATIENCE_MS, registry.getByName(projectRegistryName(projectNumber)).impersonation(identity, asked)),
      ),
  };
}

/** Closed where nobody answers. */
async function asking<T>(question: () => Promise<Result<T, AdminDenial>>): Promise<Result<T, AdminDenial>> {
  try {
    return await question();
  } catch {
    return err(DIRECTORY_AWAY);
  }
}

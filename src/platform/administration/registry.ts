/** What authentication asks of the Registry: the authority, at every request, so that who is shut out is out at the next one. */
import type { HomedIdentity } from '../../core/admin/caller.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { DIRECTORY_NAME } from '../object-names.ts';
import type { Registry } from '../registry/object.ts';
import { DIRECTORY_AWAY, standsAtHome } from '../standing.ts';
import { within } from '../within.ts';
import type { RetiredTokens } from './bootstrap.ts';

const PATIENCE_MS = 5_000;

export function createRetiredTokens(registry: DurableObjectNamespace<Registry>): RetiredTokens {
  return () => asked(() => within(PATIENCE_MS, registry.getByName(DIRECTORY_NAME).retiredTokens()));
}

export function createStands(
  registry: DurableObjectNamespace<Registry>,
): (identity: HomedIdentity) => Promise<Result<boolean, AdminDenial>> {
  return (identity) => asked(() => standsAtHome(registry, identity));
}

/** Closed where nobody answers. */
async function asked<T>(question: () => Promise<T>): Promise<Result<T, AdminDenial>> {
  try {
    return ok(await question());
  } catch {
    return err(DIRECTORY_AWAY);
  }
}

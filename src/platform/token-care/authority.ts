/** What is revoked is written where every endpoint asks whether a token's holder stands: in its project's Registry. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { RoleSession } from '../../core/aws/session.ts';
import type { Denial } from '../../core/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Revocation } from '../../core/token-care/revocation.ts';
import { projectRegistryName } from '../object-names.ts';
import type { Registry } from '../registry/object.ts';
import { DIRECTORY_AWAY } from '../standing.ts';
import { within } from '../within.ts';

const PATIENCE_MS = 5_000;

/** Of a role's session: are its principal's of then revoked? Closed where nobody answers. */
export function createIsSessionRevoked(
  registry: DurableObjectNamespace<Registry>,
): (session: Session) => Promise<Result<boolean, Denial>> {
  return async ({ projectNumber, principal, issuedAtSeconds }) => {
    try {
      const home = registry.getByName(projectRegistryName(projectNumber));
      return ok(await within(PATIENCE_MS, home.isSessionRevoked(principal, issuedAtSeconds)));
    } catch {
      return err({ tag: 'unavailable', dependency: 'configuration' });
    }
  };
}

type Session = Pick<RoleSession, 'projectNumber' | 'principal' | 'issuedAtSeconds'>;

export function createRevoke(
  registry: DurableObjectNamespace<Registry>,
): (projectNumber: string, revocation: Revocation) => Promise<Result<null, AdminDenial>> {
  return async (projectNumber, revocation) => {
    try {
      return await within(PATIENCE_MS, registry.getByName(projectRegistryName(projectNumber)).revoke(revocation));
    } catch {
      return err(DIRECTORY_AWAY);
    }
  };
}

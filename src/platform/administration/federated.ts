/** Callers with a token of ours for the broker itself: whoever shows one is that principal, or that service account, and may do what the policies say. */
import type { AuthenticatedAdmin } from '../../core/admin/authenticated.ts';
import { type HomedIdentity, identityName } from '../../core/admin/caller.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { isForBroker, type VerifyOwnToken } from '../../core/own-token.ts';
import { err, ok, type Result } from '../../core/result.ts';

export interface FederatedOptions {
  readonly publicOrigin: string;
  readonly verifyOwn: VerifyOwnToken;
  /** Of the rows of its own project, as they are now. */
  readonly stands: (identity: HomedIdentity) => Promise<Result<boolean, AdminDenial>>;
}

export function createFederatedAuthenticator(
  options: FederatedOptions,
): (bearer: string) => Promise<Result<AuthenticatedAdmin, AdminDenial>> {
  return async (bearer) => {
    const token = await options.verifyOwn(bearer);
    if (!token.ok || token.value === undefined || !isForBroker(token.value, options.publicOrigin)) {
      return err({ tag: 'bad_credentials' });
    }
    const identity = token.value.holder;
    const stands = await options.stands(identity);
    if (!stands.ok) return stands;
    return stands.value ? ok({ name: identityName(identity), identity }) : err({ tag: 'bad_credentials' });
  };
}

/** Who a request comes from: the bootstrap token, a token of ours, or Cloudflare Access; in that order, and one credential only. */
import type { AuthenticateAdmin, AuthenticatedAdmin } from '../../core/admin/authenticated.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { err, type Result } from '../../core/result.ts';

interface Doors {
  /** Undefined: not its token. */
  readonly bootstrap: (bearer: string) => Promise<Result<AuthenticatedAdmin, AdminDenial> | undefined>;
  readonly federated: (bearer: string) => Promise<Result<AuthenticatedAdmin, AdminDenial>>;
  /** Absent where Cloudflare Access is not configured: its header then counts for nothing. */
  readonly access?: (assertion: string) => Promise<Result<AuthenticatedAdmin, AdminDenial>>;
}

export function createAdminAuthenticator({ bootstrap, federated, access }: Doors): AuthenticateAdmin {
  return async ({ authorization = '', accessAssertion }) => {
    if (authorization.trim() === '') {
      return access === undefined || accessAssertion === undefined
        ? err({ tag: 'unauthenticated' })
        : access(accessAssertion);
    }
    // Whoever sends a token means it: a bad one is not made good by a header that Access adds to every request of a browser.
    const bearer = /^Bearer +([^ ]+)$/i.exec(authorization)?.[1];
    if (bearer === undefined) return err({ tag: 'bad_credentials' });
    return (await bootstrap(bearer)) ?? federated(bearer);
  };
}

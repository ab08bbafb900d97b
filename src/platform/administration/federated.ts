/** Federated callers at the administration: whoever shows a token of ours is known, and has no right yet (403, not 401). */
import { createLocalJWKSet, decodeJwt, type JWK, jwtVerify } from 'jose';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { Denial } from '../../core/denial.ts';
import { err, type Result } from '../../core/result.ts';

type Authenticate = (authorization: string | undefined) => Promise<Result<{ name: string }, AdminDenial>>;

export interface FederatedOptions {
  readonly publicOrigin: string;
  readonly publishedKeys: (
    projectNumber: string,
  ) => Promise<Result<{ readonly keys: readonly JWK[] } | undefined, Denial>>;
  readonly nowMs: () => number;
}

/** Asks `bootstrap` first. Only allow policies could let a federated caller in, and administration by policy does not exist yet. */
export function alsoFederated(bootstrap: Authenticate, options: FederatedOptions): Authenticate {
  return async (authorization) => {
    const verdict = await bootstrap(authorization);
    if (verdict.ok || verdict.error.tag !== 'bad_credentials') return verdict;
    const token = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1] ?? '';
    const isOurs = await verifiesAsOurs(token, options);
    return isOurs ? err({ tag: 'permission_denied', permission: 'any', resource: 'organizations/1' }) : verdict;
  };
}

const ISSUER_PATH = /^\/([1-9][0-9]{5,18})\/[^/]+$/;

/** A token for the broker itself: signed by the ring of the project in its issuer, for our origin, not expired. */
async function verifiesAsOurs(token: string, options: FederatedOptions): Promise<boolean> {
  const { publicOrigin, publishedKeys, nowMs } = options;
  try {
    const issuer = decodeJwt(token).iss ?? '';
    if (!issuer.startsWith(`${publicOrigin}/`)) return false;
    const projectNumber = ISSUER_PATH.exec(issuer.slice(publicOrigin.length))?.[1];
    const keys = projectNumber === undefined ? undefined : await publishedKeys(projectNumber);
    if (keys?.ok !== true || keys.value === undefined) return false;
    await jwtVerify(token, createLocalJWKSet({ keys: [...keys.value.keys] }), {
      issuer,
      audience: publicOrigin,
      typ: 'at+jwt',
      algorithms: ['ES256', 'RS256'],
      requiredClaims: ['exp', 'sub', 'client_id'],
      currentDate: new Date(nowMs()),
    });
    return true;
  } catch {
    return false;
  }
}

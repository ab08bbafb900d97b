/** Federated callers at the administration: whoever shows a token of ours for the broker itself is that principal, and may do what the policies say. */
import { createLocalJWKSet, decodeJwt, type JWK, jwtVerify } from 'jose';
import type { AuthenticatedAdmin } from '../../core/admin/authenticated.ts';
import type { WorkloadIdentity } from '../../core/admin/caller.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { identityIn } from '../../core/broker-claims.ts';
import type { Denial } from '../../core/denial.ts';
import { isJsonObject, parseStrictJson } from '../../core/json.ts';
import { principalIdentifier } from '../../core/principal.ts';
import { err, ok, type Result } from '../../core/result.ts';

export interface FederatedOptions {
  readonly publicOrigin: string;
  readonly publishedKeys: (
    projectNumber: string,
  ) => Promise<Result<{ readonly keys: readonly JWK[] } | undefined, Denial>>;
  /** Of the rows of its own project, as they are now. */
  readonly stands: (identity: WorkloadIdentity) => Promise<Result<boolean, AdminDenial>>;
  readonly nowMs: () => number;
}

export function createFederatedAuthenticator(
  options: FederatedOptions,
): (bearer: string) => Promise<Result<AuthenticatedAdmin, AdminDenial>> {
  return async (bearer) => {
    const identity = await verified(bearer, options);
    if (identity === undefined) return err({ tag: 'bad_credentials' });
    const stands = await options.stands(identity);
    if (!stands.ok) return stands;
    if (!stands.value) return err({ tag: 'bad_credentials' });
    const { principal } = identity;
    return ok({ name: principalIdentifier(principal), identity });
  };
}

const ISSUER_PATH = /^\/([1-9][0-9]{5,18})\/[^/]+$/;

/** A token for the broker itself: signed by the ring of the project in its issuer, for our origin, not expired. */
async function verified(token: string, options: FederatedOptions): Promise<WorkloadIdentity | undefined> {
  const { publicOrigin, publishedKeys, nowMs } = options;
  try {
    const issuer = decodeJwt(token).iss ?? '';
    if (!issuer.startsWith(`${publicOrigin}/`)) return undefined;
    const projectNumber = ISSUER_PATH.exec(issuer.slice(publicOrigin.length))?.[1];
    const keys = projectNumber === undefined ? undefined : await publishedKeys(projectNumber);
    if (keys?.ok !== true || keys.value === undefined) return undefined;
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys.value.keys] }), {
      issuer,
      audience: publicOrigin,
      typ: 'at+jwt',
      algorithms: ['ES256', 'RS256'],
      requiredClaims: ['exp', 'sub', 'client_id'],
      currentDate: new Date(nowMs()),
    });
    const claims = parseStrictJson(JSON.stringify(payload));
    return claims.ok && isJsonObject(claims.value) ? identityIn(claims.value, publicOrigin) : undefined;
  } catch {
    return undefined;
  }
}

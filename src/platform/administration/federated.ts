/** Callers with a token of ours for the broker itself: whoever shows one is that principal, or that service account, and may do what the policies say. */
import { createLocalJWKSet, decodeJwt, type JWK, jwtVerify } from 'jose';
import type { AuthenticatedAdmin } from '../../core/admin/authenticated.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { identityIn } from '../../core/broker-claims.ts';
import type { Denial } from '../../core/denial.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../../core/json.ts';
import { principalIdentifier } from '../../core/principal.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { ringOf } from '../../core/rings.ts';
import { accountIn } from '../../core/service-account-claims.ts';
import type { HomedIdentity } from '../standing.ts';

export interface FederatedOptions {
  readonly publicOrigin: string;
  /** By the name of the ring. */
  readonly publishedKeys: (ring: string) => Promise<Result<{ readonly keys: readonly JWK[] } | undefined, Denial>>;
  /** Of the rows of its own project, as they are now. */
  readonly stands: (identity: HomedIdentity) => Promise<Result<boolean, AdminDenial>>;
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
    return ok({ name: nameOf(identity), identity });
  };
}

function nameOf(identity: HomedIdentity): string {
  return identity.kind === 'workload' ? principalIdentifier(identity.principal) : `serviceAccount:${identity.email}`;
}

/** The first is a pool's, the second that of the project's service accounts: each has its own ring, and its own way to say who its bearer is. */
const POOL_ISSUER = /^\/([1-9][0-9]{5,18})\/[^/]+$/;
const ACCOUNTS_ISSUER = /^\/([1-9][0-9]{5,18})$/;

interface Issuer {
  readonly ring: string;
  readonly identityIn: (claims: JsonObject, publicOrigin: string) => HomedIdentity | undefined;
}

function issuerAt(path: string): Issuer | undefined {
  const [, ofPool] = POOL_ISSUER.exec(path) ?? [];
  if (ofPool !== undefined) return { ring: ringOf.exchanges(ofPool), identityIn };
  const [, ofAccounts] = ACCOUNTS_ISSUER.exec(path) ?? [];
  return ofAccounts === undefined ? undefined : { ring: ringOf.accountTokens(ofAccounts), identityIn: accountIn };
}

/** A token for the broker itself: signed by the ring of its issuer, for our origin, not expired. */
async function verified(token: string, options: FederatedOptions): Promise<HomedIdentity | undefined> {
  const { publicOrigin, publishedKeys, nowMs } = options;
  try {
    const issuer = decodeJwt(token).iss ?? '';
    if (!issuer.startsWith(`${publicOrigin}/`)) return undefined;
    const known = issuerAt(issuer.slice(publicOrigin.length));
    const keys = known === undefined ? undefined : await publishedKeys(known.ring);
    if (known === undefined || keys?.ok !== true || keys.value === undefined) return undefined;
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys.value.keys] }), {
      issuer,
      audience: publicOrigin,
      typ: 'at+jwt',
      algorithms: ['ES256', 'RS256'],
      requiredClaims: ['exp', 'sub', 'client_id'],
      currentDate: new Date(nowMs()),
    });
    const claims = parseStrictJson(JSON.stringify(payload));
    return claims.ok && isJsonObject(claims.value) ? known.identityIn(claims.value, publicOrigin) : undefined;
  } catch {
    return undefined;
  }
}

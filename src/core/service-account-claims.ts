/**
 * What a service account's tokens say. The access token is for the broker itself and is known again here; the ID token is for whoever its
 * audience is and opens nothing here: its `typ` is another one, and every endpoint asks for it.
 */
import { type AccessBoundary, boundaryClaim } from './access-boundary.ts';
import type { Actor, ServiceAccountIdentity } from './admin/caller.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { parseServiceAccountEmail, projectOfUniqueId } from './names.ts';
import { OWN_CLAIM } from './own-claim.ts';
import type { ServiceAccount } from './resources.ts';
import { limitsIn } from './token-limits.ts';

/** Of every token that is minted for an account of this project; never a pool's. */
export function accountIssuer(publicOrigin: string, projectNumber: string): string {
  return `${publicOrigin}/${projectNumber}`;
}

export interface AccessTokenOf {
  readonly publicOrigin: string;
  readonly projectNumber: string;
  readonly account: ServiceAccount;
  readonly scopes: readonly string[];
  readonly actor: Actor;
  /** Of the token that began the chain: it goes along. */
  readonly boundary?: AccessBoundary;
  readonly tokenId: string;
  readonly nowSeconds: number;
  readonly expiresAtSeconds: number;
}

export function accessTokenClaims(of: AccessTokenOf): JsonObject {
  const { publicOrigin, projectNumber, account, scopes, actor, tokenId, nowSeconds, expiresAtSeconds } = of;
  return {
    iss: accountIssuer(publicOrigin, projectNumber),
    sub: account.uniqueId,
    aud: publicOrigin,
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: expiresAtSeconds,
    jti: tokenId,
    client_id: account.uniqueId,
    email: account.email,
    principal: `serviceAccount:${account.email}`,
    scope: scopes.join(' '),
    act: actClaim(actor),
    ...(of.boundary === undefined ? {} : { [OWN_CLAIM]: { boundary: boundaryClaim(of.boundary) } }),
  };
}

export interface IdTokenOf extends Omit<AccessTokenOf, 'scopes' | 'actor' | 'boundary'> {
  readonly audience: string;
  readonly includeEmail: boolean;
  /** Google's clients ask for it without saying so in their documents. */
  readonly useEmailAzp: boolean;
}

export function idTokenClaims(of: IdTokenOf): JsonObject {
  const { publicOrigin, projectNumber, account, audience, tokenId, nowSeconds, expiresAtSeconds } = of;
  return {
    iss: accountIssuer(publicOrigin, projectNumber),
    sub: account.uniqueId,
    azp: of.useEmailAzp ? account.email : account.uniqueId,
    aud: audience,
    iat: nowSeconds,
    exp: expiresAtSeconds,
    jti: tokenId,
    ...(of.includeEmail ? { email: account.email, email_verified: true } : {}),
  };
}

/** Of the verified claims of an access token; undefined where they do not fit together. */
export function accountIn(claims: JsonObject, publicOrigin: string): ServiceAccountIdentity | undefined {
  const { iss, sub, email, scope } = claims;
  if (typeof sub !== 'string' || typeof email !== 'string' || typeof scope !== 'string') return undefined;
  const projectNumber = projectOfUniqueId(sub);
  const named = parseServiceAccountEmail(email);
  const limits = limitsIn(claims);
  if (projectNumber === undefined || named === undefined || limits?.token === undefined) return undefined;
  if (iss !== accountIssuer(publicOrigin, projectNumber)) return undefined;
  const actor = actorIn(claims['act']);
  return {
    kind: 'serviceAccount',
    projectNumber,
    accountId: named.accountId,
    uniqueId: sub,
    email,
    ...(actor === undefined ? {} : { actor }),
    ...limits,
    token: { ...limits.token, scopes: scope.split(' ').filter((one) => one !== '') },
  };
}

function actClaim({ sub, act }: Actor): JsonObject {
  return act === undefined ? { sub } : { sub, act: actClaim(act) };
}

function actorIn(claim: JsonValue | undefined): Actor | undefined {
  if (!isJsonObject(claim) || typeof claim['sub'] !== 'string') return undefined;
  const act = actorIn(claim['act']);
  return act === undefined ? { sub: claim['sub'] } : { sub: claim['sub'], act };
}

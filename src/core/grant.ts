/** The decision, complete: for whom the token is, what it carries and how long it may live. Nothing is spent or signed before it stands. */
import type { Denial } from './denial.ts';
import { brokerClaims } from './broker-claims.ts';
import { type HeldRole, mayExchange, standingOnTarget } from './iam.ts';
import { inOnePiece } from './in-one-piece.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import { type Principal, principalIdentifier } from './principal.ts';
import { providerName } from './names.ts';
import type { Shards, SigningAlgorithm } from './resources.ts';
import { err, ok, type Result } from './result.ts';

export interface Grant {
  readonly principal: Principal;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly targetId?: string;
  /** The first binding that let the principal in. */
  readonly binding?: string;
  readonly alg: SigningAlgorithm;
  readonly typ: 'at+jwt' | 'JWT';
  /** The token is dead from this second on, whatever else allows more: end of the subject token or of a condition. */
  readonly notAfterSeconds: number;
  readonly maxLifetimeSeconds: number;
}

const MAX_LIFETIME_SECONDS = 3_600;
/** A role about to end would make the whole token end with it; it is left out where another one lasts. */
const SHORT_ROLE_SECONDS = 60;

/** Minting comes after the quota's answer: conditions are looked at this much further, so that waiting does not shorten the token. */
const UNTIL_MINTED_SECONDS = 10;

/** Without a target: a token for the broker itself, with no role and no right; every endpoint authorises it afresh. */
export function grantForBroker(
  principal: Principal,
  project: Shards['project'],
  publicOrigin: string,
  compiler: PolicyCompiler,
  subjectExpiresAtSeconds: number,
  nowSeconds: number,
): Result<Grant, Denial> {
  const maxSeconds = Math.min(MAX_LIFETIME_SECONDS + UNTIL_MINTED_SECONDS, subjectExpiresAtSeconds - nowSeconds);
  const { forSeconds, deniedBy } = mayExchange(principal, project, compiler, nowSeconds, maxSeconds);
  if (deniedBy !== undefined) return err({ tag: 'denied_by_policy', rule: deniedBy });
  return ok({
    principal,
    audience: publicOrigin,
    scopes: [],
    roles: [],
    alg: 'ES256',
    typ: 'at+jwt',
    notAfterSeconds: Math.min(subjectExpiresAtSeconds, nowSeconds + forSeconds),
    maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
  });
}

export function grantForTarget(
  principal: Principal,
  project: Shards['project'],
  target: Shards['target'],
  askedScopes: readonly string[],
  compiler: PolicyCompiler,
  subjectExpiresAtSeconds: number,
  nowSeconds: number,
): Result<Grant, Denial> {
  const { target: row } = target;
  const maxLifetimeSeconds = Math.min(MAX_LIFETIME_SECONDS, row.maxLifetimeSeconds);
  const maxSeconds = Math.min(maxLifetimeSeconds + UNTIL_MINTED_SECONDS, subjectExpiresAtSeconds - nowSeconds);
  const { held, why, deniedBy } = standingOnTarget(principal, project, target, compiler, nowSeconds, maxSeconds);
  if (held.length === 0) {
    // Only who would be let in otherwise hears of a deny: to anybody else the target must look as if it were not there.
    return deniedBy === undefined
      ? err({ tag: 'not_granted', target: row.targetId, why })
      : err({ tag: 'denied_by_policy', rule: deniedBy });
  }
  const carried = lasting(held);
  const runSeconds = Math.min(...carried.map((role) => role.holdsForSeconds));
  return ok({
    principal,
    audience: row.uri,
    scopes: askedScopes.filter((scope) => row.allowedScopes.includes(scope)),
    roles: carried.map((role) => role.role),
    targetId: row.targetId,
    binding: carried[0]?.binding ?? '',
    alg: row.tokenSigningAlg,
    typ: row.tokenType,
    notAfterSeconds: Math.min(subjectExpiresAtSeconds, nowSeconds + runSeconds),
    maxLifetimeSeconds,
  });
}

function lasting(held: readonly HeldRole[]): readonly HeldRole[] {
  const long = held.filter((role) => role.holdsForSeconds >= SHORT_ROLE_SECONDS);
  return long.length > 0 ? long : held;
}

/** The claims of the minted token (CONTRACT "Token"; JSON leaves out what is undefined), or undefined where no whole second of life is left. */
export function claimsOf(
  grant: Grant,
  publicOrigin: string,
  tokenId: string,
  nowSeconds: number,
): Readonly<Record<string, unknown> & { exp: number }> | undefined {
  const exp = Math.min(grant.notAfterSeconds, nowSeconds + grant.maxLifetimeSeconds);
  if (exp - nowSeconds < 1) return undefined;
  const { principal } = grant;
  const { kubernetes } = principal;
  return {
    iss: inOnePiece(publicOrigin, '/', principal.provider.projectNumber, '/', principal.provider.poolId),
    sub: principal.subject,
    aud: grant.audience,
    iat: nowSeconds,
    nbf: nowSeconds,
    exp,
    jti: tokenId,
    client_id: providerName(principal.provider),
    scope: grant.scopes.length > 0 ? grant.scopes.join(' ') : undefined,
    roles: grant.roles.length > 0 ? grant.roles : undefined,
    principal: principalIdentifier(principal),
    'kubernetes.io': kubernetes && {
      namespace: kubernetes.namespace,
      serviceaccount: kubernetes.serviceAccount,
      pod: kubernetes.pod,
      node: kubernetes.node,
      cluster: kubernetes.cluster,
    },
    // A token for somebody else says no more of its bearer than that needs to know.
    ...(grant.targetId === undefined ? brokerClaims(principal) : {}),
  };
}

/** UnverifiedAssertion → VerifiedAssertion: the policy of verification. Cryptography is a port; what is signed and by whom is decided here. */
import type { BareJwk } from './admin/jwks.ts';
import type { UnverifiedAssertion } from './assertion.ts';
import { acceptedAudiences, type Purpose } from './audiences.ts';
import { type Check, type Denial, unverified } from './denial.ts';
import type { JsonObject } from './json.ts';
import { kubernetesClaims, looksLegacy, type KubernetesIdentity } from './kubernetes.ts';
import type { ProviderName } from './names.ts';
import type { Provider, PublicJwk, SubjectAlgorithm } from './resources.ts';
import { err, ok, type Result } from './result.ts';

declare const verified: unique symbol;

/** A token whose signature, issuer, times and audience hold for one provider. `verify` is its only maker. */
export interface VerifiedAssertion {
  readonly [verified]: true;
  readonly claims: JsonObject;
  readonly expiresAtSeconds: number;
  /** Present for Kubernetes providers. */
  readonly kubernetes: KubernetesIdentity | undefined;
  /** Present where the token is taken once: single-use providers, and pushes. */
  readonly tokenId: string | undefined;
  /** RFC 7638, of the key that signed it. */
  readonly keyThumbprint: string;
}

/** What of an assertion cryptography looks at. */
export type Signed = Pick<UnverifiedAssertion, 'signedText' | 'signature'>;

/** Checks the JWS signature with exactly this key and algorithm. */
export type VerifySignature = (signed: Signed, key: BareJwk, alg: SubjectAlgorithm) => Promise<boolean>;

export const LEEWAY_SECONDS = 60;
const LEAST_LIFE_LEFT_SECONDS = 2;
const MAX_TOKEN_ID_CHARACTERS = 256;
const YEAR_IN_SECONDS = 31_536_000;
/** 9999-12-31T23:59:59Z: later dates are not dates (Tink, SECURITY.md T2). */
const MAX_TIME_SECONDS = 253_402_300_799;

export async function verify(
  assertion: UnverifiedAssertion,
  name: ProviderName,
  provider: Provider,
  keys: readonly PublicJwk[],
  purpose: Purpose,
  verifySignature: VerifySignature,
  nowSeconds: number,
): Promise<Result<VerifiedAssertion, Denial>> {
  if (provider.kind === 'kubernetes' && looksLegacy(assertion.claims)) return refuse('legacy_token');
  const key = selectKey(assertion, provider, keys, nowSeconds);
  if (!key.ok) return refuse(key.error);
  if (!(await verifySignature(assertion, key.value.jwk, key.value.alg))) return refuse('signature');
  const times = checkTimes(assertion.claims, provider, nowSeconds);
  const check =
    checkIssuer(assertion.claims, provider) ?? times.check ?? checkAudience(assertion.claims, name, provider, purpose);
  if (check !== undefined) return refuse(check);
  if (times.expiresAtSeconds - nowSeconds < LEAST_LIFE_LEFT_SECONDS) return refuse('expired');
  const kubernetes = provider.kind === 'kubernetes' ? kubernetesClaims(assertion.claims) : undefined;
  if (kubernetes && !kubernetes.ok) return refuse(kubernetes.error);
  const isOnce = provider.singleUse || purpose === 'pushKeys';
  const tokenId = isOnce ? tokenIdOf(assertion.claims) : undefined;
  if (isOnce && tokenId === undefined) return refuse('token_id');
  const value = {
    claims: assertion.claims,
    keyThumbprint: key.value.jwk.thumbprint,
    tokenId,
    expiresAtSeconds: times.expiresAtSeconds,
    kubernetes: kubernetes?.value,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand has one maker, and this is it
  return ok(value as VerifiedAssertion);
}

/**
 * The key within this provider's own set (CVE-2026-49998: never by `kid` across providers), of the type that the
 * provider's algorithm needs: the token's word about its algorithm is compared, never obeyed (algorithm confusion).
 */
function selectKey(
  assertion: UnverifiedAssertion,
  provider: Provider,
  keys: readonly PublicJwk[],
  nowSeconds: number,
): Result<{ readonly jwk: PublicJwk; readonly alg: SubjectAlgorithm }, Check> {
  const alg = provider.allowedAlgorithms.find((allowed) => allowed === assertion.header.alg);
  if (alg === undefined) return err('alg_not_allowed');
  const jwk = keys.find((key) => key.kid === assertion.header.kid);
  if (jwk === undefined) return err('unknown_kid');
  // By thumbprint, so that a distrusted key cannot come back under another name, by any of the three ways.
  if (provider.distrustedThumbprints.includes(jwk.thumbprint)) return err('distrusted_key');
  if ((jwk.trustedFromSeconds ?? 0) > nowSeconds) return err('key_on_hold');
  return isKeyFor(alg, jwk) ? ok({ jwk, alg }) : err('key_alg_mismatch');
}

/** By its type, its curve, and its own word on what it is for. */
export function isKeyFor(alg: SubjectAlgorithm, jwk: BareJwk): boolean {
  const needed = KEY_FOR_ALGORITHM[alg];
  return (
    jwk.kty === needed.kty &&
    (needed.crv === undefined || jwk.crv === needed.crv) &&
    (jwk.alg === undefined || jwk.alg === alg) &&
    (jwk.use === undefined || jwk.use === 'sig')
  );
}

const KEY_FOR_ALGORITHM: Record<SubjectAlgorithm, { readonly kty: 'RSA' | 'EC'; readonly crv?: string }> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
};

function checkIssuer(claims: JsonObject, provider: Provider): Check | undefined {
  return claims['iss'] === provider.issuerUri ? undefined : 'issuer';
}

/** Safe integers only: `1e999` parses to Infinity and would never expire; strings and floats are not NumericDates of ours. */
function checkTimes(
  claims: JsonObject,
  provider: Provider,
  nowSeconds: number,
): { readonly expiresAtSeconds: number; readonly check?: Check } {
  const { exp, iat, nbf } = claims;
  if (!isTime(exp) || !isTime(iat) || (nbf !== undefined && !isTime(nbf)) || exp <= iat) {
    return { expiresAtSeconds: 0, check: 'time_claims' };
  }
  const expiresAtSeconds = exp;
  if (exp - iat > provider.maxTokenLifetimeSeconds) {
    const oneYear = provider.kind === 'kubernetes' && exp - iat >= YEAR_IN_SECONDS - LEEWAY_SECONDS;
    return { expiresAtSeconds, check: oneYear ? 'one_year_token' : 'lifetime' };
  }
  if (iat > nowSeconds + LEEWAY_SECONDS) return { expiresAtSeconds, check: 'issued_in_future' };
  if (nbf !== undefined && nbf > nowSeconds + LEEWAY_SECONDS) return { expiresAtSeconds, check: 'not_yet_valid' };
  return { expiresAtSeconds };
}

/** A replay is known by (provider, jti), never by the token's text, which its holder can respell (SECURITY.md §0.2). */
function tokenIdOf(claims: JsonObject): string | undefined {
  const { jti } = claims;
  return typeof jti === 'string' && jti !== '' && jti.length <= MAX_TOKEN_ID_CHARACTERS ? jti : undefined;
}

export function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_TIME_SECONDS;
}

/** Exactly one audience, and ours: a token that is also good for the cluster's API server would let us replay it there. */
function checkAudience(
  claims: JsonObject,
  name: ProviderName,
  provider: Provider,
  purpose: Purpose,
): Check | undefined {
  const aud: unknown = claims['aud'];
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const [audience] = audiences;
  if (audiences.length !== 1 || typeof audience !== 'string') return 'audience';
  return acceptedAudiences(name, provider, purpose).includes(audience) ? undefined : 'audience';
}

function refuse(check: Check): Result<never, Denial> {
  return err(unverified(check));
}

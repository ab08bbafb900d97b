/** A JWT of somebody whose keys we know beforehand: a token of ours that comes back, a word of Cloudflare Access. What providers' workloads bring is for `verify.ts`. */
import type { BareJwk } from './admin/jwks.ts';
import type { UnverifiedAssertion } from './assertion.ts';
import type { JsonObject } from './json.ts';
import { isKeyFor, isTime, LEEWAY_SECONDS, type VerifySignature } from './verify.ts';

export interface ExpectedJwt {
  readonly issuer: string;
  /** Must be among those of the token; without it they are for the caller to look at. */
  readonly audience?: string;
  /** Besides `exp`, which every token has. */
  readonly required: readonly ('iat' | 'sub')[];
}

/** What we sign with, and Access too. */
const ALGORITHMS = ['ES256', 'RS256'] as const;

/**
 * Its claims (RFC 7519 §7.2), or undefined: whoever sent it is told no more than that. There is no tolerance at `exp` and `nbf`, for both
 * issuers' clocks are Cloudflare's, as ours is. `typ` is not looked at here.
 */
export async function verifyJwt(
  jwt: UnverifiedAssertion,
  keys: readonly BareJwk[],
  expected: ExpectedJwt,
  verifySignature: VerifySignature,
  nowMs: number,
): Promise<JsonObject | undefined> {
  const alg = ALGORITHMS.find((allowed) => allowed === jwt.header.alg);
  const named = keys.filter((key) => key.kid === jwt.header.kid);
  const [key] = named;
  // Of two keys with one name, which of them verifies would depend on the reader; and the token's word on its algorithm is compared, never obeyed.
  if (alg === undefined || key === undefined || named.length > 1 || !isKeyFor(alg, key)) return undefined;
  if (!(await verifySignature(jwt, key, alg))) return undefined;
  return isAsExpected(jwt.claims, expected, Math.floor(nowMs / 1_000)) ? jwt.claims : undefined;
}

function isAsExpected(claims: JsonObject, { issuer, audience, required }: ExpectedJwt, nowSeconds: number): boolean {
  const { iss, aud, sub } = claims;
  if (iss !== issuer) return false;
  if (sub === undefined ? required.includes('sub') : typeof sub !== 'string') return false;
  if (sub === '' && required.includes('sub')) return false;
  if (audience !== undefined && !audiencesIn(aud).includes(audience)) return false;
  return isInTime(claims, required.includes('iat'), nowSeconds);
}

/** `1e999`, a text or a fraction is no time: neither expires when others say it does. */
function isInTime({ exp, iat, nbf }: JsonObject, needsIssuedAt: boolean, nowSeconds: number): boolean {
  if (!isTime(exp) || exp <= nowSeconds) return false;
  if (nbf !== undefined && (!isTime(nbf) || nbf > nowSeconds)) return false;
  if (iat === undefined) return !needsIssuedAt;
  // Here two clocks may differ: a token that was made this very second on another machine is no forgery.
  return isTime(iat) && iat < exp && iat <= nowSeconds + LEEWAY_SECONDS;
}

/** None at all where one of them is no text. */
function audiencesIn(aud: JsonObject[string] | undefined): readonly string[] {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audiences.every((audience) => typeof audience === 'string') ? audiences : [];
}

/** How many bytes a token will have, known before it is made: one that will be too large must not cost a permit, nor a single-use token. */
import type { Denial } from './denial.ts';
import { utf8Length } from './base64url.ts';
import { claimsOf, type Grant } from './grant.ts';
import type { SigningAlgorithm } from './resources.ts';

export const MAX_MINTED_BYTES = 8_192;

const SIGNATURE_BYTES: Readonly<Record<SigningAlgorithm, number>> = { ES256: 64, RS256: 256 };
/** As long as the SHA-256 thumbprint that names a key. */
const ANY_KID = 'k'.repeat(43);
/** As long as a UUID. */
const ANY_TOKEN_ID = 'i'.repeat(36);

/** Undefined where the token fits, and where there will be none. */
export function sizeDenial(grant: Grant, publicOrigin: string, nowSeconds: number): Denial | undefined {
  const claims = claimsOf(grant, publicOrigin, ANY_TOKEN_ID, nowSeconds);
  if (claims === undefined) return undefined;
  const { alg, typ } = grant;
  const header = base64urlLength(utf8Length(JSON.stringify({ alg, kid: ANY_KID, typ })));
  const payload = base64urlLength(utf8Length(JSON.stringify(claims)));
  const bytes = header + 1 + payload + 1 + base64urlLength(SIGNATURE_BYTES[alg]);
  return bytes > MAX_MINTED_BYTES ? { tag: 'token_too_large', bytes } : undefined;
}

function base64urlLength(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}

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
  if (isSurelySmall(grant, publicOrigin)) return undefined;
  const claims = claimsOf(grant, publicOrigin, ANY_TOKEN_ID, nowSeconds);
  if (claims === undefined) return undefined;
  const { alg, typ } = grant;
  const header = base64urlLength(utf8Length(JSON.stringify({ alg, kid: ANY_KID, typ })));
  const payload = base64urlLength(utf8Length(JSON.stringify(claims)));
  const bytes = header + 1 + payload + 1 + base64urlLength(SIGNATURE_BYTES[alg]);
  return bytes > MAX_MINTED_BYTES ? { tag: 'token_too_large', bytes } : undefined;
}

/** JSON writes a character as six bytes at most; names and numbers of the members, and what is of one length, take less than the rest. */
const BYTES_OF_A_CHARACTER = 6;
const BYTES_BESIDES = 1_500;
const MAX_PAYLOAD_BYTES = (MAX_MINTED_BYTES * 3) / 4;

/** Nearly every token: known without making it. Each text counts as often as it may stand in the claims. */
function isSurelySmall({ principal, audience, scopes, roles }: Grant, publicOrigin: string): boolean {
  const { provider, subject, kubernetes } = principal;
  const characters =
    publicOrigin.length +
    audience.length +
    3 * (provider.projectNumber.length + provider.poolId.length) +
    provider.providerId.length +
    2 * subject.length +
    charactersOf(scopes) +
    charactersOf(roles) +
    (kubernetes === undefined ? 0 : charactersOfWorkload(kubernetes));
  return characters * BYTES_OF_A_CHARACTER + BYTES_BESIDES <= MAX_PAYLOAD_BYTES;
}

function charactersOfWorkload(kubernetes: NonNullable<Grant['principal']['kubernetes']>): number {
  const { namespace, cluster, serviceAccount, pod, node } = kubernetes;
  let sum = namespace.length + cluster.length + serviceAccount.name.length + serviceAccount.uid.length;
  if (pod !== undefined) sum += pod.name.length + pod.uid.length;
  if (node !== undefined) sum += node.name.length + (node.uid?.length ?? 0);
  return sum;
}

/** Each with what stands around it in a list. */
function charactersOf(texts: readonly string[]): number {
  let sum = 0;
  for (const text of texts) sum += text.length + 4;
  return sum;
}

function base64urlLength(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}

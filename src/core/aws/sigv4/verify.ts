/** Is this request signed with that secret, now? Signature Version 4 with every rule that a verifier has to add to the signer's (WIRE.md F.4). */
import { err, ok, type Result } from '../../result.ts';
import { canonicalRequest, isPathNormal, isRespelt, stringToSign } from './canonical.ts';
import { headerValues, type SignedParts } from './parts.ts';
import type { Signature, SignatureFault } from './signature.ts';

/** Cryptography is the platform's. */
export interface SigV4Crypto {
  /** Hex, of the bytes, or of the text's UTF-8. */
  sha256Hex(data: string | Uint8Array<ArrayBuffer>): Promise<string>;
  hmacSha256(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>>;
}

const SKEW_SECONDS = 300;
const MAX_PRESIGNED_SECONDS = 900;

/** All that can be said without the secret: what is cheap comes first, and what could mean two things is not looked at further. */
export function checkForm(parts: SignedParts, signature: Signature, nowSeconds: number): SignatureFault | undefined {
  return checkTime(signature, nowSeconds) ?? checkPayload(parts) ?? checkSpelling(parts, signature);
}

/** Does the signature hold? `checkForm` comes first. */
export async function checkSignature(
  parts: SignedParts,
  signature: Signature,
  secret: string,
  crypto: SigV4Crypto,
): Promise<Result<void, SignatureFault>> {
  const canonical = canonicalRequest(parts, signature.signedHeaders, { isPathAsIs: signature.scope.service === 's3' });
  if (!canonical.ok) return err({ tag: 'incomplete', problem: canonical.error });
  const text = stringToSign(signature.timestamp, signature.scope, await crypto.sha256Hex(canonical.value));
  const key = await signingKey(secret, signature, crypto);
  const hex = hexOf(await crypto.hmacSha256(key, text));
  return isSame(hex, signature.hex) ? ok(undefined) : err({ tag: 'mismatch', problem: 'the signature does not hold' });
}

async function signingKey(secret: string, { scope }: Signature, crypto: SigV4Crypto): Promise<Uint8Array<ArrayBuffer>> {
  let key: Uint8Array<ArrayBuffer> = Uint8Array.from(new TextEncoder().encode(`AWS4${secret}`));
  for (const text of [scope.date, scope.region, scope.service, 'aws4_request'])
    key = await crypto.hmacSha256(key, text);
  return key;
}

function checkTime({ signedAtSeconds, expiresInSeconds }: Signature, nowSeconds: number): SignatureFault | undefined {
  if (signedAtSeconds > nowSeconds + SKEW_SECONDS) return late('it was signed more than 5 minutes ahead of our clock');
  if (expiresInSeconds === undefined) {
    return signedAtSeconds < nowSeconds - SKEW_SECONDS ? late('it was signed more than 5 minutes ago') : undefined;
  }
  if (expiresInSeconds > MAX_PRESIGNED_SECONDS) return late('it is presigned for more than 15 minutes');
  return nowSeconds >= signedAtSeconds + expiresInSeconds ? late('it was presigned, and its time is over') : undefined;
}

/** The hash that a request says it has is compared, never used: `UNSIGNED-PAYLOAD` would leave the body to whoever is on the way. */
function checkPayload(parts: SignedParts): SignatureFault | undefined {
  for (const said of headerValues(parts, 'x-amz-content-sha256')) {
    if (said === 'UNSIGNED-PAYLOAD') return incomplete('UNSIGNED-PAYLOAD: the body must be signed');
    if (said.startsWith('STREAMING-')) return incomplete(`${said.slice(0, 64)}: bodies in signed pieces are not taken`);
    if (said !== parts.bodySha256) return mismatch('X-Amz-Content-Sha256 is not the hash of the body');
  }
  const lengths = headerValues(parts, 'content-length');
  if (lengths.some((length) => length !== String(parts.bodyBytes)))
    return mismatch('Content-Length is not the length of the body');
  return undefined;
}

function checkSpelling(parts: SignedParts, { signedHeaders }: Signature): SignatureFault | undefined {
  if (isRespelt(parts.query))
    return incomplete('the query is not spelt as it is signed (RFC 3986, capital hex digits)');
  if (!isPathNormal(parts.path)) return incomplete('the path holds empty or dot segments');
  // What AWS's own services demand: an unsigned one could be added by whoever is on the way.
  const loose = parts.headers.find(
    ([name]) => isBound(name.toLowerCase()) && !signedHeaders.includes(name.toLowerCase()),
  );
  return loose === undefined ? undefined : incomplete(`the header ${loose[0].toLowerCase()} is there and not signed`);
}

/** The token is sealed for its access key: added by somebody else it opens nothing. Some signers leave it out. */
function isBound(name: string): boolean {
  return name.startsWith('x-amz-') && name !== 'x-amz-security-token';
}

/** In a time that does not tell where they differ. */
function isSame(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at);
  return difference === 0;
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function late(problem: string): SignatureFault {
  return { tag: 'time', problem };
}

function incomplete(problem: string): SignatureFault {
  return { tag: 'incomplete', problem };
}

function mismatch(problem: string): SignatureFault {
  return { tag: 'mismatch', problem };
}

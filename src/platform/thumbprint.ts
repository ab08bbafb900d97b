/** RFC 7638, SHA-256, base64url: the members that a key cannot be without, sorted, hashed. Synchronous, for it is computed inside a transaction. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { BareJwk } from '../core/admin/jwks.ts';
import { encodeBase64Url } from '../core/base64url.ts';

export function thumbprintOf({ kty, n, e, crv, x, y }: Pick<BareJwk, 'kty'> & Partial<BareJwk>): string {
  const required = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  return encodeBase64Url(sha256(new TextEncoder().encode(JSON.stringify(required))));
}

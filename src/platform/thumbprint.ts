/** RFC 7638, SHA-256, base64url: the members that a key cannot be without, sorted, hashed. Synchronous, for it is computed inside a transaction. */
import { createHash } from 'node:crypto';
import type { BareJwk } from '../core/admin/jwks.ts';

export function thumbprintOf({ kty, n, e, crv, x, y }: Pick<BareJwk, 'kty'> & Partial<BareJwk>): string {
  const required = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  return createHash('sha256').update(JSON.stringify(required)).digest('base64url');
}

/** RFC 7638: the members that a key cannot be without, sorted, hashed. Synchronous, for it is computed inside a transaction. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { ApplyContext } from '../../core/admin/state.ts';

export const thumbprintOf: ApplyContext['thumbprintOf'] = ({ kty, n, e, crv, x, y }) => {
  const required = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  const digest = sha256(new TextEncoder().encode(JSON.stringify(required)));
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
};

/** Public keys in PEM, as an API server has them (`sa.pub`), → the JWKS that the API server itself would serve. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { usageFault } from './fault.ts';

export interface PublicJwk {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: 'sig';
  readonly [member: string]: unknown;
}

const BLOCK = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g;
const CURVES: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };

/** One for each block. A private key gives its public half, and nothing else of it goes anywhere. */
export function jwksFromPem(pem: string, source: string): { readonly keys: readonly PublicJwk[] } {
  const blocks = [...pem.matchAll(BLOCK)].map(([block]) => block);
  if (blocks.length === 0) throw usageFault(`${source} holds no PEM block (-----BEGIN PUBLIC KEY----- and its like).`);
  return { keys: blocks.map((block) => jwkOf(publicKey(block, source), source)) };
}

function publicKey(block: string, source: string): KeyObject {
  try {
    return createPublicKey(block);
  } catch {
    // Not the reason: Node quotes from what it could not read.
    throw usageFault(`${source}: a PEM block in it is no public key, certificate or private key.`);
  }
}

function jwkOf(key: KeyObject, source: string): PublicJwk {
  const { kty = '', crv, n, e, x, y } = key.export({ format: 'jwk' });
  const alg = kty === 'RSA' ? 'RS256' : CURVES[crv ?? ''];
  if (alg === undefined)
    throw usageFault(`${source}: a key in it is neither RSA nor on a NIST curve, so no API server signs with it.`);
  const members = kty === 'RSA' ? { n, e } : { crv, x, y };
  return { use: 'sig', kty, kid: kubernetesKid(key), alg, ...members };
}

/** As Kubernetes names its keys (pkg/serviceaccount/jwt.go, keyIDFromPublicKey): SHA-256 of the SubjectPublicKeyInfo. */
function kubernetesKid(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('base64url');
}

/** What is held against each other: our verifier and jose's, with the same keys, the same expectations and the same clock. */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import type { BareJwk } from '../../src/core/admin/jwks.ts';
import { parseJwt } from '../../src/core/assertion.ts';
import { type ExpectedJwt, verifyJwt } from '../../src/core/verify-jwt.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';
import { base64Url, type Issuer } from '../support/issuer.ts';

export const ISSUER = 'https://acme.cloudflareaccess.com';
export const AUDIENCE = 'a'.repeat(64);
export const NOW_MS = Date.UTC(2026, 5, 1) + 999;
export const NOW_SECONDS = Math.floor(NOW_MS / 1_000);

/** As for Access; our own tokens name their subject instead. */
export const EXPECTED: ExpectedJwt = { issuer: ISSUER, audience: AUDIENCE, required: ['iat', 'sub'] };
export const FOR_ANY_AUDIENCE: ExpectedJwt = { issuer: ISSUER, required: ['sub'] };

export const claims = (changes: object = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: [AUDIENCE],
  sub: 'u-1',
  iat: NOW_SECONDS,
  nbf: NOW_SECONDS,
  exp: NOW_SECONDS + 60,
  ...changes,
});

const verifySignature = createSignatureVerifier();

export async function oursTakes(token: string, keys: readonly unknown[], expected = EXPECTED): Promise<boolean> {
  const jwt = parseJwt(token);
  if (!jwt.ok) return false;
  const verified = await verifyJwt(jwt.value, keys as readonly BareJwk[], expected, verifySignature, NOW_MS);
  return verified !== undefined;
}

export async function joseTakes(token: string, keys: readonly unknown[], expected = EXPECTED): Promise<boolean> {
  const { issuer, audience, required } = expected;
  try {
    await jwtVerify(token, createLocalJWKSet({ keys: keys as JSONWebKeySet['keys'] }), {
      issuer,
      ...(audience === undefined ? {} : { audience }),
      algorithms: ['ES256', 'RS256'],
      requiredClaims: ['exp', ...required],
      currentDate: new Date(NOW_MS),
    });
    return true;
  } catch {
    return false;
  }
}

/** Over these texts and with the public key as if it were a secret. */
export async function signedWithPublicKey(issuer: Issuer, secret: string): Promise<string> {
  const header = JSON.stringify({ alg: 'HS256', kid: issuer.kid });
  const input = `${base64Url(header)}.${base64Url(JSON.stringify(claims()))}`;
  const bytes = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(input));
  return `${input}.${base64Url(new Uint8Array(mac))}`;
}

/** The same token with one of its three parts made anew. */
export function withPart(token: string, at: 0 | 1 | 2, change: (part: string) => string): string {
  return token
    .split('.')
    .map((part, index) => (index === at ? change(part) : part))
    .join('.');
}

/** The signature check by itself: what jose refused before WebCrypto was asked directly is refused still. */
import { exportJWK } from 'jose';
import { expect, it } from 'vitest';
import type { PublicJwk, SubjectAlgorithm } from '../../src/core/resources.ts';
import { encodeBase64Url } from '../../src/core/base64url.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';

const TEXT = 'header.payload';

const RSA = (bits: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: bits,
  publicExponent: new Uint8Array([1, 0, 1]),
});
const EC = { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' };

async function signedWith(algorithm: ReturnType<typeof RSA> | typeof EC) {
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', thumbprint: 't' } as unknown as PublicJwk;
  const signature = new Uint8Array(
    await crypto.subtle.sign(algorithm, pair.privateKey, new TextEncoder().encode(TEXT)),
  );
  return { jwk, signature };
}

async function takes(signature: Uint8Array<ArrayBuffer>, jwk: PublicJwk, alg: SubjectAlgorithm, signedText = TEXT) {
  return createSignatureVerifier()({ signedText, signature: encodeBase64Url(signature) }, jwk, alg);
}

it.each([
  ['RS256', RSA(2_048)],
  ['ES256', EC],
] as const)('%s: takes a true signature over exactly these bytes, and nothing else', async (alg, algorithm) => {
  const { jwk, signature } = await signedWith(algorithm);
  expect(await takes(signature, jwk, alg)).toBe(true);
  expect(await takes(signature, jwk, alg, `${TEXT}x`)).toBe(false);
  for (let at = 0; at < signature.length; at += 7) {
    const flipped = signature.map((byte, place) => (place === at ? byte ^ 1 : byte));
    expect(await takes(flipped, jwk, alg)).toBe(false);
  }
  for (const length of [0, 1, signature.length - 1]) {
    expect(await takes(signature.slice(0, length), jwk, alg)).toBe(false);
  }
  expect(await takes(new Uint8Array([...signature, 0]), jwk, alg)).toBe(false);
});

it('checks many at once, each over its own bytes: nothing is looked at after another call has begun', async () => {
  const pair = (await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])) as CryptoKeyPair;
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', thumbprint: 't' } as unknown as PublicJwk;
  const texts = Array.from({ length: 200 }, (_, at) => `${'long '.repeat(at * 40)}${at}`);
  const signatures = await Promise.all(
    texts.map(async (text) => crypto.subtle.sign(EC, pair.privateKey, new TextEncoder().encode(text))),
  );
  const verify = createSignatureVerifier();
  const asked = (shift: number) =>
    texts.map(async (signedText, at) => {
      const signature = encodeBase64Url(new Uint8Array(signatures[(at + shift) % texts.length] ?? new ArrayBuffer(0)));
      return verify({ signedText, signature }, jwk, 'ES256');
    });
  const [right, wrong] = await Promise.all([Promise.all(asked(0)), Promise.all(asked(1))]);
  expect(right).toEqual(texts.map(() => true));
  expect(wrong).toEqual(texts.map(() => false));
});

it('takes no signature that is longer than any key makes', async () => {
  const { jwk, signature } = await signedWith(RSA(2_048));
  expect(await takes(new Uint8Array([...signature, ...new Uint8Array(2_000)]), jwk, 'RS256')).toBe(false);
});

it('takes no RSA key of fewer than 2048 bits, however true its signature', async () => {
  const { jwk, signature } = await signedWith(RSA(1_024));
  expect(await takes(signature, jwk, 'RS256')).toBe(false);
});

it('takes a key for its own kind of algorithm only', async () => {
  const [rsa, ec] = [await signedWith(RSA(2_048)), await signedWith(EC)];
  expect(await takes(rsa.signature, rsa.jwk, 'RS512')).toBe(false);
  expect(await takes(rsa.signature, rsa.jwk, 'ES256')).toBe(false);
  expect(await takes(ec.signature, ec.jwk, 'RS256')).toBe(false);
  expect(await takes(ec.signature, ec.jwk, 'ES384')).toBe(false);
});

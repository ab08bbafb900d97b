/** The signature check: WebCrypto with one key and one algorithm, both chosen by our own store. Policy stands in `core/verify.ts`. */
import { importJWK } from 'jose';
import type { PublicJwk, SubjectAlgorithm } from '../../core/resources.ts';
import type { VerifySignature } from '../../core/verify.ts';

/** The hash of RSASSA-PKCS1-v1_5 belongs to the imported key. */
const PARAMETERS: Readonly<Record<SubjectAlgorithm, { readonly name: string; readonly hash?: string }>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  RS384: { name: 'RSASSA-PKCS1-v1_5' },
  RS512: { name: 'RSASSA-PKCS1-v1_5' },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', hash: 'SHA-512' },
};

/** RFC 7518 §3.3; jose asks it of every signature, so it is asked here of every key. */
const LEAST_RSA_BITS = 2_048;

const UTF8 = new TextEncoder();
const { subtle } = crypto;

/** Imported keys live as long as the configuration row they come from: a key that is dropped there is gone here. */
export function createSignatureVerifier(): VerifySignature {
  const imported = new WeakMap<PublicJwk, Map<SubjectAlgorithm, CryptoKey>>();

  return async ({ signedText, signature }, key, alg) => {
    try {
      const known = imported.get(key)?.get(alg) ?? (await importAnew(key, alg));
      return await subtle.verify(PARAMETERS[alg], known, signature, UTF8.encode(signedText));
    } catch {
      // Whatever jose or WebCrypto say, an assertion that did not verify is not verified.
      return false;
    }
  };

  async function importAnew(key: PublicJwk, alg: SubjectAlgorithm): Promise<CryptoKey> {
    const { kty, n, e, crv, x, y } = key;
    const members = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y };
    const fresh = await importJWK(
      Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)),
      alg,
    );
    if (fresh instanceof Uint8Array) throw new TypeError('a symmetric key is no issuer key');
    if (kty === 'RSA' && !hasBits(fresh)) throw new TypeError('an RSA key is shorter than 2048 bits');
    const byAlgorithm = imported.get(key) ?? new Map<SubjectAlgorithm, CryptoKey>();
    byAlgorithm.set(alg, fresh);
    imported.set(key, byAlgorithm);
    return fresh;
  }
}

function hasBits({ algorithm }: CryptoKey): boolean {
  const bits: unknown = 'modulusLength' in algorithm ? algorithm.modulusLength : 0;
  return typeof bits === 'number' && bits >= LEAST_RSA_BITS;
}

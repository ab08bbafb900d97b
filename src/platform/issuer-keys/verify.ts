/** The signature check: jose with one key and one algorithm, both chosen by our own store. Policy stands in `core/verify.ts`. */
import { compactVerify, importJWK } from 'jose';
import type { PublicJwk, SubjectAlgorithm } from '../../core/resources.ts';
import type { VerifySignature } from '../../core/verify.ts';

/** Imported keys live as long as the configuration row they come from: a key that is dropped there is gone here. */
export function createSignatureVerifier(): VerifySignature {
  const imported = new WeakMap<PublicJwk, Map<SubjectAlgorithm, CryptoKey>>();

  return async (token, key, alg) => {
    try {
      await compactVerify(token, await importOnce(key, alg), { algorithms: [alg] });
      return true;
    } catch {
      // Whatever jose or WebCrypto say, an assertion that did not verify is not verified.
      return false;
    }
  };

  async function importOnce(key: PublicJwk, alg: SubjectAlgorithm): Promise<CryptoKey> {
    const known = imported.get(key)?.get(alg);
    if (known !== undefined) return known;
    const { kty, n, e, crv, x, y } = key;
    const members = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y };
    const fresh = await importJWK(
      Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)),
      alg,
    );
    if (fresh instanceof Uint8Array) throw new TypeError('a symmetric key is no issuer key');
    const byAlgorithm = imported.get(key) ?? new Map<SubjectAlgorithm, CryptoKey>();
    byAlgorithm.set(alg, fresh);
    imported.set(key, byAlgorithm);
    return fresh;
  }
}

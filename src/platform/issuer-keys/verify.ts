/** The signature check: WebCrypto with one key and one algorithm, both chosen by our own store. Policy stands in `core/verify.ts`. */
import type { BareJwk } from '../../core/admin/jwks.ts';
import type { SubjectAlgorithm } from '../../core/resources.ts';
import type { VerifySignature } from '../../core/verify.ts';
import { signatureForOneCall, utf8ForOneCall } from '../for-one-call.ts';

interface Parameters {
  readonly name: string;
  readonly hash: string;
  readonly namedCurve?: string;
}

/** Both for the import, where RSASSA-PKCS1-v1_5 takes its hash and ECDSA its curve, and for the check, where ECDSA takes its hash. */
const PARAMETERS: Readonly<Record<SubjectAlgorithm, Parameters>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
  RS512: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
  ES256: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', hash: 'SHA-512', namedCurve: 'P-521' },
};

/** RFC 7518 §3.3; WebCrypto does not ask it. */
const LEAST_RSA_BITS = 2_048;

const { subtle } = crypto;

/** Imported keys live as long as the configuration row they come from: a key that is dropped there is gone here. */
export function createSignatureVerifier(): VerifySignature {
  const imported = new WeakMap<BareJwk, Map<SubjectAlgorithm, CryptoKey>>();

  return async ({ signedText, signature }, key, alg) => {
    try {
      const known = imported.get(key)?.get(alg) ?? (await importAnew(key, alg));
      const bytes = signatureForOneCall(signature);
      return bytes !== undefined && (await subtle.verify(PARAMETERS[alg], known, bytes, utf8ForOneCall(signedText)));
    } catch {
      // Whatever WebCrypto says, an assertion that did not verify is not verified.
      return false;
    }
  };

  async function importAnew(key: BareJwk, alg: SubjectAlgorithm): Promise<CryptoKey> {
    const { kty, n, e, crv, x, y } = key;
    const members = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y };
    const present = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
    const fresh = await subtle.importKey('jwk', { kty, ...present }, PARAMETERS[alg], false, ['verify']);
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

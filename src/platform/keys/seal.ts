/**
 * Making and sealing keys: AES-256-GCM, a fresh 96-bit IV each, bound to project, kid and algorithm. Whoever reads the object's
 * storage (Data Studio, a snapshot, a fork) finds only ciphertext; whoever can write it cannot pass one key for another.
 */
import type { SigningAlgorithm } from '../../core/resources.ts';
import { type Keks, sealKey } from '../secrets.ts';
import { thumbprintOf } from '../thumbprint.ts';

export interface Sealed {
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** Exactly what stands in the JWKS: AWS refuses `key_ops`, and nobody may ever see `d`. */
export type PublishedJwk = RsaJwk | EcJwk;

interface RsaJwk {
  readonly kty: 'RSA';
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'RS256';
  readonly n: string;
  readonly e: string;
}

interface EcJwk {
  readonly kty: 'EC';
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'ES256';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

export interface NewKey {
  readonly jwk: PublishedJwk;
  readonly sealed: Sealed;
}

/** What a seal is bound to. */
export interface SealedFor {
  readonly projectNumber: string;
  readonly kid: string;
  readonly alg: SigningAlgorithm;
}

export interface SealKeys {
  readonly current: CryptoKey;
  readonly previous?: CryptoKey;
}

const PARAMETERS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
} as const;

const IV_BYTES = 12;

export async function sealKeys(keks: Keks): Promise<SealKeys> {
  const current = await sealKey(keks.current);
  return keks.previous === undefined ? { current } : { current, previous: await sealKey(keks.previous) };
}

/** A new pair; its private half exists unsealed only inside this function. */
export async function makeKey(keys: SealKeys, projectNumber: string, alg: SigningAlgorithm): Promise<NewKey> {
  const pair = await crypto.subtle.generateKey(PARAMETERS[alg], true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error(`no key pair for ${alg}`);
  const jwk = await publishedJwk(pair.publicKey, alg);
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', pair.privateKey);
  if (!(pkcs8 instanceof ArrayBuffer)) throw new Error('pkcs8 is not bytes');
  const sealed = await seal(keys, { projectNumber, kid: jwk.kid, alg }, new Uint8Array(pkcs8));
  new Uint8Array(pkcs8).fill(0);
  return { jwk, sealed };
}

/** For signing only, and never to be exported again; undefined where neither KEK opens the seal. */
export async function openSigningKey(keys: SealKeys, to: SealedFor, sealed: Sealed): Promise<CryptoKey | undefined> {
  const opened = await open(keys, to, sealed);
  if (opened === undefined) return undefined;
  const key = await crypto.subtle.importKey('pkcs8', opened.bytes, PARAMETERS[to.alg], false, ['sign']);
  opened.bytes.fill(0);
  return key;
}

export type Standing =
  | { readonly under: 'current' | 'neither' }
  | { readonly under: 'previous'; readonly anew: Sealed };

/** Which KEK a seal was made under; for one under the previous KEK, the same key sealed anew under the current. */
export async function standingOf(keys: SealKeys, to: SealedFor, sealed: Sealed): Promise<Standing> {
  const opened = await open(keys, to, sealed);
  if (opened === undefined) return { under: 'neither' };
  const standing: Standing =
    opened.under === 'previous'
      ? { under: 'previous', anew: await seal(keys, to, opened.bytes) }
      : { under: 'current' };
  opened.bytes.fill(0);
  return standing;
}

async function seal(keys: SealKeys, to: SealedFor, bytes: Uint8Array<ArrayBuffer>): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const ciphertext = await crypto.subtle.encrypt(gcm(iv, to), keys.current, bytes);
  return { iv, ciphertext: new Uint8Array(ciphertext) };
}

interface Opened {
  readonly under: 'current' | 'previous';
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function open(keys: SealKeys, to: SealedFor, sealed: Sealed): Promise<Opened | undefined> {
  const current = await decrypt(keys.current, to, sealed);
  if (current !== undefined) return { under: 'current', bytes: current };
  const previous = keys.previous === undefined ? undefined : await decrypt(keys.previous, to, sealed);
  return previous === undefined ? undefined : { under: 'previous', bytes: previous };
}

async function decrypt(key: CryptoKey, to: SealedFor, sealed: Sealed): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(gcm(sealed.iv, to), key, sealed.ciphertext));
  } catch {
    return undefined;
  }
}

function gcm(iv: Uint8Array<ArrayBuffer>, to: SealedFor): SubtleCryptoEncryptAlgorithm {
  // A JSON array of fixed length: wherever one field ends and the next begins, no two triples share a text.
  const additionalData = new TextEncoder().encode(
    JSON.stringify(['edge-sts/signing-key/v1', to.projectNumber, to.kid, to.alg]),
  );
  return { name: 'AES-GCM', iv, additionalData };
}

/** Built by hand, member by member: the runtime's own export carries `key_ops`, `ext` and even a `d` that is undefined. */
async function publishedJwk(publicKey: CryptoKey, alg: SigningAlgorithm): Promise<PublishedJwk> {
  const exported = await crypto.subtle.exportKey('jwk', publicKey);
  if (exported instanceof ArrayBuffer) throw new Error('a JWK is not bytes');
  if (alg === 'RS256') {
    const members = { kty: 'RSA', n: needed(exported.n), e: needed(exported.e) } as const;
    return { kty: 'RSA', kid: thumbprintOf(members), use: 'sig', alg, n: members.n, e: members.e };
  }
  const members = { kty: 'EC', crv: 'P-256', x: needed(exported.x), y: needed(exported.y) } as const;
  const kid = thumbprintOf(members);
  return { kty: 'EC', kid, use: 'sig', alg, crv: 'P-256', x: members.x, y: members.y };
}

function needed(member: string | undefined): string {
  if (member === undefined) throw new Error('the exported public key lacks a member');
  return member;
}

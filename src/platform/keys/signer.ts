/** Signs what was granted, with the one key whose time it is. Keys are held in isolate memory and proven current by the news of each exchange. */
import { encodeTextBase64Url } from '../../core/base64url.ts';
import type { Denial } from '../../core/denial.ts';
import { stillCurrent } from '../../core/news.ts';
import type { SignInput, SignWith } from '../../core/ports.ts';
import { isAccountRing } from '../../core/rings.ts';
import { shardKey, type SigningAlgorithm } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Keks } from '../secrets.ts';
import { askRing, type KeyRings } from './ask.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { utf8ForOneCall } from '../for-one-call.ts';
import type { SealedSigningKey, SigningKeys } from './keeper.ts';
import { activeKey, MAX_MEMORY_MS, type RingKey } from './rotation.ts';
import { openSigningKey, type SealKeys, sealKeys } from './seal.ts';

export interface Signer {
  /** Bytes of somebody else's choice: never with a ring that an issuer of ours stands for. */
  signBytes(
    input: SignWith,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Result<{ readonly signature: Uint8Array<ArrayBuffer>; readonly kid: string }, Denial>>;
  sign(input: SignInput): Promise<Result<{ readonly jwt: string; readonly kid: string }, Denial>>;
}

interface SignerOptions {
  readonly namespace: KeyRings;
  readonly keks: Keks;
  readonly nowMs: () => number;
}

interface HeldKey extends RingKey {
  readonly key: CryptoKey;
  /** The JWS header by `typ`, encoded: it says the same of every token. */
  readonly headers: Map<string, string>;
}

interface HeldRing {
  readonly keys: readonly HeldKey[];
  readonly loadedAtMs: number;
  /** The epoch at which these keys are known to be the ring's. */
  provenAtEpoch: number;
}

const MAX_PROJECTS = 512;
const UNAVAILABLE: Denial = { tag: 'unavailable', dependency: 'key_ring' };

/** The hash of RSASSA-PKCS1-v1_5 belongs to the key. */
const PARAMETERS: Readonly<Record<SigningAlgorithm, SubtleCryptoSignAlgorithm>> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
};

const BASE64_URL = { alphabet: 'base64url', omitPadding: true } as const;

const { subtle } = crypto;

function headerOf({ alg, kid, headers }: HeldKey, typ: string): string {
  const known = headers.get(typ);
  if (known !== undefined) return known;
  const fresh = encodeTextBase64Url(JSON.stringify({ alg, kid, typ }));
  headers.set(typ, fresh);
  return fresh;
}

export function createSigner(options: SignerOptions): Signer {
  const { namespace, nowMs } = options;
  const held = new BoundedMap<HeldRing>(MAX_PROJECTS);
  let derived: SealKeys | undefined;

  async function sign(input: SignInput): Promise<Result<{ readonly jwt: string; readonly kid: string }, Denial>> {
    const wanted: SignWith = { ring: input.projectNumber, alg: input.alg, news: input.news };
    const key = fromMemory(wanted) ?? (await fromObject(wanted));
    if (key === undefined) return err(UNAVAILABLE);
    const payload = utf8ForOneCall(JSON.stringify(input.claims)).toBase64(BASE64_URL);
    const signedText = `${headerOf(key, input.typ)}.${payload}`;
    const signature = await subtle.sign(PARAMETERS[key.alg], key.key, utf8ForOneCall(signedText));
    const encoded = new Uint8Array(signature).toBase64(BASE64_URL);
    return ok({ jwt: `${signedText}.${encoded}`, kid: key.kid });
  }

  async function signBytes(
    input: SignWith,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Result<{ readonly signature: Uint8Array<ArrayBuffer>; readonly kid: string }, Denial>> {
    const key = fromMemory(input) ?? (await fromObject(input));
    if (key === undefined) return err(UNAVAILABLE);
    const signature = await subtle.sign(PARAMETERS[key.alg], key.key, bytes);
    return ok({ signature: new Uint8Array(signature), kid: key.kid });
  }

  /** Only keys that no news speaks against: a distrusted key must not sign because somebody here still remembers it. */
  function fromMemory({ ring: name, alg, news }: SignWith): HeldKey | undefined {
    const ring = held.get(name);
    const atMs = nowMs();
    if (ring === undefined || atMs - ring.loadedAtMs >= MAX_MEMORY_MS) return undefined;
    if (!stillCurrent(shardKey.ring(name), ring.provenAtEpoch, news)) return undefined;
    ring.provenAtEpoch = Math.max(ring.provenAtEpoch, news.epoch);
    return activeKey(ring.keys, alg, atMs);
  }

  /** The ring writes a change down before it announces it, so what it answers now is right at the epoch we heard of before asking. */
  async function fromObject({ ring, alg, news }: SignWith): Promise<HeldKey | undefined> {
    const loadedAtMs = nowMs();
    const answer = await signingKeys(ring, alg);
    if (answer === undefined) return undefined;
    const keys = await openAll(ring, answer.keys);
    if (keys === undefined) return undefined;
    held.set(ring, { keys, loadedAtMs, provenAtEpoch: news.epoch });
    return activeKey(keys, alg, nowMs());
  }

  async function signingKeys(name: string, alg: SigningAlgorithm): Promise<SigningKeys | undefined> {
    const read = await askRing(namespace, name, (ring) => ring.signingKeys());
    if (!read.ok) return undefined;
    // What is signed was decided before: whoever asks for it by an account that there is not never comes here.
    if (read.value === undefined) return isAccountRing(name) ? firstKeys(name) : undefined;
    if (activeKey(read.value.keys, alg, nowMs()) !== undefined) return read.value;
    // Every key ran out while no alarm came, as after a month switched off: an exchange is reason enough to do the alarm's work.
    const caughtUp = await askRing(namespace, name, async (ring) => ring.catchUp());
    return caughtUp.ok && caughtUp.value.ok ? caughtUp.value.value : undefined;
  }

  async function firstKeys(name: string): Promise<SigningKeys | undefined> {
    const made = await askRing(namespace, name, async (ring) => ring.create(name));
    if (!made.ok || !made.value.ok) return undefined;
    const read = await askRing(namespace, name, (ring) => ring.signingKeys());
    return read.ok ? read.value : undefined;
  }

  /** Undefined where a seal does not open: a KEK that is wrong for one key is not trusted with the others. */
  async function openAll(
    ring: string,
    sealedKeys: readonly SealedSigningKey[],
  ): Promise<readonly HeldKey[] | undefined> {
    derived ??= await sealKeys(options.keks);
    const opened: HeldKey[] = [];
    for (const { sealed, ...times } of sealedKeys) {
      const key = await openSigningKey(derived, { projectNumber: ring, kid: times.kid, alg: times.alg }, sealed);
      if (key === undefined) return undefined;
      opened.push({ ...times, key, headers: new Map() });
    }
    return opened;
  }

  return { sign, signBytes };
}

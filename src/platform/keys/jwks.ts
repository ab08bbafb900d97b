/** The public halves, as relying parties fetch them: from the object, and from KV for as long as the object is away. */
import type { Denial } from '../../core/denial.ts';
import { shardKey } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isRing } from '../../core/rings.ts';
import { macKeys, type MacKeys, openText, sealText } from '../sealed-record.ts';
import type { Keks } from '../secrets.ts';
import { askRing, type KeyRings } from './ask.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { Budget } from '../budget.ts';
import type { PublishedJwk } from './seal.ts';

export interface PublicJwkSet {
  readonly keys: readonly PublishedJwk[];
}

export interface JwksReader {
  /** By the name of the ring; undefined: there is none. */
  published(ring: string): Promise<Result<PublicJwkSet | undefined, Denial>>;
}

interface JwksReaderOptions {
  readonly namespace: KeyRings;
  readonly cache: KVNamespace;
  readonly keks: Keks;
  readonly nowMs: () => number;
}

/** So often the object is asked: an honest relying party always gets what is true now, and a distrusted key leaves with the next answer. */
const FRESH = { burst: 60, refillPerSecond: 5, maxKeys: 512 };
/** Beyond that, in a flood, the last answer serves for so long. */
const MEMORY_MS = 5_000;
const MAX_PROJECTS = 512;
const STALE_LIFETIME_MS = 24 * 3_600_000;
/** Another isolate may have put back an older set in a race: what KV holds is looked at again this often. */
const RECHECK_MS = 10 * 60_000;

/** Another number with each change of form. The version of a record is when it was written. */
const PURPOSE = 'edge-sts/kv-jwks/v2';

interface Remembered {
  readonly set: PublicJwkSet | undefined;
  readonly atMs: number;
}

interface Kept {
  readonly body: string;
  readonly notAfterMs: number;
}

export function createJwksReader(options: JwksReaderOptions): JwksReader {
  const { namespace, cache, nowMs } = options;
  const memory = new BoundedMap<Remembered>(MAX_PROJECTS);
  const fresh = new Budget(FRESH, nowMs);
  let macs: MacKeys | undefined;
  const inKv = new BoundedMap<Kept & { readonly checkedAtMs: number }>(MAX_PROJECTS);

  async function published(ring: string): Promise<Result<PublicJwkSet | undefined, Denial>> {
    if (!isRing(ring)) return ok(undefined);
    const atMs = nowMs();
    const remembered = memory.get(ring);
    const isYoung = remembered !== undefined && atMs - remembered.atMs < MEMORY_MS;
    if (isYoung && !fresh.take(ring)) return ok(remembered.set);
    const answer = await askRing(namespace, ring, (object) => object.publicKeys());
    if (!answer.ok) return fromKv(ring);
    const set = answer.value === undefined ? undefined : { keys: answer.value.keys.map((key) => key.jwk) };
    memory.set(ring, { set, atMs });
    if (set !== undefined) await keepInKv(ring, JSON.stringify(set));
    return ok(set);
  }

  async function fromKv(ring: string): Promise<Result<PublicJwkSet | undefined, Denial>> {
    const kept = await read(ring).catch(() => undefined);
    if (kept === undefined) return err({ tag: 'unavailable', dependency: 'key_ring' });
    // Our own MAC was on it, so it is what we once wrote.
    const set: PublicJwkSet = JSON.parse(kept.body);
    return ok(set);
  }

  /** Writes only what is new or half-expired: KV takes one write a second a key, and every isolate on earth comes by here. */
  async function keepInKv(ring: string, body: string): Promise<void> {
    const atMs = nowMs();
    const isGood = (kept: Kept | undefined): boolean =>
      kept?.body === body && kept.notAfterMs - atMs > STALE_LIFETIME_MS / 2;
    try {
      const known = inKv.get(ring);
      if (known !== undefined && isGood(known) && atMs - known.checkedAtMs < RECHECK_MS) return;
      const found = await read(ring);
      const kept = found !== undefined && isGood(found) ? found : await write(ring, body);
      inKv.set(ring, { ...kept, checkedAtMs: atMs });
    } catch {
      // The copy is for bad days only; today's answer does not wait for it.
    }
  }

  async function write(ring: string, body: string): Promise<Kept> {
    const key = shardKey.ring(ring);
    const atMs = nowMs();
    const notAfterMs = atMs + STALE_LIFETIME_MS;
    const text = await sealText(await keys(), { purpose: PURPOSE, key, version: atMs, notAfterMs, body });
    await cache.put(key, text, { expirationTtl: STALE_LIFETIME_MS / 1_000 });
    return { body, notAfterMs };
  }

  /** Undefined for any fault at all: who can write KV must not be able to slip in a key, nor bring back one of last week. */
  async function read(ring: string): Promise<Kept | undefined> {
    const key = shardKey.ring(ring);
    const text = await cache.get(key);
    const opened = text === null ? undefined : await openText(await keys(), { purpose: PURPOSE, key }, text, nowMs());
    return opened && { body: opened.body, notAfterMs: opened.version + STALE_LIFETIME_MS };
  }

  async function keys(): Promise<MacKeys> {
    return (macs ??= await macKeys(options.keks));
  }

  return { published };
}

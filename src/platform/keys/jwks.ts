/** The public halves, as relying parties fetch them: from the object, and from KV for as long as the object is away. */
import type { Denial } from '../../core/denial.ts';
import { isProjectNumber } from '../../core/names.ts';
import { shardKey } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type Keks, kvMacKey } from '../secrets.ts';
import { askRing, type KeyRings } from './ask.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import { Budget } from '../budget.ts';
import type { PublishedJwk } from './seal.ts';

export interface PublicJwkSet {
  readonly keys: readonly PublishedJwk[];
}

export interface JwksReader {
  /** undefined: no such project. */
  published(projectNumber: string): Promise<Result<PublicJwkSet | undefined, Denial>>;
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
  const inKv = new BoundedMap<Kept & { readonly checkedAtMs: number }>(MAX_PROJECTS);

  async function published(projectNumber: string): Promise<Result<PublicJwkSet | undefined, Denial>> {
    if (!isProjectNumber(projectNumber)) return ok(undefined);
    const atMs = nowMs();
    const remembered = memory.get(projectNumber);
    const isYoung = remembered !== undefined && atMs - remembered.atMs < MEMORY_MS;
    if (isYoung && !fresh.take(projectNumber)) return ok(remembered.set);
    const answer = await askRing(namespace, projectNumber, (ring) => ring.publicKeys());
    if (!answer.ok) return fromKv(projectNumber);
    const set = answer.value === undefined ? undefined : { keys: answer.value.keys.map((key) => key.jwk) };
    memory.set(projectNumber, { set, atMs });
    if (set !== undefined) await keepInKv(projectNumber, JSON.stringify(set));
    return ok(set);
  }

  async function fromKv(projectNumber: string): Promise<Result<PublicJwkSet | undefined, Denial>> {
    const kept = await read(projectNumber).catch(() => undefined);
    if (kept === undefined) return err({ tag: 'unavailable', dependency: 'key_ring' });
    // Our own MAC was on it, so it is what we once wrote.
    const set: PublicJwkSet = JSON.parse(kept.body);
    return ok(set);
  }

  /** Writes only what is new or half-expired: KV takes one write a second a key, and every isolate on earth comes by here. */
  async function keepInKv(projectNumber: string, body: string): Promise<void> {
    const atMs = nowMs();
    const isGood = (kept: Kept | undefined): boolean =>
      kept?.body === body && kept.notAfterMs - atMs > STALE_LIFETIME_MS / 2;
    try {
      const known = inKv.get(projectNumber);
      if (known !== undefined && isGood(known) && atMs - known.checkedAtMs < RECHECK_MS) return;
      const found = await read(projectNumber);
      const kept = found !== undefined && isGood(found) ? found : await write(projectNumber, body);
      inKv.set(projectNumber, { ...kept, checkedAtMs: atMs });
    } catch {
      // The copy is for bad days only; today's answer does not wait for it.
    }
  }

  async function write(projectNumber: string, body: string): Promise<Kept> {
    const kept = { body, notAfterMs: nowMs() + STALE_LIFETIME_MS };
    const key = await kvMacKey(options.keks.current);
    const mac = await crypto.subtle.sign('HMAC', key, macInput(projectNumber, kept));
    const expirationTtl = STALE_LIFETIME_MS / 1_000;
    await cache.put(shardKey.ring(projectNumber), JSON.stringify({ ...kept, mac: hex(mac) }), { expirationTtl });
    return kept;
  }

  /** Undefined for any fault at all: who can write KV must not be able to slip in a key, nor bring back one of last week. */
  async function read(projectNumber: string): Promise<Kept | undefined> {
    const record = parse(await cache.get(shardKey.ring(projectNumber)));
    if (record === undefined || nowMs() >= record.notAfterMs) return undefined;
    const { body, notAfterMs } = record;
    const mac = unhex(record.mac);
    for (const kek of [options.keks.current, options.keks.previous]) {
      if (kek === undefined) continue;
      const key = await kvMacKey(kek);
      if (await crypto.subtle.verify('HMAC', key, mac, macInput(projectNumber, record))) return { body, notAfterMs };
    }
    return undefined;
  }

  return { published };
}

/** A JSON array of fixed length whose first member no other kind of record has. */
function macInput(projectNumber: string, { notAfterMs, body }: Kept): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(['edge-sts/kv-jwks/v1', projectNumber, notAfterMs, body]));
}

function parse(text: string | null): (Kept & { readonly mac: string }) | undefined {
  if (text === null) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const { body, notAfterMs, mac } = parsed as { body?: unknown; notAfterMs?: unknown; mac?: unknown };
    if (typeof body !== 'string' || typeof notAfterMs !== 'number' || typeof mac !== 'string') return undefined;
    return { body, notAfterMs, mac };
  } catch {
    return undefined;
  }
}

const HEX_PAIR = /../g;

function hex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function unhex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array((text.match(HEX_PAIR) ?? []).map((pair) => Number.parseInt(pair, 16)));
}

/**
 * A text to be kept where others may write (KV): a body with a version and an end, and an HMAC over them, over its purpose and over the
 * key it lies under. Attacks that stop here: a forged or changed record, two records swapped, one of another kind, and one kept back
 * beyond its time (SECURITY.md T8). An older one replayed within its time has a true MAC; its version is what gives it away.
 */
import { kvMacKey, type Keks } from './secrets.ts';

export interface SealedRecord {
  /** Which kind of record; no two kinds share a name. Part of the MAC, not of the text. */
  readonly purpose: string;
  /** What it lies under. Part of the MAC, not of the text. */
  readonly key: string;
  /** Grows from one record of this key to the next. */
  readonly version: number;
  readonly notAfterMs: number;
  readonly body: string;
}

export interface MacKeys {
  readonly current: CryptoKey;
  readonly previous?: CryptoKey;
}

export async function macKeys(keks: Keks): Promise<MacKeys> {
  const current = await kvMacKey(keks.current);
  return keks.previous === undefined ? { current } : { current, previous: await kvMacKey(keks.previous) };
}

/** The text to put under `record.key`, always under the current KEK. */
export async function sealText(keys: MacKeys, record: SealedRecord): Promise<string> {
  const mac = await crypto.subtle.sign('HMAC', keys.current, macInput(record));
  const { version, notAfterMs, body } = record;
  return JSON.stringify({ v: 1, version, notAfterMs, body, mac: hex(new Uint8Array(mac)) });
}

/** What the record says, or undefined for any fault at all: to the reader a bad record is a missing one. */
export async function openText(
  keys: MacKeys,
  expected: Pick<SealedRecord, 'purpose' | 'key'>,
  text: string,
  nowMs: number,
): Promise<{ readonly version: number; readonly body: string } | undefined> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecordText(parsed)) return undefined;
    const { version, notAfterMs, body } = parsed;
    const input = macInput({ ...expected, version, notAfterMs, body });
    if (!(await isOurs(keys, input, unhex(parsed.mac)))) return undefined;
    return nowMs < notAfterMs ? { version, body } : undefined;
  } catch {
    return undefined;
  }
}

/** A JSON array of fixed length: no two records share it, wherever one field ends and the next begins. */
function macInput({ purpose, key, version, notAfterMs, body }: SealedRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([purpose, key, version, notAfterMs, body]));
}

async function isOurs(keys: MacKeys, input: Uint8Array, mac: Uint8Array<ArrayBuffer>): Promise<boolean> {
  if (await crypto.subtle.verify('HMAC', keys.current, mac, input)) return true;
  return keys.previous !== undefined && crypto.subtle.verify('HMAC', keys.previous, mac, input);
}

interface RecordText {
  readonly v: 1;
  readonly version: number;
  readonly notAfterMs: number;
  readonly body: string;
  readonly mac: string;
}

const MAC = /^[0-9a-f]{64}$/;

function isRecordText(value: unknown): value is RecordText {
  if (typeof value !== 'object' || value === null) return false;
  const { v, version, notAfterMs, body, mac } = value as Partial<Record<keyof RecordText, unknown>>;
  const numbersAreWhole = Number.isSafeInteger(version) && Number.isSafeInteger(notAfterMs);
  return v === 1 && numbersAreWhole && typeof body === 'string' && typeof mac === 'string' && MAC.test(mac);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function unhex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

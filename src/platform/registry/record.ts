/**
 * A KV record: one shard, the epoch at which it was right and an HMAC over both and over the key it lies under.
 * Attacks that stop here: a forged or changed record, two records swapped, and one kept back beyond its time (SECURITY.md T8).
 * An old record replayed within its time has a true MAC; the epoch in it is what gives it away (`snapshot.ts`).
 */
import { kvMacKey, type Keks } from '../secrets.ts';

interface EdgeRecord {
  /** The shard key, which is also the KV key: part of the MAC, not of the text. */
  readonly key: string;
  readonly epoch: number;
  readonly notAfterMs: number;
  /** JSON of the shard, or `null` for one that no longer exists. */
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
export async function sealRecord(keys: MacKeys, record: EdgeRecord): Promise<string> {
  const mac = await crypto.subtle.sign('HMAC', keys.current, macInput(record));
  const { epoch, notAfterMs, body } = record;
  return JSON.stringify({ v: 1, epoch, notAfterMs, body, mac: toBase64url(new Uint8Array(mac)) });
}

/** What the record says, or undefined for any fault at all: to the reader a bad record is a missing one. */
export async function openRecord(
  keys: MacKeys,
  key: string,
  text: string,
  nowMs: number,
): Promise<{ readonly epoch: number; readonly value: unknown } | undefined> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecordText(parsed)) return undefined;
    const record = { key, epoch: parsed.epoch, notAfterMs: parsed.notAfterMs, body: parsed.body };
    if (!(await hasOurMac(keys, record, fromBase64url(parsed.mac)))) return undefined;
    if (nowMs >= record.notAfterMs) return undefined;
    return { epoch: record.epoch, value: JSON.parse(record.body) };
  } catch {
    return undefined;
  }
}

/** A JSON array of fixed length: no two records share it, wherever one field ends and the next begins. */
function macInput(record: EdgeRecord): Uint8Array {
  const { key, epoch, notAfterMs, body } = record;
  return new TextEncoder().encode(JSON.stringify(['edge-sts/kv-record/v1', key, epoch, notAfterMs, body]));
}

async function hasOurMac(keys: MacKeys, record: EdgeRecord, mac: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const input = macInput(record);
  if (await crypto.subtle.verify('HMAC', keys.current, mac, input)) return true;
  return keys.previous !== undefined && (await crypto.subtle.verify('HMAC', keys.previous, mac, input));
}

interface RecordText {
  readonly v: 1;
  readonly epoch: number;
  readonly notAfterMs: number;
  readonly body: string;
  readonly mac: string;
}

function isRecordText(value: unknown): value is RecordText {
  if (typeof value !== 'object' || value === null) return false;
  const { v, epoch, notAfterMs, body, mac } = value as Partial<Record<keyof RecordText, unknown>>;
  const numbersAreWhole = Number.isSafeInteger(epoch) && Number.isSafeInteger(notAfterMs);
  return v === 1 && numbersAreWhole && typeof body === 'string' && typeof mac === 'string';
}

function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

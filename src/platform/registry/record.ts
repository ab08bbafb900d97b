/**
 * A KV record of the Registry: one shard and the epoch at which it was right, sealed under the shard's key (`sealed-record.ts`).
 * An old record replayed within its time has a true MAC; the epoch in it is what gives it away (`snapshot.ts`).
 */
import { type MacKeys, openText, sealText } from '../sealed-record.ts';

interface EdgeRecord {
  /** The shard key, which is also the KV key. */
  readonly key: string;
  readonly epoch: number;
  readonly notAfterMs: number;
  /** JSON of the shard, or `null` for one that no longer exists. */
  readonly body: string;
}

/** Another number with each change of form: records of the form before are missing ones, and the authority is asked. */
const PURPOSE = 'edge-sts/kv-record/v2';

/** The text to put under `record.key`. */
export async function sealRecord(keys: MacKeys, { epoch: version, ...record }: EdgeRecord): Promise<string> {
  return sealText(keys, { purpose: PURPOSE, version, ...record });
}

/** What the record says, or undefined for any fault at all: to the reader a bad record is a missing one. */
export async function openRecord(
  keys: MacKeys,
  key: string,
  text: string,
  nowMs: number,
): Promise<{ readonly epoch: number; readonly value: unknown } | undefined> {
  const opened = await openText(keys, { purpose: PURPOSE, key }, text, nowMs);
  // Our own MAC was on it, so it is JSON that a Registry once wrote.
  return opened && { epoch: opened.version, value: JSON.parse(opened.body) };
}

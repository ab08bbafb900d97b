/** The copy of a provider's keys in KV, for the hours in which its object does not answer: how it is named, sealed and read back. */
import { macKeys, openText, sealText } from '../sealed-record.ts';
import type { Keks } from '../secrets.ts';
import type { DiscoveredKeys } from './discovered.ts';

const PURPOSE = 'edge-sts/kv-issuer-keys/v1';
/** KV lets go of a record a while after nobody may believe it any more; less than 60 s it does not take. */
const EXPIRATION_MARGIN_SECONDS = 3_600;

export function copyKey(objectName: string): string {
  return `keys:${objectName}`;
}

/** For `put`: what lies there, and until when KV is to keep it. Fetched later is newer. */
export async function sealCopy(
  keks: Keks,
  objectName: string,
  found: DiscoveredKeys,
  nowMs: number,
): Promise<{ readonly text: string; readonly expirationTtl: number }> {
  const { fetchedAtMs, staleAfterMs: notAfterMs } = found;
  const record = { purpose: PURPOSE, key: copyKey(objectName), version: fetchedAtMs, notAfterMs };
  const text = await sealText(await macKeys(keks), { ...record, body: JSON.stringify(found) });
  const restSeconds = Math.max(0, Math.ceil((notAfterMs - nowMs) / 1_000));
  return { text, expirationTtl: restSeconds + EXPIRATION_MARGIN_SECONDS };
}

/** Undefined for any fault at all: altered, another provider's, too old. */
export async function openCopy(
  keks: Keks,
  objectName: string,
  text: string,
  nowMs: number,
): Promise<DiscoveredKeys | undefined> {
  const opened = await openText(await macKeys(keks), { purpose: PURPOSE, key: copyKey(objectName) }, text, nowMs);
  if (opened === undefined) return undefined;
  // Our own MAC was on it, so it is what an IssuerKeys object once wrote.
  const found: DiscoveredKeys = JSON.parse(opened.body);
  return found;
}

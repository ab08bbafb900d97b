/** What a Quota object takes for a record: an isolate of another version may send what is none, and one bad record must not cost the others. */
import type { RecentBatch, RecentExchange } from '../../core/recent.ts';

/** Twice what mapping, claims and names can come to. */
const MAX_RECORD_CHARACTERS = 16_384;
/** Clocks differ; a record of next year would never leave. */
const MAX_AHEAD_MS = 300_000;

export interface PackedRecord {
  readonly record: RecentExchange;
  readonly json: string;
}

/** The records that hold, oldest first, and how many do not, with those that never arrived. */
export function readBatch(
  batch: unknown,
  fromMs: number,
  nowMs: number,
): { readonly records: readonly PackedRecord[]; readonly dropped: number } {
  const { records, dropped } = (batch ?? {}) as Partial<Record<keyof RecentBatch, unknown>>;
  const sent: readonly unknown[] = Array.isArray(records) ? records : [];
  const read = sent.map((record) => readRecord(record, fromMs, nowMs)).filter((one) => one !== undefined);
  const lost = typeof dropped === 'number' && Number.isSafeInteger(dropped) && dropped > 0 ? dropped : 0;
  return { records: read, dropped: lost + sent.length - read.length };
}

function readRecord(record: unknown, fromMs: number, nowMs: number): PackedRecord | undefined {
  if (!isRecent(record) || record.timeMs <= fromMs || record.timeMs > nowMs + MAX_AHEAD_MS) return undefined;
  const json = JSON.stringify(record);
  return json.length > MAX_RECORD_CHARACTERS ? undefined : { record, json };
}

/** A row that was written here. What an older version wrote is left out where it is no longer understood. */
export function readRow(text: string): readonly PackedRecord[] {
  const row: unknown = JSON.parse(text);
  const records: readonly unknown[] = Array.isArray(row) ? row : [];
  return records.filter(isRecent).map((record) => ({ record, json: JSON.stringify(record) }));
}

function isRecent(value: unknown): value is RecentExchange {
  if (typeof value !== 'object' || value === null) return false;
  const { id, timeMs, outcome, reason, poolId, providerId, subject, groups, attributes } = value as Partial<
    Record<keyof RecentExchange, unknown>
  >;
  return (
    [id, reason, poolId, providerId, subject].every((text) => typeof text === 'string' && text !== '') &&
    Number.isSafeInteger(timeMs) &&
    (outcome === 'granted' || outcome === 'refused') &&
    Array.isArray(groups) &&
    groups.every((group) => typeof group === 'string') &&
    typeof attributes === 'object' &&
    attributes !== null &&
    Object.values(attributes).every((text) => typeof text === 'string')
  );
}

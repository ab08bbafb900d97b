/** Exchanges that an isolate remembers until a call takes them to their project's object: bounded, and the oldest refused ones go first. */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { RecentBatch, RecentExchange } from '../../core/recent.ts';
import { RefusalShare } from '../../core/refusal-share.ts';

const MAX_PROJECTS = 50;
const MAX_RECORDS_OF_ONE_PROJECT = 200;

export class RecentBuffer {
  readonly #batches = new BoundedMap<RecentBatch>(MAX_PROJECTS);
  readonly #share = new RefusalShare();

  /** The last word on an exchange takes the place of the one before, where that is still here. */
  add(projectNumber: string, record: RecentExchange): void {
    const { records, dropped } = this.#batches.get(projectNumber) ?? EMPTY;
    if (record.outcome === 'refused' && record.again !== true && !this.#share.admits(record, projectNumber)) {
      this.#keep(projectNumber, { records, dropped: dropped + 1 });
      return;
    }
    const others = record.again === true ? records.filter(({ id }) => id !== record.id) : records;
    this.#keep(projectNumber, { records: [...others, record], dropped });
  }

  has(projectNumber: string): boolean {
    return this.#batches.get(projectNumber) !== undefined;
  }

  /** When the oldest exchange was. */
  oldestMs(projectNumber: string): number | undefined {
    return this.#batches.get(projectNumber)?.records[0]?.timeMs;
  }

  count(projectNumber: string): number {
    return this.#batches.get(projectNumber)?.records.length ?? 0;
  }

  /** All there is, which is gone from here. */
  take(projectNumber: string): RecentBatch | undefined {
    const batch = this.#batches.get(projectNumber);
    this.#batches.delete(projectNumber);
    return batch;
  }

  /** What a call did not bring to its end goes before what came since. */
  putBack(projectNumber: string, batch: RecentBatch): void {
    const since = this.#batches.get(projectNumber) ?? EMPTY;
    const saidAnew = new Set(since.records.map(({ id }) => id));
    const before = batch.records.filter(({ id }) => !saidAnew.has(id));
    this.#keep(projectNumber, {
      records: [...before, ...since.records],
      dropped: batch.dropped + since.dropped,
    });
  }

  #keep(projectNumber: string, { records, dropped }: RecentBatch): void {
    const kept = withoutOldest(records, records.length - MAX_RECORDS_OF_ONE_PROJECT);
    this.#batches.set(projectNumber, { records: kept, dropped: dropped + records.length - kept.length });
  }
}

/** Refused ones first: they cost nothing, and must not push out who was let in. */
function withoutOldest(records: readonly RecentExchange[], count: number): readonly RecentExchange[] {
  if (count <= 0) return records;
  const refused = records.filter(({ outcome }) => outcome === 'refused').slice(0, count);
  const gone = new Set(refused);
  return records.filter((record) => !gone.has(record)).slice(count - gone.size);
}

const EMPTY: RecentBatch = { records: [], dropped: 0 };

/** As it is sent a second time: whether the first one arrived is not known. */
export function sentAgain(batch: RecentBatch): RecentBatch {
  return { ...batch, records: batch.records.map((record) => ({ ...record, again: true })) };
}

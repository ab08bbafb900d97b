/** A page of remembered exchanges, newest first and each once, out of pieces that are read only where the page needs them. */
import type { RecentExchange, RecentPage } from '../../core/recent.ts';
import type { PackedRecord } from './recent-record.ts';

/** A row, or what memory holds. */
export interface Piece {
  /** Which exchange of the project's the first record is: a page is continued by it. */
  readonly firstOrdinal: number;
  readonly newestMs: number;
  /** How many were let go while it was filled. */
  readonly dropped: number;
  /** Ids of its records that may have an earlier one in an older piece. */
  readonly again: readonly string[];
  /** Oldest first. */
  readonly records: () => readonly PackedRecord[];
}

export interface PageWanted {
  /** The ordinal that the page ends before; absent: the newest page. */
  readonly before?: number;
  readonly maxRecords: number;
}

/** Below the 1 MiB that a message between objects is meant to have. */
const MAX_PAGE_CHARACTERS = 700_000;

/** `pieces`: newest first. Nothing of `fromMs` or before is shown. */
export function pageOf(
  pieces: readonly Piece[],
  { before = Number.MAX_SAFE_INTEGER, maxRecords }: PageWanted,
  fromMs: number,
): RecentPage {
  const fresh = pieces.filter(({ newestMs }) => newestMs > fromMs);
  const dropped = fresh.reduce((sum, piece) => sum + piece.dropped, 0);
  const page: RecentExchange[] = [];
  const saidLater = new Set<string>();
  let characters = 0;
  for (const piece of fresh) {
    if (piece.firstOrdinal >= before) {
      for (const id of piece.again) saidLater.add(id);
      continue;
    }
    for (const [index, { record, json }] of [...piece.records().entries()].toReversed()) {
      const ordinal = piece.firstOrdinal + index;
      const isOld = saidLater.has(record.id) || record.timeMs <= fromMs;
      if (record.again === true) saidLater.add(record.id);
      if (isOld || ordinal >= before) continue;
      characters += json.length;
      const isFull = page.length === maxRecords || (characters > MAX_PAGE_CHARACTERS && page.length > 0);
      if (isFull) return { records: page, next: ordinal + 1, dropped };
      page.push(record);
    }
  }
  return { records: page, dropped };
}

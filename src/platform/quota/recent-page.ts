/** A page of remembered exchanges of both rings, newest first and each once, out of pieces that are read only where the page needs them. */
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
  /** The `next` of the page before; absent: the newest page. */
  readonly before?: string;
  readonly maxRecords: number;
}

/** Newest first. */
export interface Pieces {
  readonly granted: readonly Piece[];
  readonly refused: readonly Piece[];
}

/** Below the 1 MiB that a message between objects is meant to have. */
const MAX_PAGE_CHARACTERS = 700_000;

interface Entry extends PackedRecord {
  readonly ordinal: number;
}

/** Nothing of `fromMs` or before is shown. */
export function pageOf(pieces: Pieces, { before, maxRecords }: PageWanted, fromMs: number): RecentPage {
  const isFresh = ({ newestMs }: Piece): boolean => newestMs > fromMs;
  const granted = pieces.granted.filter(isFresh);
  const refused = pieces.refused.filter(isFresh);
  const dropped = [...granted, ...refused].reduce((sum, piece) => sum + piece.dropped, 0);
  // A refusal is an exchange's last word, so what is said anew there is out of date here, wherever the page begins.
  const corrected = refused.flatMap(({ again }) => again);
  const [grantedBefore = 0, refusedBefore = 0] = before === undefined ? [Infinity, Infinity] : cursorOf(before);
  const grants = entriesOf(granted, grantedBefore, fromMs, corrected);
  const refusals = entriesOf(refused, refusedBefore, fromMs, []);
  const page: RecentExchange[] = [];
  let characters = 0;
  let grant = grants.next().value;
  let refusal = refusals.next().value;
  for (;;) {
    const isRefusal = grant === undefined || (refusal !== undefined && refusal.record.timeMs >= grant.record.timeMs);
    const entry = isRefusal ? refusal : grant;
    if (entry === undefined) return { records: page, dropped };
    characters += entry.json.length;
    const isFull = page.length === maxRecords || (characters > MAX_PAGE_CHARACTERS && page.length > 0);
    if (isFull) return { records: page, next: `${endBefore(grant)}.${endBefore(refusal)}`, dropped };
    page.push(entry.record);
    if (isRefusal) refusal = refusals.next().value;
    else grant = grants.next().value;
  }
}

/** Where the next page goes on in one ring: at what was not shown yet; 0 where there is nothing. */
function endBefore(entry: Entry | undefined): number {
  return entry === undefined ? 0 : entry.ordinal + 1;
}

function cursorOf(before: string): readonly number[] {
  return before.split('.').map(Number);
}

/** Of one ring, newest first; `corrected`: ids whose last word lies elsewhere. */
function* entriesOf(
  pieces: readonly Piece[],
  before: number,
  fromMs: number,
  corrected: readonly string[],
): Generator<Entry, undefined> {
  const saidLater = new Set(corrected);
  for (const piece of pieces) {
    if (piece.firstOrdinal >= before) {
      for (const id of piece.again) saidLater.add(id);
      continue;
    }
    for (const [index, packed] of [...piece.records().entries()].toReversed()) {
      const { record } = packed;
      const ordinal = piece.firstOrdinal + index;
      const isOld = saidLater.has(record.id) || record.timeMs <= fromMs;
      if (record.again === true) saidLater.add(record.id);
      if (!isOld && ordinal < before) yield { ...packed, ordinal };
    }
  }
  return undefined;
}

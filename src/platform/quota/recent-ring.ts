/** One of the rings of a Quota object: the newest records in memory, then packed into rows; what is full lets the oldest go, and counts them. */
import type { Piece } from './recent-page.ts';
import { type PackedRecord, readRow } from './recent-record.ts';
import { RECORDS_A_ROW, type RecentTable, type Row, RecentRows } from './recent-rows.ts';

/** What an eviction may cost. */
export const PACKED_AFTER_MS = 10_000;
/** While rows cannot be written. */
const MAX_PENDING = 1_000;
const MAX_ROW_CHARACTERS = 262_144;
/** A row goes as a whole: what is in it must not be much older than its youngest. */
const MAX_ROW_SPAN_MS = 3_600_000;
const SPANS_A_RETENTION = 24;

export interface RingDeps {
  readonly sql: SqlStorage;
  /** 0: nothing is kept. */
  readonly retentionMs: () => number;
}

/** The newest row: while it is not full it is written anew with what comes. */
interface OpenRow {
  readonly sequence: number;
  readonly firstOrdinal: number;
  readonly records: readonly PackedRecord[];
  readonly dropped: number;
}

const FIRST_ROW: OpenRow = { sequence: 0, firstOrdinal: 0, records: [], dropped: 0 };

export class RecentRing {
  readonly #deps: RingDeps;
  readonly #rows: RecentRows;
  readonly #maxRecords: number;
  #open: OpenRow | undefined;
  /** A record of the open row was said anew, or taken out, since it was written. */
  #isOpenChanged = false;
  #pending: readonly PackedRecord[] = [];
  #pendingSinceMs = 0;
  #dropped = 0;

  constructor(deps: RingDeps, table: RecentTable, maxRecords: number) {
    this.#deps = deps;
    this.#rows = new RecentRows(deps.sql, table, maxRecords);
    this.#maxRecords = maxRecords;
  }

  add(packed: PackedRecord, nowMs: number): void {
    this.#newsAt(nowMs);
    const over = Math.max(0, this.#pending.length + 1 - MAX_PENDING);
    this.#pending = [...this.#pending.slice(over), packed];
    this.#dropped += over;
  }

  /** False where the record is not among the newest: rows that are closed are not written anew. */
  replace(packed: PackedRecord, nowMs: number): boolean {
    return this.#change(packed.record.id, [packed], nowMs);
  }

  /** As `replace`. */
  remove(id: string, nowMs: number): boolean {
    return this.#change(id, [], nowMs);
  }

  /** Counts what never came here. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** Those that are in memory, oldest first. */
  newest(): readonly PackedRecord[] {
    return [...this.#openRow().records, ...this.#pending];
  }

  /** Newest first. */
  pieces(): readonly Piece[] {
    const { sequence, firstOrdinal, dropped } = this.#openRow();
    const inMemory = this.newest();
    const newest: Piece = {
      firstOrdinal,
      newestMs: Infinity,
      dropped: dropped + this.#dropped,
      again: againIn(inMemory),
      records: () => inMemory,
    };
    const leastOrdinal = firstOrdinal + inMemory.length - this.#maxRecords;
    const older = this.#rows.heads().filter((head) => head.sequence < sequence && head.firstOrdinal >= leastOrdinal);
    return [newest, ...older.map((head) => ({ ...head, records: () => this.#recordsOf(head.sequence) }))];
  }

  hasFullRow(): boolean {
    return this.#openRow().records.length + this.#pending.length >= RECORDS_A_ROW;
  }

  hasNews(): boolean {
    return this.#pending.length > 0 || this.#isOpenChanged;
  }

  /** The alarm's work. */
  wake(nowMs: number): void {
    this.#purge(nowMs - this.#deps.retentionMs());
    if (this.hasNews() && nowMs >= this.#pendingSinceMs + PACKED_AFTER_MS) this.pack('everything', nowMs);
  }

  #newsAt(nowMs: number): void {
    if (!this.hasNews()) this.#pendingSinceMs = nowMs;
  }

  #change(id: string, by: readonly PackedRecord[], nowMs: number): boolean {
    const isIt = ({ record }: PackedRecord): boolean => record.id === id;
    const changed = (records: readonly PackedRecord[]): readonly PackedRecord[] =>
      records.flatMap((one) => (isIt(one) ? by : [one]));
    const open = this.#openRow();
    if (this.#pending.some(isIt)) this.#pending = changed(this.#pending);
    else if (open.records.some(isIt)) {
      this.#newsAt(nowMs);
      this.#open = { ...open, records: changed(open.records) };
      this.#isOpenChanged = true;
    } else return false;
    return true;
  }

  /** Rows are written first and remembered after: a write that fails is tried again by the alarm. */
  pack(what: 'full rows' | 'everything', nowMs: number): void {
    do {
      const open = this.#openRow();
      const fitting = this.#fitting(open);
      const isFull = fitting < this.#pending.length || open.records.length + fitting >= RECORDS_A_ROW;
      if (what === 'full rows' && !isFull) return;
      const records = [...open.records, ...this.#pending.slice(0, fitting)];
      // Counted where they are lost: what overwrites a row that is still young says how many it cost.
      const displaced = this.#rows.displacedBy(open.sequence, nowMs - this.#deps.retentionMs());
      const filled = { ...open, records, dropped: open.dropped + this.#dropped + displaced };
      if (fitting > 0 || this.#isOpenChanged) {
        this.#rows.put(rowOf(filled));
        this.#open = filled;
        this.#isOpenChanged = false;
        this.#dropped = 0;
      }
      if (isFull) this.#open = rowAfter(filled);
      this.#pending = this.#pending.slice(fitting);
      this.#pendingSinceMs = nowMs;
    } while (this.#pending.length > 0);
  }

  /** How many of those that wait have room in this row. */
  #fitting({ records }: OpenRow): number {
    const spanMs = Math.min(MAX_ROW_SPAN_MS, this.#deps.retentionMs() / SPANS_A_RETENTION);
    const firstMs = records[0]?.record.timeMs ?? this.#pending[0]?.record.timeMs ?? 0;
    const room = this.#pending.slice(0, RECORDS_A_ROW - records.length);
    let characters = charactersOf(records);
    const none = room.findIndex(({ record, json }) => {
      characters += json.length;
      return characters > MAX_ROW_CHARACTERS || record.timeMs - firstMs > spanMs;
    });
    return none < 0 ? room.length : none;
  }

  #purge(untilMs: number): void {
    const oldestMs = this.#rows.oldestMs();
    if (oldestMs === undefined || oldestMs > untilMs) return;
    this.#rows.purge(untilMs);
    const open = this.#openRow();
    if (open.records.length > 0 && newestMsOf(open.records) <= untilMs) this.#open = rowAfter(open);
  }

  forgetAll(): void {
    this.#rows.purge(Number.MAX_SAFE_INTEGER);
    this.#pending = [];
    this.#open = FIRST_ROW;
    this.#isOpenChanged = false;
    this.#dropped = 0;
  }

  dueAtMs(): number | undefined {
    const oldestMs = this.#rows.oldestMs();
    const dues = [
      ...(this.hasNews() ? [this.#pendingSinceMs + PACKED_AFTER_MS] : []),
      ...(oldestMs === undefined ? [] : [oldestMs + this.#deps.retentionMs()]),
    ];
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  #openRow(): OpenRow {
    this.#open ??= this.#loadOpenRow();
    return this.#open;
  }

  #loadOpenRow(): OpenRow {
    const row = this.#rows.newest();
    if (row === undefined) return FIRST_ROW;
    const open = { ...row, records: readRow(row.records) };
    return open.records.length < RECORDS_A_ROW ? open : rowAfter(open);
  }

  #recordsOf(sequence: number): readonly PackedRecord[] {
    const text = this.#rows.records(sequence);
    return text === undefined ? [] : readRow(text);
  }
}

function rowOf({ sequence, firstOrdinal, records, dropped }: OpenRow): Row {
  return {
    sequence,
    firstOrdinal,
    newestMs: newestMsOf(records),
    dropped,
    again: againIn(records),
    records: `[${records.map(({ json }) => json).join(',')}]`,
  };
}

function rowAfter({ sequence, firstOrdinal, records }: OpenRow): OpenRow {
  return { sequence: sequence + 1, firstOrdinal: firstOrdinal + records.length, records: [], dropped: 0 };
}

function newestMsOf(records: readonly PackedRecord[]): number {
  return Math.max(0, ...records.map(({ record }) => record.timeMs));
}

function againIn(records: readonly PackedRecord[]): readonly string[] {
  return records.filter(({ record }) => record.again === true).map(({ record }) => record.id);
}

function charactersOf(records: readonly PackedRecord[]): number {
  return records.reduce((sum, { json }) => sum + json.length, 0);
}

/**
 * What a Quota object keeps of its project's exchanges: the newest in memory, then packed into rows. To count is what the
 * object is for and to remember is not: whatever goes wrong here, a permit never hears of it.
 */
import { MAX_RECENT_EXCHANGES, type RecentPage } from '../../core/recent.ts';
import { type PageWanted, pageOf, type Piece } from './recent-page.ts';
import { type PackedRecord, readBatch, readRow } from './recent-record.ts';
import { RECORDS_A_ROW, type Row, RecentRows } from './recent-rows.ts';

/** What an eviction may cost. */
const PACKED_AFTER_MS = 10_000;
/** While rows cannot be written. */
const MAX_PENDING = 1_000;
const MAX_ROW_CHARACTERS = 262_144;
/** A row goes as a whole: what is in it must not be much older than its youngest. */
const MAX_ROW_SPAN_MS = 3_600_000;
const SPANS_A_RETENTION = 24;
const ALARM_LOST_AFTER_MS = 60_000;

interface RecentStoreDeps {
  readonly sql: SqlStorage;
  /** 0: nothing is kept. */
  readonly retentionMs: () => number;
  /** Never rejects. */
  readonly setAlarm: (atMs: number) => void;
  /** Runs `work`, which may throw, when the answer that is being made is on its way. */
  readonly afterwards: (work: () => void) => void;
}

/** The newest row: while it is not full it is written anew with what comes. */
interface OpenRow {
  readonly sequence: number;
  readonly firstOrdinal: number;
  readonly records: readonly PackedRecord[];
  readonly dropped: number;
}

const FIRST_ROW: OpenRow = { sequence: 0, firstOrdinal: 0, records: [], dropped: 0 };

export class RecentStore {
  readonly #deps: RecentStoreDeps;
  readonly #rows: RecentRows;
  #open: OpenRow | undefined;
  /** A record of the open row was said anew since it was written. */
  #isOpenChanged = false;
  #pending: readonly PackedRecord[] = [];
  #pendingSinceMs = 0;
  #dropped = 0;
  #alarmAtMs: number | undefined;
  #isPacking = false;

  constructor(deps: RecentStoreDeps) {
    this.#deps = deps;
    this.#rows = new RecentRows(deps.sql);
  }

  /** Never throws, and writes no row before the answer to whoever brought the records has left. */
  take(batch: unknown, nowMs: number): void {
    const retentionMs = this.#deps.retentionMs();
    if (batch === undefined || retentionMs <= 0) return;
    try {
      const { records, dropped } = readBatch(batch, nowMs - retentionMs, nowMs);
      this.#dropped += dropped;
      for (const packed of records) this.#add(packed, nowMs);
      const over = Math.max(0, this.#pending.length - MAX_PENDING);
      this.#pending = this.#pending.slice(over);
      this.#dropped += over;
      if (this.#hasNews()) this.#wakeBy(nowMs + PACKED_AFTER_MS, nowMs);
      if (this.#openRow().records.length + this.#pending.length >= RECORDS_A_ROW) this.#packAfterwards(nowMs);
    } catch {
      this.#dropped += 1;
    }
  }

  page(wanted: PageWanted, nowMs: number): RecentPage {
    const retentionMs = this.#deps.retentionMs();
    if (retentionMs <= 0) return { records: [], dropped: 0 };
    const { sequence, firstOrdinal, records, dropped } = this.#openRow();
    const inMemory = [...records, ...this.#pending];
    const newest: Piece = {
      firstOrdinal,
      newestMs: Infinity,
      dropped: dropped + this.#dropped,
      again: againIn(inMemory),
      records: () => inMemory,
    };
    const leastOrdinal = firstOrdinal + inMemory.length - MAX_RECENT_EXCHANGES;
    const older = this.#rows.heads().filter((head) => head.sequence < sequence && head.firstOrdinal >= leastOrdinal);
    const pieces = older.map((head) => ({ ...head, records: () => this.#recordsOf(head.sequence) }));
    return pageOf([newest, ...pieces], wanted, nowMs - retentionMs);
  }

  /** The alarm's work; answers when the next one is due, if at all. */
  wake(nowMs: number): number | undefined {
    this.#alarmAtMs = undefined;
    const retentionMs = this.#deps.retentionMs();
    if (retentionMs <= 0) this.#forgetAll();
    else {
      this.#purge(nowMs - retentionMs);
      if (this.#hasNews() && nowMs >= this.#pendingSinceMs + PACKED_AFTER_MS) this.#pack('everything', nowMs);
    }
    this.#alarmAtMs = this.#dueAtMs(retentionMs);
    return this.#alarmAtMs;
  }

  /** What a shorter retention shuts out goes at once: a longer one must not bring it back. */
  retentionChanged(nowMs: number): void {
    const dueAtMs = this.wake(nowMs);
    if (dueAtMs !== undefined) this.#deps.setAlarm(dueAtMs);
  }

  #add(packed: PackedRecord, nowMs: number): void {
    const { id, again = false } = packed.record;
    const said = ({ record }: PackedRecord): boolean => record.id === id;
    const anew = (records: readonly PackedRecord[]): readonly PackedRecord[] =>
      records.map((one) => (said(one) ? packed : one));
    if (!this.#hasNews()) this.#pendingSinceMs = nowMs;
    if (again && this.#pending.some(said)) this.#pending = anew(this.#pending);
    else if (again && this.#openRow().records.some(said)) {
      this.#open = { ...this.#openRow(), records: anew(this.#openRow().records) };
      this.#isOpenChanged = true;
    } else this.#pending = [...this.#pending, packed];
  }

  #packAfterwards(nowMs: number): void {
    if (this.#isPacking) return;
    this.#isPacking = true;
    this.#deps.afterwards(() => {
      this.#isPacking = false;
      this.#pack('full rows', nowMs);
    });
  }

  /** Rows are written first and remembered after: a write that fails is tried again by the alarm. */
  #pack(what: 'full rows' | 'everything', nowMs: number): void {
    do {
      const open = this.#openRow();
      const fitting = this.#fitting(open);
      const isFull = fitting < this.#pending.length || open.records.length + fitting >= RECORDS_A_ROW;
      if (what === 'full rows' && !isFull) return;
      const records = [...open.records, ...this.#pending.slice(0, fitting)];
      const filled = { ...open, records, dropped: open.dropped + this.#dropped };
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

  #forgetAll(): void {
    this.#rows.purge(Number.MAX_SAFE_INTEGER);
    this.#pending = [];
    this.#open = FIRST_ROW;
    this.#isOpenChanged = false;
    this.#dropped = 0;
  }

  #dueAtMs(retentionMs: number): number | undefined {
    const oldestMs = this.#rows.oldestMs();
    const dues = [
      ...(this.#hasNews() ? [this.#pendingSinceMs + PACKED_AFTER_MS] : []),
      ...(oldestMs === undefined ? [] : [oldestMs + retentionMs]),
    ];
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** An alarm is a write too: one that comes in time is left alone. */
  #wakeBy(dueAtMs: number, nowMs: number): void {
    const known = this.#alarmAtMs;
    if (known !== undefined && known <= dueAtMs && known > nowMs - ALARM_LOST_AFTER_MS) return;
    this.#alarmAtMs = dueAtMs;
    this.#deps.setAlarm(dueAtMs);
  }

  #hasNews(): boolean {
    return this.#pending.length > 0 || this.#isOpenChanged;
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

/** The rows of usage: one a minute for 24 hours and one an hour for 90 days, overwritten in place, and one for who sent what. */
import { type ReasonCounts, ROW_LIMITS, type UsageSums, UsageTally } from '../../core/usage.ts';
import type { Received } from '../../core/usage-delivery.ts';

export const MINUTES_KEPT = 1_440;
export const HOURS_KEPT = 2_160;
export const MINUTES_AN_HOUR = 60;

const TABLES = `
  CREATE TABLE IF NOT EXISTS usage_minute (
    slot INTEGER PRIMARY KEY CHECK (slot BETWEEN 0 AND ${MINUTES_KEPT - 1}),
    start INTEGER NOT NULL,
    sums TEXT NOT NULL CHECK (json_valid(sums))
  ) STRICT;
  CREATE TABLE IF NOT EXISTS usage_hour (
    slot INTEGER PRIMARY KEY CHECK (slot BETWEEN 0 AND ${HOURS_KEPT - 1}),
    start INTEGER NOT NULL,
    sums TEXT NOT NULL CHECK (json_valid(sums))
  ) STRICT;
  CREATE TABLE IF NOT EXISTS usage_senders (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    senders TEXT NOT NULL CHECK (json_valid(senders)),
    lost INTEGER NOT NULL CHECK (lost >= 0),
    totals TEXT CHECK (json_valid(totals))
  ) STRICT`;

/** Objects that counted before there were sums of all time have no such column. */
const TOTALS_COLUMN = 'ALTER TABLE usage_senders ADD COLUMN totals TEXT CHECK (json_valid(totals))';

export interface Sender extends Received {
  /** As it said last. */
  readonly lost: number;
  readonly heardAtMs: number;
  /** What would be lost if it died now, as it said last. */
  readonly open: number;
}

export interface Senders {
  readonly byId: ReadonlyMap<string, Sender>;
  /** Exchanges that isolates let go, ever. */
  readonly lost: number;
}

/** Sums of all time: they never shrink, whatever is dropped of the minutes and hours. */
export interface UsageTotals {
  /** When the first of them was counted. */
  readonly sinceMs: number;
  readonly byReason: ReasonCounts;
}

export interface Point {
  /** Minutes or hours since the epoch of Unix time. */
  readonly start: number;
  readonly sums: UsageSums;
}

type Table = 'usage_minute' | 'usage_hour';

export class UsageRows {
  readonly #sql: SqlStorage;
  #isThere: boolean | undefined;
  #hasTotals = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  minute(start: number): UsageSums | undefined {
    return this.#range('usage_minute', start, start)[0]?.sums;
  }

  /** Ascending. */
  minutes(from: number, to: number): readonly Point[] {
    return this.#range('usage_minute', from, to);
  }

  hours(from: number, to: number): readonly Point[] {
    return this.#range('usage_hour', from, to);
  }

  /** Hours of which there are minutes that no row of an hour holds yet. */
  unpackedHours(): readonly number[] {
    if (!this.#exists()) return [];
    return this.#sql
      .exec<{ hour: number }>(
        `SELECT DISTINCT start / ${MINUTES_AN_HOUR} AS hour FROM usage_minute
         WHERE start / ${MINUTES_AN_HOUR} NOT IN (SELECT start FROM usage_hour)`,
      )
      .toArray()
      .map(({ hour }) => hour);
  }

  senders(): Senders {
    if (!this.#exists()) return { byId: new Map(), lost: 0 };
    const [row] = this.#sql
      .exec<{ senders: string; lost: number }>('SELECT senders, lost FROM usage_senders')
      .toArray();
    if (row === undefined) return { byId: new Map(), lost: 0 };
    const entries: readonly (readonly [string, Sender])[] = JSON.parse(row.senders);
    return { byId: new Map(entries), lost: row.lost };
  }

  /** In the row of the senders, so that they cost no row of their own. Undefined: nothing was counted yet. */
  totals(): UsageTotals | undefined {
    if (!this.#exists()) return undefined;
    const [row] = this.#sql.exec<{ totals?: string | null }>('SELECT * FROM usage_senders').toArray();
    if (row?.totals == null) return undefined;
    const totals: UsageTotals = JSON.parse(row.totals);
    return totals;
  }

  /** Writes need the tables; reading makes none. Not in a transaction: what is rolled back would be taken to be there. */
  prepare(): void {
    if (!this.#exists()) this.#sql.exec(TABLES);
    else if (!this.#hasTotals) {
      const columns = this.#sql.exec<{ name: string }>('PRAGMA table_info(usage_senders)').toArray();
      if (columns.every(({ name }) => name !== 'totals')) this.#sql.exec(TOTALS_COLUMN);
    }
    this.#isThere = true;
    this.#hasTotals = true;
  }

  putMinute(start: number, sums: UsageSums): void {
    this.#put('usage_minute', start % MINUTES_KEPT, start, sums);
  }

  /** Out of its minutes: they are all there still, for it is made soon after its end. */
  packHour(hour: number): void {
    const tally = new UsageTally(WIDE);
    for (const { sums } of this.minutesOf(hour)) tally.merge(sums);
    this.putHour(hour, tally.sums(ROW_LIMITS));
  }

  putHour(hour: number, sums: UsageSums): void {
    this.#put('usage_hour', hour % HOURS_KEPT, hour, sums);
  }

  minutesOf(hour: number): readonly Point[] {
    return this.minutes(hour * MINUTES_AN_HOUR, (hour + 1) * MINUTES_AN_HOUR - 1);
  }

  putSenders({ byId, lost }: Senders, totals: UsageTotals): void {
    this.#sql.exec(
      `INSERT INTO usage_senders (id, senders, lost, totals) VALUES (1, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET senders = excluded.senders, lost = excluded.lost, totals = excluded.totals`,
      JSON.stringify([...byId]),
      lost,
      JSON.stringify(totals),
    );
  }

  #put(table: Table, slot: number, start: number, sums: UsageSums): void {
    this.#sql.exec(
      `INSERT INTO ${table} (slot, start, sums) VALUES (?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET start = excluded.start, sums = excluded.sums
       WHERE excluded.start >= ${table}.start`,
      slot,
      start,
      JSON.stringify(sums),
    );
  }

  /** By slot, which is the key: to look for `start` alone would read the whole ring each time. */
  #range(table: Table, from: number, to: number): readonly Point[] {
    if (!this.#exists() || from > to) return [];
    const kept = table === 'usage_minute' ? MINUTES_KEPT : HOURS_KEPT;
    const [low, high] = [from % kept, to % kept];
    if (to - from >= kept - 1) return this.#slots(table, 0, kept - 1, from, to);
    if (low <= high) return this.#slots(table, low, high, from, to);
    return [...this.#slots(table, low, kept - 1, from, to), ...this.#slots(table, 0, high, from, to)];
  }

  #slots(table: Table, firstSlot: number, lastSlot: number, from: number, to: number): readonly Point[] {
    return this.#sql
      .exec<{ start: number; sums: string }>(
        `SELECT start, sums FROM ${table} WHERE slot BETWEEN ? AND ? AND start BETWEEN ? AND ? ORDER BY start`,
        firstSlot,
        lastSlot,
        from,
        to,
      )
      .toArray()
      .map(({ start, sums }) => ({ start, sums: sumsOf(sums) }));
  }

  #exists(): boolean {
    this.#isThere ??=
      this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'usage_senders'`).toArray().length >
      0;
    return this.#isThere;
  }
}

/** A row that was written here. */
function sumsOf(text: string): UsageSums {
  const sums: UsageSums = JSON.parse(text);
  return sums;
}

/** All that sixty rows can hold. */
const WIDE = { provider: 12_000, principal: 3_000, target: 12_000 };

/** A ring of packed rows: fifty exchanges a row, slots overwritten in place, for a delete is billed as a write. */

import { readRow } from './recent-record.ts';

export const RECORDS_A_ROW = 50;

export type RecentTable = 'recent' | 'recent_refused';

const tableOf = (name: RecentTable, slots: number): string => `
  CREATE TABLE IF NOT EXISTS ${name} (
    slot INTEGER PRIMARY KEY CHECK (slot BETWEEN 0 AND ${slots - 1}),
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    first_ordinal INTEGER NOT NULL CHECK (first_ordinal >= 0),
    newest_ms INTEGER NOT NULL,
    dropped INTEGER NOT NULL CHECK (dropped >= 0),
    again TEXT NOT NULL CHECK (json_valid(again)),
    records TEXT NOT NULL CHECK (json_valid(records))
  ) STRICT`;

/** One row without its records. */
export interface RowHead {
  /** Ascending with time, without gaps. */
  readonly sequence: number;
  /** Which exchange of the project's the first record is: a page is continued by it. */
  readonly firstOrdinal: number;
  readonly newestMs: number;
  readonly dropped: number;
  /** Ids of records of which an earlier one may lie in an older row. */
  readonly again: readonly string[];
}

export interface Row extends RowHead {
  /** JSON: a list of records, oldest first. */
  readonly records: string;
}

type Columns = Record<'sequence' | 'first_ordinal' | 'newest_ms' | 'dropped', number> & { readonly again: string };

const HEAD = 'sequence, first_ordinal, newest_ms, dropped, again';

export class RecentRows {
  readonly #sql: SqlStorage;
  readonly #table: RecentTable;
  readonly #slots: number;
  #isThere: boolean | undefined;

  constructor(sql: SqlStorage, table: RecentTable, maxRecords: number) {
    this.#sql = sql;
    this.#table = table;
    this.#slots = maxRecords / RECORDS_A_ROW;
  }

  /** Asked first by whoever reads: reading makes no table. */
  #exists(): boolean {
    this.#isThere ??=
      this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`, this.#table).toArray().length > 0;
    return this.#isThere;
  }

  newest(): Row | undefined {
    if (!this.#exists()) return undefined;
    const [row] = this.#sql
      .exec<Columns & { records: string }>(`SELECT ${HEAD}, records FROM ${this.#table} ORDER BY sequence DESC LIMIT 1`)
      .toArray();
    return row && { ...headOf(row), records: row.records };
  }

  /** Newest first. */
  heads(): readonly RowHead[] {
    if (!this.#exists()) return [];
    return this.#sql.exec<Columns>(`SELECT ${HEAD} FROM ${this.#table} ORDER BY sequence DESC`).toArray().map(headOf);
  }

  records(sequence: number): string | undefined {
    return this.#sql
      .exec<{ records: string }>(
        `SELECT records FROM ${this.#table} WHERE slot = ? AND sequence = ?`,
        sequence % this.#slots,
        sequence,
      )
      .toArray()[0]?.records;
  }

  /** How many records younger than `fromMs` the row of `sequence` will overwrite when it is put for the first time. */
  displacedBy(sequence: number, fromMs: number): number {
    if (!this.#exists()) return 0;
    const [row] = this.#sql
      .exec<{ records: string }>(
        `SELECT records FROM ${this.#table} WHERE slot = ? AND sequence < ? AND newest_ms > ?`,
        sequence % this.#slots,
        sequence,
        fromMs,
      )
      .toArray();
    return row === undefined ? 0 : readRow(row.records).filter(({ record }) => record.timeMs > fromMs).length;
  }

  put(row: Row): void {
    if (!this.#exists()) {
      this.#sql.exec(tableOf(this.#table, this.#slots));
      this.#isThere = true;
    }
    this.#sql.exec(
      `INSERT INTO ${this.#table} (slot, ${HEAD}, records) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET
         sequence = excluded.sequence, first_ordinal = excluded.first_ordinal, newest_ms = excluded.newest_ms,
         dropped = excluded.dropped, again = excluded.again, records = excluded.records`,
      row.sequence % this.#slots,
      row.sequence,
      row.firstOrdinal,
      row.newestMs,
      row.dropped,
      JSON.stringify(row.again),
      row.records,
    );
  }

  /** When the first row has nothing in it that is younger; undefined where there is no row. */
  oldestMs(): number | undefined {
    if (!this.#exists()) return undefined;
    return (
      this.#sql.exec<{ oldest: number | null }>(`SELECT min(newest_ms) AS oldest FROM ${this.#table}`).one().oldest ??
      undefined
    );
  }

  /** Takes out every row whose records are all of `untilMs` or before. */
  purge(untilMs: number): void {
    if (this.#exists()) this.#sql.exec(`DELETE FROM ${this.#table} WHERE newest_ms <= ?`, untilMs);
  }
}

function headOf(row: Columns): RowHead {
  const again: readonly string[] = JSON.parse(row.again);
  return {
    sequence: row.sequence,
    firstOrdinal: row.first_ordinal,
    newestMs: row.newest_ms,
    dropped: row.dropped,
    again,
  };
}

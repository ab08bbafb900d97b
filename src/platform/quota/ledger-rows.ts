/** The rows of a project's ledger in SQLite: a ring that is overwritten in place, for deletes are billed as writes. */
import { type LedgerRow, ringSlot } from '../../core/quota/ledger.ts';
import { RING_SLOTS } from '../../core/quota/numbers.ts';

/** The limit of the project itself; an own limit's ledger has the name of its key, which never is this. */
export const PROJECT_LEDGER = 'project';

const TABLE = `
  CREATE TABLE IF NOT EXISTS ledger (
    name TEXT NOT NULL,
    slot INTEGER NOT NULL CHECK (slot BETWEEN 0 AND ${RING_SLOTS - 1}),
    bucket INTEGER NOT NULL,
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    written_ms INTEGER NOT NULL,
    PRIMARY KEY (name, slot)
  ) STRICT, WITHOUT ROWID`;

export class LedgerRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  prepare(): void {
    this.#sql.exec(TABLE);
  }

  /** `name`: of the limit, `PROJECT_LEDGER` or an own one's key. */
  load(name: string): readonly LedgerRow[] {
    return this.#sql
      .exec<{ bucket: number; reserved: number; written_ms: number }>(
        'SELECT bucket, reserved, written_ms FROM ledger WHERE name = ?',
        name,
      )
      .toArray()
      .map((row) => ({ bucket: row.bucket, reserved: row.reserved, writtenMs: row.written_ms }));
  }

  /** The ledgers of own limits that there are no more: whoever gets one again begins anew. */
  keepOnly(names: readonly string[]): void {
    this.#sql.exec('DELETE FROM ledger WHERE name NOT IN (SELECT value FROM json_each(?))', JSON.stringify(names));
  }

  save(name: string, rows: readonly LedgerRow[]): void {
    for (const row of rows) {
      this.#sql.exec(
        `INSERT INTO ledger (name, slot, bucket, reserved, written_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (name, slot) DO UPDATE SET
           bucket = excluded.bucket, reserved = excluded.reserved, written_ms = excluded.written_ms`,
        name,
        ringSlot(row.bucket),
        row.bucket,
        row.reserved,
        row.writtenMs,
      );
    }
  }
}

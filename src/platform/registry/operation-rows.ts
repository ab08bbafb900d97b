/** Operations in SQLite: a table of their own, made with the first of them. They are for whoever waits for one, so the oldest go. */
import type { Answer } from '../../core/admin/commands.ts';
import type { OperationRow } from '../../core/admin/state.ts';

const KEPT_MS = 30 * 86_400_000;
const MAX_ROWS = 1_000;

export class OperationRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(name: string): OperationRow | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ answer: string }>('SELECT answer FROM operations WHERE name = ?', name).toArray();
    if (rows[0] === undefined) return undefined;
    const answer: Answer = JSON.parse(rows[0].answer);
    return { name, answer };
  }

  /** In the transaction of the change itself. */
  put({ name, answer }: OperationRow, nowMs: number): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS operations (
         position INTEGER PRIMARY KEY,
         name TEXT NOT NULL UNIQUE,
         at_ms INTEGER NOT NULL,
         answer TEXT NOT NULL CHECK (json_valid(answer))
       ) STRICT`,
    );
    // Two changes of one thing in one millisecond have one name, which is the later one's.
    this.#sql.exec(
      'INSERT OR REPLACE INTO operations (name, at_ms, answer) VALUES (?, ?, ?)',
      name,
      nowMs,
      JSON.stringify(answer),
    );
    this.#sql.exec(
      'DELETE FROM operations WHERE at_ms < ? OR position <= (SELECT max(position) FROM operations) - ?',
      nowMs - KEPT_MS,
      MAX_ROWS,
    );
  }

  removeUnder(prefix: string): void {
    if (!this.#isThere()) return;
    this.#sql.exec('DELETE FROM operations WHERE substr(name, 1, length(?1)) = ?1', prefix);
  }

  /** A read must be able to say no where nothing was ever written. */
  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'operations'`);
    return tables.toArray().length > 0;
  }
}

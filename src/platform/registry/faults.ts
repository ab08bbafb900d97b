/** What went wrong behind the scenes, newest last: an alarm may not throw, so here is where it says so. */
const KEPT_FAULTS = 100;

export class FaultLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  createTables(): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS faults (
         id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, what TEXT NOT NULL
       ) STRICT`,
    );
  }

  /** Only what kind of fault and its message: configuration and secrets are never part of either. */
  record(atMs: number, step: string, fault: unknown): void {
    const message = fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault);
    this.#sql.exec('INSERT INTO faults (at_ms, what) VALUES (?, ?)', atMs, `${step}: ${message}`.slice(0, 500));
    this.#sql.exec('DELETE FROM faults WHERE id <= (SELECT max(id) FROM faults) - ?', KEPT_FAULTS);
  }
}

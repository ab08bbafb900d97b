/**
 * Which KV records of this project are due: after a change, before they run out, and again after a failure.
 * One row a key, so that ten changes in a second become one put: KV takes one write a second a key.
 */
const SPACING_MS = 1_000;
const REFRESH_MS = 12 * 3_600_000;
const LONGEST_RETRY_MS = 60_000;
/** Somebody found KV behind although nothing changed: put it again, but not for each who asks. */
const REPAIR_SPACING_MS = 60_000;

export class Copies {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  createTables(): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS copies (
         key TEXT PRIMARY KEY,
         wanted_epoch INTEGER NOT NULL,
         put_epoch INTEGER NOT NULL,
         put_at_ms INTEGER NOT NULL,
         failures INTEGER NOT NULL,
         due_at_ms INTEGER NOT NULL
       ) STRICT, WITHOUT ROWID;
       CREATE INDEX IF NOT EXISTS copies_due ON copies (due_at_ms)`,
    );
  }

  /** The content of `key` differs from `epoch` on. */
  changed(key: string, epoch: number, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO copies (key, wanted_epoch, put_epoch, put_at_ms, failures, due_at_ms) VALUES (?1, ?2, 0, 0, 0, ?3)
       ON CONFLICT (key) DO UPDATE SET
         wanted_epoch = ?2,
         due_at_ms = CASE WHEN failures > 0 THEN due_at_ms ELSE max(?3, put_at_ms + ?4) END`,
      key,
      epoch,
      nowMs,
      SPACING_MS,
    );
  }

  /** A reader found KV behind: is a put due for it now? Keys that were never put stay unknown: a stranger's guess must not write anything. */
  foundBehind(key: string, epoch: number, nowMs: number): boolean {
    const brought = this.#sql.exec(
      `UPDATE copies SET due_at_ms = max(?2, put_at_ms + ?4)
       WHERE key = ?1 AND failures = 0 AND due_at_ms > max(?2, put_at_ms + ?4)
         AND (put_epoch < ?3 OR put_at_ms + ?5 <= ?2)`,
      key,
      nowMs,
      epoch,
      SPACING_MS,
      REPAIR_SPACING_MS,
    );
    return brought.rowsWritten > 0;
  }

  allChanged(epoch: number, nowMs: number): void {
    this.#sql.exec('UPDATE copies SET wanted_epoch = ?, due_at_ms = min(due_at_ms, ?)', epoch, nowMs);
  }

  due(nowMs: number, limit: number): readonly string[] {
    const rows = this.#sql.exec<{ key: string }>(
      'SELECT key FROM copies WHERE due_at_ms <= ? ORDER BY due_at_ms, key LIMIT ?',
      nowMs,
      limit,
    );
    return [...rows].map((row) => row.key);
  }

  put(key: string, epoch: number, nowMs: number): void {
    this.#sql.exec(
      `UPDATE copies SET put_epoch = ?2, put_at_ms = ?3, failures = 0,
         due_at_ms = ?3 + CASE WHEN wanted_epoch > ?2 THEN ?4 ELSE ?5 END
       WHERE key = ?1`,
      key,
      epoch,
      nowMs,
      SPACING_MS,
      REFRESH_MS,
    );
  }

  failed(key: string, nowMs: number): void {
    this.#sql.exec(
      'UPDATE copies SET due_at_ms = ?2 + min(?3 << min(failures, 10), ?4), failures = failures + 1 WHERE key = ?1',
      key,
      nowMs,
      SPACING_MS,
      LONGEST_RETRY_MS,
    );
  }

  /** Whatever may lie in KV. */
  keys(limit: number): readonly string[] {
    return [...this.#sql.exec<{ key: string }>('SELECT key FROM copies ORDER BY key LIMIT ?', limit)].map(
      ({ key }) => key,
    );
  }

  gone(key: string): void {
    this.#sql.exec('DELETE FROM copies WHERE key = ?', key);
  }

  /** A tombstone that has been put: KV lets it go by itself, and nobody is led to that key any more. */
  forget(key: string, epoch: number): void {
    this.#sql.exec('DELETE FROM copies WHERE key = ? AND wanted_epoch <= ?', key, epoch);
  }

  dueAtMs(): number | undefined {
    const { due } = this.#sql.exec<{ due: number | null }>('SELECT min(due_at_ms) AS due FROM copies').one();
    return due ?? undefined;
  }
}

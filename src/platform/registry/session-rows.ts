/** The sessions of browsers, in SQLite: digests and seals, of which neither is good for anything without the browser's own secret. */
import { MAX_SESSIONS, MAX_SESSIONS_OF_ONE, SESSION_IDLE_MS, SESSION_LIFE_MS } from '../../core/admin/sessions.ts';

export interface SessionRow {
  /** SHA-256 of the cookie's secret; hex. */
  readonly id: string;
  /** SHA-256 of who it is; hex. */
  readonly person: string;
  readonly sealed: string;
}

/** A write for every page would cost more than the minute is worth. */
const NOTED_AFTER_MS = 60_000;

export class SessionRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  open({ id, person, sealed }: SessionRow, nowMs: number): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS sessions (
         id TEXT PRIMARY KEY,
         person TEXT NOT NULL,
         sealed TEXT NOT NULL,
         opened_at_ms INTEGER NOT NULL,
         seen_at_ms INTEGER NOT NULL
       ) STRICT, WITHOUT ROWID;
       CREATE INDEX IF NOT EXISTS sessions_person ON sessions (person, seen_at_ms);
       CREATE INDEX IF NOT EXISTS sessions_seen ON sessions (seen_at_ms)`,
    );
    this.#sql.exec('DELETE FROM sessions WHERE seen_at_ms < ?', nowMs - SESSION_IDLE_MS);
    this.#sql.exec(
      `DELETE FROM sessions WHERE id IN (
         SELECT id FROM sessions WHERE person = ? ORDER BY seen_at_ms DESC LIMIT -1 OFFSET ?)`,
      person,
      MAX_SESSIONS_OF_ONE - 1,
    );
    this.#sql.exec(
      'DELETE FROM sessions WHERE id IN (SELECT id FROM sessions ORDER BY seen_at_ms DESC LIMIT -1 OFFSET ?)',
      MAX_SESSIONS - 1,
    );
    this.#sql.exec(
      'INSERT INTO sessions (id, person, sealed, opened_at_ms, seen_at_ms) VALUES (?1, ?2, ?3, ?4, ?4)',
      id,
      person,
      sealed,
      nowMs,
    );
  }

  /** What is over is not found, whether or not anybody has cleared it away. */
  find(id: string, isActive: boolean, nowMs: number): string | undefined {
    if (!this.#exists()) return undefined;
    const [row] = this.#sql
      .exec<{ sealed: string; seen_at_ms: number }>(
        'SELECT sealed, seen_at_ms FROM sessions WHERE id = ? AND seen_at_ms > ? AND opened_at_ms > ?',
        id,
        nowMs - SESSION_IDLE_MS,
        nowMs - SESSION_LIFE_MS,
      )
      .toArray();
    if (row === undefined) return undefined;
    if (isActive && nowMs - row.seen_at_ms > NOTED_AFTER_MS) {
      this.#sql.exec('UPDATE sessions SET seen_at_ms = ? WHERE id = ?', nowMs, id);
    }
    return row.sealed;
  }

  end(id: string): void {
    if (this.#exists()) this.#sql.exec('DELETE FROM sessions WHERE id = ?', id);
  }

  /** A read must be able to say no where nothing was ever written. */
  #exists(): boolean {
    return (
      this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'sessions'`).toArray().length > 0
    );
  }
}

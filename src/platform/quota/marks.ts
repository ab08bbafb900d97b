/** The marks of tokens that were taken: one row each, gone some time after the token is dead by itself. */
import type { OnceMark, SpendOnce } from '../../core/quota/once.ts';

const TABLE = `
  CREATE TABLE IF NOT EXISTS taken_token (
    key_hash TEXT PRIMARY KEY CHECK (length(key_hash) = 64),
    nonce TEXT NOT NULL CHECK (nonce <> ''),
    until_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS taken_token_until ON taken_token (until_ms)`;

/** More than the one that a call adds, so that a heap of dead marks shrinks; few, so that no call pays for many. */
const MAX_DROPPED_PER_CALL = 8;

export class OnceMarks {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Objects that were made before tokens could be taken once have no such table yet. */
  prepare(): void {
    this.#sql.exec(TABLE);
  }

  find(keyHash: string): OnceMark | undefined {
    const [row] = this.#sql
      .exec<{ nonce: string; until_ms: number; expires_ms: number }>(
        'SELECT nonce, until_ms, expires_ms FROM taken_token WHERE key_hash = ?',
        keyHash,
      )
      .toArray();
    return row && { nonce: row.nonce, untilMs: row.until_ms, expiresMs: row.expires_ms };
  }

  save(once: SpendOnce, expiresMs: number): void {
    this.#sql.exec(
      `INSERT INTO taken_token (key_hash, nonce, until_ms, expires_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (key_hash) DO UPDATE SET
         nonce = excluded.nonce, until_ms = excluded.until_ms, expires_ms = excluded.expires_ms`,
      once.keyHash,
      once.nonce,
      once.untilMs,
      expiresMs,
    );
  }

  dropDead(timeMs: number): void {
    this.#sql.exec(
      `DELETE FROM taken_token WHERE key_hash IN
         (SELECT key_hash FROM taken_token WHERE until_ms <= ? ORDER BY until_ms LIMIT ${MAX_DROPPED_PER_CALL})`,
      timeMs,
    );
  }
}

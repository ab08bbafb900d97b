/** Markers of tokens that were taken once, each until its token has expired by itself. */
import type { OnceMarker } from '../../core/ports.ts';

/** Whoever verified the token may have a clock that is behind ours. */
const MARGIN_SECONDS = 300;

export class UsedTokens {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A read must be able to say no where nothing was ever written. */
  has(key: string): boolean {
    const isThere = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'used_tokens'`);
    if (isThere.toArray().length === 0) return false;
    return this.#sql.exec('SELECT 1 FROM used_tokens WHERE key = ?', key).toArray().length > 0;
  }

  /** In the transaction of what the token was taken for. */
  add({ key, untilSeconds }: OnceMarker, nowSeconds: number): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS used_tokens (key TEXT PRIMARY KEY, until_seconds INTEGER NOT NULL) STRICT, WITHOUT ROWID;
       CREATE INDEX IF NOT EXISTS used_tokens_until ON used_tokens (until_seconds)`,
    );
    this.#sql.exec('DELETE FROM used_tokens WHERE until_seconds < ?', nowSeconds - MARGIN_SECONDS);
    this.#sql.exec('INSERT INTO used_tokens (key, until_seconds) VALUES (?, ?)', key, untilSeconds);
  }
}

/**
 * Tokens of this project that are good no more, asked about at each request that shows one. No configuration: they have no history, no restore
 * brings them back to life, and each entry goes when what it is about would be dead by itself.
 */
import type { HomedIdentity } from '../../core/admin/caller.ts';
import { identityName } from '../../core/admin/caller.ts';
import { keptUntilSeconds, type Revocation } from '../../core/token-care/revocation.ts';

/** Each takes some hundred bytes; whoever wants more revokes by principal. */
const MAX_ENTRIES = 100_000;

const TABLE = `
  CREATE TABLE IF NOT EXISTS revoked (
    what TEXT PRIMARY KEY,
    before_seconds INTEGER,
    until_seconds INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS revoked_until ON revoked (until_seconds)`;

export class RevokedTokens {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** False: there are as many as can be kept. Again is as good as once. */
  add(revocation: Revocation, nowSeconds: number): boolean {
    this.#sql.exec(TABLE);
    this.#sql.exec('DELETE FROM revoked WHERE until_seconds <= ?', nowSeconds);
    const { count } = this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM revoked').one();
    if (count >= MAX_ENTRIES) return false;
    const isToken = revocation.kind === 'token';
    this.#sql.exec(
      `INSERT INTO revoked (what, before_seconds, until_seconds) VALUES (?, ?, ?)
       ON CONFLICT (what) DO UPDATE SET
         before_seconds = max(before_seconds, excluded.before_seconds),
         until_seconds = max(until_seconds, excluded.until_seconds)`,
      isToken ? tokenKey(revocation.tokenId) : principalKey(revocation.principal),
      isToken ? null : revocation.beforeSeconds,
      keptUntilSeconds(revocation),
    );
    return true;
  }

  /** An identity that shows no token has none that could be revoked. */
  has(identity: HomedIdentity): boolean {
    const { token } = identity;
    if (token === undefined || !this.#isThere()) return false;
    const whose = principalKey(identityName(identity));
    const from = token.fromTokenId ?? token.tokenId;
    const rows = this.#sql.exec(
      `SELECT 1 FROM revoked WHERE what IN (?, ?) OR (what = ? AND before_seconds > ?) LIMIT 1`,
      tokenKey(token.tokenId),
      tokenKey(from),
      whose,
      token.issuedAtSeconds,
    );
    return rows.toArray().length > 0;
  }

  /** A read must be able to say no where nothing was ever written. */
  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'revoked'`);
    return tables.toArray().length > 0;
  }
}

function tokenKey(tokenId: string): string {
  return `jti ${tokenId}`;
}

function principalKey(principal: string): string {
  return `of ${principal}`;
}

/**
 * Tokens of this project that are good no more, asked about at each request that shows one. No configuration: they have no history, no restore
 * brings them back to life, and each entry goes when what it is about would be dead by itself.
 */
import type { HomedIdentity } from '../../core/admin/caller.ts';
import { identityName } from '../../core/admin/caller.ts';
import { keptUntilSeconds, type Revocation } from '../../core/token-care/revocation.ts';

/**
 * Each takes some hundred bytes; whoever wants more revokes by principal. Each kind has room of its own: a holder makes tokens by downscoping
 * and ends them without a right, as many as he likes, and must not fill what shuts him out.
 */
const KINDS = {
  /** Of tokens, by who has the right. */
  jti: 100_000,
  /** Of tokens, by who held them. */
  own: 50_000,
  /** Of principals. */
  of: 10_000,
} as const;
type Kind = keyof typeof KINDS;

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
    const [kind, what] = keyed(revocation);
    if (!this.#isKept(what) && this.#count(kind) >= KINDS[kind]) return false;
    this.#sql.exec(
      `INSERT INTO revoked (what, before_seconds, until_seconds) VALUES (?, ?, ?)
       ON CONFLICT (what) DO UPDATE SET
         before_seconds = max(before_seconds, excluded.before_seconds),
         until_seconds = max(until_seconds, excluded.until_seconds)`,
      what,
      revocation.kind === 'token' ? null : revocation.beforeSeconds,
      keptUntilSeconds(revocation),
    );
    return true;
  }

  /** An identity that shows no token has none that could be revoked. */
  has(identity: HomedIdentity): boolean {
    const { token } = identity;
    if (token === undefined || !this.#isThere()) return false;
    const from = token.fromTokenId ?? token.tokenId;
    const rows = this.#sql.exec(
      `SELECT 1 FROM revoked WHERE what IN (?, ?, ?, ?) OR (what = ? AND before_seconds > ?) LIMIT 1`,
      keyOf('jti', token.tokenId),
      keyOf('own', token.tokenId),
      keyOf('jti', from),
      keyOf('own', from),
      keyOf('of', identityName(identity)),
      token.issuedAtSeconds,
    );
    return rows.toArray().length > 0;
  }

  /** A role's session is no token of ours and has no id that could be revoked: it is its principal's. */
  hasSession(principal: string, issuedAtSeconds: number): boolean {
    if (!this.#isThere()) return false;
    const key = keyOf('of', principal);
    const rows = this.#sql.exec('SELECT 1 FROM revoked WHERE what = ? AND before_seconds > ?', key, issuedAtSeconds);
    return rows.toArray().length > 0;
  }

  #isKept(what: string): boolean {
    return this.#sql.exec('SELECT 1 FROM revoked WHERE what = ?', what).toArray().length > 0;
  }

  /** `!` comes after the blank. */
  #count(kind: Kind): number {
    const [from, to] = [`${kind} `, `${kind}!`];
    const rows = this.#sql.exec<{ count: number }>(
      'SELECT count(*) AS count FROM revoked WHERE what >= ? AND what < ?',
      from,
      to,
    );
    return rows.one().count;
  }

  /** A read must be able to say no where nothing was ever written. */
  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'revoked'`);
    return tables.toArray().length > 0;
  }
}

function keyed(revocation: Revocation): readonly [kind: Kind, what: string] {
  if (revocation.kind === 'principal') return ['of', keyOf('of', revocation.principal)];
  const kind = revocation.isByHolder === true ? 'own' : 'jti';
  return [kind, keyOf(kind, revocation.tokenId)];
}

function keyOf(kind: Kind, name: string): string {
  return `${kind} ${name}`;
}

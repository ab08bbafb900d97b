/** Service accounts in SQLite: a table of their own, made with the first of them, so that projects from before there were any take them too. */
import type { Page } from '../../core/admin/commands.ts';
import type { ServiceAccount } from '../../core/resources.ts';

export class ServiceAccountRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  body(accountId: string): string | undefined {
    return this.#bodyWhere('id', accountId);
  }

  /** Deleted or not. */
  get(accountId: string): ServiceAccount | undefined {
    return accountIn(this.body(accountId));
  }

  /** Deleted or not. */
  byUniqueId(uniqueId: string): ServiceAccount | undefined {
    return accountIn(this.#bodyWhere('unique_id', uniqueId));
  }

  /** Deleted or not. An ARN ends in the name, after its last slash; names have no case and no wildcard means anything here. */
  byRoleName(roleName: string): ServiceAccount | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ body: string }>(
      `SELECT body FROM service_accounts WHERE json_extract(body, '$.awsRole.arn') IS NOT NULL
       AND lower(substr(json_extract(body, '$.awsRole.arn'), -length(?1) - 1)) = '/' || lower(?1) LIMIT 1`,
      roleName,
    );
    return accountIn(rows.toArray()[0]?.body);
  }

  count(): number {
    if (!this.#isThere()) return 0;
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM service_accounts').one().count;
  }

  /** Unique ids, deleted or not. */
  some(max: number): readonly string[] {
    if (!this.#isThere()) return [];
    const rows = this.#sql.exec<{ unique_id: string }>('SELECT unique_id FROM service_accounts LIMIT ?', max);
    return [...rows].map((row) => row.unique_id);
  }

  gone(uniqueId: string): void {
    this.#sql.exec('DELETE FROM service_accounts WHERE unique_id = ?', uniqueId);
  }

  list(page: Page): readonly ServiceAccount[] {
    if (!this.#isThere()) return [];
    const rows = this.#sql.exec<{ body: string }>(
      'SELECT body FROM service_accounts WHERE id > ? AND (? OR expire_time IS NULL) ORDER BY id LIMIT ?',
      page.after,
      Number(page.showDeleted ?? false),
      page.pageSize,
    );
    return [...rows].map((row): ServiceAccount => JSON.parse(row.body));
  }

  nextToExpire(): ServiceAccount | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ body: string }>(
      'SELECT body FROM service_accounts WHERE expire_time IS NOT NULL ORDER BY expire_time, id LIMIT 1',
    );
    return accountIn(rows.toArray()[0]?.body);
  }

  put(account: ServiceAccount): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS service_accounts (
         id TEXT PRIMARY KEY,
         unique_id TEXT NOT NULL UNIQUE,
         expire_time TEXT,
         body TEXT NOT NULL CHECK (json_valid(body))
       ) STRICT, WITHOUT ROWID`,
    );
    this.#sql.exec(
      `INSERT INTO service_accounts (id, unique_id, expire_time, body) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         unique_id = excluded.unique_id, expire_time = excluded.expire_time, body = excluded.body`,
      account.accountId,
      account.uniqueId,
      account.expireTime ?? null,
      JSON.stringify(account),
    );
  }

  remove(accountId: string): void {
    if (this.#isThere()) this.#sql.exec('DELETE FROM service_accounts WHERE id = ?', accountId);
  }

  #bodyWhere(column: 'id' | 'unique_id', value: string): string | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ body: string }>(`SELECT body FROM service_accounts WHERE ${column} = ?`, value);
    return rows.toArray()[0]?.body;
  }

  /** A read must be able to say no where nothing was ever written. */
  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'service_accounts'`);
    return tables.toArray().length > 0;
  }
}

/** Only this class writes bodies. */
function accountIn(body: string | undefined): ServiceAccount | undefined {
  return body === undefined ? undefined : JSON.parse(body);
}

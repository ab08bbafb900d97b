/** Which pools and providers are deleted and when they go for good: an index over their rows, made with the first deletion. */
const EXPIRE_TIME = `json_extract(body, '$.expireTime')`;

/** For a statement over `resources`: not deleted. */
export const IS_LIVE = `${EXPIRE_TIME} IS NULL`;

export class Deletions {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The row that is purged next. */
  next(): string | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ body: string }>(
      `SELECT body FROM resources WHERE ${EXPIRE_TIME} IS NOT NULL ORDER BY ${EXPIRE_TIME}, kind, parent, id LIMIT 1`,
    );
    return rows.toArray()[0]?.body;
  }

  nextAtMs(): number | undefined {
    if (!this.#isThere()) return undefined;
    const { expire_time: expireTime } = this.#sql
      .exec<{
        expire_time: string | null;
      }>(`SELECT min(${EXPIRE_TIME}) AS expire_time FROM resources WHERE ${EXPIRE_TIME} IS NOT NULL`)
      .one();
    return expireTime === null ? undefined : Date.parse(expireTime);
  }

  /** Before the first row of the kind is written. */
  open(): void {
    this.#sql.exec(
      `CREATE INDEX IF NOT EXISTS resources_expire ON resources (${EXPIRE_TIME}) WHERE ${EXPIRE_TIME} IS NOT NULL`,
    );
  }

  /** Without it nothing was ever deleted, and nobody has to look through all rows to say so. */
  #isThere(): boolean {
    const indexes = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = 'resources_expire'`);
    return indexes.toArray().length > 0;
  }
}

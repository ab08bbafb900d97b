/** Who owns which row, in SQLite: a table of its own, made with the first owner. */
export class OwnerRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get(resource: string): string | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ owner: string }>('SELECT owner FROM owners WHERE resource = ?', resource).toArray();
    return rows[0]?.owner;
  }

  ownedBy(owner: string): readonly string[] {
    if (!this.#isThere()) return [];
    const rows = this.#sql.exec<{ resource: string }>(
      'SELECT resource FROM owners WHERE owner = ? ORDER BY resource',
      owner,
    );
    return [...rows].map(({ resource }) => resource);
  }

  put(resource: string, owner: string): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS owners (resource TEXT PRIMARY KEY, owner TEXT NOT NULL) STRICT, WITHOUT ROWID;
       CREATE INDEX IF NOT EXISTS owners_by_owner ON owners (owner)`,
    );
    this.#sql.exec(
      'INSERT INTO owners (resource, owner) VALUES (?, ?) ON CONFLICT (resource) DO UPDATE SET owner = excluded.owner',
      resource,
      owner,
    );
  }

  remove(resource: string): void {
    if (this.#isThere()) this.#sql.exec('DELETE FROM owners WHERE resource = ?', resource);
  }

  /** A read must be able to say no where nothing was ever written. */
  #isThere(): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'owners'`).toArray().length > 0;
  }
}

/** Which project an AWS account is, in the directory's SQLite: an account is one project's, whoever asks first. The project's own row is what counts; this leads to it. */

export class AwsAccountRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  createTable(): void {
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS aws_accounts (account TEXT PRIMARY KEY, number TEXT NOT NULL) STRICT, WITHOUT ROWID',
    );
  }

  projectOf(accountId: string): string | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ number: string }>('SELECT number FROM aws_accounts WHERE account = ?', accountId);
    return rows.toArray()[0]?.number;
  }

  /** False: it is another project's. */
  claim(accountId: string, projectNumber: string): boolean {
    this.#sql.exec(
      'INSERT INTO aws_accounts (account, number) VALUES (?, ?) ON CONFLICT DO NOTHING',
      accountId,
      projectNumber,
    );
    return this.projectOf(accountId) === projectNumber;
  }

  /** All of the project's but one. */
  release(projectNumber: string, kept: string | undefined): void {
    if (!this.#isThere()) return;
    this.#sql.exec('DELETE FROM aws_accounts WHERE number = ? AND account <> ?', projectNumber, kept ?? '');
  }

  /** A directory may be older than the table, and a read must not make one. */
  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'aws_accounts'`);
    return tables.toArray().length > 0;
  }
}

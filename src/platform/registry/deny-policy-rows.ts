/** Deny policies in SQLite: a table of their own, made with the first of them, so that projects from before there were any take them too. */
import type { DenyPolicyId, Page } from '../../core/admin/commands.ts';
import type { DenyAttachment, DenyPolicy } from '../../core/resources.ts';

const TARGET = 'target/';

export class DenyPolicyRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  body({ attachment, policyId }: DenyPolicyId): string | undefined {
    if (!this.#isThere()) return undefined;
    const rows = this.#sql.exec<{ body: string }>(
      'SELECT body FROM deny_policies WHERE attachment = ? AND id = ?',
      attachmentId(attachment),
      policyId,
    );
    return rows.toArray()[0]?.body;
  }

  get(id: DenyPolicyId): DenyPolicy | undefined {
    const body = this.body(id);
    return body === undefined ? undefined : JSON.parse(body);
  }

  count(): number {
    if (!this.#isThere()) return 0;
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM deny_policies').one().count;
  }

  list(attachment: DenyAttachment, page: Page): readonly DenyPolicy[] {
    if (!this.#isThere()) return [];
    const rows = this.#sql.exec<{ body: string }>(
      'SELECT body FROM deny_policies WHERE attachment = ? AND id > ? ORDER BY id LIMIT ?',
      attachmentId(attachment),
      page.after,
      page.pageSize,
    );
    return [...rows].map((row): DenyPolicy => JSON.parse(row.body));
  }

  targetIds(): readonly string[] {
    if (!this.#isThere()) return [];
    const rows = this.#sql.exec<{ attachment: string }>(
      'SELECT DISTINCT attachment FROM deny_policies WHERE attachment > ? ORDER BY attachment',
      TARGET,
    );
    return [...rows].map((row) => row.attachment.slice(TARGET.length));
  }

  put({ attachment, policyId }: DenyPolicyId, body: string): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS deny_policies (
         attachment TEXT NOT NULL CHECK (attachment = 'project' OR attachment LIKE '${TARGET}_%'),
         id TEXT NOT NULL,
         body TEXT NOT NULL CHECK (json_valid(body)),
         PRIMARY KEY (attachment, id)
       ) STRICT, WITHOUT ROWID`,
    );
    this.#sql.exec(
      `INSERT INTO deny_policies (attachment, id, body) VALUES (?, ?, ?)
       ON CONFLICT (attachment, id) DO UPDATE SET body = excluded.body`,
      attachmentId(attachment),
      policyId,
      body,
    );
  }

  remove({ attachment, policyId }: DenyPolicyId): void {
    this.#sql.exec('DELETE FROM deny_policies WHERE attachment = ? AND id = ?', attachmentId(attachment), policyId);
  }

  /** A read must be able to say no where nothing was ever written. */
  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'deny_policies'`);
    return tables.toArray().length > 0;
  }
}

function attachmentId(attachment: DenyAttachment): string {
  return attachment.kind === 'project' ? 'project' : `${TARGET}${attachment.targetId}`;
}

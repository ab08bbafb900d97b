/** Quota preferences in SQLite: a table of their own, made with the first of them, so that projects from before there were any take them too. */
import type { Page } from '../../core/admin/commands.ts';
import type { QuotaPreference, QuotaPreferenceState } from '../../core/resources.ts';

const OPEN: readonly QuotaPreferenceState[] = ['PENDING', 'GRANTED', 'GRANTED_PARTIALLY'];
const IS_OPEN = `state IN (${OPEN.map((state) => `'${state}'`).join(', ')})`;

export class QuotaPreferenceRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  body(preferenceId: string): string | undefined {
    return this.#bodies('id = ?', preferenceId)[0];
  }

  get(preferenceId: string): QuotaPreference | undefined {
    return this.#rows('id = ?', preferenceId)[0];
  }

  open(): readonly QuotaPreference[] {
    return this.#rows(`${IS_OPEN} ORDER BY id`);
  }

  list({ after, pageSize }: Page): readonly QuotaPreference[] {
    return this.#rows('id > ? ORDER BY id LIMIT ?', after, pageSize);
  }

  count(): number {
    if (!this.#isThere()) return 0;
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM quota_preferences').one().count;
  }

  oldestClosed(): string | undefined {
    return this.#rows(`NOT ${IS_OPEN} ORDER BY version, id LIMIT 1`)[0]?.preferenceId;
  }

  put(preference: QuotaPreference): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS quota_preferences (
         id TEXT PRIMARY KEY,
         state TEXT NOT NULL,
         version INTEGER NOT NULL,
         body TEXT NOT NULL CHECK (json_valid(body))
       ) STRICT, WITHOUT ROWID`,
    );
    this.#sql.exec(
      `INSERT INTO quota_preferences (id, state, version, body) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version, body = excluded.body`,
      preference.preferenceId,
      preference.state,
      preference.version,
      JSON.stringify(preference),
    );
  }

  remove(preferenceId: string): void {
    this.#sql.exec('DELETE FROM quota_preferences WHERE id = ?', preferenceId);
  }

  #rows(condition: string, ...values: readonly (string | number)[]): readonly QuotaPreference[] {
    return this.#bodies(condition, ...values).map((body): QuotaPreference => JSON.parse(body));
  }

  /** A read must be able to say no where nothing was ever written. */
  #bodies(condition: string, ...values: readonly (string | number)[]): readonly string[] {
    if (!this.#isThere()) return [];
    const rows = this.#sql.exec<{ body: string }>(`SELECT body FROM quota_preferences WHERE ${condition}`, ...values);
    return [...rows].map((row) => row.body);
  }

  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'quota_preferences'`);
    return tables.toArray().length > 0;
  }
}

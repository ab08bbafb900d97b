/** The own limits of a project's providers and principals: one row beside the project's, in a table made with the first of them. */
import type { OwnLimits, QuotaProject } from '../../core/quota/project.ts';

export class OwnLimitRow {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  load(): Pick<QuotaProject, 'ownLimits'> {
    if (!this.#isThere()) return {};
    const [row] = this.#sql.exec<{ limits: string }>('SELECT limits FROM own_limits').toArray();
    if (row === undefined) return {};
    const ownLimits: unknown = JSON.parse(row.limits);
    // A row that is not ours to understand closes the project: an object that cannot be built grants nothing.
    if (!isOwnLimits(ownLimits)) throw new Error('the stored list of own limits is not one');
    return { ownLimits };
  }

  /** Most deliveries change nothing here, and write nothing. That is asked of the row: what was saved last may have been rolled back since. */
  save(ownLimits: OwnLimits | undefined): void {
    if (ownLimits === undefined) return;
    const limits = JSON.stringify(ownLimits);
    if (limits === '{}' && !this.#isThere()) return;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS own_limits (
         one INTEGER PRIMARY KEY CHECK (one = 1), limits TEXT NOT NULL CHECK (json_valid(limits))
       ) STRICT`,
    );
    this.#sql.exec(
      `INSERT INTO own_limits (one, limits) VALUES (1, ?)
       ON CONFLICT (one) DO UPDATE SET limits = excluded.limits WHERE limits <> excluded.limits`,
      limits,
    );
  }

  #isThere(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'own_limits'`);
    return tables.toArray().length > 0;
  }
}

function isOwnLimits(value: unknown): value is OwnLimits {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((limit) => Number.isSafeInteger(limit) && limit >= 0)
  );
}

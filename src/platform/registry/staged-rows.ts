/**
 * Parts of a change set that is too large for one call, until it is applied whole. Nothing of it is configuration: whoever staged it and went
 * away has changed nothing, and it is swept away within the hour or so.
 */
import type { Caller } from '../../core/admin/caller.ts';
import type { DesiredChange, StagedPart } from '../../core/admin/configuration/change.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';

const KEPT_MS = 3_600_000;
/** Of all change sets of a project together: a call carries 32 MiB, an object has 128 MB of memory. */
const MAX_CHARACTERS = 50_331_648;

export class StagedRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Once more with the same part: it is replaced. A name that another caller has used is another's. */
  put({ changeSet, part, changes }: StagedPart, { name }: Caller, nowMs: number): AdminDenial | undefined {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS staged (
         change_set TEXT NOT NULL,
         part INTEGER NOT NULL,
         actor TEXT NOT NULL,
         at_ms INTEGER NOT NULL,
         body TEXT NOT NULL CHECK (json_valid(body)),
         PRIMARY KEY (change_set, part)
       ) STRICT`,
    );
    this.sweep(nowMs);
    const body = JSON.stringify(changes);
    const others = this.#sql.exec('SELECT 1 FROM staged WHERE change_set = ? AND actor <> ? LIMIT 1', changeSet, name);
    if (others.toArray().length > 0)
      return { tag: 'failed_precondition', description: `The change set ${changeSet} is another caller's.` };
    const { characters } = this.#sql
      .exec<{ characters: number }>(
        'SELECT coalesce(sum(length(body)), 0) AS characters FROM staged WHERE NOT (change_set = ? AND part = ?)',
        changeSet,
        part,
      )
      .one();
    if (characters + body.length > MAX_CHARACTERS) {
      const description = `All that is staged for this project is at most ${MAX_CHARACTERS} characters. Apply it in several change sets.`;
      return { tag: 'limit_reached', description };
    }
    this.#sql.exec(
      'INSERT OR REPLACE INTO staged (change_set, part, actor, at_ms, body) VALUES (?, ?, ?, ?, ?)',
      changeSet,
      part,
      name,
      nowMs,
      body,
    );
    return undefined;
  }

  get(changeSet: string, actor: string): readonly (readonly DesiredChange[])[] {
    if (!this.#isThere()) return [];
    const rows = this.#sql.exec<{ body: string }>(
      'SELECT body FROM staged WHERE change_set = ? AND actor = ? ORDER BY part',
      changeSet,
      actor,
    );
    return [...rows].map(({ body }): readonly DesiredChange[] => JSON.parse(body));
  }

  remove(changeSet: string): void {
    if (this.#isThere()) this.#sql.exec('DELETE FROM staged WHERE change_set = ?', changeSet);
  }

  sweep(nowMs: number): void {
    if (this.#isThere()) this.#sql.exec('DELETE FROM staged WHERE at_ms < ?', nowMs - KEPT_MS);
  }

  #isThere(): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'staged'`).toArray().length > 0;
  }
}

/** What the directory knows of administrators, in SQLite: which projects let whom administer, which owners were here lately, which bootstrap tokens are retired. */
import type { RetiredToken } from '../../core/admin/authenticated.ts';
import type { Caller } from '../../core/admin/caller.ts';
import { builtInPoolId } from '../../core/names.ts';
import type { Project } from '../../core/resources.ts';

interface SignIn {
  readonly caller: Caller;
  readonly atMs: number;
}

const TABLES = ['administered_by', 'retired_tokens', 'owner_sign_ins'] as const;

export class AdministratorRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  createTables(): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS administered_by (
         subject TEXT NOT NULL,
         project TEXT NOT NULL,
         PRIMARY KEY (subject, project)
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS retired_tokens (
         digest TEXT PRIMARY KEY,
         salt TEXT NOT NULL,
         time TEXT NOT NULL,
         actor TEXT NOT NULL
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS owner_sign_ins (
         name TEXT PRIMARY KEY,
         at_ms INTEGER NOT NULL,
         caller TEXT NOT NULL CHECK (json_valid(caller))
       ) STRICT, WITHOUT ROWID`,
    );
  }

  /** The project's pools and accounts, as `administratorsOf` names them, that other projects let administer. What comes next after a slash is a 0. */
  namedByOthers({ projectNumber, projectId }: Pick<Project, 'projectNumber' | 'projectId'>): readonly string[] {
    if (!this.#has('administered_by')) return [];
    const rows = this.#sql.exec<{ subject: string }>(
      `SELECT DISTINCT subject FROM administered_by
       WHERE project <> ?1 AND (subject = ?2 OR subject > ?1 || '/' AND subject < ?1 || '0' OR subject GLOB ?3)
       ORDER BY subject`,
      projectNumber,
      builtInPoolId(projectId),
      // An id holds nothing that a pattern would read otherwise.
      `serviceAccount:*@${projectId}.iam.*`,
    );
    return [...rows].map((row) => row.subject);
  }

  projectsNaming(subject: string): readonly string[] {
    if (!this.#has('administered_by')) return [];
    const rows = this.#sql.exec<{ project: string }>('SELECT project FROM administered_by WHERE subject = ?', subject);
    return [...rows].map((row) => row.project);
  }

  /** Before the project's own rows say so: one too many makes an owner necessary where none was, one too few lets a stranger in. */
  name(projectNumber: string, subjects: readonly string[]): void {
    for (const subject of subjects) {
      this.#sql.exec(
        'INSERT INTO administered_by (subject, project) VALUES (?, ?) ON CONFLICT DO NOTHING',
        subject,
        projectNumber,
      );
    }
  }

  /** After them: these and no others. */
  settle(projectNumber: string, subjects: readonly string[]): void {
    this.#sql.exec('DELETE FROM administered_by WHERE project = ?', projectNumber);
    this.name(projectNumber, subjects);
  }

  retiredTokens(): readonly RetiredToken[] {
    if (!this.#has('retired_tokens')) return [];
    return [...this.#sql.exec<{ salt: string; digest: string }>('SELECT salt, digest FROM retired_tokens')];
  }

  retire({ salt, digest }: RetiredToken, time: string, { name }: Caller): void {
    this.#sql.exec(
      'INSERT INTO retired_tokens (digest, salt, time, actor) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      digest,
      salt,
      time,
      name,
    );
  }

  signIn(name: string): number | undefined {
    if (!this.#has('owner_sign_ins')) return undefined;
    const rows = this.#sql.exec<{ at_ms: number }>('SELECT at_ms FROM owner_sign_ins WHERE name = ?', name);
    return rows.toArray()[0]?.at_ms;
  }

  /** Newest first, as many as are worth looking at. */
  signInsSince(sinceMs: number): readonly SignIn[] {
    if (!this.#has('owner_sign_ins')) return [];
    const rows = this.#sql.exec<{ caller: string; at_ms: number }>(
      'SELECT caller, at_ms FROM owner_sign_ins WHERE at_ms > ? ORDER BY at_ms DESC LIMIT 20',
      sinceMs,
    );
    return [...rows].map((row): SignIn => ({ caller: JSON.parse(row.caller), atMs: row.at_ms }));
  }

  signedIn(caller: Caller, atMs: number, forgetBeforeMs: number): void {
    this.#sql.exec('DELETE FROM owner_sign_ins WHERE at_ms < ?', forgetBeforeMs);
    this.#sql.exec(
      `INSERT INTO owner_sign_ins (name, at_ms, caller) VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms, caller = excluded.caller`,
      caller.name,
      atMs,
      JSON.stringify(caller),
    );
  }

  /** Asks before it reads: a directory may be older than these tables, and a read must not create one. */
  #has(table: (typeof TABLES)[number]): boolean {
    const found = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`, table).toArray();
    return found.length > 0;
  }
}

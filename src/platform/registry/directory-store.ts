/** Which projects there are, in SQLite. Rows are never deleted, so that neither a number nor an id can ever mean somebody else. */
import { type Caller, THE_BROKER } from '../../core/admin/caller.ts';
import type { Page } from '../../core/admin/commands.ts';
import type { HistoryFault } from '../../core/admin/history/entry.ts';
import { EMPTY_POLICY, type Policy, type Project } from '../../core/resources.ts';
import type { HistoryKeys } from './history-chain.ts';
import { type Circumstances, HistoryRows } from './history-rows.ts';
import { tracesOf } from './limits.ts';

export interface ProjectEntry {
  readonly project: Project;
  /** Of one that is finished later, only the name is known. */
  readonly caller: Caller;
  /** False while the project's objects are still being made: nobody finds it until then. */
  readonly finished: boolean;
}

export interface ProjectIds {
  readonly projectNumber: string;
  readonly projectId: string;
}

interface ProjectRow extends Record<string, SqlStorageValue> {
  readonly body: string;
  readonly actor: string;
  readonly finished: number;
}

/** Whose history it is, and what the history calls the one policy here. */
export const DIRECTORY_SUBJECT = 'organizations/1';
export const ORGANIZATION_POLICY = 'policy/organization';

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

export class DirectoryStore {
  readonly #sql: SqlStorage;
  readonly history: HistoryRows;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.history = new HistoryRows(sql);
  }

  /** Asks before any table is there: a read must be able to say no without creating one. */
  exists(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'directory'`).toArray();
    return tables.length > 0;
  }

  createTables(kekCheck: string): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS directory (
         one INTEGER PRIMARY KEY CHECK (one = 1),
         kek_check TEXT NOT NULL,
         organization_policy TEXT NOT NULL CHECK (json_valid(organization_policy)),
         failures INTEGER NOT NULL,
         due_at_ms INTEGER NOT NULL
       ) STRICT;
       CREATE TABLE IF NOT EXISTS ended_projects (number TEXT PRIMARY KEY, time TEXT NOT NULL) STRICT, WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS projects (
         number TEXT PRIMARY KEY,
         id TEXT NOT NULL UNIQUE,
         body TEXT NOT NULL CHECK (json_valid(body)),
         actor TEXT NOT NULL,
         finished INTEGER NOT NULL CHECK (finished IN (0, 1))
       ) STRICT, WITHOUT ROWID`,
    );
    this.#sql.exec(
      `INSERT INTO directory (one, kek_check, organization_policy, failures, due_at_ms) VALUES (1, ?, ?, 0, 0)
       ON CONFLICT (one) DO NOTHING`,
      kekCheck,
      JSON.stringify(EMPTY_POLICY),
    );
  }

  kekCheck(): string {
    return this.#sql.exec<{ kek_check: string }>('SELECT kek_check FROM directory').one().kek_check;
  }

  setKekCheck(kekCheck: string): void {
    this.#sql.exec('UPDATE directory SET kek_check = ?1 WHERE kek_check <> ?1', kekCheck);
  }

  /** Answers what is wrong with the history that it adds to, as all changes here do. */
  add(project: Project, caller: Caller, keys: HistoryKeys, nowMs: number): readonly HistoryFault[] {
    const body = JSON.stringify(project);
    this.#sql.exec(
      'INSERT INTO projects (number, id, body, actor, finished) VALUES (?, ?, ?, ?, 0)',
      project.projectNumber,
      project.projectId,
      body,
      caller.name,
    );
    this.#sql.exec('UPDATE directory SET failures = 0, due_at_ms = ?', nowMs + FIRST_RETRY_MS);
    const change = { time: project.createTime, caller, command: 'project.create' };
    return this.remember(keys, change, `project/${project.projectNumber}`, null, body);
  }

  finished(projectNumber: string): void {
    this.#sql.exec('UPDATE projects SET finished = 1 WHERE number = ?', projectNumber);
  }

  /** It is found by nobody from now on, and its row stays: neither number nor id are anybody's again. */
  end(projectNumber: string, time: string, keys: HistoryKeys): readonly HistoryFault[] {
    if (this.isEnded(projectNumber)) return [];
    this.#sql.exec('INSERT INTO ended_projects (number, time) VALUES (?, ?)', projectNumber, time);
    const change = { time, caller: THE_BROKER, command: 'project.purge' };
    return this.remember(
      keys,
      change,
      `project/${projectNumber}`,
      JSON.stringify(this.byNumber(projectNumber)?.project ?? {}),
      null,
    );
  }

  isEnded(projectNumber: string): boolean {
    return (
      this.#hasEnded() &&
      this.#sql.exec('SELECT 1 FROM ended_projects WHERE number = ?', projectNumber).toArray().length > 0
    );
  }

  /** A directory may be older than the table, and a read must not make one. */
  #hasEnded(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ended_projects'`);
    return tables.toArray().length > 0;
  }

  byNumber(projectNumber: string): ProjectEntry | undefined {
    return entryOf(this.#sql.exec<ProjectRow>('SELECT * FROM projects WHERE number = ?', projectNumber));
  }

  byId(projectId: string): ProjectEntry | undefined {
    return entryOf(this.#sql.exec<ProjectRow>('SELECT * FROM projects WHERE id = ?', projectId));
  }

  unfinished(limit: number): readonly ProjectEntry[] {
    const rows = this.#sql.exec<ProjectRow>('SELECT * FROM projects WHERE finished = 0 ORDER BY id LIMIT ?', limit);
    return [...rows].map((row) => entryOfRow(row));
  }

  /** At most `page.pageSize` finished projects with an id greater than `page.after`. */
  list(page: Page): readonly ProjectIds[] {
    const rows = this.#sql.exec<{ number: string; id: string }>(
      `SELECT number, id FROM projects WHERE finished = 1 AND id > ?
       ${this.#hasEnded() ? 'AND number NOT IN (SELECT number FROM ended_projects)' : ''} ORDER BY id LIMIT ?`,
      page.after,
      page.pageSize,
    );
    return [...rows].map((row) => ({ projectNumber: row.number, projectId: row.id }));
  }

  organizationPolicy(): Policy {
    const row = this.#sql.exec<{ policy: string }>('SELECT organization_policy AS policy FROM directory').one();
    const policy: Policy = JSON.parse(row.policy);
    return policy;
  }

  setOrganizationPolicy(
    policy: Policy,
    change: Omit<Circumstances, 'epoch'>,
    keys: HistoryKeys,
  ): readonly HistoryFault[] {
    const before = JSON.stringify(this.organizationPolicy());
    const after = JSON.stringify(policy);
    this.#sql.exec('UPDATE directory SET organization_policy = ?', after);
    return this.remember(keys, change, ORGANIZATION_POLICY, before, after);
  }

  failed(nowMs: number): void {
    this.#sql.exec(
      'UPDATE directory SET due_at_ms = ? + min(? << min(failures, 10), ?), failures = failures + 1',
      nowMs,
      FIRST_RETRY_MS,
      LONGEST_RETRY_MS,
    );
  }

  /** When the alarm has to finish what is unfinished, if anything is. */
  dueAtMs(): number | undefined {
    if (this.unfinished(1).length === 0) return undefined;
    return this.#sql.exec<{ due_at_ms: number }>('SELECT due_at_ms FROM directory').one().due_at_ms;
  }

  remember(
    keys: HistoryKeys,
    change: Omit<Circumstances, 'epoch'>,
    resource: string,
    before: string | null,
    after: string | null,
  ): readonly HistoryFault[] {
    const traces = tracesOf(before, after).map((trace) => ({ resource, ...trace }));
    // Nothing at the edge hangs on the directory, so its changes have no epoch but their place in the history.
    const epoch = (this.history.list({ pageSize: 1 })[0]?.epoch ?? 0) + 1;
    return this.history.add(keys, DIRECTORY_SUBJECT, { epoch, ...change }, traces, { hasBegun: this.changes() > 1 });
  }

  /** How many changes the other rows tell of, at least. */
  changes(): number {
    const { projects } = this.#sql.exec<{ projects: number }>('SELECT count(*) AS projects FROM projects').one();
    return projects + this.organizationPolicy().revision;
  }
}

function entryOf(rows: Iterable<ProjectRow>): ProjectEntry | undefined {
  const [row] = rows;
  return row === undefined ? undefined : entryOfRow(row);
}

function entryOfRow(row: ProjectRow): ProjectEntry {
  const project: Project = JSON.parse(row.body);
  return { project, caller: { ...THE_BROKER, name: row.actor }, finished: row.finished === 1 };
}

/** One project's configuration in SQLite: what `apply` reads, and the one place where its writes land, history with them. */
import type { Page, PolicyResource } from '../../core/admin/commands.ts';
import type { ConfigState, Write } from '../../core/admin/state.ts';
import type { Policy, Pool, Project, Provider, Role, Target } from '../../core/resources.ts';

/** One saved change: all of it goes in, or nothing. */
interface Change {
  readonly epoch: number;
  readonly time: string;
  readonly actor: string;
  readonly command: string;
  readonly writes: readonly Write[];
  /** Proof of the KEK that this object is now under. */
  readonly kekCheck: string;
}

type Kind = 'project' | 'pool' | 'provider' | 'target' | 'role' | 'policy';

interface RowKey {
  readonly kind: Kind;
  /** The pool of a provider; otherwise empty. */
  readonly parent: string;
  readonly id: string;
}

/** One row to write, or to remove where no value is given. */
interface Step {
  readonly key: RowKey;
  readonly value?: unknown;
  readonly uri?: string;
}

/** To SQLite a negative limit is none. */
const ALL = -1;
const PROJECT_ROW: RowKey = { kind: 'project', parent: '', id: '' };

export class ProjectStore implements ConfigState {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Asks before any table is there: a read must be able to say no without creating one. */
  exists(): boolean {
    const tables = this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'standing'`).toArray();
    return tables.length > 0;
  }

  createTables(): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS standing (
         one INTEGER PRIMARY KEY CHECK (one = 1),
         epoch INTEGER NOT NULL CHECK (epoch >= 0),
         kek_check TEXT NOT NULL
       ) STRICT;
       CREATE TABLE IF NOT EXISTS resources (
         kind TEXT NOT NULL CHECK (kind IN ('project', 'pool', 'provider', 'target', 'role', 'policy')),
         parent TEXT NOT NULL,
         id TEXT NOT NULL,
         uri TEXT UNIQUE CHECK (uri IS NULL OR kind = 'target'),
         body TEXT NOT NULL CHECK (json_valid(body)),
         PRIMARY KEY (kind, parent, id)
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS history (
         epoch INTEGER NOT NULL,
         position INTEGER NOT NULL,
         time TEXT NOT NULL,
         actor TEXT NOT NULL,
         command TEXT NOT NULL,
         resource TEXT NOT NULL,
         before TEXT,
         after TEXT,
         PRIMARY KEY (epoch, position)
       ) STRICT, WITHOUT ROWID`,
    );
  }

  epoch(): number {
    return this.#sql.exec<{ epoch: number }>('SELECT epoch FROM standing').one().epoch;
  }

  kekCheck(): string {
    return this.#sql.exec<{ kek_check: string }>('SELECT kek_check FROM standing').one().kek_check;
  }

  setKekCheck(kekCheck: string): void {
    this.#sql.exec('UPDATE standing SET kek_check = ?1 WHERE kek_check <> ?1', kekCheck);
  }

  commit(change: Change): void {
    this.#sql.exec(
      `INSERT INTO standing (one, epoch, kek_check) VALUES (1, ?, ?)
       ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, kek_check = excluded.kek_check`,
      change.epoch,
      change.kekCheck,
    );
    const steps = change.writes.flatMap(stepsOf);
    for (const [position, step] of steps.entries()) this.#take(change, position, step);
    // A change without rows of ours (the key ring moved) is still a step of the epoch that somebody caused.
    if (steps.length === 0) this.#remember(change, 0, '', null, null);
  }

  project(): Project {
    const project: Project | undefined = this.#row(PROJECT_ROW);
    if (project === undefined) throw new Error('this object holds no project');
    return project;
  }

  pool(poolId: string): Pool | undefined {
    return this.#row({ kind: 'pool', parent: '', id: poolId });
  }

  provider(poolId: string, providerId: string): Provider | undefined {
    return this.#row({ kind: 'provider', parent: poolId, id: providerId });
  }

  target(targetId: string): Target | undefined {
    return this.#row({ kind: 'target', parent: '', id: targetId });
  }

  targetByUri(uri: string): Target | undefined {
    const rows = this.#sql.exec<{ id: string }>('SELECT id FROM resources WHERE uri = ?', uri).toArray();
    return rows[0] && this.target(rows[0].id);
  }

  role(roleId: string): Role | undefined {
    return this.#row({ kind: 'role', parent: '', id: roleId });
  }

  policy(resource: PolicyResource): Policy | undefined {
    return this.#row({ kind: 'policy', parent: '', id: policyRowId(resource) });
  }

  pools(page: Page): readonly Pool[] {
    return this.#bodies('pool', '', page).map((body): Pool => JSON.parse(body));
  }

  providers(poolId: string, page: Page): readonly Provider[] {
    return this.#bodies('provider', poolId, page).map((body): Provider => JSON.parse(body));
  }

  targets(page: Page): readonly Target[] {
    return this.#bodies('target', '', page).map((body): Target => JSON.parse(body));
  }

  roles(page: Page): readonly Role[] {
    return this.#bodies('role', '', page).map((body): Role => JSON.parse(body));
  }

  allRoles(): readonly Role[] {
    return this.roles({ after: '', pageSize: ALL });
  }

  targetIdByUri(): Readonly<Record<string, string>> {
    const rows = this.#sql.exec<{ uri: string; id: string }>(
      `SELECT uri, id FROM resources WHERE kind = 'target' AND parent = '' ORDER BY id`,
    );
    return Object.fromEntries([...rows].map((row) => [row.uri, row.id]));
  }

  #body(key: RowKey): string | undefined {
    const { kind, parent, id } = key;
    const rows = this.#sql.exec<{ body: string }>(
      'SELECT body FROM resources WHERE kind = ? AND parent = ? AND id = ?',
      kind,
      parent,
      id,
    );
    return rows.toArray()[0]?.body;
  }

  /** Only this class writes bodies, so what is under a kind's key is of that kind. */
  #row(key: RowKey) {
    const body = this.#body(key);
    return body === undefined ? undefined : JSON.parse(body);
  }

  #bodies(kind: Kind, parent: string, page: Page): readonly string[] {
    const rows = this.#sql.exec<{ body: string }>(
      'SELECT body FROM resources WHERE kind = ? AND parent = ? AND id > ? ORDER BY id LIMIT ?',
      kind,
      parent,
      page.after,
      page.pageSize,
    );
    return [...rows].map((row) => row.body);
  }

  #take(change: Change, position: number, step: Step): void {
    const { kind, parent, id } = step.key;
    const before = this.#body(step.key) ?? null;
    const after = step.value === undefined ? null : JSON.stringify(step.value);
    if (before === null && after === null) return;
    if (after === null) {
      this.#sql.exec('DELETE FROM resources WHERE kind = ? AND parent = ? AND id = ?', kind, parent, id);
    } else {
      this.#sql.exec(
        `INSERT INTO resources (kind, parent, id, uri, body) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (kind, parent, id) DO UPDATE SET uri = excluded.uri, body = excluded.body`,
        kind,
        parent,
        id,
        step.uri ?? null,
        after,
      );
    }
    const resource = [kind, parent, id].filter((part) => part !== '').join('/');
    this.#remember(change, position, resource, before, after);
  }

  #remember(change: Change, position: number, resource: string, before: string | null, after: string | null): void {
    const { epoch, time, actor, command } = change;
    this.#sql.exec(
      `INSERT INTO history (epoch, position, time, actor, command, resource, before, after)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      epoch,
      position,
      time,
      actor,
      command,
      resource,
      before,
      after,
    );
  }
}

function stepsOf(write: Write): Step[] {
  if ('remove' in write) {
    if (write.remove === 'role') return [{ key: { kind: 'role', parent: '', id: write.roleId } }];
    // A target that is made again under the old id must not find the old one's bindings waiting.
    return [
      { key: { kind: 'target', parent: '', id: write.targetId } },
      { key: { kind: 'policy', parent: '', id: policyRowId({ kind: 'target', targetId: write.targetId }) } },
    ];
  }
  switch (write.put) {
    case 'project':
      return [{ key: PROJECT_ROW, value: write.project }];
    case 'pool':
      return [{ key: { kind: 'pool', parent: '', id: write.pool.poolId }, value: write.pool }];
    case 'provider': {
      const { provider } = write;
      return [{ key: { kind: 'provider', parent: provider.poolId, id: provider.providerId }, value: provider }];
    }
    case 'target': {
      const { target } = write;
      return [{ key: { kind: 'target', parent: '', id: target.targetId }, value: target, uri: target.uri }];
    }
    case 'role':
      return [{ key: { kind: 'role', parent: '', id: write.role.roleId }, value: write.role }];
    case 'policy':
      return [{ key: { kind: 'policy', parent: '', id: policyRowId(write.resource) }, value: write.policy }];
  }
}

function policyRowId(resource: PolicyResource): string {
  switch (resource.kind) {
    case 'project':
      return 'project';
    case 'pool':
      return `pool/${resource.poolId}`;
    case 'target':
      return `target/${resource.targetId}`;
  }
}

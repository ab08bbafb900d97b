/** One project's configuration in SQLite: what `apply` reads, and the one place where its writes land, history with them. */
import type { Caller } from '../../core/admin/caller.ts';
import { differences } from '../../core/admin/history/compare.ts';
import type { HistoryFault } from '../../core/admin/history/entry.ts';
import type { RowThen } from '../../core/admin/history/step.ts';
import { denyPolicyRowName, ownerRowName } from '../../core/admin/history/resource-key.ts';
import { projectName } from '../../core/names.ts';
import type { DesiredChange } from '../../core/admin/configuration/change.ts';
import type { DenyPolicyId, Page, PolicyResource } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { ConfigState, OperationRow, PolicyOf, Write } from '../../core/admin/state.ts';
import type {
  DenyAttachment,
  DenyPolicy,
  Policy,
  Pool,
  Project,
  Provider,
  QuotaPreference,
  Role,
  ServiceAccount,
  Target,
} from '../../core/resources.ts';
import { opensTargets } from '../../core/roles.ts';
import { Deletions, IS_LIVE } from './deletions.ts';
import { DenyPolicyRows } from './deny-policy-rows.ts';
import { HistoryRows, type Trace } from './history-rows.ts';
import type { WritableKek } from './kek.ts';
import { tooLarge, tracesOf } from './limits.ts';
import { OperationRows } from './operation-rows.ts';
import { OwnerRows } from './owner-rows.ts';
import { QuotaPreferenceRows } from './quota-preference-rows.ts';
import { ServiceAccountRows } from './service-account-rows.ts';
import { StagedRows } from './staged-rows.ts';
import { UsedTokens } from './used-tokens.ts';

/** One saved change: all of it goes in, or nothing. */
interface Change {
  readonly epoch: number;
  readonly time: string;
  readonly caller: Caller;
  readonly command: string;
  readonly writes: readonly Write[];
  /** The KEK that this object is under from now on. */
  readonly kek: Pick<WritableKek, 'check' | 'history'>;
  /** What is wrong with the state that this starts from. */
  readonly doubt?: string;
}

type Kind = 'project' | 'pool' | 'provider' | 'target' | 'role' | 'policy';

/** Does the work in a transaction and takes it back, but for what it answers. */
export type Undoing = <T>(work: () => T) => T;

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
  readonly opensTargets?: boolean;
  /** It goes on as a deleted one. */
  readonly isDeleted?: boolean;
}

const PROJECT_ROW: RowKey = { kind: 'project', parent: '', id: '' };

export class ProjectStore implements ConfigState {
  readonly #sql: SqlStorage;
  readonly #undone: Undoing;
  readonly history: HistoryRows;
  readonly #usedTokens: UsedTokens;
  readonly #denyPolicies: DenyPolicyRows;
  readonly #quotaPreferences: QuotaPreferenceRows;
  readonly #deletions: Deletions;
  readonly #serviceAccounts: ServiceAccountRows;
  /** For the end of the project alone: rows go without a change, for nothing is left to have one. */
  readonly accountsToEnd: Pick<ServiceAccountRows, 'some' | 'gone'>;
  readonly #operations: OperationRows;
  readonly #owners: OwnerRows;
  readonly staging: StagedRows;

  constructor(sql: SqlStorage, undone: Undoing) {
    this.#sql = sql;
    this.#undone = undone;
    this.history = new HistoryRows(sql);
    this.#usedTokens = new UsedTokens(sql);
    this.#denyPolicies = new DenyPolicyRows(sql);
    this.#quotaPreferences = new QuotaPreferenceRows(sql);
    this.#deletions = new Deletions(sql);
    this.#serviceAccounts = new ServiceAccountRows(sql);
    this.accountsToEnd = this.#serviceAccounts;
    this.#operations = new OperationRows(sql);
    this.#owners = new OwnerRows(sql);
    this.staging = new StagedRows(sql);
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
         opens_targets INTEGER CHECK (opens_targets IN (0, 1) AND kind = 'role' OR opens_targets IS NULL),
         body TEXT NOT NULL CHECK (json_valid(body)),
         PRIMARY KEY (kind, parent, id)
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

  /** Answers what is wrong with the history that it adds to. */
  commit(change: Change): readonly HistoryFault[] {
    this.#sql.exec(
      `INSERT INTO standing (one, epoch, kek_check) VALUES (1, ?, ?)
       ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, kek_check = excluded.kek_check`,
      change.epoch,
      change.kek.check,
    );
    const nowMs = Date.parse(change.time);
    const traces = change.writes.flatMap((write) => this.#write(write, nowMs));
    // A change without rows of ours (the key ring moved) is still a step of the epoch that somebody caused.
    const whole = traces.length > 0 ? traces : [{ resource: '', before: null, after: null }];
    const known = { hasBegun: change.epoch > 1, ...(change.doubt === undefined ? {} : { doubt: change.doubt }) };
    return this.history.add(change.kek.history, this.subject(), change, whole, known);
  }

  /** Whose history it is. */
  subject(): string {
    return projectName(this.project().projectNumber);
  }

  changedSince(sequence: number): readonly RowThen[] | undefined {
    const entry = this.history.entry(sequence);
    if (entry === undefined) return undefined;
    return differences(this.history.between(entry.epoch)).map(({ resource, before }) => ({ resource, body: before }));
  }

  rolledBack<T>(work: (stage: (writes: readonly Write[]) => void) => T): T {
    return this.#undone(() =>
      work((writes) => {
        for (const write of writes) this.#write(write, 0);
      }),
    );
  }

  /** Why these rows cannot be written, if they cannot. */
  oversize(writes: readonly Write[]): AdminDenial | undefined {
    return writes
      .flatMap((write) => {
        if (isMarker(write) || isQuotaPreference(write) || isOperation(write) || isServiceAccount(write)) return [];
        if (isOwner(write) || isStaged(write)) return [];
        if (isDenyPolicy(write)) return 'put' in write ? [tooLarge(denyPolicyRowName(write.policy), write.policy)] : [];
        const { key, value = null } = stepOf(write);
        return [tooLarge(nameOf(key), value)];
      })
      .find((denial) => denial !== undefined);
  }

  project(): Project {
    const project: Project | undefined = this.#row(PROJECT_ROW);
    if (project === undefined) throw new Error('this object holds no project');
    return project;
  }

  pool(poolId: string): Pool | undefined {
    // None of a project that is deleted: so it is to the edge, to administrators from there, and to whoever looks for its documents.
    return this.project().expireTime === undefined ? liveOnly(this.#poolRow(poolId)) : undefined;
  }

  provider(poolId: string, providerId: string): Provider | undefined {
    return liveOnly(this.#providerRow(poolId, providerId));
  }

  deletedPool(poolId: string): Pool | undefined {
    return deletedOnly(this.#poolRow(poolId));
  }

  deletedProvider(poolId: string, providerId: string): Provider | undefined {
    return deletedOnly(this.#providerRow(poolId, providerId));
  }

  nextToExpire(): Pool | Provider | undefined {
    const body = this.#deletions.next();
    return body === undefined ? undefined : JSON.parse(body);
  }

  purgeDueAtMs(): number | undefined {
    const account = this.#serviceAccounts.nextToExpire()?.expireTime;
    const dues = [this.#deletions.nextAtMs(), account && Date.parse(account)].filter((due) => typeof due === 'number');
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  operation(name: string): OperationRow | undefined {
    return this.#operations.get(name);
  }

  target(targetId: string): Target | undefined {
    return this.#row({ kind: 'target', parent: '', id: targetId });
  }

  targetByUri(uri: string): Target | undefined {
    const rows = this.#sql.exec<{ id: string }>('SELECT id FROM resources WHERE uri = ?', uri).toArray();
    return rows[0] && this.target(rows[0].id);
  }

  serviceAccount(accountId: string): ServiceAccount | undefined {
    // As with pools: of a deleted project there is none.
    return this.project().expireTime === undefined ? liveOnly(this.#serviceAccounts.get(accountId)) : undefined;
  }

  deletedServiceAccount(accountId: string): ServiceAccount | undefined {
    return deletedOnly(this.#serviceAccounts.get(accountId));
  }

  serviceAccountByUniqueId(uniqueId: string): ServiceAccount | undefined {
    return this.#serviceAccounts.byUniqueId(uniqueId);
  }

  serviceAccountByRoleName(roleName: string): ServiceAccount | undefined {
    return this.#serviceAccounts.byRoleName(roleName);
  }

  serviceAccountCount(): number {
    return this.#serviceAccounts.count();
  }

  nextServiceAccountToExpire(): ServiceAccount | undefined {
    return this.#serviceAccounts.nextToExpire();
  }

  serviceAccounts(page: Page): readonly ServiceAccount[] {
    return this.#serviceAccounts.list(page);
  }

  role(roleId: string): Role | undefined {
    return this.#row({ kind: 'role', parent: '', id: roleId });
  }

  roleCount(): number {
    return this.#sql.exec<{ count: number }>(`SELECT count(*) AS count FROM resources WHERE kind = 'role'`).one().count;
  }

  openingRoleIds(): readonly string[] {
    const rows = this.#sql.exec<{ id: string }>(
      `SELECT id FROM resources WHERE kind = 'role' AND opens_targets = 1 ORDER BY id`,
    );
    return [...rows].map((row) => row.id);
  }

  /** SQLite finds the few policies that hold the text at all; whether it is a role there is decided here. */
  policiesWithRole(role: string): readonly PolicyOf[] {
    return this.policiesWithText(JSON.stringify(role)).filter(({ policy }) =>
      policy.bindings.some((binding) => binding.role === role),
    );
  }

  policiesWithText(text: string): readonly PolicyOf[] {
    const rows = this.#sql.exec<{ id: string; body: string }>(
      `SELECT id, body FROM resources WHERE kind = 'policy' AND instr(body, ?) > 0 ORDER BY id`,
      text,
    );
    return [...rows].map(({ id, body }): PolicyOf => ({ resource: policyResourceOf(id), policy: JSON.parse(body) }));
  }

  policy(resource: PolicyResource): Policy | undefined {
    return this.#row({ kind: 'policy', parent: '', id: policyRowId(resource) });
  }

  denyPolicy(id: DenyPolicyId): DenyPolicy | undefined {
    return this.#denyPolicies.get(id);
  }

  denyPolicyCount(): number {
    return this.#denyPolicies.count();
  }

  targetsWithDenyPolicies(): readonly string[] {
    return this.#denyPolicies.targetIds();
  }

  denyPolicies(attachment: DenyAttachment, page: Page): readonly DenyPolicy[] {
    return this.#denyPolicies.list(attachment, page);
  }

  ownerOf(resource: string): string | undefined {
    return this.#owners.get(resource);
  }

  ownedBy(owner: string): readonly string[] {
    return this.#owners.ownedBy(owner);
  }

  staged(changeSet: string, actor: string): readonly (readonly DesiredChange[])[] {
    return this.staging.get(changeSet, actor);
  }

  isTokenUsed(key: string): boolean {
    return this.#usedTokens.has(key);
  }

  quotaPreference(preferenceId: string): QuotaPreference | undefined {
    return this.#quotaPreferences.get(preferenceId);
  }

  openQuotaPreferences(): readonly QuotaPreference[] {
    return this.#quotaPreferences.open();
  }

  quotaPreferenceCount(): number {
    return this.#quotaPreferences.count();
  }

  oldestClosedQuotaPreference(): string | undefined {
    return this.#quotaPreferences.oldestClosed();
  }

  quotaPreferences(page: Page): readonly QuotaPreference[] {
    return this.#quotaPreferences.list(page);
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

  #poolRow(poolId: string): Pool | undefined {
    return this.#row({ kind: 'pool', parent: '', id: poolId });
  }

  #providerRow(poolId: string, providerId: string): Provider | undefined {
    return this.#row({ kind: 'provider', parent: poolId, id: providerId });
  }

  /** Only this class writes bodies, so what is under a kind's key is of that kind. */
  #row(key: RowKey) {
    const body = this.#body(key);
    return body === undefined ? undefined : JSON.parse(body);
  }

  #bodies(kind: Kind, parent: string, page: Page): readonly string[] {
    const rows = this.#sql.exec<{ body: string }>(
      `SELECT body FROM resources WHERE kind = ? AND parent = ? AND id > ? AND (? OR ${IS_LIVE}) ORDER BY id LIMIT ?`,
      kind,
      parent,
      page.after,
      Number(page.showDeleted ?? false),
      page.pageSize,
    );
    return [...rows].map((row) => row.body);
  }

  /** What the history keeps of it. */
  #write(write: Write, nowMs: number): readonly Trace[] {
    if (isMarker(write)) this.#usedTokens.add(write.marker, nowMs / 1_000);
    else if (isOperation(write)) this.#takeOperation(write, nowMs);
    else if (isDenyPolicy(write)) return this.#takeDenyPolicy(write);
    else if (isServiceAccount(write)) return this.#takeServiceAccount(write);
    else if (isQuotaPreference(write)) return this.#takeQuotaPreference(write);
    else if (isOwner(write)) return this.#takeOwner(write);
    else if (isStaged(write)) this.staging.remove(write.changeSet);
    else return this.#take(stepOf(write));
    return [];
  }

  #take(step: Step): readonly Trace[] {
    const { kind, parent, id } = step.key;
    const before = this.#body(step.key) ?? null;
    const after = step.value === undefined ? null : JSON.stringify(step.value);
    if (before === null && after === null) return [];
    if (step.isDeleted === true) this.#deletions.open();
    if (after === null) {
      this.#sql.exec('DELETE FROM resources WHERE kind = ? AND parent = ? AND id = ?', kind, parent, id);
    } else {
      this.#sql.exec(
        `INSERT INTO resources (kind, parent, id, uri, opens_targets, body) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (kind, parent, id) DO UPDATE SET
           uri = excluded.uri, opens_targets = excluded.opens_targets, body = excluded.body`,
        kind,
        parent,
        id,
        step.uri ?? null,
        step.opensTargets === undefined ? null : Number(step.opensTargets),
        after,
      );
    }
    return traced(nameOf(step.key), before, after);
  }

  #takeDenyPolicy(write: DenyPolicyWrite): readonly Trace[] {
    const id = 'put' in write ? write.policy : write;
    const before = this.#denyPolicies.body(id) ?? null;
    const after = 'put' in write ? JSON.stringify(write.policy) : null;
    if (after === null) this.#denyPolicies.remove(id);
    else this.#denyPolicies.put(id, after);
    return traced(denyPolicyRowName(id), before, after);
  }

  #takeServiceAccount(write: ServiceAccountWrite): readonly Trace[] {
    const { accountId } = 'put' in write ? write.serviceAccount : write;
    const before = this.#serviceAccounts.body(accountId) ?? null;
    if ('put' in write) this.#serviceAccounts.put(write.serviceAccount);
    else this.#serviceAccounts.remove(accountId);
    return traced(`serviceAccount/${accountId}`, before, this.#serviceAccounts.body(accountId) ?? null);
  }

  #takeQuotaPreference(write: QuotaPreferenceWrite): readonly Trace[] {
    const { preferenceId } = 'put' in write ? write.preference : write;
    const before = this.#quotaPreferences.body(preferenceId) ?? null;
    if ('put' in write) this.#quotaPreferences.put(write.preference);
    else this.#quotaPreferences.remove(preferenceId);
    const after = this.#quotaPreferences.body(preferenceId) ?? null;
    return traced(`quotaPreference/${preferenceId}`, before, after);
  }

  #takeOwner(write: OwnerWrite): readonly Trace[] {
    const { resource } = write;
    const before = this.#owners.get(resource);
    const after = 'put' in write ? write.owner : undefined;
    if (after === undefined) this.#owners.remove(resource);
    else this.#owners.put(resource, after);
    if (before === after) return [];
    const texts = [before, after].map((owner) => (owner === undefined ? null : JSON.stringify(owner)));
    return traced(ownerRowName(resource), texts[0] ?? null, texts[1] ?? null);
  }

  /** No configuration either: what it says stands in the history already. */
  #takeOperation(write: OperationWrite, nowMs: number): void {
    if ('put' in write) this.#operations.put(write.operation, nowMs);
    else this.#operations.removeUnder(write.prefix);
  }
}

function traced(resource: string, before: string | null, after: string | null): readonly Trace[] {
  return tracesOf(before, after).map((trace) => ({ resource, ...trace }));
}

function nameOf({ kind, parent, id }: RowKey): string {
  return [kind, parent, id].filter((part) => part !== '').join('/');
}

type MarkerWrite = Extract<Write, { put: 'usedToken' }>;

/** Markers are no configuration: they have no history and end by themselves. */
function isMarker(write: Write): write is MarkerWrite {
  return 'put' in write && write.put === 'usedToken';
}

type DenyPolicyWrite = Extract<Write, { put: 'denyPolicy' } | { remove: 'denyPolicy' }>;

function isDenyPolicy(write: Write): write is DenyPolicyWrite {
  return 'put' in write ? write.put === 'denyPolicy' : write.remove === 'denyPolicy';
}

type QuotaPreferenceWrite = Extract<Write, { put: 'quotaPreference' } | { remove: 'quotaPreference' }>;

type OperationWrite = Extract<Write, { put: 'operation' } | { remove: 'operations' }>;

type OwnerWrite = Extract<Write, { put: 'owner' } | { remove: 'owner' }>;

function isOwner(write: Write): write is OwnerWrite {
  return 'put' in write ? write.put === 'owner' : write.remove === 'owner';
}

type StagedWrite = Extract<Write, { remove: 'staged' }>;

function isStaged(write: Write): write is StagedWrite {
  return 'remove' in write && write.remove === 'staged';
}

function isOperation(write: Write): write is OperationWrite {
  return 'put' in write ? write.put === 'operation' : write.remove === 'operations';
}

function liveOnly<Row extends Pool | Provider | ServiceAccount>(row: Row | undefined): Row | undefined {
  return row?.expireTime === undefined ? row : undefined;
}

function deletedOnly<Row extends Pool | Provider | ServiceAccount>(row: Row | undefined): Row | undefined {
  return row?.expireTime === undefined ? undefined : row;
}

type ServiceAccountWrite = Extract<Write, { put: 'serviceAccount' } | { remove: 'serviceAccount' }>;

/** Bounded by their fields, so never oversize. */
function isServiceAccount(write: Write): write is ServiceAccountWrite {
  return 'put' in write ? write.put === 'serviceAccount' : write.remove === 'serviceAccount';
}

/** Bounded as well. */
function isQuotaPreference(write: Write): write is QuotaPreferenceWrite {
  return 'put' in write ? write.put === 'quotaPreference' : write.remove === 'quotaPreference';
}

type RowWrite = Exclude<
  Write,
  MarkerWrite | DenyPolicyWrite | QuotaPreferenceWrite | OperationWrite | ServiceAccountWrite | OwnerWrite | StagedWrite
>;

function removedRow(write: Extract<RowWrite, { remove: string }>): RowKey {
  switch (write.remove) {
    case 'provider':
      return { kind: 'provider', parent: write.poolId, id: write.providerId };
    case 'pool':
      return { kind: 'pool', parent: '', id: write.poolId };
    case 'role':
      return { kind: 'role', parent: '', id: write.roleId };
    case 'target':
      return { kind: 'target', parent: '', id: write.targetId };
  }
}

function stepOf(write: RowWrite): Step {
  if ('remove' in write) return { key: removedRow(write) };
  switch (write.put) {
    case 'project':
      return { key: PROJECT_ROW, value: write.project };
    case 'pool':
      return {
        key: { kind: 'pool', parent: '', id: write.pool.poolId },
        value: write.pool,
        isDeleted: write.pool.expireTime !== undefined,
      };
    case 'provider': {
      const { provider } = write;
      return {
        key: { kind: 'provider', parent: provider.poolId, id: provider.providerId },
        value: provider,
        isDeleted: provider.expireTime !== undefined,
      };
    }
    case 'target': {
      const { target } = write;
      return { key: { kind: 'target', parent: '', id: target.targetId }, value: target, uri: target.uri };
    }
    case 'role': {
      const { role } = write;
      return { key: { kind: 'role', parent: '', id: role.roleId }, value: role, opensTargets: opensTargets(role) };
    }
    case 'policy':
      return { key: { kind: 'policy', parent: '', id: policyRowId(write.resource) }, value: write.policy };
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
    case 'serviceAccount':
      return `serviceAccount/${resource.accountId}`;
  }
}

/** The way back from `policyRowId`. */
function policyResourceOf(rowId: string): PolicyResource {
  const slash = rowId.indexOf('/');
  const id = rowId.slice(slash + 1);
  if (slash < 0) return { kind: 'project' };
  if (rowId.startsWith('serviceAccount/')) return { kind: 'serviceAccount', accountId: id };
  return rowId.startsWith('pool/') ? { kind: 'pool', poolId: id } : { kind: 'target', targetId: id };
}

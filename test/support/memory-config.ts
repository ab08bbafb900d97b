/** One project's configuration in Maps: a small honest ConfigState, and the commit that a store over SQLite makes. */
import { differences } from '../../src/core/admin/history/compare.ts';
import type { Difference, HistoryEntry } from '../../src/core/admin/history/entry.ts';
import { readResourceKey } from '../../src/core/admin/history/resource-key.ts';
import type { RowThen } from '../../src/core/admin/history/step.ts';
import { provisionWrites } from '../../src/core/admin/projects.ts';
import { edgeDenyRules } from '../../src/core/admin/deny-resolution.ts';
import type { DesiredChange, StagedPart } from '../../src/core/admin/configuration/change.ts';
import type { DenyPolicyId, Page, PolicyResource } from '../../src/core/admin/commands.ts';
import type { ApplyContext, ConfigState, OperationRow, PolicyOf, Write } from '../../src/core/admin/state.ts';
import {
  type DenyAttachment,
  type DenyPolicy,
  EMPTY_POLICY,
  type Policy,
  type Pool,
  type Project,
  type Provider,
  type QuotaPreference,
  type Role,
  type ServiceAccount,
  type Shards,
  type Target,
} from '../../src/core/resources.ts';
import { opensTargets } from '../../src/core/roles.ts';

export class MemoryConfig implements ConfigState {
  readonly entries: (Pick<HistoryEntry, 'sequence' | 'epoch'> & Difference)[] = [];
  #epoch = 0;
  #project: Project;
  readonly #pools = new Map<string, Pool>();
  readonly #providers = new Map<string, Provider>();
  readonly #targets = new Map<string, Target>();
  readonly #roles = new Map<string, Role>();
  readonly #serviceAccounts = new Map<string, ServiceAccount>();
  readonly #policies = new Map<string, PolicyOf>();
  readonly #denyPolicies = new Map<string, DenyPolicy>();
  readonly #usedTokens = new Set<string>();
  readonly #quotaPreferences = new Map<string, QuotaPreference>();
  readonly #operations = new Map<string, OperationRow>();
  readonly #owners = new Map<string, string>();
  readonly #staged = new Map<
    string,
    { readonly actor: string; readonly parts: Map<number, readonly DesiredChange[]> }
  >();

  constructor(project: Project, context: ApplyContext) {
    this.#project = project;
    this.commit(provisionWrites(project, context).writes);
  }

  project(): Project {
    return this.#project;
  }
  pool(poolId: string): Pool | undefined {
    if (this.#project.expireTime !== undefined) return undefined;
    return [...this.#pools.values()].find((pool) => pool.poolId === poolId && isLive(pool));
  }
  provider(poolId: string, providerId: string): Provider | undefined {
    const found = this.#providers.get(`${poolId}/${providerId}`);
    return found !== undefined && isLive(found) ? found : undefined;
  }
  deletedPool(poolId: string): Pool | undefined {
    return [...this.#pools.values()].find((pool) => pool.poolId === poolId && !isLive(pool));
  }
  deletedProvider(poolId: string, providerId: string): Provider | undefined {
    const found = this.#providers.get(`${poolId}/${providerId}`);
    return found === undefined || isLive(found) ? undefined : found;
  }
  nextToExpire(): Pool | Provider | undefined {
    const rows = [...this.#pools.values(), ...this.#providers.values()].filter((row) => !isLive(row));
    return rows.toSorted((a, b) => ((a.expireTime ?? '') < (b.expireTime ?? '') ? -1 : 1))[0];
  }
  ownerOf(resource: string): string | undefined {
    return this.#owners.get(resource);
  }
  ownedBy(owner: string): readonly string[] {
    return [...this.#owners].flatMap(([resource, of]) => (of === owner ? [resource] : [])).toSorted();
  }
  staged(changeSet: string, actor: string): readonly (readonly DesiredChange[])[] {
    const found = this.#staged.get(changeSet);
    if (found?.actor !== actor) return [];
    return [...found.parts].toSorted(([one], [other]) => one - other).map(([, changes]) => changes);
  }
  stage({ changeSet, part, changes }: StagedPart, actor: string): void {
    const found = this.#staged.get(changeSet) ?? { actor, parts: new Map() };
    this.#staged.set(changeSet, found);
    found.parts.set(part, changes);
  }
  operation(name: string): OperationRow | undefined {
    return this.#operations.get(name);
  }
  policiesWithText(text: string): readonly PolicyOf[] {
    return [...this.#policies.values()]
      .filter(({ policy }) => JSON.stringify(policy).includes(text))
      .toSorted((a, b) => (policyKey(a.resource) < policyKey(b.resource) ? -1 : 1));
  }
  target(targetId: string): Target | undefined {
    return this.#targets.get(targetId);
  }
  targetByUri(uri: string): Target | undefined {
    return [...this.#targets.values()].find((target) => target.uri === uri);
  }
  serviceAccount(accountId: string): ServiceAccount | undefined {
    const found = this.#serviceAccounts.get(accountId);
    return this.#project.expireTime === undefined && found !== undefined && isLive(found) ? found : undefined;
  }
  deletedServiceAccount(accountId: string): ServiceAccount | undefined {
    const found = this.#serviceAccounts.get(accountId);
    return found === undefined || isLive(found) ? undefined : found;
  }
  serviceAccountByUniqueId(uniqueId: string): ServiceAccount | undefined {
    return [...this.#serviceAccounts.values()].find((account) => account.uniqueId === uniqueId);
  }
  serviceAccountByRoleName(roleName: string): ServiceAccount | undefined {
    const end = `/${roleName}`.toLowerCase();
    return [...this.#serviceAccounts.values()].find(({ awsRole }) => awsRole?.arn.toLowerCase().endsWith(end));
  }

  serviceAccountCount(): number {
    return this.#serviceAccounts.size;
  }
  nextServiceAccountToExpire(): ServiceAccount | undefined {
    const rows = [...this.#serviceAccounts.values()].filter((row) => !isLive(row));
    return rows.toSorted((a, b) => ((a.expireTime ?? '') < (b.expireTime ?? '') ? -1 : 1))[0];
  }
  role(roleId: string): Role | undefined {
    return this.#roles.get(roleId);
  }
  policy(resource: PolicyResource): Policy | undefined {
    return this.#policies.get(policyKey(resource))?.policy;
  }
  isTokenUsed(key: string): boolean {
    return this.#usedTokens.has(key);
  }
  roleCount(): number {
    return this.#roles.size;
  }
  policiesWithRole(role: string): readonly PolicyOf[] {
    return [...this.#policies.values()]
      .filter(({ policy }) => policy.bindings.some((binding) => binding.role === role))
      .toSorted((a, b) => (policyKey(a.resource) < policyKey(b.resource) ? -1 : 1));
  }
  denyPolicy(id: DenyPolicyId): DenyPolicy | undefined {
    return this.#denyPolicies.get(denyPolicyKey(id));
  }
  denyPolicyCount(): number {
    return this.#denyPolicies.size;
  }
  targetsWithDenyPolicies(): readonly string[] {
    const ids = [...this.#denyPolicies.values()].flatMap(({ attachment }) =>
      attachment.kind === 'target' ? [attachment.targetId] : [],
    );
    return [...new Set(ids)].toSorted();
  }
  denyPolicies(attachment: DenyAttachment, page: Page): readonly DenyPolicy[] {
    const here = [...this.#denyPolicies.values()].filter(
      (policy) => policyKey(policy.attachment) === policyKey(attachment),
    );
    return pageOf(here, page, (policy) => policy.policyId);
  }
  pools(page: Page): readonly Pool[] {
    return pageOf([...this.#pools.values()].filter(shownOn(page)), page, (pool) => pool.poolId);
  }
  providers(poolId: string, page: Page): readonly Provider[] {
    const inPool = [...this.#providers.values()].filter(shownOn(page)).filter((one) => one.poolId === poolId);
    return pageOf(inPool, page, (provider) => provider.providerId);
  }
  targets(page: Page): readonly Target[] {
    return pageOf([...this.#targets.values()], page, (target) => target.targetId);
  }
  serviceAccounts(page: Page): readonly ServiceAccount[] {
    return pageOf([...this.#serviceAccounts.values()].filter(shownOn(page)), page, (account) => account.accountId);
  }
  roles(page: Page): readonly Role[] {
    return pageOf([...this.#roles.values()], page, (role) => role.roleId);
  }

  quotaPreference(preferenceId: string): QuotaPreference | undefined {
    return this.#quotaPreferences.get(preferenceId);
  }
  openQuotaPreferences(): readonly QuotaPreference[] {
    return [...this.#quotaPreferences.values()].filter(isOpen);
  }
  quotaPreferenceCount(): number {
    return this.#quotaPreferences.size;
  }
  oldestClosedQuotaPreference(): string | undefined {
    const closed = [...this.#quotaPreferences.values()].filter((one) => !isOpen(one));
    return closed.toSorted((a, b) => a.version - b.version)[0]?.preferenceId;
  }
  quotaPreferences(page: Page): readonly QuotaPreference[] {
    return pageOf([...this.#quotaPreferences.values()], page, (one) => one.preferenceId);
  }

  /** As the edge would read them. */
  projectShard(): Shards['project'] {
    return {
      project: this.#project,
      policy: this.policy({ kind: 'project' }) ?? EMPTY_POLICY,
      openingRoleIds: [...this.#roles.values()].filter(opensTargets).map((role) => role.roleId),
      targetIdByUri: Object.fromEntries([...this.#targets.values()].map((target) => [target.uri, target.targetId])),
      denyRules: edgeDenyRules(this, { kind: 'project' }),
    };
  }
  targetShard(targetId: string): Shards['target'] | undefined {
    const target = this.#targets.get(targetId);
    const on = { kind: 'target', targetId } as const;
    return target && { target, policy: this.policy(on) ?? EMPTY_POLICY, denyRules: edgeDenyRules(this, on) };
  }

  serviceAccountShard(id: string): Shards['serviceAccount'] | undefined {
    const accountId = this.serviceAccountByUniqueId(id)?.accountId ?? id;
    const serviceAccount = this.serviceAccount(accountId);
    const policy = this.policy({ kind: 'serviceAccount', accountId }) ?? EMPTY_POLICY;
    return serviceAccount && { serviceAccount, policy };
  }

  /** One change; its entries are numbered on from the last. */
  commit(writes: readonly Write[]): void {
    this.#epoch += 1;
    for (const write of writes) {
      const resource = rowOf(write);
      const before = resource === undefined ? null : this.bodyOf(resource);
      this.#write(write);
      const after = resource === undefined ? null : this.bodyOf(resource);
      if (resource === undefined || (before === null && after === null)) continue;
      this.entries.push({ sequence: this.entries.length + 1, epoch: this.#epoch, resource, before, after });
    }
  }

  changedSince(sequence: number): readonly RowThen[] | undefined {
    const entry = this.entries[sequence - 1];
    if (entry === undefined) return undefined;
    const since = this.entries.filter(({ epoch }) => epoch > entry.epoch);
    return differences(since).map(({ resource, before }) => ({ resource, body: before }));
  }

  rolledBack<T>(work: (stage: (writes: readonly Write[]) => void) => T): T {
    const maps = this.#maps().map((map) => ({ map, kept: [...map] }));
    const project = this.#project;
    const used = [...this.#usedTokens];
    try {
      return work((writes) => {
        for (const write of writes) this.#write(write);
      });
    } finally {
      this.#project = project;
      this.#usedTokens.clear();
      for (const key of used) this.#usedTokens.add(key);
      for (const { map, kept } of maps) {
        map.clear();
        for (const [key, value] of kept) map.set(key, value);
      }
    }
  }

  /** JSON of the row that the history calls so. */
  bodyOf(resource: string): string | null {
    const row = this.#rowOf(resource);
    return row === undefined ? null : JSON.stringify(row);
  }

  #rowOf(resource: string): unknown {
    const named = readResourceKey(resource);
    switch (named?.kind) {
      case 'project':
        return this.#project;
      case 'pool':
        return this.#pools.get(named.poolId);
      case 'provider':
        return this.#providers.get(`${named.poolId}/${named.providerId}`);
      case 'target':
        return this.#targets.get(named.targetId);
      case 'serviceAccount':
        return this.#serviceAccounts.get(named.accountId);
      case 'role':
        return this.#roles.get(named.roleId);
      case 'policy':
        return this.#policies.get(policyKey(named.resource))?.policy;
      case 'denyPolicy':
        return this.#denyPolicies.get(denyPolicyKey(named));
      case 'quotaPreference':
        return this.#quotaPreferences.get(named.preferenceId);
      case 'owner':
        return this.#owners.get(named.resource);
      default:
        throw new Error(`${resource} is no row`);
    }
  }

  #maps(): readonly Map<string, unknown>[] {
    return [
      this.#pools,
      this.#providers,
      this.#targets,
      this.#roles,
      this.#serviceAccounts,
      this.#policies,
      this.#denyPolicies,
      this.#quotaPreferences,
      this.#operations,
      this.#owners,
      this.#staged,
    ];
  }

  #write(write: Write): void {
    if ('remove' in write) {
      if (write.remove === 'pool') this.#pools.delete(write.poolId);
      else if (write.remove === 'provider') this.#providers.delete(`${write.poolId}/${write.providerId}`);
      else if (write.remove === 'operations') {
        for (const name of this.#operations.keys()) if (name.startsWith(write.prefix)) this.#operations.delete(name);
      } else if (write.remove === 'target') this.#targets.delete(write.targetId);
      else if (write.remove === 'role') this.#roles.delete(write.roleId);
      else if (write.remove === 'serviceAccount') this.#serviceAccounts.delete(write.accountId);
      else if (write.remove === 'owner') this.#owners.delete(write.resource);
      else if (write.remove === 'staged') this.#staged.delete(write.changeSet);
      else if (write.remove === 'quotaPreference') this.#quotaPreferences.delete(write.preferenceId);
      else this.#denyPolicies.delete(denyPolicyKey(write));
      return;
    }
    switch (write.put) {
      case 'project':
        this.#project = write.project;
        break;
      case 'pool':
        this.#pools.set(write.pool.poolId, write.pool);
        break;
      case 'provider':
        this.#providers.set(`${write.provider.poolId}/${write.provider.providerId}`, write.provider);
        break;
      case 'target':
        this.#targets.set(write.target.targetId, write.target);
        break;
      case 'serviceAccount':
        this.#serviceAccounts.set(write.serviceAccount.accountId, write.serviceAccount);
        break;
      case 'role':
        this.#roles.set(write.role.roleId, write.role);
        break;
      case 'quotaPreference':
        this.#quotaPreferences.set(write.preference.preferenceId, write.preference);
        break;
      case 'usedToken':
        this.#usedTokens.add(write.marker.key);
        break;
      case 'operation':
        this.#operations.set(write.operation.name, write.operation);
        break;
      case 'owner':
        this.#owners.set(write.resource, write.owner);
        break;
      case 'denyPolicy':
        this.#denyPolicies.set(denyPolicyKey(write.policy), write.policy);
        break;
      case 'policy':
        this.#policies.set(policyKey(write.resource), { resource: write.resource, policy: write.policy });
        break;
    }
  }
}

function isLive({ expireTime }: Pool | Provider | ServiceAccount): boolean {
  return expireTime === undefined;
}

function shownOn({ showDeleted = false }: Page) {
  return (row: Pool | Provider | ServiceAccount): boolean => showDeleted || isLive(row);
}

function isOpen({ state }: QuotaPreference): boolean {
  return ['PENDING', 'GRANTED', 'GRANTED_PARTIALLY'].includes(state);
}

export function pageOf<Row>(
  rows: readonly Row[],
  { pageSize, after }: Page,
  idOf: (row: Row) => string,
): readonly Row[] {
  return rows
    .filter((row) => idOf(row) > after)
    .toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
    .slice(0, pageSize);
}

function denyPolicyKey({ attachment, policyId }: DenyPolicyId): string {
  return `${policyKey(attachment)} ${policyId}`;
}

function policyKey(resource: PolicyResource): string {
  switch (resource.kind) {
    case 'project':
      return 'project';
    case 'pool':
      return `pool:${resource.poolId}`;
    case 'target':
      return `target:${resource.targetId}`;
    case 'serviceAccount':
      return `serviceAccount:${resource.accountId}`;
  }
}

/** As the Registry's store names it. */
function rowOf(write: Write): string | undefined {
  const what = 'put' in write ? write.put : write.remove;
  const row = 'put' in write ? { ...write, ...Object.values(write).find((one) => typeof one === 'object') } : write;
  const named = row as unknown as Record<string, string>;
  switch (what) {
    case 'project':
      return 'project';
    case 'pool':
      return `pool/${named['poolId']}`;
    case 'provider':
      return `provider/${named['poolId']}/${named['providerId']}`;
    case 'target':
      return `target/${named['targetId']}`;
    case 'serviceAccount':
      return `serviceAccount/${named['accountId']}`;
    case 'role':
      return `role/${named['roleId']}`;
    case 'owner':
      return `owner/${named['resource']}`;
    case 'quotaPreference':
      return `quotaPreference/${named['preferenceId']}`;
    case 'policy':
      return 'put' in write && write.put === 'policy'
        ? `policy/${policyKey(write.resource).replace(':', '/')}`
        : undefined;
    case 'denyPolicy': {
      const { attachment, policyId } = ('put' in write ? Object.values(write)[1] : write) as unknown as DenyPolicyId;
      return `denyPolicy/${policyKey(attachment).replace(':', '/')}/${policyId}`;
    }
    default:
      return undefined;
  }
}

/** From rows to what the edge reads: the content of one shard, as the store has it now. */
import { awsShard } from '../../core/admin/aws-providers.ts';
import { roleNameOfShardId } from '../../core/admin/aws-roles.ts';
import { edgeDenyRules, type RoleReader } from '../../core/admin/deny-resolution.ts';
import { ownLimitKeys } from '../../core/admin/own-limits.ts';
import { parseRoleArn } from '../../core/aws/arn.ts';
import { isUniqueId } from '../../core/names.ts';
import { type DenyAttachment, EMPTY_POLICY, shardKey, type Shards } from '../../core/resources.ts';
import type { ProjectStore } from './project-store.ts';

export type ShardValue = Shards[keyof Shards];

/** The project's own shard, and the kinds below it. Anything else, the key ring's entry in the news too, is no configuration. */
const CONFIG_SHARD =
  /^(?:project:[^/]+|pool:[^/]+\/[^/]+|provider:[^/]+\/[^/]+\/[^/]+|target:[^/]+\/[^/]+|sa:[^/]+\/[^/]+|aws:[^/]+)$/;

export function isConfigShard(key: string): boolean {
  return CONFIG_SHARD.test(key);
}

/** Null where there is no such row, or where the key is another project's. */
export function shardValue(store: ProjectStore, key: string, roles?: RoleReader): ShardValue | null {
  const { projectNumber } = store.project();
  const [, first = '', second = ''] = key.split('/');
  switch (key) {
    case shardKey.project(projectNumber):
      return projectShard(store, roles);
    case shardKey.pool(projectNumber, first):
      return present(store.pool(first), (pool) => ({ pool }));
    case shardKey.provider(projectNumber, first, second):
      return present(store.provider(first, second), (provider) => ({ provider }));
    case shardKey.target(projectNumber, first):
      return targetShard(store, first, roles) ?? null;
    case shardKey.aws(projectNumber):
      return awsShard(store) ?? null;
    case shardKey.serviceAccount(projectNumber, first):
      return serviceAccountShard(store, first);
    default:
      return null;
  }
}

export function targetShard(store: ProjectStore, targetId: string, roles?: RoleReader): Shards['target'] | undefined {
  const target = store.target(targetId);
  const on = { kind: 'target', targetId } as const;
  return target && { target, policy: store.policy(on) ?? EMPTY_POLICY, ...denyRules(store, on, roles) };
}

/** By any of its ids. A deleted account is not there for the edge. */
function serviceAccountShard(store: ProjectStore, id: string): Shards['serviceAccount'] | null {
  const accountId = accountIdOf(store, id);
  const serviceAccount = accountId === undefined ? undefined : store.serviceAccount(accountId);
  return present(serviceAccount, (account) => {
    const policy = store.policy({ kind: 'serviceAccount', accountId: account.accountId }) ?? EMPTY_POLICY;
    return { serviceAccount: account, policy };
  });
}

function accountIdOf(store: ProjectStore, id: string): string | undefined {
  if (isUniqueId(id)) return store.serviceAccountByUniqueId(id)?.accountId;
  const roleName = roleNameOfShardId(id);
  if (roleName === undefined) return id;
  const account = store.serviceAccountByRoleName(roleName);
  // Found in any letters, and handed out under its own only.
  const isItsName = parseRoleArn(account?.awsRole?.arn ?? '')?.roleName === roleName;
  return isItsName ? account?.accountId : undefined;
}

export function projectShard(store: ProjectStore, roles?: RoleReader): Shards['project'] {
  const { ownLimits: _numbers, ...project } = store.project();
  const keys = ownLimitKeys(store.project());
  return {
    project,
    policy: store.policy({ kind: 'project' }) ?? EMPTY_POLICY,
    openingRoleIds: store.openingRoleIds(),
    targetIdByUri: store.targetIdByUri(),
    ...(keys.length > 0 ? { ownLimitKeys: keys } : {}),
    ...denyRules(store, { kind: 'project' }, roles),
  };
}

/** Where there are none nothing is said of them: the record stays as it was before there were any. */
function denyRules(store: ProjectStore, on: DenyAttachment, roles?: RoleReader): Pick<Shards['project'], 'denyRules'> {
  const rules = edgeDenyRules(store, on, roles);
  return rules.length === 0 ? {} : { denyRules: rules };
}

function present<T, V>(row: T | undefined, shard: (row: T) => V): V | null {
  return row === undefined ? null : shard(row);
}

/** What was deleted thirty days ago goes for good, and takes along everything that a later bearer of its name would inherit. */
import { poolMemberOf } from '../members.ts';
import { poolName, providerName } from '../names.ts';
import { EMPTY_POLICY, shardKey, type Pool, type Provider, type ServiceAccount } from '../resources.ts';
import { ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { AdminDenial } from './denial.ts';
import { policyShards } from './policy-shards.ts';
import { isOver, serviceAccountShards } from './service-accounts.ts';
import { isExpired } from './soft-delete.ts';
import type { ApplyContext, ConfigState, PolicyOf, Write } from './state.ts';

/** A pool may hold thousands of clusters; one step takes some of them, and the pool is gone with the last. */
const PROVIDERS_OF_ONE_STEP = 50;

/** One step: of the first that is due, all or a part. Nothing is written where nothing is due. */
export function purge(state: ConfigState, context: ApplyContext): Result<Applied, AdminDenial> {
  const due = state.nextToExpire();
  const nothing: Applied = { answer: { kind: 'deleted' }, writes: [], shards: [] };
  if (due === undefined || !isExpired(due, context)) {
    const account = state.nextServiceAccountToExpire();
    return ok(account === undefined || !isOver(account, context) ? nothing : withoutAccount(state, account, context));
  }
  return ok('providerId' in due ? withoutProviders(state, [due]) : withoutPool(state, due, context));
}

function withoutPool(state: ConfigState, { poolId }: Pool, context: ApplyContext): Applied {
  const { projectNumber } = state.project();
  const page = { pageSize: PROVIDERS_OF_ONE_STEP, after: '', showDeleted: true };
  const providers = state.providers(poolId, page);
  const children = withoutProviders(state, providers);
  if (providers.length === PROVIDERS_OF_ONE_STEP) return children;
  const name = poolName(projectNumber, poolId);
  const isOfPool = (member: string): boolean => {
    const parts = poolMemberOf(member);
    return parts?.projectNumber === projectNumber && parts.poolId === poolId;
  };
  const own = { kind: 'pool', poolId } as const;
  const named = state
    .policiesWithText(`//iam.googleapis.com/${name}/`)
    .filter(({ resource }) => resource.kind !== 'pool' || resource.poolId !== poolId)
    .filter(({ policy }) => policy.bindings.some(({ members }) => members.some(isOfPool)))
    .map((one) => disowned(one, isOfPool, context));
  const writes: readonly Write[] = [
    ...named.map(putPolicy),
    // As with targets: nobody finds his rights again on the next one of that name, and no etag of then is good for it.
    ...(state.policy(own) === undefined
      ? []
      : [putPolicy({ resource: own, policy: { ...EMPTY_POLICY, revision: context.epoch } })]),
    { remove: 'pool', poolId },
    { remove: 'operations', prefix: `${name}/` },
  ];
  const shards = named.flatMap(({ resource }) => policyShards(state, resource));
  return {
    answer: { kind: 'deleted' },
    writes: [...children.writes, ...writes],
    shards: [...new Set([...children.shards, shardKey.pool(projectNumber, poolId), ...shards])],
  };
}

function withoutAccount(state: ConfigState, account: ServiceAccount, context: ApplyContext): Applied {
  const { accountId, email, uniqueId } = account;
  const own = { kind: 'serviceAccount', accountId } as const;
  const member = `serviceAccount:${email}`;
  const isIt = (text: string): boolean => text === member;
  const named = state
    .policiesWithText(JSON.stringify(member))
    .filter(({ resource }) => resource.kind !== 'serviceAccount' || resource.accountId !== accountId)
    .filter(({ policy }) => policy.bindings.some(({ members }) => members.some(isIt)))
    .map((one) => disowned(one, isIt, context, `?uid=${uniqueId}`));
  const cleared =
    state.policy(own) === undefined
      ? []
      : [putPolicy({ resource: own, policy: { ...EMPTY_POLICY, revision: context.epoch } })];
  const shards = named.flatMap(({ resource }) => policyShards(state, resource));
  return {
    answer: { kind: 'deleted' },
    writes: [...named.map(putPolicy), ...cleared, { remove: 'serviceAccount', accountId }],
    shards: [...new Set([...serviceAccountShards(state.project().projectNumber, account), ...shards])],
  };
}

function withoutProviders(state: ConfigState, providers: readonly Provider[]): Applied {
  const { projectNumber } = state.project();
  return {
    answer: { kind: 'deleted' },
    writes: providers.flatMap(({ poolId, providerId }): readonly Write[] => [
      { remove: 'provider', poolId, providerId },
      { remove: 'operations', prefix: `${providerName({ projectNumber, poolId, providerId })}/` },
    ]),
    shards: providers.map(({ poolId, providerId }) => shardKey.provider(projectNumber, poolId, providerId)),
  };
}

/** `deleted:principal://…` means nobody: who makes a pool of that name anew decides who is called so, and must not get what another was given. */
function disowned(
  { resource, policy }: PolicyOf,
  isOfPool: (member: string) => boolean,
  context: ApplyContext,
  suffix = '',
): PolicyOf {
  const bindings = policy.bindings.map((binding) => ({
    ...binding,
    members: [...new Set(binding.members.map((member) => (isOfPool(member) ? `deleted:${member}${suffix}` : member)))],
  }));
  return { resource, policy: { ...policy, revision: context.epoch, bindings } };
}

function putPolicy({ resource, policy }: PolicyOf): Write {
  return { put: 'policy', resource, policy };
}

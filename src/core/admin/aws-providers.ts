/** Which providers AWS's clients can mean: those of the project with their account, by issuer. The edge finds them in one record. */
import { type AwsProvider, shardKey, type Shards } from '../resources.ts';
import type { Applied } from './applied.ts';
import type { AdminDenial } from './denial.ts';
import type { ConfigState, Write } from './state.ts';

/** As an AWS account has at most. */
const MAX_AWS_PROVIDERS = 100;

export function awsShard(state: ConfigState): Shards['aws'] | undefined {
  if (state.project().awsAccountId === undefined) return undefined;
  const byIssuer = new Map<string, AwsProvider[]>();
  for (const { poolId, providerId, issuerUri } of providersOf(state)) {
    const known = byIssuer.get(issuerUri);
    if (known === undefined) byIssuer.set(issuerUri, [{ poolId, providerId }]);
    else known.push({ poolId, providerId });
  }
  return { aws: { providersByIssuer: Object.fromEntries(byIssuer) } };
}

/** A change of a pool, a provider or the project may change that record too. */
export function withAwsShard(state: ConfigState, applied: Applied): Applied {
  const isAws = state.project().awsAccountId !== undefined || applied.writes.some(setsAccount);
  if (!isAws || !applied.writes.some(isConcerned)) return applied;
  return { ...applied, shards: [...new Set([...applied.shards, shardKey.aws(state.project().projectNumber)])] };
}

/** Looked at before the change, so the one that is about to come is counted by hand. */
export function tooManyProviders(state: ConfigState, applied: Applied): AdminDenial | undefined {
  const gets = applied.writes.some(setsAccount) && state.project().awsAccountId === undefined;
  const isMore = applied.writes.some((write) => 'put' in write && write.put === 'provider' && isNew(state, write));
  if (!gets && !(isMore && state.project().awsAccountId !== undefined)) return undefined;
  const count = providersOf(state).length + Number(isMore);
  if (count <= MAX_AWS_PROVIDERS) return undefined;
  return {
    tag: 'limit_reached',
    description: `A project with an AWS account has at most ${MAX_AWS_PROVIDERS} providers.`,
  };
}

function isNew(state: ConfigState, { provider }: Extract<Write, { put: 'provider' }>): boolean {
  return provider.expireTime === undefined && state.provider(provider.poolId, provider.providerId) === undefined;
}

function setsAccount(write: Write): boolean {
  return 'put' in write && write.put === 'project' && write.project.awsAccountId !== undefined;
}

function isConcerned(write: Write): boolean {
  const what = 'put' in write ? write.put : write.remove;
  return what === 'pool' || what === 'provider' || what === 'project';
}

function providersOf(state: ConfigState) {
  const all = { pageSize: 1_000, after: '' };
  return state.pools(all).flatMap(({ poolId }) => state.providers(poolId, all));
}

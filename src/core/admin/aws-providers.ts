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

/** Looked at before the change, so what is about to come, or to come back, is counted by hand. */
export function tooManyProviders(state: ConfigState, applied: Applied): AdminDenial | undefined {
  const before = state.project().awsAccountId;
  const isAws = before !== undefined || applied.writes.some(setsAccount);
  const more = isAws ? applied.writes.reduce((count, write) => count + addedBy(write, state), 0) : 0;
  // What is there by now, and more than that from an older day, stands in no other change's way.
  if (more === 0 && (!isAws || before !== undefined)) return undefined;
  if (providersOf(state).length + more <= MAX_AWS_PROVIDERS) return undefined;
  return {
    tag: 'limit_reached',
    description: `A project with an AWS account has at most ${MAX_AWS_PROVIDERS} providers.`,
  };
}

function addedBy(write: Write, state: ConfigState): number {
  if (!('put' in write)) return 0;
  if (write.put === 'pool') {
    const { poolId, expireTime } = write.pool;
    return expireTime === undefined && state.pool(poolId) === undefined ? state.providers(poolId, ALL).length : 0;
  }
  if (write.put !== 'provider') return 0;
  const { poolId, providerId, expireTime } = write.provider;
  return Number(expireTime === undefined && state.provider(poolId, providerId) === undefined);
}

function setsAccount(write: Write): boolean {
  return 'put' in write && write.put === 'project' && write.project.awsAccountId !== undefined;
}

function isConcerned(write: Write): boolean {
  const what = 'put' in write ? write.put : write.remove;
  return what === 'pool' || what === 'provider' || what === 'project';
}

const ALL = { pageSize: 1_000, after: '' };

function providersOf(state: ConfigState) {
  return state.pools(ALL).flatMap(({ poolId }) => state.providers(poolId, ALL));
}

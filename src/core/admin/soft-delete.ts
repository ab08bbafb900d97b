/** Deleting pools and providers, and taking it back: for thirty days they are kept as they were, used by nobody, and their names are nobody else's. */
import { poolName, type ProviderName, providerName } from '../names.ts';
import { shardKey, type Pool, type Provider } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { AdminDenial } from './denial.ts';
import { misfitIn, neighboursIn } from './neighbours.ts';
import type { ApplyContext, ConfigState } from './state.ts';

const KEPT_MS = 30 * 86_400_000;

type ProviderId = Omit<ProviderName, 'projectNumber'>;

/** Why a pool cannot be changed: it was never there, or it is deleted. */
export function noSuchPool(state: ConfigState, poolId: string): AdminDenial {
  const resource = poolName(state.project().projectNumber, poolId);
  return state.deletedPool(poolId) === undefined ? { tag: 'not_found', resource } : isDeleted(resource);
}

export function noSuchProvider(state: ConfigState, { poolId, providerId }: ProviderId): AdminDenial {
  const resource = providerName({ projectNumber: state.project().projectNumber, poolId, providerId });
  return state.deletedProvider(poolId, providerId) === undefined ? { tag: 'not_found', resource } : isDeleted(resource);
}

export function deletePool(state: ConfigState, poolId: string, context: ApplyContext): Result<Applied, AdminDenial> {
  const current = state.pool(poolId);
  if (current === undefined) return err(noSuchPool(state, poolId));
  if (current.builtIn) {
    return err({ tag: 'failed_precondition', description: `The built-in pool ${poolId} cannot be deleted.` });
  }
  return writtenPool(state, deleted(current, context));
}

/** Its providers were never touched: without their pool they let nobody in. */
export function undeletePool(state: ConfigState, poolId: string, context: ApplyContext): Result<Applied, AdminDenial> {
  const resource = poolName(state.project().projectNumber, poolId);
  if (state.pool(poolId) !== undefined) return err(isNotDeleted(resource));
  const gone = state.deletedPool(poolId);
  if (gone === undefined || isExpired(gone, context)) return err({ tag: 'not_found', resource });
  return writtenPool(state, undeleted(gone, context));
}

export function deleteProvider(
  state: ConfigState,
  { poolId, providerId }: ProviderId,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  if (state.pool(poolId) === undefined) return err(noSuchPool(state, poolId));
  const current = state.provider(poolId, providerId);
  if (current === undefined) return err(noSuchProvider(state, { poolId, providerId }));
  return writtenProvider(state, deleted(current, context));
}

/**
 * As it was: what is distrusted stays so, and pushed keys are as old as they are. Who came into the pool meanwhile may be in
 * its way, a cluster that was registered anew above all.
 */
export function undeleteProvider(
  state: ConfigState,
  { poolId, providerId }: ProviderId,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  const resource = providerName({ projectNumber, poolId, providerId });
  const pool = state.pool(poolId);
  if (pool === undefined) return err(noSuchPool(state, poolId));
  if (state.provider(poolId, providerId) !== undefined) return err(isNotDeleted(resource));
  const gone = state.deletedProvider(poolId, providerId);
  if (gone === undefined || isExpired(gone, context)) return err({ tag: 'not_found', resource });
  const misfit = misfitIn(pool, neighboursIn(state, poolId), gone, projectNumber);
  return misfit === undefined ? writtenProvider(state, undeleted(gone, context)) : err(misfit);
}

export function isExpired({ expireTime }: Pool | Provider, { time }: Pick<ApplyContext, 'time'>): boolean {
  return expireTime !== undefined && Date.parse(expireTime) <= Date.parse(time);
}

function deleted<Row extends Pool | Provider>(row: Row, { time }: ApplyContext): Row {
  return { ...row, expireTime: new Date(Date.parse(time) + KEPT_MS).toISOString(), updateTime: time };
}

function undeleted<Row extends Pool | Provider>(
  { expireTime: _over, ...row }: Row,
  { time }: ApplyContext,
): Omit<Row, 'expireTime'> {
  return { ...row, updateTime: time };
}

function writtenPool(state: ConfigState, pool: Pool): Result<Applied, AdminDenial> {
  return ok({
    answer: { kind: 'pool', pool },
    writes: [{ put: 'pool', pool }],
    shards: [shardKey.pool(state.project().projectNumber, pool.poolId)],
  });
}

function writtenProvider(state: ConfigState, provider: Provider): Result<Applied, AdminDenial> {
  return ok({
    answer: { kind: 'provider', provider, warnings: [] },
    writes: [{ put: 'provider', provider }],
    shards: [shardKey.provider(state.project().projectNumber, provider.poolId, provider.providerId)],
  });
}

function isDeleted(resource: string): AdminDenial {
  return { tag: 'failed_precondition', description: `${resource} is deleted. Undelete it first.` };
}

function isNotDeleted(resource: string): AdminDenial {
  return { tag: 'failed_precondition', description: `${resource} is not deleted.` };
}

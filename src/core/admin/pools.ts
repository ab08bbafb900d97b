/** Pools: create and patch. The built-in one takes a patch, but never a name. */
import { isPoolOrProviderId, poolName } from '../names.ts';
import { shardKey, type Pool } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { PoolInput } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { checkDescription, checkDisplayName } from './fields.ts';
import { overlay } from './mask.ts';
import { noSuchPool } from './soft-delete.ts';
import type { ApplyContext, ConfigState } from './state.ts';

export function createPool(
  state: ConfigState,
  poolId: string,
  input: PoolInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  if (!isPoolOrProviderId(poolId)) {
    return err(invalid('workloadIdentityPoolId', 'must be 4 to 32 characters of [a-z0-9-], not beginning with gcp-'));
  }
  // The tokens and bindings of a deleted one still name it: nobody gets its name before it is purged.
  if (state.pool(poolId) !== undefined || state.deletedPool(poolId) !== undefined) {
    return err({ tag: 'already_exists', resource: poolName(state.project().projectNumber, poolId) });
  }
  const times = { createTime: context.time, updateTime: context.time };
  return written(state, { poolId, uid: context.newUid(), builtIn: false, deniedUids: [], ...fields(input), ...times });
}

const PATHS: ReadonlySet<string> = new Set(['displayName', 'description', 'disabled']);

export function patchPool(
  state: ConfigState,
  poolId: string,
  input: PoolInput,
  mask: readonly string[],
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.pool(poolId);
  if (current === undefined) return err(noSuchPool(state, poolId));
  const { displayName, description, disabled } = current;
  const patched = overlay<PoolInput>({ displayName, description, disabled }, input, mask, PATHS);
  if (!patched.ok) return patched;
  const pool: Pool = { ...current, ...fields(patched.value), updateTime: context.time };
  if (pool.builtIn && pool.displayName !== current.displayName) {
    return err({ tag: 'failed_precondition', description: `The built-in pool ${poolId} cannot be renamed.` });
  }
  return written(state, pool);
}

function fields(input: PoolInput): Pick<Pool, 'displayName' | 'description' | 'disabled'> {
  return {
    displayName: input.displayName ?? '',
    description: input.description ?? '',
    disabled: input.disabled ?? false,
  };
}

function written(state: ConfigState, pool: Pool): Result<Applied, AdminDenial> {
  const violations = [
    ...checkDisplayName('displayName', pool.displayName),
    ...checkDescription('description', pool.description),
  ];
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  return ok({
    answer: { kind: 'pool', pool },
    writes: [{ put: 'pool', pool }],
    shards: [shardKey.pool(state.project().projectNumber, pool.poolId)],
  });
}

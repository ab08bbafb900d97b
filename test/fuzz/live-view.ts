/** What the edge reads, straight from the administration in memory: a change is in force at once, and no copy lags. */
import { opensTargets } from '../../src/core/roles.ts';
import type { ConfigView } from '../../src/core/ports.ts';
import { EMPTY_POLICY } from '../../src/core/resources.ts';
import type { MemoryConfig } from '../support/memory-config.ts';

const ALL = { pageSize: 1_000, after: '' };

export function liveView(state: MemoryConfig | undefined): ConfigView {
  return {
    project: async () =>
      state && {
        project: state.project(),
        policy: state.policy({ kind: 'project' }) ?? EMPTY_POLICY,
        openingRoleIds: state
          .roles(ALL)
          .filter(opensTargets)
          .map(({ roleId }) => roleId),
        targetIdByUri: Object.fromEntries(state.targets(ALL).map(({ uri, targetId }) => [uri, targetId])),
      },
    pool: async (poolId) => shard(state?.pool(poolId), (pool) => ({ pool })),
    provider: async (poolId, providerId) => shard(state?.provider(poolId, providerId), (provider) => ({ provider })),
    target: async (targetId) =>
      shard(state?.target(targetId), (target) => ({
        target,
        policy: state?.policy({ kind: 'target', targetId }) ?? EMPTY_POLICY,
      })),
    currentAt: () => true,
  };
}

function shard<Row, Value>(row: Row | undefined, valueOf: (row: Row) => Value): Value | undefined {
  return row === undefined ? undefined : valueOf(row);
}

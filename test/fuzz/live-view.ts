/** What the edge reads, straight from the administration in memory: a change is in force at once, and no copy lags. */
import type { ConfigView } from '../../src/core/ports.ts';
import type { MemoryConfig } from '../support/memory-config.ts';

export function liveView(state: MemoryConfig | undefined): ConfigView {
  return {
    project: async () => state?.projectShard(),
    pool: async (poolId) => shard(state?.pool(poolId), (pool) => ({ pool })),
    provider: async (poolId, providerId) => shard(state?.provider(poolId, providerId), (provider) => ({ provider })),
    target: async (targetId) => state?.targetShard(targetId),
    serviceAccount: async (id) => state?.serviceAccountShard(id),
    aws: async () => undefined,
    currentAt: () => true,
  };
}

function shard<Row, Value>(row: Row | undefined, valueOf: (row: Row) => Value): Value | undefined {
  return row === undefined ? undefined : valueOf(row);
}

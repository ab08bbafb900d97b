/** Remembered exchanges for tests: small, whole, and changed by what a test hands in. */
import type { RecentBatch, RecentExchange } from '../../src/core/recent.ts';

export function recordOf(id: string, timeMs: number, changes: Partial<RecentExchange> = {}): RecentExchange {
  return {
    id,
    timeMs,
    outcome: 'granted',
    reason: 'granted',
    poolId: 'my-pool',
    providerId: 'my-provider',
    subject: 'somebody',
    groups: [],
    attributes: {},
    targetId: 'orders',
    roles: [],
    ...changes,
  };
}

export function batchOf(records: readonly RecentExchange[], dropped = 0): RecentBatch {
  return { records, dropped };
}

/** Over quota, in whole seconds to wait: at least one, for who comes back at once comes in vain. */
import type { Denial } from '../../core/denial.ts';

export function overQuota(retryAfterMs: number): Denial {
  return { tag: 'over_quota', retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000)) };
}

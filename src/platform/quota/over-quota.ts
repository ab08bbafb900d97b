/** Over quota, in whole seconds to wait: at least one, for who comes back at once comes in vain. */
import type { Denial } from '../../core/denial.ts';
import type { QuotaLimit } from '../../core/quota/own-limits.ts';

export function overQuota(limit: QuotaLimit, retryAfterMs: number, limitPerMinute?: number): Denial {
  return {
    tag: 'over_quota',
    limit,
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000)),
    ...(limitPerMinute === undefined ? {} : { limitPerMinute }),
  };
}

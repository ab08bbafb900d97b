/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, from -09 on): the quota in words that a client library may know. Pure. */
import { TOKEN_EXCHANGES_PER_MINUTE } from '../../core/admin/fields.ts';
import type { QuotaLimit } from '../../core/quota/own-limits.ts';

interface OverQuota {
  readonly limit: QuotaLimit;
  readonly retryAfterSeconds: number;
  readonly limitPerMinute?: number;
}

/**
 * On every answer. Strangers, and whatever never got as far as a project, see the limit that every project begins with: a constant says nothing. A
 * limit of his own is told to whom it stops, and to nobody else: only whoever was verified gets as far as a quota.
 */
export function quotaHeaders(
  projectPerMinute: number = TOKEN_EXCHANGES_PER_MINUTE.unset,
  over?: OverQuota,
): Readonly<Record<string, string>> {
  const own =
    over?.limitPerMinute === undefined || over.limit === 'project' ? [] : [policy(over.limit, over.limitPerMinute)];
  return {
    'RateLimit-Policy': [policy('project', projectPerMinute), ...own].join(', '),
    ...(over === undefined ? {} : { RateLimit: `"${over.limit}";r=0;t=${over.retryAfterSeconds}` }),
  };
}

function policy(limit: QuotaLimit, perMinute: number): string {
  return `"${limit}";q=${perMinute};w=60`;
}

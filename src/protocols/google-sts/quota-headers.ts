/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, from -09 on): the quota in words that a client library may know. Pure. */
import { TOKEN_EXCHANGES_PER_MINUTE } from '../../core/admin/fields.ts';
import type { QuotaLimit } from '../../core/quota/own-limits.ts';

interface OverQuota {
  readonly limit: QuotaLimit;
  readonly retryAfterSeconds: number;
}

/** Strangers, and whatever never got as far as a project, see the limit that every project begins with: a constant says nothing. */
export function quotaHeaders(
  limitPerMinute: number = TOKEN_EXCHANGES_PER_MINUTE.unset,
  over?: OverQuota,
): Readonly<Record<string, string>> {
  return {
    'RateLimit-Policy': `"project";q=${limitPerMinute};w=60`,
    ...(over === undefined ? {} : { RateLimit: `"${over.limit}";r=0;t=${over.retryAfterSeconds}` }),
  };
}

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, from -09 on): the quota in words that a client library may know. Pure. */
import type { QuotaLimit } from '../../core/quota/own-limits.ts';

interface OverQuota {
  readonly limit: QuotaLimit;
  readonly retryAfterSeconds: number;
  readonly limitPerMinute?: number;
}

/**
 * Strangers, and whatever never got as far as a project, are told nothing: a made-up limit would be believed. A limit of his own is told to
 * whom it stops, and to nobody else: only whoever was verified gets as far as a quota.
 */
export function quotaHeaders(projectPerMinute: number | undefined, over?: OverQuota): Readonly<Record<string, string>> {
  const policies = [
    ...(projectPerMinute === undefined ? [] : [policy('project', projectPerMinute)]),
    ...(over?.limitPerMinute === undefined || over.limit === 'project'
      ? []
      : [policy(over.limit, over.limitPerMinute)]),
  ];
  return {
    ...(policies.length === 0 ? {} : { 'RateLimit-Policy': policies.join(', ') }),
    ...(over === undefined ? {} : { RateLimit: `"${over.limit}";r=0;t=${over.retryAfterSeconds}` }),
  };
}

function policy(limit: QuotaLimit, perMinute: number): string {
  return `"${limit}";q=${perMinute};w=60`;
}

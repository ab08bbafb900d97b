/** Every reason to refuse an exchange, with what the operator needs to know: one union. What the caller hears is each protocol's affair. */
import type { QuotaLimit } from './quota/own-limits.ts';

/** Which rule of verification failed; stands as `check` in the audit line. */
export type Check =
  | 'token_format'
  | 'header_json'
  | 'header_member'
  | 'header_alg'
  | 'header_kid'
  | 'header_typ'
  | 'payload_json'
  | 'alg_not_allowed'
  | 'unknown_kid'
  | 'key_alg_mismatch'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'time_claims'
  | 'issued_in_future'
  | 'not_yet_valid'
  | 'expired'
  | 'lifetime'
  | 'legacy_token'
  | 'one_year_token'
  | 'kubernetes_claims'
  | 'subject_disagrees'
  | 'distrusted_key'
  | 'key_on_hold'
  | 'token_id'
  | 'replay'
  | 'token_review';

/** By issuer, at AWS's door: no such account here, no provider of this issuer in it, or more than one and the token names none. */
export type AwsUnknown = 'account' | 'issuer' | 'ambiguous issuer';

export type Denial =
  /** A parameter of the request is missing, repeated, too long or not understood. */
  | { readonly tag: 'malformed'; readonly parameter: string; readonly problem: string }
  | { readonly tag: 'unsupported_grant_type' }
  | { readonly tag: 'invalid_scope' }
  | { readonly tag: 'unknown_provider'; readonly why: 'malformed name' | 'pool' | 'provider' | AwsUnknown }
  | { readonly tag: 'disabled'; readonly what: 'pool' | 'provider' | 'project' }
  | { readonly tag: 'unverified'; readonly check: Check }
  | { readonly tag: 'subject_too_long'; readonly bytes: number }
  /** A ServiceAccount, pod or node that an administrator has shut out. */
  | { readonly tag: 'denied_uid'; readonly uid: string }
  | { readonly tag: 'condition_false' }
  | { readonly tag: 'condition_error'; readonly problem: string }
  /** Nothing of the `resource` itself is kept: whatever stands there would stand in the log. */
  | { readonly tag: 'unknown_target'; readonly hint?: string }
  | { readonly tag: 'not_granted'; readonly target: string; readonly why: string }
  /** Would be granted, were it not for this deny rule. */
  | { readonly tag: 'denied_by_policy'; readonly rule: string }
  /** `limitPerMinute`: of that limit, where it is known; 0 is closed. */
  | {
      readonly tag: 'over_quota';
      readonly limit: QuotaLimit;
      readonly retryAfterSeconds: number;
      readonly limitPerMinute?: number;
    }
  | { readonly tag: 'too_many_failures'; readonly retryAfterSeconds: number }
  | { readonly tag: 'token_too_large'; readonly bytes: number }
  | {
      readonly tag: 'unavailable';
      readonly dependency:
        | 'quota'
        | 'configuration'
        | 'key_ring'
        | 'issuer_keys'
        | 'token_review'
        | 'aws_sts'
        | 'settings';
    }
  /** A fault of ours: `fault` is the name of the exception, never its message, which may quote a token. */
  | { readonly tag: 'internal'; readonly fault: string };

export function unverified(check: Check): Denial {
  return { tag: 'unverified', check };
}

/** Every reason to refuse an administrator; each face (REST, command line, dashboard) finds its own words. */
export interface FieldViolation {
  /** Path of the field in the caller's document, e.g. `kubernetes.jwksJson`. */
  readonly field: string;
  readonly description: string;
}

export type AdminDenial =
  | { readonly tag: 'invalid_argument'; readonly violations: readonly FieldViolation[] }
  /** No credential came with the request. */
  | { readonly tag: 'unauthenticated' }
  /** One came, and it is not good. */
  | { readonly tag: 'bad_credentials' }
  | {
      readonly tag: 'permission_denied';
      readonly permission: string;
      readonly resource: string;
      /** For the log alone: the caller is told no more than one who was never granted it. */
      readonly byDenyRule?: true;
    }
  | { readonly tag: 'not_found'; readonly resource: string }
  | { readonly tag: 'already_exists'; readonly resource: string }
  | { readonly tag: 'failed_precondition'; readonly description: string }
  /** There are as many of the kind as may be. */
  | { readonly tag: 'limit_reached'; readonly description: string }
  /** The etag is not the newest one: somebody else wrote in between. */
  | { readonly tag: 'etag_mismatch'; readonly resource: string }
  /** Saved for good, but not yet in force everywhere; the Registry's alarm goes on trying. */
  | { readonly tag: 'not_in_force_yet'; readonly resource: string }
  | { readonly tag: 'unavailable'; readonly dependency: string; readonly description: string };

export function invalid(field: string, description: string): AdminDenial {
  return { tag: 'invalid_argument', violations: [{ field, description }] };
}

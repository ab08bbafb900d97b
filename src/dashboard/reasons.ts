/** What each reason of the audit line means, in a sentence for whoever is asked "why not?". The whole list is docs/audit-line.md. */
export const REASONS: Readonly<Record<string, string>> = {
  malformed: 'The request itself could not be read: a parameter is missing, repeated or too long.',
  unsupported_grant_type: 'The request asked for a grant type that there is none of here.',
  invalid_scope: 'The target does not allow a scope that was asked for.',
  unknown_provider: 'The audience names no provider that is there.',
  disabled: 'The pool or the provider is switched off.',
  unverified: 'The token did not stand the checks; the check says which one.',
  subject_too_long: 'The subject that the mapping made is too long.',
  denied_uid: 'An administrator has shut out this ServiceAccount, pod or node.',
  condition_false: "The provider's attribute condition is false for this token.",
  condition_error: "The provider's attribute condition could not be evaluated for this token.",
  unknown_target: 'The resource that was asked for is no target of this project.',
  not_granted: 'No allow policy on the way gives this principal a role on the target.',
  denied_by_policy: 'A deny policy takes away what an allow policy gives.',
  over_quota: 'The limit of the project, or one of its own, was reached.',
  too_many_failures: 'Too many failed attempts came from this network address.',
  token_too_large: 'The token to be issued would be too large.',
  unavailable: 'Something the decision needs did not answer; the check says what.',
  internal: 'A fault of the broker itself.',
};

export function meaningOf(reason: string): string {
  return REASONS[reason] ?? '';
}

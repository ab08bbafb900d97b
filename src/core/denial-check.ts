/** The rule that failed, or what the policy said: what the audit line and an explanation add to a denial's tag. */
import type { Denial } from './denial.ts';

export function checkOf(denial: Denial): string | undefined {
  switch (denial.tag) {
    case 'unverified':
      return denial.check;
    case 'malformed':
      return `${denial.parameter}: ${denial.problem}`;
    case 'unknown_provider':
      return `unknown: ${denial.why}`;
    case 'disabled':
      return `${denial.what} disabled`;
    case 'denied_uid':
      return denial.uid;
    case 'condition_error':
      return denial.problem;
    case 'not_granted':
      return denial.why;
    case 'denied_by_policy':
      return denial.rule;
    case 'unknown_target':
      return denial.hint;
    case 'unavailable':
      return denial.dependency;
    case 'subject_too_long':
      return `google.subject has ${denial.bytes} bytes`;
    case 'token_too_large':
      return `${denial.bytes} bytes`;
    case 'internal':
      return denial.fault;
    default:
      return undefined;
  }
}

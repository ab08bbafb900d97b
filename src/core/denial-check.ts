/** A denial in the operator's words: what the audit line and an explanation say of it. */
import type { Denial } from './denial.ts';

/** Why something was refused, in the operator's words: `reason` and `check` of a line. */
export interface Cause {
  readonly reason: string;
  readonly check?: string;
}

export function causeOf(denial: Denial): Cause {
  const check = checkOf(denial);
  return { reason: denial.tag, ...(check === undefined ? {} : { check }) };
}

/** The rule that failed, or what the policy said. */
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
    case 'over_quota':
      return denial.limitPerMinute === 0 ? `${denial.limit} limit, which is 0: closed` : `${denial.limit} limit`;
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

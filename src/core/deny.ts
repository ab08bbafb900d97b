/** Deny rules: which of them are about a principal, and about which roles. They win over every binding (WIRE.md C.4). */
import type { PolicyCompiler } from './policy/cache.ts';
import type { Condition } from './policy/condition.ts';
import { EVERYBODY, type ConditionText, type EdgeDenyRule } from './resources.ts';

/** The right to exchange at all. Nobody needs it granted; it can only be denied. */
export const EXCHANGE_PERMISSION = 'sts.tokens.exchange';

/** The right over a service account that an AWS role asks for as well. */
export const IMPERSONATION_PERMISSION = 'iam.serviceAccounts.getAccessToken';

/** A rule that names this principal and does not except it. */
export interface Denying {
  readonly shown: string;
  /** Undefined: it applies at every hour. */
  readonly condition: Condition | undefined;
  readonly deniesExchange: boolean;
  readonly deniesImpersonation: boolean;
  readonly deniedRoleIds: readonly string[];
}

export function denyingRules(
  rules: readonly EdgeDenyRule[],
  memberTexts: ReadonlySet<string>,
  compiler: PolicyCompiler,
): readonly Denying[] {
  return rules
    .filter((rule) => names(rule.deniedPrincipals, memberTexts) && !names(rule.exceptionPrincipals, memberTexts))
    .map(({ shown, condition, deniesExchange, deniesImpersonation = false, deniedRoleIds }) => ({
      shown,
      condition: compiled(condition, compiler),
      deniesExchange,
      deniesImpersonation,
      deniedRoleIds,
    }));
}

function names(principals: readonly string[], memberTexts: ReadonlySet<string>): boolean {
  return principals.some((principal) => principal === EVERYBODY || memberTexts.has(principal));
}

/** One that no longer compiles is as good as none: a deny that cannot be evaluated denies. */
function compiled(condition: ConditionText | undefined, compiler: PolicyCompiler): Condition | undefined {
  if (condition === undefined) return undefined;
  const result = compiler.condition(condition.expression, 'binding');
  return result.ok ? result.value : undefined;
}

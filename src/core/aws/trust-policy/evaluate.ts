/** May this token take this role, by the role's own trust policy? An explicit Deny wins; what cannot be evaluated allows nothing and denies (WIRE.md F.5). */
import type { Condition, Statement, TrustPolicy } from './document.ts';
import type { ConditionKeys } from './keys.ts';
import { isLike } from './wildcards.ts';

export type TrustAction = 'sts:AssumeRoleWithWebIdentity' | 'sts:TagSession' | 'sts:SetSourceIdentity';

export interface TrustQuestion {
  /** The provider's ARN. */
  readonly federated: string;
  /** All of them must be allowed. */
  readonly actions: readonly TrustAction[];
  readonly keys: ConditionKeys;
}

export type TrustVerdict =
  | { readonly allowed: true; readonly statement: string }
  /** `why` is for the operator. */
  | { readonly allowed: false; readonly why: string };

export function evaluateTrust(policy: TrustPolicy, question: TrustQuestion): TrustVerdict {
  let statement = '';
  for (const action of question.actions) {
    const concerned = policy.statements.filter((one) => concerns(one, action, question.federated));
    const denying = concerned.find((one) => one.effect === 'Deny' && falseCondition(one, question.keys) === undefined);
    if (denying !== undefined) return { allowed: false, why: `${denying.shown} denies ${action}` };
    const allowing = concerned.filter(({ effect }) => effect === 'Allow');
    const granted = allowing.find((one) => falseCondition(one, question.keys) === undefined);
    if (granted === undefined) return { allowed: false, why: whyNot(allowing, action, question.keys) };
    if (statement === '') statement = granted.shown;
  }
  return { allowed: true, statement };
}

function whyNot(allowing: readonly Statement[], action: string, keys: ConditionKeys): string {
  const [nearest] = allowing;
  if (nearest === undefined) return `no statement allows ${action} to this provider`;
  const condition = falseCondition(nearest, keys);
  return `${nearest.shown}: ${condition?.operator.name ?? ''} on ${condition?.key ?? ''} is not true`;
}

function concerns({ principal, actions }: Statement, action: TrustAction, federated: string): boolean {
  const named = principal.everybody || principal.federated.includes(federated);
  const matched = actions.patterns.some((pattern) => isLike(action.toLowerCase(), pattern));
  return named !== principal.not && matched !== actions.not;
}

/** The first condition that keeps the statement from applying. One that cannot be answered keeps an Allow from it, and no Deny. */
function falseCondition({ conditions, effect }: Statement, keys: ConditionKeys): Condition | undefined {
  return conditions.find((condition) => {
    const truth = holds(condition, keys);
    return truth === 'unanswerable' ? effect === 'Allow' : !truth;
  });
}

function holds({ operator, key, values }: Condition, keys: ConditionKeys): boolean | 'unanswerable' {
  const given = keys.get(key.toLowerCase()) ?? [];
  if (operator.asksPresence) return values.some((value) => (value.toLowerCase() === 'true') === (given.length === 0));
  if (given.length === 0) {
    if (operator.ifExists || operator.quantifier === 'ForAllValues') return true;
    return operator.quantifier === undefined && operator.negated;
  }
  const one = (value: string): boolean => values.some((wanted) => operator.matches(value, wanted)) !== operator.negated;
  if (operator.quantifier === 'ForAllValues') return given.every(one);
  if (operator.quantifier === 'ForAnyValue') return given.some(one);
  const [only = ''] = given;
  // Several values and no word on how many of them must match.
  return given.length === 1 ? one(only) : 'unanswerable';
}

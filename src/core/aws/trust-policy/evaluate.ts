/** May this token take this role, by the role's own trust policy? An explicit Deny wins; what cannot be evaluated allows nothing and denies (WIRE.md F.5). */
import type { Condition, Statement, TrustPolicy } from './document.ts';
import { type ConditionKeys, TIME_KEYS } from './keys.ts';
import { isLike } from './wildcards.ts';

export type TrustAction = 'sts:AssumeRoleWithWebIdentity' | 'sts:TagSession' | 'sts:SetSourceIdentity';

export interface TrustQuestion {
  /** The provider's ARN. */
  readonly federated: string;
  /** All of them must be allowed. */
  readonly actions: readonly TrustAction[];
  readonly keys: ConditionKeys;
  /**
   * Handed from one second of a request to the next: what does not change with time is found out once. Its writer chooses how long a pattern
   * is, and how many times stand beside it.
   */
  readonly timeless?: Timeless;
}

export type Timeless = Map<Condition, Truth>;
type Truth = boolean | 'unanswerable';

export type TrustVerdict =
  | { readonly allowed: true; readonly statement: string }
  /** `why` is for the operator. */
  | { readonly allowed: false; readonly why: string };

export function evaluateTrust(
  policy: TrustPolicy,
  { actions, federated, keys, timeless = new Map() }: TrustQuestion,
): TrustVerdict {
  const question: Answers = { keys, timeless };
  let statement = '';
  for (const action of actions) {
    const concerned = policy.statements.filter((one) => concerns(one, action, federated));
    const denying = concerned.find((one) => one.effect === 'Deny' && falseCondition(one, question) === undefined);
    if (denying !== undefined) return { allowed: false, why: `${denying.shown} denies ${action}` };
    const allowing = concerned.filter(({ effect }) => effect === 'Allow');
    const granted = allowing.find((one) => falseCondition(one, question) === undefined);
    if (granted === undefined) return { allowed: false, why: whyNot(allowing, action, question) };
    if (statement === '') statement = granted.shown;
  }
  return { allowed: true, statement };
}

interface Answers {
  readonly keys: ConditionKeys;
  readonly timeless: Timeless;
}

function whyNot(allowing: readonly Statement[], action: string, question: Answers): string {
  const [nearest] = allowing;
  if (nearest === undefined) return `no statement allows ${action} to this provider`;
  const condition = falseCondition(nearest, question);
  return `${nearest.shown}: ${condition?.operator.name ?? ''} on ${condition?.key ?? ''} is not true`;
}

function concerns({ principal, actions }: Statement, action: TrustAction, federated: string): boolean {
  const named = principal.everybody || principal.federated.includes(federated);
  const matched = actions.patterns.some((pattern) => isLike(action.toLowerCase(), pattern));
  return named !== principal.not && matched !== actions.not;
}

/** The first condition that keeps the statement from applying. One that cannot be answered keeps an Allow from it, and no Deny. */
function falseCondition({ conditions, effect }: Statement, question: Answers): Condition | undefined {
  return conditions.find((condition) => {
    const truth = truthOf(condition, question);
    return truth === 'unanswerable' ? effect === 'Allow' : !truth;
  });
}

function truthOf(condition: Condition, { keys, timeless }: Answers): Truth {
  const known = timeless.get(condition);
  if (known !== undefined) return known;
  const truth = holds(condition, keys);
  if (!TIME_KEYS.has(condition.key.toLowerCase())) timeless.set(condition, truth);
  return truth;
}

function holds({ operator, key, values }: Condition, keys: ConditionKeys): Truth {
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

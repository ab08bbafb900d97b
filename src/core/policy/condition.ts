/** Conditions: of a provider, over claims, and of a binding, over time, resource and workload. Only `true` lets anybody in. */
import { err, ok, type Result } from '../result.ts';
import { Refusal } from './budget.ts';
import type { CelFault } from './fault.ts';
import { MAX_CONDITION_CHARACTERS } from './limits.ts';
import { compile, evaluate, languageOf, type Program } from './program.ts';
import type { PatternBudget } from './regex-cost.ts';
import {
  attributeActivation,
  bindingActivations,
  type Activation,
  type AttributeVariables,
  type BindingVariables,
} from './variables.ts';

export type { CelFault };
export type ConditionScope = 'attribute' | 'binding';

export interface Condition {
  readonly source: string;
  readonly scope: ConditionScope;
  /** `&&`, `||` and `!` as written: policies have a limit on them. */
  readonly logicalOperators: number;
  /** The variables it names. */
  readonly roots: ReadonlySet<string>;
  /** It can be evaluated only while the subject token is at hand. */
  readonly usesWorkloadClaims: boolean;
  readonly program: Program;
}

/** `patterns` is what else is checked in the same write may cost with it. */
export function compileCondition(
  source: string,
  scope: ConditionScope,
  patterns?: PatternBudget,
): Result<Condition, CelFault> {
  const program = compile(source, languageOf(scope), MAX_CONDITION_CHARACTERS, ['bool'], patterns);
  if (!program.ok) return program;
  const { logicalOperators, roots, usesWorkloadClaims } = program.value;
  return ok({ source, scope, logicalOperators, roots, usesWorkloadClaims, program: program.value });
}

/** An error is the operator's reason; it holds no value of any claim. */
export function evaluateCondition(
  condition: Condition,
  variables: AttributeVariables | BindingVariables,
): Result<boolean, string> {
  try {
    const activation = activationFor(condition.scope, variables);
    return activation === undefined ? err('variables of another scope') : evaluateActivated(condition, activation);
  } catch (error) {
    return err(error instanceof Refusal ? error.message : 'the variables are not readable');
  }
}

/** `units` where less than a whole budget is left for it. */
export function evaluateActivated(
  condition: Condition,
  activation: Activation,
  units?: number,
): Result<boolean, string> {
  const result = evaluate(condition.program, activation, units);
  if (!result.ok) return result;
  return typeof result.value === 'boolean' ? ok(result.value) : err('the result is not a bool');
}

function activationFor(
  scope: ConditionScope,
  variables: AttributeVariables | BindingVariables,
): Activation | undefined {
  if ('assertion' in variables) return scope === 'attribute' ? attributeActivation(variables) : undefined;
  const { resource, workload, requestTimeSeconds } = variables;
  return scope === 'binding' ? bindingActivations(resource, workload)(requestTimeSeconds) : undefined;
}

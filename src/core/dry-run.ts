/** Conditions on trial: evaluated beside the ones in force and written down. Nothing here is ever asked by a decision. */
import { bindingsNaming } from './member-index.ts';
import { shownBinding } from './named-on-target.ts';
import { projectName, targetName } from './names.ts';
import { budgetUsed } from './policy/budget.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import { evaluateActivated } from './policy/condition.ts';
import { type Activation, bindingActivations } from './policy/variables.ts';
import { memberTexts, type Principal } from './principal.ts';
import type { Policy, Shards } from './resources.ts';
import { err, ok, type Result } from './result.ts';
import { workloadOf } from './workload.ts';

export interface DryRun {
  /** The provider, or resource and role of the binding. */
  readonly on: string;
  /** What the condition on trial says. */
  readonly value: boolean | 'error';
  readonly error?: string;
  /** What the one in force says; true where there is none. */
  readonly inForce: boolean | 'error';
}

export function dryRun(on: string, trial: Result<boolean, string>, inForce: Result<boolean, string>): DryRun {
  return {
    on,
    value: trial.ok ? trial.value : 'error',
    ...(trial.ok ? {} : { error: trial.error }),
    inForce: inForce.ok ? inForce.value : 'error',
  };
}

/** One exchange writes down so many at most. */
const MAX_DRY_RUNS = 20;

/** What they may cost together, in the units of an evaluation: their own, so that no trial changes what a decision can afford. */
const DRY_RUN_UNITS = 40_000;

interface DryRunBudget {
  units: number;
}

/** Of the bindings on the path that name the principal and have a condition on trial. */
export function dryRunsOnTarget(
  principal: Principal,
  project: Shards['project'],
  target: Shards['target'],
  compiler: PolicyCompiler,
  nowSeconds: number,
): readonly DryRun[] {
  if (!hasTrial(target.policy) && !hasTrial(project.policy)) return [];
  const { projectNumber } = project.project;
  const { resource, tags, tagIds, targetId } = target.target;
  const activation = bindingActivations({ ...resource, tags, tagIds }, workloadOf(principal))(nowSeconds);
  const places: readonly (readonly [string, Policy])[] = [
    [targetName(projectNumber, targetId), target.policy],
    [projectName(projectNumber), project.policy],
  ];
  const texts = memberTexts(principal);
  const trials = places.flatMap(([on, policy]) =>
    bindingsNaming(policy, texts)
      .filter((binding) => binding.dryRunCondition !== undefined)
      .map((binding) => ({ on, binding })),
  );
  const budget: DryRunBudget = { units: DRY_RUN_UNITS };
  return trials
    .slice(0, MAX_DRY_RUNS)
    .map(({ on, binding }) =>
      dryRun(
        shownBinding(on, binding),
        verdict(binding.dryRunCondition?.expression, activation, compiler, budget),
        verdict(binding.condition?.expression, activation, compiler, budget),
      ),
    );
}

/** True where there is no condition. */
function verdict(
  expression: string | undefined,
  activation: Activation,
  compiler: PolicyCompiler,
  budget: DryRunBudget,
): Result<boolean, string> {
  if (expression === undefined || expression === '') return ok(true);
  if (budget.units <= 0) return err('the evaluation costs too much');
  const condition = compiler.condition(expression, 'binding');
  if (!condition.ok) return err(condition.error.message);
  const result = evaluateActivated(condition.value, activation, budget.units);
  budget.units -= condition.value.program.nodes + budgetUsed();
  return result;
}

const trials = new WeakMap<Policy, boolean>();

/** Looked up once for each policy: most have none, and then an exchange pays nothing. */
function hasTrial(policy: Policy): boolean {
  const known = trials.get(policy);
  if (known !== undefined) return known;
  const has = policy.bindings.some((binding) => binding.dryRunCondition !== undefined);
  trials.set(policy, has);
  return has;
}

/** For how long a grant surely lasts: no token may outlive the condition that let it be minted. */
import { budgetUsed } from './budget.ts';
import { evaluateActivated, type Condition } from './condition.ts';
import { nextChange } from './time-dependence.ts';
import { bindingActivations, type BindingVariables, type WorkloadVariables } from './variables.ts';

/**
 * What the conditions of one exchange may cost together, however many roles and bindings there are: all tenants of an isolate wait
 * meanwhile. Where it ends, runs are cut and what is left is not granted: nothing holds for longer than was proven.
 */
export interface RunBudget {
  evaluations: number;
  /** Visited nodes: 400,000 take some 100 ms. */
  work: number;
}

export function newRunBudget(): RunBudget {
  return { evaluations: 8_000, work: 400_000 };
}

/** The longest run of whole seconds from `fromSeconds` in which at every second one of the conditions holds; `undefined` always does. */
export function longestRunSeconds(
  conditions: readonly (Condition | undefined)[],
  resource: BindingVariables['resource'],
  fromSeconds: number,
  maxSeconds: number,
  budget: RunBudget,
  workload?: WorkloadVariables,
): number {
  if (conditions.includes(undefined)) return maxSeconds;
  const activationAt = bindingActivations(resource, workload);
  const untilSeconds = fromSeconds + maxSeconds;
  let candidates = conditions.filter((condition) => condition !== undefined).toSorted(longestStepFirst);
  let second = fromSeconds;
  while (second < untilSeconds) {
    const holding = firstHolding();
    if (holding === undefined) break;
    // Who held last most likely holds on.
    candidates = [holding, ...candidates.filter((candidate) => candidate !== holding)];
    second = Math.min(untilSeconds, nextChange(holding.program.timeDependence, second));
  }
  return second - fromSeconds;

  function firstHolding(): Condition | undefined {
    const activation = activationAt(second);
    for (const candidate of candidates) {
      if (budget.evaluations <= 0 || budget.work <= 0) return undefined;
      const result = evaluateActivated(candidate, activation);
      budget.evaluations -= 1;
      budget.work -= candidate.program.nodes + budgetUsed();
      if (result.ok && result.value) return candidate;
    }
    return undefined;
  }
}

/** Conditions that change seldom prove much at once. */
function longestStepFirst(one: Condition, other: Condition): number {
  return stepOf(other) - stepOf(one);
}

function stepOf({ program: { timeDependence } }: Condition): number {
  return timeDependence.stepSeconds ?? (timeDependence.instants.length === 0 ? Number.MAX_SAFE_INTEGER : 86_400);
}

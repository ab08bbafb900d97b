/** For how long a grant surely lasts: no token may outlive the condition that let it be minted. */
import { budgetUsed } from './budget.ts';
import { evaluateActivated, type Condition } from './condition.ts';
import { nextChange } from './time-dependence.ts';
import { bindingActivations, type BindingVariables } from './variables.ts';

/** Where these end, the run is cut: it is never longer than was proven. */
const MAX_EVALUATIONS = 4_000;
/** In visited nodes, some 100 ms: a condition that is dear at every second would otherwise cost its budget 4,000 times. */
const MAX_WORK = 400_000;

/** The longest run of whole seconds from `fromSeconds` in which at every second one of the conditions holds; `undefined` always does. */
export function longestRunSeconds(
  conditions: readonly (Condition | undefined)[],
  resource: BindingVariables['resource'],
  fromSeconds: number,
  maxSeconds: number,
): number {
  if (conditions.includes(undefined)) return maxSeconds;
  const activationAt = bindingActivations(resource);
  const untilSeconds = fromSeconds + maxSeconds;
  let candidates = conditions.filter((condition) => condition !== undefined).toSorted(longestStepFirst);
  let second = fromSeconds;
  let evaluations = 0;
  let work = 0;
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
      if (evaluations >= MAX_EVALUATIONS || work >= MAX_WORK) return undefined;
      const result = evaluateActivated(candidate, activation);
      evaluations += 1;
      work += candidate.program.nodes + budgetUsed();
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

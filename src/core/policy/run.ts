/** For how long a grant surely lasts: no token may outlive the condition that let it be minted. */
import { budgetUsed } from './budget.ts';
import { evaluateActivated, type Condition } from './condition.ts';
import { nextChange } from './time-dependence.ts';
import type { Activation } from './variables.ts';

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

/** What one role hangs on at any second: some `allow` must hold (`undefined` always does), and no `deny` may apply (`undefined` always does). */
export interface Standing {
  readonly allow: readonly (Condition | undefined)[];
  readonly deny: readonly (Condition | undefined)[];
}

/**
 * The longest run of whole seconds from `fromSeconds` in which the standing holds at every second. A condition that cannot be evaluated
 * neither allows nor lets off a deny.
 */
export function longestRunSeconds(
  { allow, deny }: Standing,
  activationAt: (epochSeconds: number) => Activation,
  fromSeconds: number,
  maxSeconds: number,
  budget: RunBudget,
): number {
  if (deny.includes(undefined)) return 0;
  const denying = deny.filter((condition) => condition !== undefined);
  const isAlwaysAllowed = allow.includes(undefined);
  if (isAlwaysAllowed && denying.length === 0) return maxSeconds;
  const untilSeconds = fromSeconds + maxSeconds;
  let candidates = allow.filter((condition) => condition !== undefined).toSorted(longestStepFirst);
  let second = fromSeconds;
  while (second < untilSeconds) {
    const activation = activationAt(second);
    const changes = isAlwaysAllowed ? Infinity : nextAllowed(activation);
    if (changes === undefined || denying.some((condition) => !isOff(condition, activation))) break;
    const next = denying.map((condition) => nextChange(condition.program.timeDependence, second));
    second = Math.min(untilSeconds, changes, ...next);
  }
  return second - fromSeconds;

  /** Until when the first condition that holds does so at least. */
  function nextAllowed(activation: Activation): number | undefined {
    const holding = candidates.find((candidate) => verdict(candidate, activation) === true);
    if (holding === undefined) return undefined;
    // Who held last most likely holds on.
    candidates = [holding, ...candidates.filter((candidate) => candidate !== holding)];
    return nextChange(holding.program.timeDependence, second);
  }

  function isOff(condition: Condition, activation: Activation): boolean {
    return verdict(condition, activation) === false;
  }

  /** Undefined for an error, and where the budget has ended. */
  function verdict(condition: Condition, activation: Activation): boolean | undefined {
    if (budget.evaluations <= 0 || budget.work <= 0) return undefined;
    const result = evaluateActivated(condition, activation);
    budget.evaluations -= 1;
    budget.work -= condition.program.nodes + budgetUsed();
    return result.ok ? result.value : undefined;
  }
}

/** Conditions that change seldom prove much at once. */
function longestStepFirst(one: Condition, other: Condition): number {
  return stepOf(other) - stepOf(one);
}

function stepOf({ program: { timeDependence } }: Condition): number {
  return timeDependence.stepSeconds ?? (timeDependence.instants.length === 0 ? Number.MAX_SAFE_INTEGER : 86_400);
}

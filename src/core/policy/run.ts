/** For how long a grant surely lasts: no token may outlive the condition that let it be minted. */
import { budgetUsed } from './budget.ts';
import { evaluateActivated, type Condition } from './condition.ts';
import { nextChange } from './time-dependence.ts';
import type { Activation } from './variables.ts';
import type { Verdicts } from './verdicts.ts';

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
 * neither allows nor lets off a deny. `known`: what conditions have said of the same resource before.
 */
export function longestRunSeconds(
  { allow, deny }: Standing,
  activationAt: (epochSeconds: number) => Activation,
  fromSeconds: number,
  maxSeconds: number,
  budget: RunBudget,
  known?: Verdicts,
): number {
  if (deny.includes(undefined)) return 0;
  const denying = deny.filter((condition) => condition !== undefined);
  const isAlwaysAllowed = allow.includes(undefined);
  if (isAlwaysAllowed && denying.length === 0) return maxSeconds;
  const untilSeconds = fromSeconds + maxSeconds;
  let candidates = allow.filter((condition) => condition !== undefined).toSorted(longestStepFirst);
  let second = fromSeconds;
  let activation: Activation | undefined;
  while (second < untilSeconds) {
    activation = undefined;
    const changes = isAlwaysAllowed ? Infinity : nextAllowed();
    if (changes === undefined || denying.some((condition) => verdict(condition) !== false)) break;
    const next = denying.map((condition) => nextChange(condition.program.timeDependence, second));
    second = Math.min(untilSeconds, changes, ...next);
  }
  return second - fromSeconds;

  /** Until when the first condition that holds does so at least. */
  function nextAllowed(): number | undefined {
    const holding = candidates.find((candidate) => verdict(candidate) === true);
    if (holding === undefined) return undefined;
    // Who held last most likely holds on.
    if (holding !== candidates[0]) candidates = [holding, ...candidates.filter((candidate) => candidate !== holding)];
    return nextChange(holding.program.timeDependence, second);
  }

  /** Undefined for an error, and where the budget has ended. */
  function verdict(condition: Condition): boolean | undefined {
    if (budget.evaluations <= 0 || budget.work <= 0) return undefined;
    budget.evaluations -= 1;
    const before = known?.at(condition, second);
    if (before !== undefined) {
      budget.work -= before.units;
      return before.value;
    }
    activation ??= activationAt(second);
    const result = evaluateActivated(condition, activation);
    const units = condition.program.nodes + budgetUsed();
    budget.work -= units;
    if (!result.ok) return undefined;
    known?.remember(condition, second, result.value, units);
    return result.value;
  }
}

/** Conditions that change seldom prove much at once. */
function longestStepFirst(one: Condition, other: Condition): number {
  return stepOf(other) - stepOf(one);
}

function stepOf({ program: { timeDependence } }: Condition): number {
  return timeDependence.stepSeconds ?? (timeDependence.instants.length === 0 ? Number.MAX_SAFE_INTEGER : 86_400);
}

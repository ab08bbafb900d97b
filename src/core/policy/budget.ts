/** What the running evaluation may still cost. One for the isolate is enough: an evaluation never waits, so two never overlap. */
import { EVALUATION_BUDGET } from './limits.ts';

/** A refusal by one of our own functions; its message never holds a value, so the operator may read it. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message);
    refusals.add(message);
  }
}

/** The engine merges errors and drops their kind; the texts are few and fixed. */
const refusals = new Set<string>();

export function isRefusal(message: string): boolean {
  return refusals.has(message);
}

let given = EVALUATION_BUDGET;
let left = given;

/** No more than a whole budget, whoever has more to give. */
export function refillBudget(units = EVALUATION_BUDGET): void {
  given = Math.min(units, EVALUATION_BUDGET);
  left = given;
}

/** Asked once more when an evaluation has ended: `||` absorbs the error of whoever ran out. */
export function isBudgetSpent(): boolean {
  return left < 0;
}

/** What the last evaluation cost; one more than the whole budget where it ran out, since what could not be paid for was not done. */
export function budgetUsed(): number {
  return given - left;
}

export function spend(cost: number): void {
  if (!tick(cost)) throw new Refusal('the evaluation costs too much');
}

/** False ends a loop at once; an error there would only be collected and the loop go on. */
export function tick(cost: number): boolean {
  left = cost > left ? -1 : left - cost;
  return left >= 0;
}

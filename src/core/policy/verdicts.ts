/**
 * What conditions said of one resource, for as long as they can say nothing else: a condition that does not ask who asks hangs on the
 * resource and the time alone, and when time can change it is known. So most exchanges evaluate nothing.
 */
import type { Condition } from './condition.ts';
import { nextChange } from './time-dependence.ts';

interface Verdict {
  readonly value: boolean;
  /** What the evaluation cost: it is charged each time, so that no answer hangs on what others asked before. */
  readonly units: number;
  readonly fromSeconds: number;
  readonly untilSeconds: number;
}

const MAX_CONDITIONS = 32;

export class Verdicts {
  readonly #known = new Map<Condition, Verdict>();

  at(condition: Condition, second: number): Verdict | undefined {
    const known = this.#known.get(condition);
    return known !== undefined && second >= known.fromSeconds && second < known.untilSeconds ? known : undefined;
  }

  /** An error is not remembered: it is nobody's word on how long it lasts. */
  remember(condition: Condition, second: number, value: boolean, units: number): void {
    if (condition.program.usesWorkload) return;
    if (this.#known.size >= MAX_CONDITIONS && !this.#known.has(condition)) this.#known.clear();
    const untilSeconds = nextChange(condition.program.timeDependence, second);
    this.#known.set(condition, { value, units, fromSeconds: second, untilSeconds });
  }
}

const verdicts = new WeakMap<object, Verdicts>();

/** They live as long as the resource stands as it does: a change makes another object of it. */
export function verdictsAbout(resource: object): Verdicts {
  const known = verdicts.get(resource);
  if (known !== undefined) return known;
  const fresh = new Verdicts();
  verdicts.set(resource, fresh);
  return fresh;
}

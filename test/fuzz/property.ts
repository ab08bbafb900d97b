/** What a property is: a name, its share of all cases, and a check that throws with the smallest case that fails. */
import type { World } from './world.ts';

export interface Tally {
  cases: number;
  granted: number;
  refused: number;
}

export interface RunOptions {
  readonly numRuns: number;
  readonly seed: number;
  readonly endOnFailure: boolean;
}

export interface FuzzProperty {
  readonly name: string;
  /** Of all cases, how many in a hundred. */
  readonly share: number;
  readonly check: (world: World, tally: Tally, options: RunOptions) => Promise<void>;
}

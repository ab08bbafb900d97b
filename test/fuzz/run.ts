/** Runs the properties with a seed that it says first: whoever sees a failure can have it again. */
import { PROPERTIES } from './properties/all.ts';
import type { FuzzProperty, Tally } from './property.ts';
import { createWorld, type World } from './world.ts';

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** All cases of all properties, or an error that holds seed, path and the smallest case that fails. */
export async function fuzz({ cases, seed, say }: FuzzOptions): Promise<Tally> {
  const total: Tally = { cases: 0, granted: 0, refused: 0 };
  for (const property of PROPERTIES) {
    const numRuns = Math.ceil((cases * property.share) / 100);
    const tally = await fuzzOne(property, await createWorld(), numRuns, { seed, say });
    total.cases += tally.cases;
    total.granted += tally.granted;
    total.refused += tally.refused;
  }
  return total;
}

export async function fuzzOne(
  property: FuzzProperty,
  world: World,
  numRuns: number,
  { seed, say }: Pick<FuzzOptions, 'seed' | 'say'>,
): Promise<Tally> {
  const tally: Tally = { cases: 0, granted: 0, refused: 0 };
  const startMs = performance.now();
  say(`${property.name}: ${numRuns} runs, seed ${seed}`);
  await property.check(world, tally, { numRuns, seed, endOnFailure: true });
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  say(`  ${tally.cases} requests, ${tally.granted} granted, ${tally.refused} refused, ${seconds} s`);
  // A run in which nothing is granted, or nothing refused, has looked at nothing.
  if (tally.granted === 0 || tally.refused === 0) throw new Error(`${property.name}: all answers were alike`);
  return tally;
}

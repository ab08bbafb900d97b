/** A short run of the fuzzing in every test run; `npm run fuzz` is the long one. */
import { expect, it } from 'vitest';
import { fuzz } from '../fuzz/run.ts';
import { createWorld } from '../fuzz/world.ts';

const seed = Date.now() % 2 ** 31;

it('whatever comes in, a refusal in its dialect or a right grant goes out', async () => {
  const said: string[] = [];
  const { cases } = await fuzz({ cases: 1_500, seed, say: (line) => said.push(line) });
  expect(cases).toBeGreaterThanOrEqual(1_500);
  expect(said.join('\n')).toContain(`seed ${seed}`);
}, 120_000);

it('finds a broker that does not look at signatures, and says the seed', async () => {
  const world = await createWorld(async () => true);
  await expect(fuzz({ cases: 5_000, seed, say: () => undefined, world })).rejects.toThrow(/seed/);
}, 120_000);

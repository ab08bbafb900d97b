/** A short run of the comparison with a second engine; `npm run fuzz:cel` is the long one. The seed stands, so that a failure here is a change here. */
import { expect, test } from 'vitest';
import { ours } from './cel-fuzz/engines.ts';
import { fuzzCel } from './cel-fuzz/run.ts';

const SEED = 20_261_125;

test('both engines find the same value in thousands of expressions of every kind', () => {
  const { expressions, same, partsOfASecond, kinds } = fuzzCel({ cases: 4_000, seed: SEED });
  expect(expressions).toBe(4_000);
  // Most expressions must have a value in both, or the comparison is about nothing.
  expect(same).toBeGreaterThan(2_400);
  expect(partsOfASecond).toBeLessThan(150);
  for (const kind of ['true', 'false', 'int', 'double', 'string', 'list', 'map', 'timestamp', 'duration']) {
    expect(kinds.get(kind), kind).toBeGreaterThan(40);
  }
});

test.each([
  ['startsWith', (value: string) => (value === 'true' ? 'false' : value)],
  ['size(', (value: string) => value.replace('int 2', 'int 3')],
  ['getHours', (value: string) => value.replace('int 1', 'int 2')],
])('an engine that is wrong about %s is found out, with the seed', (name, wrong) => {
  const engine: typeof ours = (source, variables) => {
    const right = ours(source, variables);
    return right.value !== undefined && source.includes(name) ? { value: wrong(right.value) } : right;
  };
  expect(() => fuzzCel({ cases: 20_000, seed: SEED, engine })).toThrow(new RegExp(`seed: ${SEED}`));
});

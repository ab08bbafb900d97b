/** The list of a simulation: whatever order rows come in, the first thousand of all, whole, and never many more in memory. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SimulatedChanges } from '../../src/core/simulated-changes.ts';

const foundBy = (principal: string, rolesLost: readonly string[] = []) => ({
  principal,
  target: 't',
  change: 'ACCESS_REVOKED' as const,
  rolesGained: [],
  rolesLost,
});
const nameOf = (n: number): string => `p${String(n).padStart(5, '0')}`;

it('is the first thousand of 25,000, with whole counts, in whatever order they come', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24_999 }).filter((step) => step % 5 !== 0 && step % 2 !== 0),
      (step) => {
        const changes = new SimulatedChanges();
        let most = 0;
        for (let round = 0; round < 2; round++) {
          for (let n = 0; n < 25_000; n++) {
            changes.note(foundBy(nameOf((n * step) % 25_000)), round);
            most = Math.max(most, changes.size);
          }
        }
        expect(most).toBeLessThanOrEqual(2_001);
        expect(changes.isTruncated).toBe(true);
        expect(changes.list()).toEqual(
          Array.from({ length: 1_000 }, (_, n) => ({
            ...foundBy(nameOf(n)),
            exchanges: 2,
            firstSeenMs: 0,
            lastSeenMs: 1,
          })),
        );
      },
    ),
    { numRuns: 8 },
  );
});

it('is cut where its rows are large, too', () => {
  const changes = new SimulatedChanges();
  const roles = Array.from({ length: 1_000 }, (_, n) => `projects/demo/roles/r${n}${'x'.repeat(60)}`);
  let most = 0;
  for (let n = 0; n < 500; n++) {
    changes.note(foundBy(nameOf(n), roles), 0);
    most = Math.max(most, changes.characters);
  }
  expect(most).toBeLessThan(9_000_000);
  expect(changes.isTruncated).toBe(true);
  const names = changes.list().map(({ principal }) => principal);
  expect(names.length).toBeGreaterThan(10);
  expect(names).toEqual(Array.from({ length: names.length }, (_, n) => nameOf(n)));
});

it('is whole where it has a thousand rows', () => {
  const changes = new SimulatedChanges();
  for (let n = 0; n < 1_000; n++) changes.note(foundBy(nameOf(n)), 0);
  expect(changes.list()).toHaveLength(1_000);
  expect(changes.isTruncated).toBe(false);
});

/** Simulation against an oracle that shares nothing with it: its own membership, its own few conditions in plain TypeScript, and no grouping. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { worlds, principals, recordsOf, expectedOf, simulated, sorted } from './simulate-support.ts';

describe('a simulation over 10,000 exchanges', () => {
  it('lists exactly the differences that an oracle finds', { timeout: 120_000 }, () => {
    const seen = { GAINED: 0, REVOKED: 0, CHANGED: 0, UNKNOWN: 0 };
    fc.assert(
      fc.property(worlds, principals, fc.nat(), (world, of, seed) => {
        const records = recordsOf(of, seed);
        const expected = expectedOf(world, records);
        const result = simulated(world, records);
        expect(result).toMatchObject({
          unchangedCount: expected.unchanged,
          differenceCount: expected.different,
          errorCount: expected.unknown,
          logCount: expected.unchanged + expected.different + expected.unknown,
          isTruncated: false,
        });
        expect(sorted(result.changes)).toEqual(sorted(expected.changes));
        const order = result.changes.map(({ principal }) => principal);
        expect(order).toEqual(order.toSorted());
        for (const { change } of result.changes) {
          const kind = change.includes('GAINED') ? 'GAINED' : change.includes('REVOKED') ? 'REVOKED' : 'CHANGED';
          seen[change === 'UNKNOWN_CHANGE' ? 'UNKNOWN' : kind] += 1;
        }
      }),
      { numRuns: 20 },
    );
    // None of the four is a case that these worlds never come to.
    expect(Object.values(seen).every((count) => count > 0)).toBe(true);
  });
});

/** What leases are to cost and to waste, asserted: shorter runs of `npm run bench:quota`, with the same seeds on every machine. */
import { describe, expect, it } from 'vitest';
import {
  BURST,
  EIGHT_ISOLATES,
  figuresOf,
  MANY_BUSY,
  MANY_ISOLATES,
  SKEWED,
} from '../../../scripts/bench/quota-figures.ts';

const SEED = 1;
const SECONDS = 400;
const SLOW_MS = 60_000;
/** The accounting's own rows, two in a thousand permits, come on top. */
const MAX_ROWS_PER_THOUSAND = 58;

const everywhere = [MANY_ISOLATES, EIGHT_ISOLATES, MANY_BUSY].flatMap((population) =>
  [0.1, 0.8, 1.2, 10].map((load) => ({ name: population.name, population, load })),
);

describe.each(everywhere)('$name at $load of the limit', ({ population, load }) => {
  it(
    'stays in its bounds',
    () => {
      const figures = figuresOf(population, load, SECONDS, SEED);
      expect(figures.fullestMinute).toBeLessThanOrEqual(1);
      expect(figures.callsPerRequest).toBeLessThanOrEqual(1.05);
      expect(figures.callsPerSecond).toBeLessThanOrEqual(300);
      expect(figures.mostCallsInASecond).toBeLessThanOrEqual(300);
      expect(figures.rowsPerThousand).toBeLessThanOrEqual(MAX_ROWS_PER_THOUSAND);
      if (load < 0.9) expect(figures.refused).toBeLessThanOrEqual(0.01);
      if (load > 1) expect(figures.used).toBeGreaterThanOrEqual(0.95);
      // Where an isolate exchanges once a second, ten seconds cannot hold fifty exchanges.
      if (population !== MANY_ISOLATES && load === 0.8) expect(figures.callsPerExchange).toBeLessThanOrEqual(0.02);
      // The first lease is one permit, so every isolate asks twice at the start; some once more.
      if (population.isolates > 100) expect(figures.callsInFirstSecond).toBeLessThanOrEqual(3 * population.isolates);
    },
    SLOW_MS,
  );
});

describe('demand that is not even', () => {
  it('of few busy isolates and many idle ones is served as well', () => {
    const below = figuresOf(SKEWED, 0.8, SECONDS, SEED);
    expect(below.refused).toBeLessThanOrEqual(0.01);
    expect(below.callsPerRequest).toBeLessThan(0.5);
    const above = figuresOf(SKEWED, 1.2, SECONDS, SEED);
    expect(above.used).toBeGreaterThanOrEqual(0.95);
    expect(above.fullestMinute).toBeLessThanOrEqual(1);
  });

  it('that comes all at once is let in while there is room', () => {
    const burst = figuresOf(BURST, 1.2, SECONDS, SEED);
    expect(burst.fullestMinute).toBeGreaterThan(0.97);
    expect(burst.fullestMinute).toBeLessThanOrEqual(1);
    expect(figuresOf(BURST, 0.8, SECONDS, SEED).refused).toBeLessThanOrEqual(0.01);
  });
});

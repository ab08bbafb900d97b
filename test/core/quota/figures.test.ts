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
const MAX_ROWS_PER_THOUSAND = 60;

const everywhere = [MANY_ISOLATES, EIGHT_ISOLATES, MANY_BUSY].flatMap((population) =>
  [0.1, 0.5, 0.8, 1.2, 10].map((load) => ({ name: population.name, population, load })),
);

describe.each(everywhere)('$name at $load of the limit', ({ population, load }) => {
  it(
    'stays in its bounds',
    async () => {
      const figures = await figuresOf(population, load, SECONDS, SEED);
      expect(figures.fullestMinute).toBeLessThanOrEqual(1);
      expect(figures.callsPerRequest).toBeLessThanOrEqual(1.05);
      expect(figures.callsPerSecond).toBeLessThanOrEqual(300);
      expect(figures.mostCallsInASecond).toBeLessThanOrEqual(300);
      expect(figures.rowsPerThousand).toBeLessThanOrEqual(MAX_ROWS_PER_THOUSAND);
      if (load < 0.9) expect(figures.refused).toBeLessThanOrEqual(0.01);
      if (load > 1) expect(figures.used).toBeGreaterThanOrEqual(0.95);
      // Where an isolate exchanges once a second, ten seconds do not hold fifty exchanges.
      const isBusy = population !== MANY_ISOLATES && (load === 0.5 || load === 0.8);
      if (isBusy) expect(figures.callsPerExchange + figures.accountCallsPerExchange).toBeLessThanOrEqual(0.02);
      // Who is refused, or holds leases, hands over its counts with its questions; who exchanges twice a minute does not.
      if (load >= 0.5) expect(figures.accountCallsPerExchange).toBeLessThanOrEqual(0.2);
      expect(figures.accountCallsPerExchange).toBeLessThanOrEqual(1.1);
      // The first lease is one permit, so every isolate asks twice at the start; some once more.
      if (population.isolates > 100) expect(figures.callsInFirstSecond).toBeLessThanOrEqual(3 * population.isolates);
    },
    SLOW_MS,
  );
});

describe('demand that is not even', () => {
  it('of few busy isolates and many idle ones is served as well', async () => {
    const below = await figuresOf(SKEWED, 0.8, SECONDS, SEED);
    expect(below.refused).toBeLessThanOrEqual(0.01);
    expect(below.callsPerRequest).toBeLessThan(0.5);
    const above = await figuresOf(SKEWED, 1.2, SECONDS, SEED);
    expect(above.used).toBeGreaterThanOrEqual(0.95);
    expect(above.fullestMinute).toBeLessThanOrEqual(1);
  });

  it('that comes all at once is let in while there is room', async () => {
    const burst = await figuresOf(BURST, 1.2, SECONDS, SEED);
    expect(burst.fullestMinute).toBeGreaterThan(0.97);
    expect(burst.fullestMinute).toBeLessThanOrEqual(1);
    expect((await figuresOf(BURST, 0.8, SECONDS, SEED)).refused).toBeLessThanOrEqual(0.01);
  });
});

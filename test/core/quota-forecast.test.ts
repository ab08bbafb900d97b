/** The forecast against a walk through time, and the alerts against what they promise. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertAt, type AlertLevel } from '../../src/core/quota-alert.ts';
import { refusalsStartInMs } from '../../src/core/quota-forecast.ts';
import { Handed } from '../../src/core/quota/handed.ts';

const NOW = 1_000_000;
const LIFE = 60_000;

interface CountedSlice {
  readonly permits: number;
  readonly grantedAtMs: number;
  readonly leavesAtMs: number;
}

const perMs = (counted: readonly CountedSlice[]): number =>
  counted.filter(({ grantedAtMs }) => grantedAtMs > NOW - 10_000).reduce((n, c) => n + c.permits, 0) / 10_000;

/** Moves on millisecond by millisecond, as many permits coming as came in the last 10 s, each counting for LIFE. */
function walk(counted: readonly CountedSlice[], limit: number): number | undefined {
  const rate = perMs(counted);
  for (let t = 0; t <= 2 * LIFE; t += 1) {
    let used = rate * Math.min(t, LIFE);
    for (const { permits, leavesAtMs } of counted) if (leavesAtMs > NOW + t) used += permits;
    if (used >= limit) return t;
  }
  return undefined;
}

describe('the forecast', () => {
  it('is what a walk through time comes to', () => {
    const slice = fc.record({
      permits: fc.integer({ min: 1, max: 30 }),
      ageMs: fc.integer({ min: 1, max: LIFE + 5_000 }),
    });
    fc.assert(
      fc.property(fc.array(slice, { maxLength: 8 }), fc.integer({ min: 0, max: 150 }), (slices, limit) => {
        const counted = slices.map(({ permits, ageMs }) => ({
          permits,
          grantedAtMs: NOW - ageMs,
          leavesAtMs: NOW - ageMs + LIFE,
        }));
        const told = refusalsStartInMs(counted, perMs(counted), NOW, limit, LIFE);
        const walked = walk(counted, limit);
        if (walked === undefined) expect(told === undefined || told > LIFE - 2).toBe(true);
        else expect(told).toBeDefined();
        if (walked !== undefined && told !== undefined) expect(Math.abs(told - walked)).toBeLessThanOrEqual(2);
      }),
      { numRuns: 60 },
    );
  });

  it('says 40 s where 10 a second come and 400 are free, and nothing where nobody asks', () => {
    const steady = Array.from({ length: 10 }, (_, i) => ({
      permits: 10,
      grantedAtMs: NOW - i * 1_000,
      leavesAtMs: NOW - i * 1_000 + LIFE,
    }));
    expect(refusalsStartInMs(steady, perMs(steady), NOW, 500, LIFE)).toBe(40_000);
    expect(refusalsStartInMs([], 0, NOW, 500, LIFE)).toBeUndefined();
    expect(refusalsStartInMs(steady, perMs(steady), NOW, 100, LIFE)).toBe(0);
  });
});

describe('the rate', () => {
  it('is that of the last ten seconds', () => {
    const handed = new Handed();
    expect(handed.perMs(NOW)).toBe(0);
    for (let i = 0; i < 200; i++) handed.add(2, NOW + i * 100);
    // Twenty a second; the quarter of a second at the edge goes as a whole.
    expect(handed.perMs(NOW + 19_900) * 1_000).toBeGreaterThan(19.4);
    expect(handed.perMs(NOW + 19_900) * 1_000).toBeLessThanOrEqual(20);
    expect(handed.perMs(NOW + 30_000)).toBe(0);
  });
});

describe('alerts', () => {
  it('come once for each step, and again only after use fell 10 points below it', () => {
    let level: AlertLevel = 0;
    const told = (...counts: readonly number[]): readonly (readonly number[])[] =>
      counts.map((counted) => {
        const { level: next, crossed } = alertAt(level, counted, 100);
        level = next;
        return crossed;
      });
    expect(told(79, 80, 81, 79, 80, 71, 85)).toEqual([[], [80], [], [], [], [], []]);
    expect(told(90, 99, 100, 100, 95, 100)).toEqual([[90], [], [100], [], [], []]);
    expect(told(89, 100, 10, 85)).toEqual([[], [90, 100], [], [80]]);
  });

  it('come for each step that a burst passes at once', () => {
    expect(alertAt(0, 100, 100)).toEqual({ level: 100, crossed: [80, 90, 100] });
    expect(alertAt(80, 100, 100)).toEqual({ level: 100, crossed: [90, 100] });
  });

  it('do not come of a project that is closed', () => {
    expect(alertAt(0, 0, 0)).toEqual({ level: 0, crossed: [] });
  });
});

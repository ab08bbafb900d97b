/** The quota's arithmetic by example: when permits cease to count, when room returns, what survives a restart, how deliveries merge. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EpochChange } from '../../src/core/news.ts';
import {
  advanceProject,
  countedPermits,
  grant,
  type QuotaBucket,
  type QuotaProject,
  type QuotaState,
  restoreQuota,
  ringSlot,
  RING_SLOTS,
} from '../../src/core/quota.ts';

const EMPTY = restoreQuota([]);
/** The start of a bucket. */
const T = 1_800_000_000_000;

function spend(state: QuotaState, nowMs: number, limit: number): QuotaState {
  const outcome = grant(state, nowMs, limit);
  expect(outcome.granted).toBe(true);
  return outcome.state;
}

describe('a permit', () => {
  it('counts from its grant until 63 s after its bucket ends, to the millisecond', () => {
    const state = spend(EMPTY, T + 10, 1);
    expect(countedPermits(state, T + 10)).toBe(1);
    expect(countedPermits(state, T + 250 + 62_999)).toBe(1);
    expect(countedPermits(state, T + 250 + 63_000)).toBe(0);
  });

  it('is refused at the limit, with the wait until the oldest bucket leaves', () => {
    const state = spend(spend(EMPTY, T, 2), T + 5_000, 2);
    const refused = grant(state, T + 6_000, 2);
    expect(refused).toMatchObject({ granted: false, retryAfterMs: 250 + 63_000 - 6_000 });
  });

  it('shares the row of its bucket with the others of the same 250 ms', () => {
    const outcome = grant(spend(EMPTY, T, 9), T + 249, 9);
    expect(outcome).toMatchObject({ granted: true, changed: { index: T / 250, permits: 2 } });
    expect(grant(outcome.state, T + 250, 9)).toMatchObject({ changed: { index: T / 250 + 1, permits: 1 } });
  });

  it('is never granted where the limit is 0, and the wait is a fixed 60 s', () => {
    expect(grant(EMPTY, T, 0)).toMatchObject({ granted: false, retryAfterMs: 60_000 });
  });
});

describe('a lowered limit', () => {
  it('waits until enough buckets have left, not only the oldest', () => {
    let state = EMPTY;
    for (const offset of [0, 1_000, 2_000, 3_000]) state = spend(state, T + offset, 4);
    expect(grant(state, T + 4_000, 2)).toMatchObject({ granted: false, retryAfterMs: 2_000 + 250 + 63_000 - 4_000 });
  });
});

describe('a clock that is set back', () => {
  it('does not make anything count for a shorter time, and the wait is told in the clock that the caller will see', () => {
    const state = spend(EMPTY, T + 10_000, 1);
    const refused = grant(state, T, 1);
    expect(refused).toMatchObject({ granted: false, retryAfterMs: 10_000 + 250 + 63_000 });
    expect(spend(state, T, 2).buckets).toEqual([{ index: (T + 10_000) / 250, permits: 2 }]);
  });

  it('goes on from the newest row after a restart', () => {
    const restarted = restoreQuota([{ index: (T + 10_000) / 250, permits: 1 }]);
    expect(grant(restarted, T, 9)).toMatchObject({ changed: { index: (T + 10_000) / 250, permits: 2 } });
  });
});

describe('the ring of rows', () => {
  it('never overwrites a bucket that still counts, and gives back the same count after a restart', () => {
    const gapsMs = fc.array(fc.oneof(fc.constant(250), fc.integer({ min: 0, max: 400 })), {
      minLength: 300,
      maxLength: 700,
    });
    fc.assert(
      fc.property(gapsMs, (gaps) => {
        const rows = new Map<number, QuotaBucket>();
        let state = EMPTY;
        let nowMs = T;
        for (const gap of gaps) {
          nowMs += gap;
          const outcome = grant(state, nowMs, 1_000);
          if (outcome.granted) rows.set(ringSlot(outcome.changed), outcome.changed);
          state = outcome.state;
        }
        expect(rows.size).toBeLessThanOrEqual(RING_SLOTS);
        expect(countedPermits(restoreQuota([...rows.values()]), nowMs)).toBe(countedPermits(state, nowMs));
      }),
      { numRuns: 30 },
    );
  });
});

describe('the wait that a refusal tells', () => {
  it('is exact: room one millisecond before it, never; at it, always', () => {
    const arrivals = fc.array(fc.integer({ min: -300, max: 3_000 }), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (gaps, limit, later) => {
        let state = EMPTY;
        let nowMs = T;
        for (const gap of gaps) {
          nowMs += gap;
          state = grant(state, nowMs, limit).state;
        }
        const refused = grant(state, nowMs, Math.min(limit, later));
        if (refused.granted) return;
        const roomAtMs = nowMs + refused.retryAfterMs;
        expect(grant(state, roomAtMs, Math.min(limit, later)).granted).toBe(true);
        expect(grant(state, roomAtMs - 1, Math.min(limit, later)).granted).toBe(false);
      }),
    );
  });
});

describe('utilisation', () => {
  const limit = 6_000;

  it('gives at least 94 % of the limit to steady arrivals above it', () => {
    const periodMs = 63_250;
    const periods = 6;
    const granted = steady((limit * 1.2) / 60_000, periods * periodMs);
    expect(granted.granted / ((limit * periods * periodMs) / 60_000)).toBeGreaterThanOrEqual(0.94);
  });

  it('refuses nobody while steady arrivals stay at 94 % of it', () => {
    expect(steady((limit * 0.94) / 60_000, 200_000).refused).toBe(0);
  });

  function steady(arrivalsPerMs: number, durationMs: number): { granted: number; refused: number } {
    let state = EMPTY;
    const count = { granted: 0, refused: 0 };
    for (let arrival = 0; arrival < durationMs * arrivalsPerMs; arrival++) {
      const outcome = grant(state, T + Math.floor(arrival / arrivalsPerMs), limit);
      state = outcome.state;
      count[outcome.granted ? 'granted' : 'refused']++;
    }
    return count;
  }
});

const change = (epoch: number): EpochChange => ({ epoch, shards: [`target:t${epoch}`] });
const limitAt = (epoch: number): number => epoch * 10;

describe('a delivery from the Registry', () => {
  it('makes the project exist, and an empty one says nothing', () => {
    expect(advanceProject(undefined, { changes: [], limitPerMinute: 5 })).toBeUndefined();
    const project = advanceProject(undefined, { changes: [change(1)], limitPerMinute: 5 });
    expect(project).toEqual({ epoch: 1, recent: [change(1)], limitPerMinute: 5 });
    expect(advanceProject(project, { changes: [], limitPerMinute: 9 })).toEqual(project);
  });

  it('has one result however deliveries are split, repeated and reordered', () => {
    const last = 80;
    const deliveries = fc
      .array(fc.uniqueArray(fc.integer({ min: 1, max: last }), { minLength: 1, maxLength: 12 }), { maxLength: 20 })
      .chain((lists) => fc.shuffledSubarray([...lists, ...lists, [last, 1]], { minLength: lists.length * 2 + 1 }));
    fc.assert(
      fc.property(deliveries, (lists) => {
        let project: QuotaProject | undefined;
        for (const epochs of lists) {
          const input = { changes: epochs.map(change), limitPerMinute: limitAt(Math.max(...epochs)) };
          project = advanceProject(project, input);
        }
        const all = [...new Set(lists.flat())].toSorted((a, b) => a - b);
        expect(project).toEqual({ epoch: last, recent: all.slice(-64).map(change), limitPerMinute: limitAt(last) });
      }),
    );
  });

  it('carries the retention as of its epoch, and says nothing of it where it lacks it', () => {
    const advance = (project: QuotaProject | undefined, epoch: number, recentRetentionSeconds?: number) =>
      advanceProject(project, {
        changes: [change(epoch)],
        limitPerMinute: 1,
        ...(recentRetentionSeconds === undefined ? {} : { recentRetentionSeconds }),
      });
    const told = advance(advance(undefined, 1, 60), 5, 0);
    expect(told).toMatchObject({ epoch: 5, recentRetentionSeconds: 0 });
    expect(advance(told, 3, 90)).toMatchObject({ recentRetentionSeconds: 0 });
    expect(advance(told, 6)).toMatchObject({ epoch: 6, recentRetentionSeconds: 0 });
    const untold = advance(undefined, 5);
    expect(untold).not.toHaveProperty('recentRetentionSeconds');
    expect(advance(untold, 3, 90)).toMatchObject({ epoch: 5, recentRetentionSeconds: 90 });
  });

  it('keeps the last 64 changes', () => {
    const epochs = Array.from({ length: 70 }, (_, i) => i + 1);
    const project = advanceProject(undefined, { changes: epochs.map(change), limitPerMinute: 1 });
    expect(project?.recent.map(({ epoch }) => epoch)).toEqual(epochs.slice(6));
  });

  it('that gives a known epoch other shards counts both', () => {
    const first = advanceProject(undefined, { changes: [{ epoch: 1, shards: ['a', 'b'] }], limitPerMinute: 1 });
    const second = advanceProject(first, { changes: [{ epoch: 1, shards: ['b', 'c'] }], limitPerMinute: 1 });
    expect(second?.recent).toEqual([{ epoch: 1, shards: ['a', 'b', 'c'] }]);
  });
});

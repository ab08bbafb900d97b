/** Usage as sums: nothing is lost by folding, and batches count once whatever happens to them on the way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ISOLATE_LIMITS,
  OPEN_LIMITS,
  reasonsOf,
  ROW_LIMITS,
  totalOf,
  USAGE_DIMENSIONS,
  UsageTally,
  type UsageLimits,
  type UsageNames,
} from '../../src/core/usage.ts';
import { has, NOTHING_RECEIVED, receive, skipTo } from '../../src/core/usage-delivery.ts';

const WIDE: UsageLimits = { provider: 1_000, principal: 1_000, target: 1_000 };
const REASONS = ['granted', 'not_granted', 'unverified', 'over_quota'] as const;

interface One extends UsageNames {
  readonly reason: string;
  readonly isProven: boolean;
}

const one: fc.Arbitrary<One> = fc.record({
  provider: fc.integer({ min: 0, max: 40 }).map((n) => `p${n}`),
  principal: fc.oneof(
    fc.constant('none'),
    fc.integer({ min: 0, max: 40 }).map((n) => `w${n}`),
  ),
  target: fc.oneof(
    fc.constant('none'),
    fc.integer({ min: 0, max: 40 }).map((n) => `t${n}`),
  ),
  reason: fc.constantFrom(...REASONS),
  isProven: fc.boolean(),
});
const limits = fc.record({
  provider: fc.integer({ min: 0, max: 30 }),
  principal: fc.integer({ min: 0, max: 30 }),
  target: fc.integer({ min: 0, max: 30 }),
});

/** By plain counting, without any of the code under test. */
function naive(all: readonly One[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { reason } of all) sums[reason] = (sums[reason] ?? 0) + 1;
  return sums;
}

function tallyOf(all: readonly One[], of: UsageLimits): UsageTally {
  const tally = new UsageTally(of);
  for (const { reason, isProven, ...names } of all) tally.add(names, reason, isProven);
  return tally;
}

describe('folding', () => {
  it('keeps every sum by reason, in every dimension, and bounds the names', () => {
    fc.assert(
      fc.property(fc.array(one, { maxLength: 200 }), limits, limits, (all, first, second) => {
        const merged = new UsageTally(second);
        merged.merge(tallyOf(all, first).sums());
        const sums = merged.sums({ provider: 3, principal: 3, target: 3 });
        for (const dimension of USAGE_DIMENSIONS) {
          expect(reasonsOf(sums[dimension])).toEqual(naive(all));
          expect(sums[dimension].length).toBeLessThanOrEqual(5);
        }
        expect(merged.total()).toBe(all.length);
      }),
    );
  });

  it('keeps the busiest', () => {
    const names = (principal: string): UsageNames => ({ provider: 'p', principal, target: 'none' });
    const tally = new UsageTally(WIDE);
    for (let i = 0; i < 30; i++) for (let n = 0; n <= i; n++) tally.add(names(`w${i}`), 'granted', true);
    const { principal } = tally.sums({ ...WIDE, principal: 2 });
    expect(principal.map(([name, counts]) => [name, counts['granted']])).toEqual([
      ['w29', 30],
      ['w28', 29],
      ['other', 406],
    ]);
  });

  it('lets no made-up provider crowd a real one out, neither in the isolate nor in the row', () => {
    const tally = new UsageTally({ ...WIDE, provider: 50 });
    const names = (provider: string): UsageNames => ({ provider, principal: 'none', target: 'none' });
    for (let i = 0; i < 500; i++) tally.add(names(`made-up-${i}`), 'unknown_provider', false);
    tally.add(names('real'), 'granted', true);
    for (let i = 0; i < 500; i++) tally.add(names('made-up-0'), 'unknown_provider', false);
    const kept = tally.sums({ ...WIDE, provider: 1 }).provider;
    expect(kept.map(([name]) => name)).toEqual(['real', 'other']);
    expect(totalOf(kept)).toBe(1_001);
  });

  it('lets nobody hide behind those who came before him: the busiest stand in the row, whoever was first', () => {
    const tally = new UsageTally(OPEN_LIMITS);
    const names = (principal: string): UsageNames => ({ provider: 'p', principal, target: 'none' });
    for (let i = 0; i < 3_000; i++) tally.add(names(`once-${i}`), 'granted', true);
    for (let i = 0; i < 500; i++) tally.add(names('hidden'), 'granted', true);
    for (let i = 0; i < 3_000; i++) tally.add(names(`again-${i}`), 'granted', true);
    const { principal } = tally.sums(ROW_LIMITS);
    expect(principal[0]).toEqual(['hidden', { granted: 500 }]);
    expect(totalOf(principal)).toBe(6_500);
  });

  it('lets strangers hide no provider in the object, where the made-up names of many batches come together', () => {
    const tally = new UsageTally(OPEN_LIMITS);
    const batchOf = (provider: string, reason: string): UsageTally => {
      const batch = new UsageTally(ISOLATE_LIMITS);
      for (let i = 0; i < 30; i++) {
        const name = reason === 'granted' ? provider : `${provider}-${i}`;
        batch.add({ provider: name, principal: 'none', target: 'none' }, reason, reason === 'granted');
      }
      return batch;
    };
    for (let n = 0; n < 100; n++) tally.merge(batchOf(`made-up-${n}`, 'unknown_provider').sums());
    tally.merge(batchOf('real', 'granted').sums());
    for (let n = 100; n < 200; n++) tally.merge(batchOf(`made-up-${n}`, 'unknown_provider').sums());
    const { provider } = tally.sums(ROW_LIMITS);
    expect(provider[0]).toEqual(['real', { granted: 30 }]);
    expect(totalOf(provider)).toBe(200 * 30 + 30);
  });
});

describe('what was received', () => {
  it('is known again, in whatever order and however often it came', () => {
    const sequences = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 });
    fc.assert(
      fc.property(sequences, fc.integer({ min: 1, max: 30 }), (came, oldest) => {
        const received = came.reduce((sum, sequence) => receive(sum, sequence), skipTo(NOTHING_RECEIVED, oldest));
        for (let sequence = 1; sequence <= 31; sequence++) {
          expect(has(received, sequence)).toBe(came.includes(sequence) || sequence < oldest);
        }
        expect(received.beyond.every((sequence) => sequence > received.upTo + 1)).toBe(true);
      }),
    );
  });
});

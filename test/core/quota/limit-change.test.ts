/** Limits that change while permits count: reviews grant, raises end, administrators lower. No window admits more than the largest limit that was in force in it. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Desk } from '../../../src/core/quota/desk.ts';
import { advanceProject, type QuotaProject } from '../../../src/core/quota/project.ts';

const WINDOW_MS = 60_000;
const START_MS = 1_800_000_000_000;

interface Step {
  readonly gapMs: number;
  /** Absent: one permit is asked for, and spent where it is granted. */
  readonly limit?: number;
}

interface Run {
  readonly admittedAtMs: readonly number[];
  readonly limits: readonly { readonly fromMs: number; readonly limit: number }[];
}

/** The desk that counts at this moment, given the one before and the limit. */
type DeskFor = (before: Desk, limit: number) => Desk;
const ONE_PERMIT = { asker: '', ratePerSecond: 0, settled: [], atMost: 1 };

function run(steps: readonly Step[], deskFor: DeskFor = (before) => before): Run {
  const limits = [{ fromMs: Number.NEGATIVE_INFINITY, limit: 3 }];
  const admittedAtMs: number[] = [];
  let desk = new Desk([], 'first');
  let nowMs = START_MS;
  for (const { gapMs, limit } of steps) {
    nowMs += gapMs;
    if (limit !== undefined) {
      limits.push({ fromMs: nowMs, limit });
      continue;
    }
    const inForce = limits.at(-1)?.limit ?? 0;
    desk = deskFor(desk, inForce);
    if (desk.ask(ONE_PERMIT, nowMs, inForce, 0).permits > 0) admittedAtMs.push(nowMs);
  }
  return { admittedAtMs, limits };
}

/** By brute force: every window that begins at an admission, against the largest limit in force at any moment of it. */
function overfullWindow({ admittedAtMs, limits }: Run): number | undefined {
  return admittedAtMs.find((fromMs) => {
    const admitted = admittedAtMs.filter((at) => at >= fromMs && at < fromMs + WINDOW_MS).length;
    const inForce = limits.filter(
      (entry, index) => entry.fromMs < fromMs + WINDOW_MS && (limits[index + 1]?.fromMs ?? Infinity) >= fromMs,
    );
    return admitted > Math.max(...inForce.map((entry) => entry.limit));
  });
}

const times = (count: number, step: Step): readonly Step[] => Array.from({ length: count }, () => step);

const steps = fc.array(
  fc.record(
    {
      gapMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })),
      limit: fc.integer({ min: 0, max: 6 }),
    },
    { requiredKeys: ['gapMs'] },
  ),
  { minLength: 100, maxLength: 300, size: 'max' },
);

/** The right desk, but every change of the limit begins a count of its own. */
function forgetful(): DeskFor {
  let last: number | undefined;
  return (before, limit) => {
    const desk = limit === last ? before : new Desk([], 'anew');
    last = limit;
    return desk;
  };
}

describe('a limit that changes', () => {
  it('never lets a window admit more than the largest that was in force in it', () => {
    fc.assert(
      fc.property(steps, (list) => overfullWindow(run(list)) === undefined),
      { numRuns: 300 },
    );
  });

  it('is judged by a check that sees a count begun anew', () => {
    const outcome = fc.check(
      fc.property(steps, (list) => overfullWindow(run(list, forgetful())) === undefined),
      { seed: 20_260_701, numRuns: 100, endOnFailure: true },
    );
    expect(outcome.failed).toBe(true);
  });

  it('when a raise ends: what it let through counts against the base, so nothing more comes until it has left', () => {
    const afterEnd = times(59, { gapMs: 1_000 });
    const { admittedAtMs } = run([
      { gapMs: 0, limit: 30 },
      ...times(40, { gapMs: 10 }),
      { gapMs: 0, limit: 10 },
      ...afterEnd,
    ]);
    expect(admittedAtMs).toHaveLength(30);
    const later = run([
      { gapMs: 0, limit: 30 },
      ...times(40, { gapMs: 10 }),
      { gapMs: 0, limit: 10 },
      { gapMs: 90_000 },
      ...times(20, { gapMs: 0 }),
    ]);
    expect(later.admittedAtMs.slice(30)).toHaveLength(10);
  });

  it('when a raise begins in the middle of a minute: what was spent before it is part of it', () => {
    const { admittedAtMs } = run([
      { gapMs: 0, limit: 10 },
      ...times(20, { gapMs: 10 }),
      { gapMs: 0, limit: 30 },
      ...times(50, { gapMs: 10 }),
    ]);
    expect(admittedAtMs).toHaveLength(30);
  });
});

describe('own limits in a delivery', () => {
  const change = (epoch: number) => ({ epoch, shards: [] });
  const told = (project: QuotaProject | undefined, epoch: number, ownLimits?: Readonly<Record<string, number>>) =>
    advanceProject(project, {
      changes: [change(epoch)],
      limitPerMinute: 10,
      ...(ownLimits === undefined ? {} : { ownLimits }),
    });
  const ONE = { 'provider:one': 1 };
  const TWO = { 'provider:one': 2 };

  it('replace those before, all of them', () => {
    expect(told(told(undefined, 1, ONE), 2, TWO)).toMatchObject({ epoch: 2, ownLimits: TWO });
    expect(told(told(undefined, 1, ONE), 2, {})?.ownLimits).toEqual({});
  });

  it('that comes late bring nothing back', () => {
    expect(told(told(undefined, 3, TWO), 2, ONE)?.ownLimits).toEqual(TWO);
    expect(told(told(undefined, 3, {}), 2, ONE)?.ownLimits).toEqual({});
  });

  it('stay where a delivery, or a row from before there were any, says nothing of them', () => {
    expect(told(told(undefined, 1, ONE), 2)?.ownLimits).toEqual(ONE);
    expect(told(undefined, 1)).not.toHaveProperty('ownLimits');
    expect(told(told(undefined, 1), 2, ONE)?.ownLimits).toEqual(ONE);
  });
});

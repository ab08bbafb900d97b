/** Tokens that are taken once, as arithmetic: whose use it is, and that a permit handed out again never stands in a window that does not count it. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Desk } from '../../../src/core/quota/desk.ts';
import { judgeOnce, ONCE_LIFE_MS, type OnceMark } from '../../../src/core/quota/once.ts';

const T = 1_800_000_000_000;
const MARK: OnceMark = { nonce: 'mine', untilMs: T + 3_660_000, expiresMs: T + 2_000 };

describe('an asking with a token', () => {
  it('that left no mark is the first use', () => {
    expect(judgeOnce(undefined, 'mine', T)).toEqual({ tag: 'first' });
  });

  it('that somebody else used is a replay, until the mark is dead and not a millisecond less', () => {
    expect(judgeOnce(MARK, 'other', T)).toEqual({ tag: 'replayed' });
    expect(judgeOnce(MARK, 'other', MARK.untilMs - 1)).toEqual({ tag: 'replayed' });
    expect(judgeOnce(MARK, 'other', MARK.untilMs)).toEqual({ tag: 'first' });
  });

  it('whose permit was cut short has what is left of it, and no more', () => {
    const short = { ...MARK, expiresMs: T + 1_500 };
    expect(judgeOnce(short, 'mine', T)).toEqual({ tag: 'granted_before', expiresAfterMs: 1_500 });
    expect(judgeOnce(short, 'mine', T + 500)).toEqual({ tag: 'granted_before', expiresAfterMs: 1_000 });
    expect(judgeOnce(short, 'mine', T + 501)).toEqual({ tag: 'outlived' });
  });

  it.each([
    [0, { tag: 'granted_before', expiresAfterMs: 2_000 }],
    [300, { tag: 'granted_before', expiresAfterMs: 1_700 }],
    [1_000, { tag: 'granted_before', expiresAfterMs: 1_000 }],
    [1_001, { tag: 'outlived' }],
    [60_000, { tag: 'outlived' }],
    // A new instance goes on from its newest row, which may begin a little before the grant: no permit lives longer for that.
    [-249, { tag: 'granted_before', expiresAfterMs: 2_000 }],
  ])('that comes again with its own nonce after %i ms has what is left of its permit', (afterMs, verdict) => {
    expect(judgeOnce(MARK, 'mine', T + afterMs)).toEqual(verdict);
  });
});

const WINDOW_MS = 60_000;
const LIFETIME_MS = 2_000;
const MARGIN_MS = 500;
const CLOCK_OFFSET_MS = 375;
const LIMIT = 2;

/** One use of a token of its own: asked, the answer lost, asked again, spent as late as may be. */
interface Use {
  readonly gapMs: number;
  readonly againAfterMs: number;
  readonly askedBeforeMs: number;
  readonly usedAfterMs: number;
  readonly grantClockMs: number;
  readonly againClockMs: number;
  readonly isolateClockMs: number;
}

/** What the object answers to the second asking; undefined: a new unit is asked for. */
type LifeLeft = (mark: OnceMark, timeMs: number) => number | undefined;

const right: LifeLeft = (mark, timeMs) => {
  const verdict = judgeOnce(mark, mark.nonce, timeMs);
  return verdict.tag === 'granted_before' ? verdict.expiresAfterMs : undefined;
};

function admissions(uses: readonly Use[], lifeLeft: LifeLeft): readonly number[] {
  const admittedAtMs: number[] = [];
  const desk = new Desk([], 'desk');
  let trueMs = T;
  for (const use of uses) {
    trueMs += use.gapMs;
    const first = take(trueMs + use.grantClockMs);
    trueMs += use.againAfterMs;
    const objectMs = desk.timeMs(trueMs + use.againClockMs);
    const again = first && lifeLeft({ nonce: 'n', untilMs: Infinity, expiresMs: first.expiresMs }, objectMs);
    const lifeMs = again ?? take(objectMs)?.lifeMs ?? 0;
    const askedAtMs = trueMs - use.askedBeforeMs + use.isolateClockMs;
    const nowMs = trueMs + use.usedAfterMs + use.isolateClockMs;
    if (nowMs < askedAtMs + lifeMs - MARGIN_MS) admittedAtMs.push(nowMs);
  }
  return admittedAtMs;

  /** As the object does it: cut to what such a permit may live. */
  function take(objectMs: number): { readonly lifeMs: number; readonly expiresMs: number } | undefined {
    const timeMs = desk.timeMs(objectMs);
    const ask = { asker: '', ratePerSecond: 0, settled: [], atMost: 1 };
    const { permits, expiresAfterMs } = desk.ask(ask, objectMs, LIMIT, 0);
    const lifeMs = Math.min(expiresAfterMs, ONCE_LIFE_MS);
    return permits < 1 ? undefined : { lifeMs, expiresMs: timeMs + lifeMs };
  }
}

function isOverfull(admittedAtMs: readonly number[]): boolean {
  return admittedAtMs.some((from) => admittedAtMs.filter((at) => at >= from && at < from + WINDOW_MS).length > LIMIT);
}

const edges = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));
const clock = edges(-CLOCK_OFFSET_MS, CLOCK_OFFSET_MS);
const uses = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.constant(0), edges(0, 2_500), edges(55_000, 64_000)),
    againAfterMs: fc.oneof(fc.constant(0), edges(0, 6_000)),
    askedBeforeMs: edges(0, 700),
    usedAfterMs: edges(0, LIFETIME_MS),
    grantClockMs: clock,
    againClockMs: clock,
    isolateClockMs: clock,
  }),
  { minLength: 50, maxLength: 200, size: 'max' },
);
const holds = (lifeLeft: LifeLeft): fc.IProperty<[readonly Use[]]> =>
  fc.property(uses, (list) => !isOverfull(admissions(list, lifeLeft)));

describe('the promise of the quota', () => {
  it('holds where every first answer is lost and every permit is handed out again', () => {
    fc.assert(holds(right), { numRuns: 300 });
  });

  it('is not held by admitting next to nothing', () => {
    const admitted = fc.sample(uses, { seed: 1, numRuns: 20 }).map((list) => admissions(list, right).length);
    expect(admitted.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(80);
  });

  it('would be broken by a life that is counted from the second asking: the same check catches it', () => {
    const anew: LifeLeft = () => LIFETIME_MS;
    expect(fc.check(holds(anew), { seed: 20_260_701, numRuns: 300, endOnFailure: true }).failed).toBe(true);
  });
});

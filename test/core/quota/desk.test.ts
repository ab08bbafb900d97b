import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Allotted, type Ask, Desk } from '../../../src/core/quota/desk.ts';
import { type LedgerRow, ringSlot } from '../../../src/core/quota/ledger.ts';

const T = 1_800_000_000_000;
const HALF = 0.5;

const one = (asker = 'a', more: Partial<Ask> = {}): Ask => ({ asker, ratePerSecond: 0, settled: [], ...more });

/** Asks at each of these times, each time for one permit. */
function admitted(limit: number, timesMs: readonly number[]): readonly boolean[] {
  const desk = new Desk([], 'd');
  return timesMs.map((atMs) => desk.ask(one(), T + atMs, limit, HALF).permits === 1);
}

const every = (gapMs: number, howOften: number): readonly number[] =>
  Array.from({ length: howOften }, (_, n) => n * gapMs);

describe('a lease', () => {
  it('is one permit for who has seen nothing yet, and many for who is busy', () => {
    const desk = new Desk([], 'd');
    expect(desk.ask(one('a'), T, 6_000, HALF).permits).toBe(1);
    expect(desk.ask(one('a', { ratePerSecond: 10 }), T, 6_000, HALF).permits).toBeGreaterThan(50);
  });

  it('is never longer than ten seconds, however little is going on', () => {
    const desk = new Desk([], 'd');
    for (const atMs of every(1_700, 20)) {
      const { expiresAfterMs } = desk.ask(one('a', { ratePerSecond: 0.5 }), T + atMs, 6_000, HALF);
      expect(expiresAfterMs).toBeGreaterThanOrEqual(1_000);
      expect(expiresAfterMs).toBeLessThanOrEqual(10_000);
    }
  });

  it('is shorter where the limit is nearly used up', () => {
    const desk = new Desk([], 'd');
    const answers = Array.from({ length: 90 }, (_, n) =>
      desk.ask(one(`a${n}`, { ratePerSecond: 1 }), T + n * 100, 6_000, HALF),
    );
    expect(answers[5]?.expiresAfterMs).toBe(10_000);
    expect(answers.at(-1)?.expiresAfterMs).toBeLessThan(4_000);
  });

  it('holds a single permit where that is asked for', () => {
    const answer = new Desk([], 'd').ask(one('a', { ratePerSecond: 100, atMost: 1 }), T, 6_000, HALF);
    expect(answer.permits).toBe(1);
  });

  it('costs no row of its own where many are cut from one', () => {
    const desk = new Desk([], 'd');
    const answers = every(100, 300).map((atMs, n) =>
      desk.ask(one(`a${n % 50}`, { ratePerSecond: 0.2 }), T + atMs, 6_000, HALF),
    );
    const permits = answers.reduce((sum, answer) => sum + answer.permits, 0);
    expect(permits).toBeGreaterThanOrEqual(300);
    expect(answers.flatMap(({ rows }) => rows).length / permits).toBeLessThan(0.05);
  });

  it('has a name that no other has, of this instance or another', () => {
    const names = ['i', 'j'].flatMap((name) => {
      const desk = new Desk([], name);
      return every(10, 50).map((atMs) => desk.ask(one(), T + atMs, 6_000, HALF).lease);
    });
    expect(new Set(names).size).toBe(100);
  });
});

describe('a settled lease', () => {
  const busy = one('a', { ratePerSecond: 10 });

  it('makes room for what was not used, once', () => {
    const desk = new Desk([], 'd');
    const { lease, permits } = desk.ask(busy, T, 6_000, HALF);
    const settled = [{ lease, unused: 3 }];
    desk.settle(settled, T + 1);
    expect(desk.issued(T + 1)).toBe(permits - 3);
    desk.settle(settled, T + 2);
    expect(desk.issued(T + 2)).toBe(permits - 3);
  });

  it('is believed long after its end, while it counts', () => {
    const desk = new Desk([], 'd');
    const { lease, permits } = desk.ask(busy, T, 6_000, HALF);
    expect(desk.issued(T + 69_000)).toBe(permits);
    desk.settle([{ lease, unused: permits }], T + 69_000);
    expect(desk.issued(T + 69_000)).toBe(0);
  });

  it.each([
    ['more than it held', 1_000_000],
    ['less than nothing', -1],
    ['a fraction', 0.5],
    ['no number', Number.NaN],
  ])('is not believed to have %s left', (_, unused) => {
    const desk = new Desk([], 'd');
    const { lease, permits } = desk.ask(busy, T, 6_000, HALF);
    desk.settle([{ lease, unused }], T);
    expect(desk.issued(T)).toBe(permits);
  });

  it('of an instance before says nothing to this one', () => {
    const before = new Desk([], 'd');
    const { lease, permits, rows } = before.ask(busy, T, 6_000, HALF);
    const after = new Desk(rows, 'e');
    after.settle([{ lease, unused: permits }], T);
    expect(after.issued(T)).toBeGreaterThanOrEqual(permits);
  });
});

describe('a refusal', () => {
  /** A crowd uses the limit up, with rests that come back; then somebody is refused. */
  const crowds = fc.record({
    limit: fc.constantFrom(1, 3, 10, 100, 1_000, 6_000),
    asks: fc.array(
      fc.record({
        gapMs: fc.nat(300),
        ratePerSecond: fc.constantFrom(0, 0.5, 20, 400),
        asker: fc.nat(40),
        returns: fc.boolean(),
      }),
      { minLength: 50, maxLength: 300, size: 'max' },
    ),
    chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });

  it('carries when room returns: who comes back then finds it, if nobody else took it', () => {
    let refusals = 0;
    fc.assert(
      fc.property(crowds, ({ limit, asks, chance }) => {
        const desk = new Desk([], 'd');
        let atMs = T;
        let last: Allotted | undefined;
        for (const { gapMs, ratePerSecond, asker, returns } of asks) {
          atMs += gapMs;
          const settled = returns && last !== undefined && last.permits > 1 ? [{ lease: last.lease, unused: 1 }] : [];
          last = desk.ask({ asker: `a${asker}`, ratePerSecond, settled }, atMs, limit, chance);
        }
        if (last === undefined || last.permits > 0) return;
        refusals += 1;
        expect(last.retryAfterMs).toBeGreaterThan(0);
        expect(desk.ask(one('late'), atMs + (last.retryAfterMs ?? 0), limit, chance).permits).toBe(1);
      }),
      { seed: 5, numRuns: 300 },
    );
    expect(refusals).toBeGreaterThan(50);
  });

  it('is as honest while room is handed out evenly: there is room, and the answer says when it is next for somebody', () => {
    const desk = new Desk([], 'd');
    for (let n = 0; n < 1_100; n += 1) desk.ask(one(), T + n, 1_000, HALF);
    const later = T + 75_000;
    const answers = Array.from({ length: 100 }, () => desk.ask(one(), later, 1_000, HALF));
    const given = answers.filter((answer) => answer.permits === 1).length;
    expect(given).toBeGreaterThanOrEqual(10);
    expect(given).toBeLessThan(100);
    const { retryAfterMs = 0 } = answers.at(-1) ?? {};
    expect(retryAfterMs).toBeLessThan(1_000);
    expect(desk.ask(one(), later + retryAfterMs, 1_000, HALF).permits).toBe(1);
  });

  it('is not longer than it must be: a second before, a full limit has no room', () => {
    const desk = new Desk([], 'd');
    expect(desk.ask(one(), T, 1, HALF).permits).toBe(1);
    const { retryAfterMs = 0 } = desk.ask(one(), T + 5_000, 1, HALF);
    expect(retryAfterMs).toBeGreaterThan(56_000);
    expect(desk.ask(one(), T + 5_000 + retryAfterMs - 1_000, 1, HALF).permits).toBe(0);
  });

  it('sends a large crowd away for different times', () => {
    const desk = new Desk([], 'd');
    for (let n = 0; n < 2_000; n += 1) desk.ask(one(`a${n}`, { ratePerSecond: 5 }), T + n, 100, HALF);
    const waits = [0, 0.3, 0.6, 0.9].map((chance) => desk.ask(one('b'), T + 2_100, 100, chance).retryAfterMs ?? 0);
    expect(new Set(waits).size).toBe(4);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(5_000);
  });

  it('is all that a limit of 0 has to say', () => {
    const { permits, rows, retryAfterMs } = new Desk([], 'd').ask(one(), T, 0, HALF);
    expect({ permits, rows }).toEqual({ permits: 0, rows: [] });
    expect(retryAfterMs).toBeGreaterThanOrEqual(60_000);
  });
});

describe('small limits are not wasted', () => {
  it.each([
    { limit: 10, gapMs: 6_000 },
    { limit: 100, gapMs: 600 },
  ])('$limit a minute, evenly asked for: nine of ten at the least', ({ limit, gapMs }) => {
    const answers = admitted(limit, every(gapMs, limit * 20));
    expect(answers.filter(Boolean).length).toBeGreaterThanOrEqual(answers.length * 0.9);
  });

  it.each([1, 2, 5, 10])('a limit of %i gives as much at once, and again when it is over', (limit) => {
    const burst = Array.from({ length: limit + 2 }, (_, n) => n);
    const again = burst.map((n) => 75_000 + n);
    const answers = admitted(limit, [...burst, ...again]);
    const expected = burst.map((n) => n < limit);
    expect(answers).toEqual([...expected, ...expected]);
  });

  it('one a minute is one in 63 seconds', () => {
    expect(admitted(1, every(63_000, 10))).toEqual(Array.from({ length: 10 }, () => true));
  });
});

describe('after a restart', () => {
  it('everything that was reserved counts, and nothing else', () => {
    const rows = new Map<number, LedgerRow>();
    const desk = new Desk([], 'd');
    for (const atMs of every(50, 200)) {
      for (const row of desk.ask(one('a', { ratePerSecond: 20 }), T + atMs, 600, HALF).rows)
        rows.set(ringSlot(row.bucket), row);
    }
    const reserved = [...rows.values()].reduce((sum, row) => sum + row.reserved, 0);
    const restored = new Desk([...rows.values()], 'e');
    expect(restored.issued(T + 10_000)).toBe(reserved);
    expect(reserved).toBeGreaterThanOrEqual(desk.issued(T + 10_000));
    expect(restored.issued(T + 100_000)).toBe(0);
  });

  it('time does not go back behind the newest row', () => {
    const { rows } = new Desk([], 'd').ask(one(), T, 1, HALF);
    const restored = new Desk(rows, 'e');
    // A clock two minutes slow: the permit counts, and an answer says how long by that clock.
    const { permits, retryAfterMs = 0 } = restored.ask(one(), T - 120_000, 1, HALF);
    expect(permits).toBe(0);
    expect(retryAfterMs).toBeGreaterThan(180_000);
  });
});

describe('a lowered limit', () => {
  it('binds at once, whatever was reserved under the old one', () => {
    const desk = new Desk([], 'd');
    for (let n = 0; n < 30; n += 1) desk.ask(one(`a${n}`), T, 100, HALF);
    expect(desk.ask(one('b'), T + 1, 30, HALF).permits).toBe(0);
    expect(desk.ask(one('b'), T + 1, 31, HALF).permits).toBe(1);
  });
});

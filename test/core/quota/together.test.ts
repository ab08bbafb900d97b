/** Limits within a limit: a permit counts in all of them or in none, and each is kept as if it were the only one. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ask, Desk } from '../../../src/core/quota/desk.ts';
import { askTogether, type AllottedTogether, type Limited } from '../../../src/core/quota/together.ts';

const T = 1_800_000_000_000;
const ASK: Ask = { asker: '', ratePerSecond: 0, settled: [] };

const limits = (all: Readonly<Record<string, number>>): readonly Limited[] =>
  Object.entries(all).map(([name, limit]) => ({ name, limit, desk: new Desk([], name) }));
const ask = (of: readonly Limited[], nowMs = T): AllottedTogether => askTogether(of, ASK, nowMs, 0.5);
const issued = (of: readonly Limited[], nowMs = T): readonly number[] => of.map(({ desk }) => desk.issued(nowMs));

describe('limits within a limit', () => {
  it('count one permit in each, however much is asked for', () => {
    const of = limits({ principal: 60, provider: 600, project: 6_000 });
    const answer = askTogether(of, { ...ASK, ratePerSecond: 100, atMost: 50 }, T, 0.5);
    expect(answer.permits).toBe(1);
    expect(issued(of)).toEqual([1, 1, 1]);
    expect(answer.rows.map(({ name, rows }) => [name, rows.length])).toEqual([
      ['principal', 1],
      ['provider', 1],
      ['project', 1],
    ]);
  });

  it.each(['principal', 'provider', 'project'])(
    'refuse where the %s has no room, and take nothing elsewhere',
    (full) => {
      const of = limits({ principal: 10, provider: 10, project: 10 }).map((one) =>
        one.name === full ? { ...one, limit: 2 } : one,
      );
      for (let i = 0; i < 2; i++) expect(ask(of).permits).toBe(1);
      const refused = ask(of);
      expect(refused).toMatchObject({ permits: 0, expiresAfterMs: 0, fullLimit: full });
      expect(refused.retryAfterMs).toBeGreaterThan(50_000);
      expect(issued(of)).toEqual([2, 2, 2]);
    },
  );

  it('lose nothing of their pace by what the project refuses', () => {
    const of = limits({ own: 60, project: 6_000 });
    // Used up and refused, so from now on it is handed out evenly.
    for (let n = 0; n < 61; n++) ask(of);
    const full = of.map((one) => (one.name === 'project' ? { ...one, limit: 0 } : one));
    for (let n = 0; n < 100; n++) expect(ask(full, T + 90_000).fullLimit).toBe('project');
    expect(Array.from({ length: 5 }, () => ask(of, T + 90_000).permits)).toEqual([1, 1, 1, 1, 1]);
  });

  it('live as long as the shortest', () => {
    const of = limits({ own: 6_000, project: 6_000 });
    const project = of[1]?.desk;
    for (let n = 0; n < 90; n += 1)
      project?.ask({ ...ASK, asker: `b${n}`, ratePerSecond: 1.1 }, T + n * 100, 6_000, 0.5);
    expect(ask(of, T + 9_000).expiresAfterMs).toBeLessThan(5_000);
  });

  it('are each kept in every 60 s, whoever asks in which of them', () => {
    const steps = fc.array(fc.record({ gapMs: fc.nat(2_000), who: fc.nat(2) }), { minLength: 80, maxLength: 200 });
    fc.assert(
      fc.property(steps, (list) => {
        const capped = limits({ own: 3, project: 8 });
        const [, project] = capped;
        if (project === undefined) throw new Error('no such limit');
        const admitted: { readonly atMs: number; readonly isOwn: boolean }[] = [];
        let atMs = T;
        for (const { gapMs, who } of list) {
          atMs += gapMs;
          const isOwn = who === 0;
          if (ask(isOwn ? capped : [project], atMs).permits > 0) admitted.push({ atMs, isOwn });
        }
        for (const { atMs: fromMs } of admitted) {
          const inWindow = admitted.filter((one) => one.atMs >= fromMs && one.atMs < fromMs + 60_000);
          expect(inWindow.length).toBeLessThanOrEqual(8);
          expect(inWindow.filter((one) => one.isOwn).length).toBeLessThanOrEqual(3);
        }
        expect(admitted.length).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });
});

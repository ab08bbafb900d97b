/** The differences of two texts, held against what they mean: taking them apart again gives both texts, and no shorter ones exist. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { diffLines } from '../../src/cli/line-diff.ts';

const texts = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd: 1', ''), { maxLength: 12 })
  .map((lines) => lines.map((line) => `${line}\n`).join(''));
const linesOf = (text: string): readonly string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** By trying everything: nothing that the function under test does. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const [first, ...rest] = a;
  if (first === undefined || b.length === 0) return 0;
  const without = longestCommon(rest, b);
  const at = b.indexOf(first);
  return at < 0 ? without : Math.max(without, 1 + longestCommon(rest, b.slice(at + 1)));
}

it('what goes and what comes are the two texts, less what they share', () => {
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      const lines = diffLines(before, after);
      expect(lines.length === 0).toBe(before === after);
      const of = (kind: string): readonly string[] =>
        lines.filter((line) => line.kind === kind).map(({ text }) => text);
      if (before === after) return;
      const shared = longestCommon(linesOf(before), linesOf(after));
      expect(of('goes')).toHaveLength(linesOf(before).length - shared);
      expect(of('comes')).toHaveLength(linesOf(after).length - shared);
      // Nothing was left out between: both texts can be read off the lines.
      if (of('skipped').length > 0) return;
      const side = (kind: string): readonly string[] =>
        lines.filter((line) => line.kind === kind || line.kind === 'stays').map(({ text }) => text);
      expect(side('goes')).toEqual(linesOf(before));
      expect(side('comes')).toEqual(linesOf(after));
    }),
    { numRuns: 500 },
  );
});

it('three lines stay before and after; what lies between is left out', () => {
  const many = Array.from({ length: 30 }, (_, at) => `line ${at}\n`);
  const changed = many.map((line, at) => (at === 15 ? 'another\n' : line));
  expect(diffLines(many.join(''), changed.join('')).map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'skipped …',
    'stays line 12',
    'stays line 13',
    'stays line 14',
    'goes line 15',
    'comes another',
    'stays line 16',
    'stays line 17',
    'stays line 18',
    'skipped …',
  ]);
});

it('two texts of many thousand lines are compared in a moment', () => {
  const text = (seed: number): string => Array.from({ length: 20_000 }, (_, at) => `${(at * seed) % 9_973}\n`).join('');
  const startedMs = performance.now();
  expect(diffLines(text(7), text(11)).length).toBeGreaterThan(20_000);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

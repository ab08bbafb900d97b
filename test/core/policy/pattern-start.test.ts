/** The fixed beginning of a pattern, held against what the pattern really takes. */
import { RE2JS } from '@bufbuild/re2';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { patternStart } from '../../../src/core/policy/pattern-start.ts';
import { patternProblem } from '../../../src/core/policy/regex.ts';

it.each([
  ['^acme/', 'acme/', false],
  ['^acme$', 'acme', true],
  [String.raw`\Aa\.b\z`, 'a.b', true],
  ['^acme/?', 'acme', false],
  ['^acme/(a|b)', 'acme/', false],
  ['^acme/[ab]', 'acme/', false],
  [String.raw`^acme/\|`, 'acme/|', false],
  [String.raw`^acme/\d`, 'acme/', false],
  ['acme/', '', false],
  ['^*acme/', '', false],
  ['^acme/|x', '', false],
  ['(?i)^acme/', '', false],
  ['^acme/(?i)*', '', false],
  [String.raw`^acme/\Q\E*`, '', false],
])('%s begins with "%s", and is that alone: %s', (pattern, start, isWhole) => {
  expect(patternStart(pattern)).toEqual({ start, isWhole });
});

it('everything that a pattern takes begins so', () => {
  const plain = ['a', 'b', '/', '.', '|', '(', ')', '(?:', '[', ']', '[^', '^', '$', '?', '*', '+', '{0}', '{1}', '-'];
  const flags = ['(?i)', '(?m)', '(?-s)', '(?i:'];
  const escaped = ['Q', 'E', '.', '|', '(', '[', ']', 'b', 'B', 'd', 'A', 'z'].map((letter) => `\\${letter}`);
  const piece = fc.constantFrom(...plain, ...flags, ...escaped);
  const patterns = fc.array(piece, { maxLength: 8 }).map((pieces) => `^a${pieces.join('')}`);
  const subjects = [
    '',
    'a',
    'b',
    'A',
    'ab',
    'aB',
    'ba',
    'a/',
    'a/b',
    'a.',
    'a|',
    'aa',
    'abab',
    'a\nb',
    'b\na',
    'a(',
    'a1',
    'a-b',
    'bb',
  ];
  let telling = 0;
  fc.assert(
    fc.property(patterns, (pattern) => {
      if (patternProblem(pattern, { work: Infinity }) !== undefined) return;
      const { start, isWhole } = patternStart(pattern);
      if (start !== '') telling += 1;
      const engine = RE2JS.compile(pattern);
      const taken = subjects.filter((subject) => engine.test(subject));
      expect(
        taken.filter((subject) => !subject.startsWith(start)),
        pattern,
      ).toEqual([]);
      if (isWhole)
        expect(
          taken.filter((subject) => subject !== start),
          pattern,
        ).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
  expect(telling).toBeGreaterThan(50);
});

/** What a pattern is charged bounds what the compiler does for it: its own walks through the alphabet are counted, not its time. */
import { RE2JS } from '@bufbuild/re2';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { checkBindings } from '../../../src/core/admin/bindings.ts';
import { budgetUsed } from '../../../src/core/policy/budget.ts';
import { compileCondition } from '../../../src/core/policy/condition.ts';
import { EVALUATION_BUDGET, MAX_CONDITION_CHARACTERS } from '../../../src/core/policy/limits.ts';
import { unitsToCompile } from '../../../src/core/policy/regex-cost.ts';
import type { Binding } from '../../../src/core/resources.ts';
import { withClaims } from './support.ts';

const { raw } = String;
/** From the second letter of the alphabet to the last but one that has another case. */
const WIDE = raw`[B-\x{1E942}]`;
/** Two hundred letters: they fit, one class at a time. */
const CYRILLIC = raw`[\x{410}-\x{4D0}]`;

/** RE2 asks for the other case of a character by making a text of it: each step of its walk is one call. */
function countingSteps<T>(work: () => T): { readonly steps: number; readonly value: T } {
  const made = vi.spyOn(String, 'fromCodePoint');
  try {
    const value = work();
    return { steps: made.mock.calls.length, value };
  } finally {
    made.mockRestore();
  }
}

function accepted(pattern: string): number | undefined {
  try {
    return unitsToCompile(pattern);
  } catch {
    return undefined;
  }
}

function stepsToCompile(pattern: string): number {
  return countingSteps(() => {
    try {
      RE2JS.compile(pattern);
    } catch {
      // What does not parse was walked up to its error.
    }
  }).steps;
}

/** In a condition, between quotes. */
const quoted = (pattern: string): string => JSON.stringify(pattern);

// What the compiler does once for all is no pattern's cost.
beforeAll(() => {
  for (const name of ['L', 'N', 'M', 'Lu', 'Nd', 'C']) RE2JS.compile(`(?i)\\p{${name}}`);
});

describe('a class of Unicode that the compiler would look for in the whole alphabet is refused unlooked for', () => {
  test.each(['Thai', 'Cn', '^Tamil', 'Lc', 'Assigned', 'NoSuch'])('%s', (name) => {
    for (const pattern of [`\\P{${name}}`, `[a\\p{${name}}]`, `(?i:\\Q[\\E\\p{${name}})`]) {
      const { steps, value } = countingSteps(() => withClaims('"x".matches(assertion.pattern)', { pattern }));
      expect(value).toMatchObject({ ok: false, error: expect.stringContaining('of the classes of Unicode there are') });
      expect(steps).toBeLessThan(500);
    }
  });

  test('but text that looks like one is text', () => {
    const source = `assertion.sub.matches(${quoted(raw`^C:\\path$`)}) && 'pa'.matches(${quoted(raw`^\Qpa\E$`)})`;
    expect(withClaims(source, { sub: raw`C:\path` })).toEqual({ ok: true, value: true });
  });
});

describe('a range that folding would walk for long is refused unwalked', () => {
  test.each([
    ['after a flag', `(?i)${WIDE}`],
    ['in a group with a flag', `a(?i:${WIDE})`],
    ['after a flag among others', `(?sUi-m:${WIDE})`],
    ['negated', raw`(?i)[^B-\x{1E942}]`],
    ['as characters', '(?i)[B-\u{1E942}]'],
    ['octal', raw`(?i)[\102-\x{1E942}]`],
    ['after an escaped backslash', raw`(?i)[\\x{1E900}-\x{1E942}]`],
    ['after a bracket that is a character', raw`(?i)[]B-\x{1E942}]`],
    ['after a class of a name', raw`(?i)[[:digit:]B-\x{1E942}]`],
    ['after a class of Unicode', raw`(?i)[\p{Nd}\dB-\x{1E942}]`],
    ['after quoted text', raw`(?i)\Q[\\E${WIDE}`],
    ['in a class that never ends', raw`(?i)[B-\x{1E942}`],
    ['where an error follows', `(?i)${WIDE}(`],
    ['that is repeated', `(?i)${WIDE}{9}`],
    ['of ideographs', '(?i)[一-龥]'],
  ])('%s', (_name, pattern) => {
    expect(stepsToCompile(pattern)).toBeGreaterThan(3_000);
    const { steps, value } = countingSteps(() =>
      compileCondition(`assertion.sub.matches(${quoted(pattern)})`, 'attribute'),
    );
    expect(value).toMatchObject({ ok: false, error: { message: expect.stringContaining('with (?i) a range') } });
    expect(steps).toBeLessThan(500);
  });
});

test.each([
  ['a class of letters', '(?i)^[a-z0-9._-]+@example[.]com$'],
  ['letters of another alphabet', '(?i)^[А-я]+$'],
  ['all that is not ASCII', raw`(?i)[^\x00-\x7F]`],
  ['everything', raw`(?i)[\x{0}-\x{10FFFF}]+`],
  ['letters as Unicode has them', raw`(?i)^[\p{L}\p{N}_-]+$`],
  ['a wide range where case counts', '^[一-龥]+$'],
  ['a range in quoted text', raw`(?i)\Q[B-漢]\E`],
  ['a range in no class', raw`(?i)B-漢`],
  ['a range of one hyphen', raw`(?i)[a-]漢`],
])('an honest pattern stays: %s', (_name, pattern) => {
  expect(compileCondition(`assertion.sub.matches(${quoted(pattern)})`, 'attribute')).toMatchObject({ ok: true });
});

test('whatever the pattern, its compiler walks no more than its units say', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '(?i)',
      '(?i:',
      '(?-i:',
      '(?s',
      '(?P<i>',
      '(',
      ')',
      '|',
      '[',
      '[^',
      ']',
      '-',
      '^',
      '[:alpha:]',
      '[:',
      ':]',
    ),
    fc.constantFrom(
      raw`\Q`,
      raw`\E`,
      raw`\\`,
      raw`\pL`,
      raw`\P{Lu}`,
      raw`\p{^L}`,
      raw`\W`,
      raw`\d`,
      raw`\n`,
      raw`\b`,
      '\\',
    ),
    fc.constantFrom('{9}', '{', '}', '*', '?', 'a', 'Z', 'k', 'é', 'я', '漢', '\u{1E942}', '1E942', 'x'),
    fc.constantFrom(raw`\x41`, raw`\x{42}`, raw`\x{410}`, raw`\x{4D0}`, raw`\x{1E942}`, raw`\102`, raw`\0`, raw`\101`),
    fc.constantFrom(WIDE, CYRILLIC, '[a-z]', '[^b-y]', raw`[\x{42}-\x{7FF}]`, raw`-\x{1E942}`),
  );
  const pattern = fc
    .tuple(fc.constantFrom('(?i)', '(?i:a)', '[', '(?i)['), fc.array(piece, { maxLength: 12 }))
    .map(([before, pieces]) => before + pieces.join(''));
  let walked = 0;
  fc.assert(
    fc.property(pattern, (text) => {
      const units = accepted(text);
      if (units === undefined) return;
      const steps = stepsToCompile(text);
      if (steps > 100) walked += 1;
      // There and back for each character, and some more where classes are joined.
      expect(steps).toBeLessThanOrEqual(100 + 3 * units);
    }),
    { numRuns: 20_000 },
  );
  expect(walked).toBeGreaterThan(100);
});

test('classes of Unicode are charged by the ranges they bring', () => {
  for (const pattern of [
    raw`\p{L}`,
    raw`(?i)\P{N}`,
    raw`(?i)\p{Lu}`,
    raw`[\PN\PL]`,
    raw`\P{C}`,
    raw`(?i:\PN|\PM|\pL)`,
  ]) {
    const { prog } = RE2JS.compile(pattern).re2();
    const numbers = Array.from({ length: prog.numInst() }, (_, at) => prog.getInst(at).runes.length);
    expect(8 * unitsToCompile(pattern)).toBeGreaterThan(numbers.reduce((sum, length) => sum + length, 0));
  }
  expect(accepted(`(?i:${raw`\PN{2}`.repeat(40)})`)).toBeUndefined();
});

describe('one evaluation pays for the patterns it makes before they are made', () => {
  const TEN = '[0,1,2,3,4,5,6,7,8,9]';
  const each = (pattern: string): string =>
    `${TEN}.exists(i, ${TEN}.exists(j, "a".matches("(?i)" + string(i) + "x" + string(j) + ${quoted(pattern)})))`;

  test('classes that fit are too dear in each round', () => {
    const { steps, value } = countingSteps(() => withClaims(each(CYRILLIC.repeat(10))));
    expect(value).toMatchObject({ ok: false, error: expect.stringContaining('costs too much') });
    expect(budgetUsed()).toBe(EVALUATION_BUDGET + 1);
    expect(steps).toBeLessThan(3 * EVALUATION_BUDGET);
  });

  test('classes that do not fit are never walked, and their refusal has its price', () => {
    const { steps, value } = countingSteps(() => withClaims(`${each(WIDE.repeat(14))} || true`));
    expect(value).toEqual({ ok: false, error: 'the evaluation costs too much' });
    expect(steps).toBeLessThan(EVALUATION_BUDGET);
  });

  test('a pattern out of a claim is bounded like any other', () => {
    const pattern = `(?i)${WIDE.repeat(18)}`;
    const { steps, value } = countingSteps(() => withClaims('"x".matches(assertion.pattern)', { pattern }));
    expect(value).toMatchObject({ ok: false, error: expect.stringContaining('with (?i) a range') });
    expect(steps).toBeLessThan(500);
  });
});

describe('what is written is checked within a budget', () => {
  const dear = (n: number): string => `"a".matches(${quoted(`(?i)${n}${CYRILLIC.repeat(14)}`)})`;

  test('one condition full of patterns', () => {
    const source = Array.from({ length: 12 }, (_, n) => dear(n)).join(' || ');
    expect(source.length).toBeLessThan(MAX_CONDITION_CHARACTERS);
    const { steps, value } = countingSteps(() => compileCondition(source, 'attribute'));
    expect(value).toMatchObject({ ok: false, error: { message: expect.stringContaining('checked together') } });
    expect(steps).toBeLessThan(3 * EVALUATION_BUDGET);
  });

  const write = (bindings: number, expressionOf: (n: number) => string): ReturnType<typeof checkBindings> =>
    checkBindings(
      'policy.bindings',
      Array.from({ length: bindings }, (_, n): Binding => ({
        role: `r${n}`,
        members: ['user:a@example.com'],
        condition: { expression: expressionOf(n), title: 't' },
      })),
      (role) => ({ ok: true, value: role }),
    );

  test('a policy of many conditions, each of which would pass', () => {
    expect(compileCondition(dear(1), 'binding').ok).toBe(true);
    const { steps, value } = countingSteps(() => write(500, dear));
    expect(value.ok).toBe(false);
    expect(JSON.stringify(value)).toContain('checked together');
    expect(steps).toBeLessThan(3 * 400_000);
    // The same one again is checked once.
    expect(write(500, () => dear(1)).ok).toBe(true);
  });

  test('a policy of as many honest ones as fit', () => {
    expect(write(1_500, (n) => `resource.name.matches("^(?i)projects/prod-${n}-[a-z0-9-]+$")`).ok).toBe(true);
  });
});

/** The attack pack by counted steps: whatever is written, it is refused at once, or ends within the budget, however slow the machine. */
import { describe, expect, test } from 'vitest';
import { budgetUsed } from '../../../src/core/policy/budget.ts';
import { compileCondition } from '../../../src/core/policy/condition.ts';
import { EVALUATION_BUDGET, MAX_CONDITION_CHARACTERS, MAX_NODES } from '../../../src/core/policy/limits.ts';
import { compiled, withClaims } from './support.ts';

/** `written`: refused when it is written. `unpaid`: the budget ran out. `error`: refused before anything was spent on it. */
type End = 'written' | 'unpaid' | 'error' | true | false;

const SIXTY = `[${Array(60).fill('1').join(',')}]`;
const CLAIMS = {
  text: 'a'.repeat(10_000),
  longest: `${'a'.repeat(4_095)}!`,
  sixty: Array(60).fill(1),
  pattern: '(?:a?){500}a{500}',
  dear: '(?:a?){99}a{99}',
  sub: 'a',
  flag: false,
};

/** As many pieces as fit into the longest source. */
function filled(before: string, piece: string, between: string, after: string): string {
  const room = MAX_CONDITION_CHARACTERS - before.length - after.length + between.length;
  const source =
    before +
    Array(Math.floor(room / (piece.length + between.length)))
      .fill(piece)
      .join(between) +
    after;
  expect(source.length).toBeLessThanOrEqual(MAX_CONDITION_CHARACTERS);
  expect(source.length).toBeGreaterThan(MAX_CONDITION_CHARACTERS - piece.length - between.length);
  return source;
}

/** One piece around the next. */
function nested(open: string, core: string, close: string): string {
  const levels = Math.floor((MAX_CONDITION_CHARACTERS - core.length) / (open.length + close.length));
  return open.repeat(levels) + core + close.repeat(levels);
}

function loops(range: string, names: string): string {
  return `${[...names].map((name) => `${range}.all(${name}, `).join('')}true${')'.repeat(names.length)}`;
}

const ATTACKS: readonly (readonly [name: string, end: End, source: string])[] = [
  // Regular expressions.
  ['^(a+)+$ against 10,000 characters', 'error', `assertion.text.matches('^(a+)+$')`],
  ['^(a+)+$ against the longest subject there may be', false, `assertion.longest.matches('^(a+)+$')`],
  ['^(a+)+$ against it again and again', 'unpaid', `assertion.sixty.all(x, !assertion.longest.matches('^(a+)+$'))`],
  ['(?:a?){500}a{500}', 'written', `assertion.sub.matches('(?:a?){500}a{500}')`],
  ['(?:a?){500}a{500} out of a claim', 'error', `assertion.sub.matches(assertion.pattern)`],
  ['(?:a?){99}a{99} against the longest subject', 'unpaid', `assertion.longest.matches(assertion.dear)`],
  // Loops.
  ['60 to the power of 4, written down', 'written', loops(SIXTY, 'abcd')],
  ['60 to the power of 4, in claims', 'written', loops('assertion.sixty', 'abcd')],
  ['60 to the power of 3', 'written', loops('assertion.sixty', 'abc')],
  ['60 to the power of 2', 'unpaid', loops('assertion.sixty', 'ab')],
  ['60', true, loops('assertion.sixty', 'a')],
  ['60 to the power of 2, absorbed', 'unpaid', `${loops('assertion.sixty', 'ab')} || true`],
  [
    '60 to the power of 4 in lists of lists',
    'unpaid',
    `assertion.sixty.map(a, assertion.sixty.map(b, [a, b])).map(c, assertion.sixty.map(d, [c, d])).size() > 0`,
  ],
  // 4,096 characters.
  ['true||true||…', 'written', filled('', 'true', '||', '')],
  ['assertion.flag||…', 'written', filled('', 'assertion.flag', '||', '')],
  [
    'assertion.sub == "…" || …, of 64 characters each',
    false,
    filled('', `assertion.sub == '${'b'.repeat(43)}'`, '||', ''),
  ],
  ['((((…', 'written', nested('(', 'true', ')')],
  ['(((( that never close', 'written', filled('', '(', '', '')],
  ['!(!(…', 'written', nested('!(', 'true', ')')],
  ['!!!!…', true, filled('', '!!', '', 'true')],
  ['----…', true, filled('1 == ', '--', '', '1')],
  [`'a'+'a'+…`, 'written', filled(`'' != `, `'a'`, '+', '')],
  ['1+1+…', 'written', filled('0 < ', '1', '+', '')],
  ['[1,1,…]', 'written', filled('[', '1', ',', '] != []')],
  ['[[[[…', 'written', filled('', '[', '', '')],
  ['{1:1,1:1,…}', 'written', filled('{', '1:1', ',', '} != {}')],
  ['x.x.x.…', 'written', filled('assertion', '.x', '', '')],
  [`x['a']['a']…`, 'written', filled('assertion', `['a']`, '', '')],
  ['true?true:true?…', 'written', filled('', 'true?true:', '', 'true')],
  ['string(string(…', 'written', nested('string(', '1', ')')],
  ['a chain of map()', 'written', filled('[1]', '.map(x,x)', '', '.size()>0')],
  ['map() in map()', 'written', nested('[1].map(x,', 'x', ')')],
  ['one string', false, filled(`assertion.sub == '`, 'b', '', `'`)],
  ['one string of escapes', false, filled(`assertion.sub == '`, String.raw`\u0062`, '', `'`)],
  ['one name', 'written', filled('', 'a', '', '')],
  ['one attribute', 'error', filled('assertion.', 'a', '', '')],
  ['one number', 'written', filled('0 < ', '1', '', '')],
  ['one pattern', 'written', filled(`assertion.sub.matches('`, 'a', '', `')`)],
  ['one comment', true, filled('//', 'a', '', '\ntrue')],
  ['one blank', 'written', filled('true', ' ', '', '')],
];

describe.each(ATTACKS)('%s', (_name, end, source) => {
  test(`ends so: ${String(end)}`, () => {
    const condition = compileCondition(source, 'attribute');
    if (end === 'written') {
      expect(condition.ok).toBe(false);
      return;
    }
    expect(compiled(source, 'attribute').program.nodes).toBeLessThanOrEqual(MAX_NODES);
    const result = withClaims(source, CLAIMS);
    const steps = budgetUsed();
    if (end === 'unpaid') {
      expect(result).toMatchObject({ ok: false, error: expect.stringContaining('costs too much') });
      // What could not be paid for was not begun.
      expect(steps).toBe(EVALUATION_BUDGET + 1);
      return;
    }
    expect(steps).toBeLessThanOrEqual(EVALUATION_BUDGET);
    if (end === 'error') expect(result.ok).toBe(false);
    else expect(result).toEqual({ ok: true, value: end });
  });
});

test('steps are counted: a loop costs what it has rounds, a search what it reads', () => {
  const cost = (source: string, claims: Readonly<Record<string, unknown>>): number => {
    withClaims(source, { ...CLAIMS, ...claims });
    return budgetUsed();
  };
  const loop = `assertion.list.all(x, x == 1)`;
  const [ten, twenty] = [10, 20].map((length) => cost(loop, { list: Array(length).fill(1) }));
  expect(ten).toBeGreaterThanOrEqual(10);
  expect(twenty).toBeGreaterThanOrEqual(2 * (ten ?? 0) - 5);
  const pattern = `assertion.word.matches('^(a+)+$')`;
  const [short, long] = [100, 1_000].map((length) => cost(pattern, { word: 'a'.repeat(length) }));
  expect(long).toBeGreaterThan(5 * (short ?? Number.NaN));
});

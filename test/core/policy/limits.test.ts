/** The attack pack: what would stop an isolate for seconds is refused when written, or ends within its budget. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCondition, evaluateCondition } from '../../../src/core/policy/condition.ts';
import { fault, withClaims } from './support.ts';

const SPENT = { ok: false, error: expect.stringMatching(/costs too much|too long/) };

/** Far above what any of them takes, far below what an attack wants. */
const BEARABLE_MS = 1_000;

function timed<T>(work: () => T): T {
  const start = performance.now();
  const result = work();
  expect(performance.now() - start).toBeLessThan(BEARABLE_MS);
  return result;
}

describe('refused when written', () => {
  test.each([
    ['3,000 blanks', `true${' '.repeat(3_000)}&& true`],
    ['5,000 parentheses', `${'('.repeat(5000)}true${')'.repeat(5000)}`],
    ['2,000 parentheses', `${'('.repeat(2000)}true${')'.repeat(2000)}`],
    ['33 parentheses', `${'('.repeat(33)}true${')'.repeat(33)}`],
    ['4,000 open brackets', '['.repeat(4000)],
    ['4,000 open braces', '{'.repeat(4000)],
    ['2,000 negated parentheses', '!('.repeat(2000)],
    ['an OR of 20,000 terms', Array(20_000).fill('true').join(' || ')],
    ['an OR of 600 terms', Array(600).fill('true').join('||')],
    ['a sum of 2,000 terms', `${Array(2000).fill('1').join('+')} > 0`],
    ['a sum of 60 terms', `${Array(60).fill('1').join('+')} > 0`],
    ['a literal of 1 MB', `assertion.sub == '${'a'.repeat(1_000_000)}'`],
    ['a chain of 1,300 conditionals', `${'true ? true : '.repeat(290)}true`],
    ['60 to the power of 4', nested(4)],
    ['nesting of 3 loops', nested(3)],
    ['400 nested maps', `${'[1].map(x,'.repeat(300)}x${')'.repeat(300)}`],
    ['a pattern of 300 characters', `assertion.sub.matches('${'a'.repeat(300)}')`],
    ['a large repetition', `assertion.sub.matches('(?:a?){500}a{500}')`],
    ['repetitions of repetitions', `assertion.sub.matches('((a{10}){10}){10}')`],
    ['many repetitions', `assertion.sub.matches('${'a{99}'.repeat(20)}')`],
  ])('%s', (_name, source) => {
    expect(timed(() => compileCondition(source, 'attribute').ok)).toBe(false);
  });

  function nested(loops: number): string {
    const list = `[${Array(60).fill('1').join(',')}]`;
    const names = ['a', 'b', 'c', 'd'].slice(0, loops);
    return `${names.map((name) => `${list}.all(${name},`).join('')} true${')'.repeat(loops)}`;
  }
});

test('the fault of an endless source names the start', () => {
  expect(fault('a'.repeat(5000))).toEqual({
    message: 'an expression has at most 4096 characters',
    line: 1,
    column: 1,
  });
  expect(fault(`true\n&& ${'('.repeat(40)}1${')'.repeat(40)}`)).toMatchObject({ line: 2, column: 43 });
});

describe('ends within its budget', () => {
  const many = Array.from({ length: 900 }, (_, index) => `item${index}`);

  test.each([
    ['two loops over many claims', `assertion.many.all(a, assertion.many.all(b, a + b != ''))`],
    ['an absorbed exhaustion', `assertion.many.all(a, assertion.many.all(b, a != '' || b != '')) || true`],
    ['an absorbed exhaustion on the right', `!(assertion.many.all(a, assertion.many.all(b, a != ''))) || true`],
    ['errors in every round', `assertion.many.exists(a, assertion.many.exists(b, b.missing)) || true`],
    ['strings that double', `['aaaaaaaa']${'.map(x, x + x)'.repeat(20)}.size() > 0`],
    ['lists that double', `[[1, 2]]${'.map(x, x + x)'.repeat(20)}.size() > 0`],
    ['shared lists that are compared', `[[1]]${'.map(x, [x, x])'.repeat(18)} == [[1]]${'.map(x, [x, x])'.repeat(18)}`],
    ['a search in a long text', `assertion.many.all(a, !assertion.long.contains(assertion.half))`],
    ['a long text split and joined', `assertion.many.all(a, assertion.long.split('').join('') != '')`],
    ['a replacement that grows', `assertion.long.replace('', assertion.half) != ''`],
    ['a billion replacements', `'a'.replace('', 'b', 1000000000) == 'bab' && assertion.long.replace('', 'bb') != ''`],
    ['a join that grows', `assertion.many.join(assertion.half) != ''`],
    ['a subject that is too long', `assertion.long.matches('a')`],
    [
      'a dear pattern in each round',
      `assertion.many.all(a, !assertion.half.substring(0, 2000).matches('(?:a?){99}b'))`,
    ],
    [
      'time zones in each round',
      `assertion.many.all(a, timestamp(0).getHours(a.replace(a, 'Europe/Berlin')) > 99 || true)`,
    ],
  ])('%s', (_name, source) => {
    const claims = { many, long: 'a'.repeat(12_000), half: `${'a'.repeat(6_000)}b` };
    const result = timed(() => withClaims(source, claims));
    if (result.ok) expect(source).toContain('Europe/Berlin');
    else expect(result).toEqual(SPENT);
  });

  test.each([`^(a+)+$`, `(a|aa)+$`, `(a|a?)+$`, `(.*)*x`, `^(([a-z])+.)+[A-Z]([a-z])+$`, `(?:a?){50}a{50}`])(
    'the pattern %s',
    (pattern) => {
      const claims = { text: `${'a'.repeat(2000)}!` };
      const result = timed(() => withClaims(`assertion.text.matches('${pattern}')`, claims));
      if (result.ok) expect(typeof result.value).toBe('boolean');
      else expect(result).toEqual(SPENT);
    },
  );
});

test('what honest policies need is well within the limits', () => {
  const groups = Array.from({ length: 200 }, (_, index) => `group-${index}`);
  expect(withClaims(`assertion.groups.exists(g, g == 'group-199' || g.startsWith('x'))`, { groups })).toEqual({
    ok: true,
    value: true,
  });
  const names = Array.from({ length: 250 }, (_, index) => `'n${index}'`).join(',');
  expect(withClaims(`assertion.name in [${names}]`, { name: 'n249' })).toEqual({ ok: true, value: true });
  const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
  expect(withClaims(`assertion.id.matches('^${uuid}$')`, { id: '01234567-89ab-cdef-0123-456789abcdef' })).toEqual({
    ok: true,
    value: true,
  });
});

test('after an exhausted evaluation the next one has its whole budget', () => {
  const many = Array(900).fill('x');
  const dear = `assertion.many.all(a, assertion.many.all(b, a == b))`;
  expect(withClaims(dear, { many }).ok).toBe(false);
  expect(withClaims(`assertion.many.all(a, a == 'x')`, { many })).toEqual({ ok: true, value: true });
});

test('no expression makes anything throw', () => {
  const atoms = [
    'assertion',
    'assertion.a',
    'google.subject',
    '1',
    '-1',
    '2.5',
    "'x'",
    'true',
    'null',
    '[1]',
    "{'a': 1}",
    'x',
  ];
  const expression = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...atoms),
      fc
        .tuple(tie('any'), fc.constantFrom('&&', '||', '==', '<', '+', '-', '*', '/', '%', 'in'), tie('any'))
        .map(([l, o, r]) => `(${l} ${o} ${r})`),
      fc
        .tuple(fc.constantFrom('!', '-', 'size', 'string', 'int', 'timestamp', 'duration', 'has', 'type'), tie('any'))
        .map(([f, a]) => `${f}(${a})`),
      fc
        .tuple(tie('any'), fc.constantFrom('all', 'exists', 'map', 'filter', 'exists_one'), tie('any'))
        .map(([t, m, b]) => `${t}.${m}(x, ${b})`),
      fc
        .tuple(
          tie('any'),
          fc.constantFrom('matches', 'contains', 'split', 'extract', 'replace', 'join', 'getHours'),
          tie('any'),
        )
        .map(([t, m, a]) => `${t}.${m}(${a})`),
      fc.tuple(tie('any'), tie('any'), tie('any')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
      fc.tuple(tie('any'), tie('any')).map(([a, b]) => `${a}[${b}]`),
      fc.string({ maxLength: 8 }),
    ),
  })).any;
  let evaluated = 0;
  fc.assert(
    fc.property(expression, fc.jsonValue({ maxDepth: 3 }), (source, claim) => {
      const condition = compileCondition(source, 'attribute');
      if (!condition.ok) {
        expect(condition.error.line).toBeGreaterThan(0);
        return;
      }
      evaluated += 1;
      const result = evaluateCondition(condition.value, {
        assertion: { a: claim },
        google: { subject: 's' },
        attribute: {},
      });
      expect(typeof (result.ok ? result.value : result.error)).toBe(result.ok ? 'boolean' : 'string');
    }),
    { numRuns: 5000 },
  );
  expect(evaluated).toBeGreaterThan(100);
});

/** What is no expression of CEL is reported where its author has to type, not where the parser gave up. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from '@bufbuild/cel';
import { diagnose } from '../../../src/core/policy/diagnosis.ts';
import { fault } from './support.ts';

const VALUE_AT_END = 'a value is expected before the end of the expression';

test.each([
  ['', VALUE_AT_END, 1, 1],
  [' // nothing\n', VALUE_AT_END, 1, 1],
  // Brackets.
  [
    `a < timestamp("2030-01-01T00:00:00Z"`,
    `')' is expected before the end of the expression: '(' at 1:14 is open`,
    1,
    37,
  ],
  [`a &&\n (b || c`, `')' is expected before the end of the expression: '(' at 2:2 is open`, 2, 9],
  [`[1, 2`, `']' is expected before the end of the expression: '[' at 1:1 is open`, 1, 6],
  [`{"a": 1`, `'}' is expected before the end of the expression: '{' at 1:1 is open`, 1, 8],
  [`has(a.b `, `')' is expected before the end of the expression: '(' at 1:4 is open`, 1, 8],
  [`a[1`, `']' is expected before the end of the expression: '[' at 1:2 is open`, 1, 4],
  [`f(`, `')' is expected before the end of the expression: '(' at 1:2 is open`, 1, 3],
  [`(a]`, `')' is expected before ']': '(' at 1:1 is open`, 1, 3],
  [`a == 1)`, `')' closes nothing`, 1, 7],
  [`a && b)) || c`, `')' closes nothing`, 1, 7],
  // Strings.
  [`assertion.sub == "x`, 'this string is not closed', 1, 18],
  [`a.startsWith('x)`, 'this string is not closed', 1, 14],
  [`a == "x\n" && b`, 'this string is not closed', 1, 6],
  [`a == """x" && b`, 'this string is not closed', 1, 6],
  [`a == r"x\\" && b == br'\\`, 'this string is not closed', 1, 20],
  [`a == "\\"`, 'this string is not closed', 1, 6],
  ['x == “y”', `'“' is no quotation mark of CEL: use " or '`, 1, 6],
  // Values and operators.
  [`assertion.a ==`, VALUE_AT_END, 1, 15],
  [`a && \n `, VALUE_AT_END, 1, 5],
  [`!`, VALUE_AT_END, 1, 2],
  [`a.exists(x, `, VALUE_AT_END, 1, 12],
  [`a.b(1,,2)`, `a value is expected before ','`, 1, 7],
  [`f(1,)`, `a value is expected before ')'`, 1, 5],
  [`a && || b`, `a value is expected before '||'`, 1, 6],
  [`a <> b`, `a value is expected before '>'`, 1, 4],
  [`a == in b`, `a value is expected before 'in'`, 1, 6],
  [`()`, `a value is expected before ')'`, 1, 2],
  [`a b`, `an operator is expected before 'b'`, 1, 3],
  [`a ==\n b c`, `an operator is expected before 'c'`, 2, 4],
  [`a == 'x' and b`, `an operator is expected before 'and': and is written '&&'`, 1, 10],
  [`a == 'x' OR b`, `an operator is expected before 'OR': or is written '||'`, 1, 10],
  [`not a`, `an operator is expected before 'a'`, 1, 5],
  [`a not in b`, `an operator is expected before 'not': not is written '!'`, 1, 3],
  [`"a" "b"`, 'an operator is expected before this string', 1, 5],
  [`(a)(b)`, `an operator is expected before '('`, 1, 4],
  [`a = b`, `'=' is no operator: equal is written '=='`, 1, 3],
  [`a === b`, `'=' is no operator: equal is written '=='`, 1, 5],
  [`a == 1 & b`, `'&' is no operator: and is written '&&'`, 1, 8],
  [`a | b`, `'|' is no operator: or is written '||'`, 1, 3],
  [`a ? b`, `':' is expected before the end of the expression`, 1, 6],
  [`(a ? b)`, `':' is expected before ')'`, 1, 7],
  [`a : b`, `':' stands after a '?' or in a map only`, 1, 3],
  [`a, b`, `',' stands in calls, lists and maps only`, 1, 2],
  [`(a, b)`, `',' stands in calls, lists and maps only`, 1, 3],
  // Names.
  [`a.`, `a name is expected after '.'`, 1, 3],
  [`a."x"`, `a name is expected after '.'`, 1, 3],
  // What CEL does not have.
  [`1 == 1; 2`, `';' has no meaning here`, 1, 7],
  ['a == `b`', "'`' has no meaning here", 1, 6],
  [`a\u00A0== b`, 'U+00A0 has no meaning here', 1, 2],
  [`true // why`, 'a comment ends with a line break', 1, 6],
  // Well written, but with a word that is taken: the parser knows better.
  [`if (a)`, 'reserved identifier', 1, 1],
  [`a.in`, 'reserved keyword', 1, 3],
])('%s', (source, message, line, column) => {
  expect(fault(source)).toEqual({ message, line, column });
});

test('finds no fault in what the parser takes, wherever a valid expression is cut off it finds one, and never throws', () => {
  const valid = [
    `request.time < timestamp("2030-01-01T00:00:00Z") && !(a.b[0]["x"] in [1, -2.5e3, .5, 0x1Fu,])`,
    `a ? b : c ? {"x": 1, 'y': r'\\'} : {} // why\n && .a.b{c: 1}.d() || - -1 > b"x"[0]`,
    `has(a.b) && a.all(x, x.startsWith('''it's''')) || """\n"\\"""" == br"\\" && [] == f()`,
  ];
  let cutOff = 0;
  for (const text of valid) {
    expect(() => parse(text)).not.toThrow();
    expect(diagnose(text), text).toBeUndefined();
    for (let length = 0; length < text.length; length += 1) {
      const part = text.slice(0, length);
      if (isValid(part)) continue;
      cutOff += 1;
      expect(diagnose(part), part).toBeDefined();
    }
  }
  expect(cutOff).toBeGreaterThan(100);
  const pieces = fc.constantFrom(
    ...'()[]{}?:,.!-&|="\'\\ \n'.split(''),
    '&&',
    '==',
    ' in ',
    'a',
    '1',
    '"x"',
    '//',
    'r"',
    '"""',
  );
  let parsed = 0;
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      const found = diagnose(text);
      if (!isValid(text)) return;
      parsed += 1;
      expect(found, text).toBeUndefined();
    }),
    { numRuns: 20_000 },
  );
  expect(parsed).toBeGreaterThan(100);
});

function isValid(text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

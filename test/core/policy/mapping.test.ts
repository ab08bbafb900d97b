/** Mappings make a string or a list of strings from claims, or they refuse. */
import { expect, test } from 'vitest';
import { compileMapping, evaluateMapping } from '../../../src/core/policy/mapping.ts';
import { CLAIMS } from './support.ts';

function mapped(source: string): unknown {
  const mapping = compileMapping(source);
  if (!mapping.ok) throw new Error(mapping.error.message);
  return evaluateMapping(mapping.value, CLAIMS);
}

test.each([
  [`assertion.sub`, CLAIMS['sub']],
  [`'ns/' + assertion.sub.split(':')[2] + '/sa/' + assertion.sub.split(':')[3]`, 'ns/default/sa/builder'],
  [`assertion.sub.extract('system:serviceaccount:{namespace}:')`, 'default'],
  [`{'builder': 'b'}[assertion.sub.split(':')[3]]`, 'b'],
  [`assertion.groups`, ['a', 'b', 'c']],
  [`assertion.groups.filter(g, g != 'a')`, ['b', 'c']],
  [`[]`, []],
  [`'admin' in assertion ? 'yes' : 'no'`, 'no'],
  [`string(assertion.exp)`, '1893456000'],
])('%s', (source, expected) => {
  expect(mapped(source)).toEqual({ ok: true, value: expected });
});

test.each([
  [`assertion.missing`, 'an attribute or key is absent (at 1:10)'],
  [`assertion.n`, 'the result is neither a string nor a list of strings'],
  [`assertion.nothing`, 'the result is neither a string nor a list of strings'],
  [`assertion.nested.list`, 'the result is neither a string nor a list of strings'],
  [`assertion.nested`, 'the result is neither a string nor a list of strings'],
  [`[assertion.sub, assertion.n]`, 'the result is neither a string nor a list of strings'],
])('%s is refused', (source, reason) => {
  expect(mapped(source)).toEqual({ ok: false, error: reason });
});

test('a mapping has at most 2,048 characters', () => {
  expect(compileMapping(`'${'a'.repeat(2046)}'`).ok).toBe(true);
  expect(compileMapping(`'${'a'.repeat(2047)}'`)).toMatchObject({ error: { line: 1, column: 1 } });
});

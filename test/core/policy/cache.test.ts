/** Policies are compiled once, and what others write cannot fill the memory. */
import { expect, test } from 'vitest';
import { createPolicyCompiler } from '../../../src/core/policy/cache.ts';

test('the same source is compiled once, in each scope for itself', () => {
  const compiler = createPolicyCompiler(10);
  const first = compiler.condition('true', 'binding');
  expect(compiler.condition('true', 'binding')).toBe(first);
  expect(compiler.condition('true', 'attribute')).not.toBe(first);
  expect(compiler.condition('true', 'attribute')).toMatchObject({ ok: true, value: { scope: 'attribute' } });
  expect(compiler.condition('assertion.a == 1', 'binding').ok).toBe(false);
  expect(compiler.condition('assertion.a == 1', 'attribute').ok).toBe(true);
  expect(compiler.mapping('assertion.sub')).toBe(compiler.mapping('assertion.sub'));
});

test('a fault is remembered too', () => {
  const compiler = createPolicyCompiler(10);
  const refused = compiler.mapping('assertion.');
  expect(refused.ok).toBe(false);
  expect(compiler.mapping('assertion.')).toBe(refused);
});

test('what was asked for longest ago is forgotten', () => {
  const compiler = createPolicyCompiler(2);
  const one = compiler.condition('1 == 1', 'binding');
  const two = compiler.condition('2 == 2', 'binding');
  expect(compiler.condition('1 == 1', 'binding')).toBe(one);
  compiler.condition('3 == 3', 'binding');
  expect(compiler.condition('1 == 1', 'binding')).toBe(one);
  expect(compiler.condition('2 == 2', 'binding')).not.toBe(two);
});

test('what is too long is refused and not kept', () => {
  const compiler = createPolicyCompiler(2);
  const endless = 'a'.repeat(1_000_000);
  const refused = compiler.condition(endless, 'attribute');
  expect(refused.ok).toBe(false);
  expect(compiler.condition(endless, 'attribute')).not.toBe(refused);
});

/** The vectors of Google's reference for extract(), and the corners around them. */
import { expect, test } from 'vitest';
import { extract } from '../../../src/core/policy/extract.ts';
import { atTime, RESOURCE } from './support.ts';

const NAME = 'projects/_/buckets/acme-orders-aaa/objects/data_lake/orders/order_date=2019-11-03/aef87g87ae0876';

test.each([
  ['/order_date={date}/', '2019-11-03'],
  ['buckets/{name}/', 'acme-orders-aaa'],
  ['/orders/{empty}order_date', ''],
  ['{start}/objects/data_lake', 'projects/_/buckets/acme-orders-aaa'],
  ['orders/{end}', 'order_date=2019-11-03/aef87g87ae0876'],
  ['/orders/{none}/order_date=', ''],
  ['/orders/order_date=2019-11-03/{id}/data_lake', ''],
  ['{whole}', NAME],
  ['/{first}/', '_'],
  ['nowhere{x}', ''],
  ['{x}nowhere', ''],
])('%s gives %j', (template, expected) => {
  expect(extract(NAME, template)).toBe(expected);
  const condition = `resource.name.extract('${template}') == '${expected}'`;
  expect(atTime(condition, 0, { ...RESOURCE, name: NAME })).toEqual({ ok: true, value: true });
});

test('the first suffix after the prefix ends it', () => {
  expect(extract('b-a-b-c-b', 'a{x}b')).toBe('-');
  expect(extract('a/b', 'b{x}a')).toBe('');
});

test.each(['', 'x', '{}', '{a-b}', '{a}{b}', '{a', 'a}', '{{a}}'])('%j is no template', (template) => {
  expect(() => extract('x', template)).toThrow('template');
});

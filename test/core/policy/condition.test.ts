/** What conditions mean: the probes on which CEL engines were seen to differ, and what counts as an error. */
import { describe, expect, test } from 'vitest';
import { compileCondition, evaluateCondition } from '../../../src/core/policy/condition.ts';
import { atTime, compiled, withClaims } from './support.ts';

describe('an attribute condition is true', () => {
  test.each([
    `assertion.sub.startsWith('system:serviceaccount:')`,
    `assertion.sub.split(':')[3] == 'builder'`,
    `assertion.exp == 1893456000`,
    `assertion.n == 2 && assertion.n < 3 && assertion.half > 2`,
    `assertion.n in [1, 2, 3]`,
    `timestamp(int(assertion.exp)) == timestamp('2030-01-01T00:00:00Z')`,
    `timestamp(1893456000) == timestamp('2030-01-01T00:00:00Z')`,
    `string(assertion.n) == '2'`,
    `1 != 2.5 && dyn(1) != 'x'`,
    `google.subject == 'ns/a/sa/b'`,
    `attribute.env == 'prod' && 'env' in attribute && !('foo' in attribute)`,
    `assertion.nested.map.key == 'value' && assertion['nested']['list'][1] == 2`,
    `has(assertion.nested.map) && !has(assertion.nested.other)`,
    // A claim that is null is there.
    `has(assertion.nothing) && 'nothing' in assertion && assertion.nothing == null`,
    `assertion.groups.exists(g, g == 'b') && assertion.groups.all(g, size(g) == 1)`,
    `assertion.groups.exists_one(g, g == 'b') && assertion.groups.filter(g, g != 'b') == ['a', 'c']`,
    `assertion.nested.map.exists(k, k == 'key')`,
    `assertion.groups.map(g, g + '!').join('') == 'a!b!c!'`,
    `[1, 2].exists(assertion, assertion == 2)`,
    `[1].exists(x, [2].exists(x, x == 2))`,
    `assertion.groups.hasOnly(['a', 'b', 'c', 'd']) && !assertion.groups.hasOnly(['a', 'b'])`,
    // Errors that the other side of a logical operator settles.
    `assertion.missing == 1 || true`,
    `true || assertion.missing == 1`,
    `!(assertion.missing == 1 && false)`,
    `[1, 2].exists(x, 1 / (x - 1) == 1)`,
    `true ? true : assertion.missing`,
    // RE2, not JavaScript.
    `assertion.sub.matches('builder') && 'ABC'.matches('(?i)abc') && 'abc'.matches('abc\\\\z')`,
    `!'a\\n'.matches('^a$') && 'ä'.matches('^\\\\pL$') && 'x'.matches('[[:alpha:]]')`,
    // Strings count in code points.
    `size(assertion.sentence) == 3 && assertion.sentence.size() == 3 && assertion.sentence.charAt(2) == '😀'`,
    `assertion.sentence.indexOf('😀') == 2 && assertion.sentence.substring(1, 2) == '€'`,
    `'ÄB'.lowerAscii() == 'Äb' && 'äb'.upperAscii() == 'äB'`,
    `'a-b-c'.replace('-', '/') == 'a/b/c' && 'a-b-c'.replace('-', '/', 1) == 'a/b-c'`,
    `'abc'.replace('', '-') == '-a-b-c-' && 'abc'.replace('', '-', 2) == '-a-bc' && 'abc'.replace('', '-', 0) == 'abc'`,
    `'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == [] && 'ab'.split('') == ['a', 'b']`,
    `'a😀b😀'.indexOf('😀', 2) == 3 && 'a😀b😀'.lastIndexOf('😀', 2) == 1 && '\u0085x\uFEFF'.trim() == 'x\uFEFF'`,
    `' x '.trim() == 'x' && 'hello'.lastIndexOf('l') == 3 && 'hello'.indexOf('z') == -1`,
    `type(assertion.sub) == string && type(assertion.n) == double`,
    `int('-5') == -5 && uint('5') == 5u && double('1e3') == 1000.0`,
    `timestamp('2030-01-01T00:00:00.000000001Z') > timestamp('2030-01-01T00:00:00Z')`,
    `timestamp('2030-01-02T00:00:00Z') - timestamp('2030-01-01T00:00:00Z') == duration('24h')`,
    `date('2030-01-01') + duration('90s') == timestamp('2030-01-01T00:01:30Z')`,
    `b'abc' + b'd' == b'abcd' && {'a': [1]} == {'a': [1.0]} && [null] != [0]`,
  ])('%s', (source) => {
    expect(withClaims(source)).toEqual({ ok: true, value: true });
  });
});

describe('an attribute condition is an error', () => {
  test.each([
    [`assertion.missing == 'x'`, 'an attribute or key is absent (at 1:10)'],
    [`assertion.sub == 'x' ||\n assertion.missing`, 'an attribute or key is absent (at 2:11)'],
    [`google.groups.exists(g, true)`, 'an attribute or key is absent (at 1:7)'],
    [`attribute.other == 'x'`, 'an attribute or key is absent (at 1:10)'],
    [`assertion.groups[7] == 'x'`, 'an index is out of bounds (at 1:1)'],
    [`assertion.sub.length == 3`, 'an attribute or key is absent (at 1:14)'],
    [`assertion.flag == false || assertion.sub`, 'type mismatch: expected bool, got string (at 1:1)'],
    [`assertion.sub`, 'the result is not a bool'],
    // The parser folds a double negation away; only `true` itself may pass.
    [`!!assertion.sub`, 'the result is not a bool'],
    [`!!assertion.nothing`, 'the result is not a bool'],
    [`assertion.n + 1 == 3`, `found no matching overload for '_+_' applied to '(double, int)' (at 1:13)`],
    [`int(assertion.n) / 0 == 1`, 'int divide by zero'],
    [`9223372036854775807 + int(assertion.n) > 0`, 'int overflow during _+_'],
    [`int(assertion.sub) == 0 && true`, 'this string is not a whole number (at 1:1)'],
    [`timestamp(assertion.sub) > timestamp(0)`, 'the evaluation failed (at 1:1)'],
    [`timestamp(int(assertion.exp) * 1000) > timestamp(0)`, 'timestamp out of range (at 1:1)'],
    [`timestamp(0).getHours(assertion.sub) == 1`, 'unknown time zone (at 1:13)'],
    [`assertion.sub.matches(assertion.sub + '(')`, 'this is not a regular expression of RE2 (at 1:14)'],
  ])('%s', (source, reason) => {
    expect(withClaims(source)).toEqual({ ok: false, error: reason });
  });

  test('whose reason holds no claim', () => {
    const secret = 'hunter2-secret';
    for (const source of [
      `int(assertion.x) == 1`,
      `bool(assertion.x)`,
      `timestamp(assertion.x) > timestamp(0)`,
      `duration(assertion.x) > duration('1s')`,
      `{'a': 1}[assertion.x] == 1`,
      `{assertion.x: 1, assertion.x: 2} == {}`,
      `'a'.matches(assertion.x + '(')`,
      `assertion.x`,
      `timestamp(0).getHours(assertion.x) == 1`,
      `double(assertion.x) == 1.0 && true`,
    ]) {
      const result = withClaims(source, { x: secret });
      expect(result.ok, source).toBe(false);
      expect(JSON.stringify(result), source).not.toContain(secret);
    }
  });
});

describe('claims are data', () => {
  const claims: Readonly<Record<string, unknown>> = JSON.parse(
    `{"__proto__":{"admin":true},"constructor":"c","$typeName":"google.protobuf.Any","typeUrl":"x",
      "message":{"$typeName":"google.protobuf.Timestamp","seconds":0,"nanos":0},"hasOwnProperty":1,"plain":{}}`,
  );

  test.each([
    [`assertion['__proto__'].admin`, true],
    [`has(assertion.plain.admin)`, false],
    [`assertion.constructor == 'c' && assertion.hasOwnProperty == 1`, true],
    [`has(assertion.toString) || 'valueOf' in assertion`, false],
    [`has(assertion.plain.constructor) || has(assertion.plain.__proto__)`, false],
    [`assertion['$typeName'] == 'google.protobuf.Any'`, true],
    [`type(assertion.message) == map && assertion.message.seconds == 0`, true],
  ])('%s is %s', (source, expected) => {
    expect(withClaims(source, claims)).toEqual({ ok: true, value: expected });
  });

  test('nested without end, they are refused', () => {
    const deep: Readonly<Record<string, unknown>> = JSON.parse(`{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`);
    expect(withClaims('true', deep)).toEqual({ ok: false, error: 'the claims are nested too deeply' });
  });

  test('what is no JSON is refused', () => {
    expect(withClaims('true', { x: () => 1 })).toEqual({ ok: false, error: 'the claims are not JSON' });
  });
});

describe('a binding condition', () => {
  test.each([
    [`request.time < timestamp('2027-01-01T00:00:00Z')`, true],
    [`request.time - duration('1h') > date('2026-03-10')`, true],
    [`resource.name.startsWith('projects/_/buckets/acme/')`, true],
    [`resource.type == 'storage.googleapis.com/Object' && resource.service == 'storage.googleapis.com'`, true],
    [`resource.matchTag('123/env', 'prod') && !resource.matchTag('123/env', 'dev')`, true],
    [`resource.matchTag('tagKeys/1', 'tagValues/2') || resource.matchTag('other', 'prod')`, false],
    [`resource.matchTagId('tagKeys/1', 'tagValues/2')`, true],
    [`resource.hasTagKey('123/env') && !resource.hasTagKey('toString') && resource.hasTagKeyId('tagKeys/1')`, true],
    [`api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/x'])`, true],
    [`api.getAttribute('storage.googleapis.com/objectListPrefix', 'none') == 'none'`, true],
    [`has(request.path) || has(destination.ip)`, false],
    [`request.path.startsWith('/admin') || resource.service == 'storage.googleapis.com'`, true],
  ])('%s is %s', (source, expected) => {
    expect(atTime(source)).toEqual({ ok: true, value: expected });
  });

  test.each([
    `request.path == '/'`,
    `request.host != 'x'`,
    `'x' in request.auth.access_levels`,
    `destination.ip == '1.2.3.4'`,
    `destination.port > 0`,
    `!(request.path == '/admin')`,
  ])('%s does not grant: nobody knows it here', (source) => {
    expect(atTime(source)).toMatchObject({ ok: false, error: expect.stringContaining('absent') });
  });

  test('about a member that the resource lacks does not grant', () => {
    const bare = { tags: {}, tagIds: {} };
    expect(atTime(`resource.name != 'x'`, 0, bare).ok).toBe(false);
    expect(atTime(`has(resource.name)`, 0, bare)).toEqual({ ok: true, value: false });
    expect(atTime(`resource.matchTag('constructor', 'x')`, 0, bare)).toEqual({ ok: true, value: false });
  });

  test('is not evaluated with variables of the other scope', () => {
    const condition = compiled('true', 'binding');
    const variables = { assertion: {}, google: { subject: 'x' }, attribute: {} };
    expect(evaluateCondition(condition, variables).ok).toBe(false);
  });
});

test('tells which variables it names and how many logical operators were written', () => {
  const { roots, logicalOperators } = compiled(
    `!(request.time > timestamp(0)) || !!(resource.name != '&& || !') && [1].exists(x, x == 1 || true)`,
    'binding',
  );
  expect([...roots].toSorted()).toEqual(['request', 'resource']);
  expect(logicalOperators).toBe(6);
  expect(compiled(`r'\\' != "a" && '''it's || ''' != '\\'&&'`, 'attribute').logicalOperators).toBe(1);
  expect(compileCondition('[1].exists(assertion, assertion == 1)', 'attribute')).toMatchObject({
    value: { roots: new Set() },
  });
  // The quotes of a comment hide nothing.
  expect(compiled(`true // it's\n && true // "\n || !false`, 'attribute').logicalOperators).toBe(3);
});

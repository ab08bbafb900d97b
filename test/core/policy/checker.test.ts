/** What is refused when it is written, and where the author is told to look. */
import { describe, expect, test } from 'vitest';
import { compileCondition, type ConditionScope } from '../../../src/core/policy/condition.ts';
import { compileMapping } from '../../../src/core/policy/mapping.ts';
import { fault } from './support.ts';

describe('an attribute condition is refused', () => {
  test.each([
    [`assertino.sub == 'x'`, `unknown variable 'assertino'`, 1, 1],
    [`true &&\n  assertino.sub == 'x'`, `unknown variable 'assertino'`, 2, 3],
    [`request.time > timestamp(0)`, `unknown variable 'request'`, 1, 1],
    [`constructor == 'x' || toString == 'x'`, `unknown variable 'constructor'`, 1, 1],
    [`frobnicate(assertion)`, `unknown function 'frobnicate'`, 1, 1],
    [`assertion.sub.frob('x')`, `unknown function 'frob'`, 1, 14],
    [`assertion.sub.constructor('x')`, `unknown function 'constructor'`, 1, 14],
    [`assertion.matchTag('a', 'b')`, `unknown function 'matchTag'`, 1, 10],
    [`google.sub == 'x'`, `unknown attribute 'sub'`, 1, 7],
    [`google == null`, 'this is no value; name one of its attributes', 1, 1],
    [`google['subject'] == 'x'`, 'this is no value; name one of its attributes', 1, 1],
    [`google.subject.length == 1`, 'string has no attributes', 1, 15],
    [`assertion.sub.startsWith('a', 'b')`, 'wrong number of arguments for startsWith()', 1, 14],
    [`assertion.sub.startsWith(1)`, 'there is no dyn.startsWith(int)', 1, 14],
    [`startsWith('a', 'b')`, 'startsWith() is a method', 1, 1],
    [`'1'.int() == 1`, 'int() is no method', 1, 4],
    [`'a' + 1 == 'a1'`, 'there is no +(string, int)', 1, 5],
    [`'a' < 1`, 'there is no <(string, int)', 1, 5],
    [`'a' == 1`, 'string and int are never equal', 1, 5],
    [`'a' && true`, 'a bool is needed here, not string', 1, 1],
    [`!'a'`, 'there is no !(string)', 1, 1],
    [`'a' in 'abc'`, 'there is no in(string, string)', 1, 5],
    [`'abc'.exists(c, true)`, 'string has no elements', 1, 1],
    [`has(assertion)`, 'has() is not used as a macro here', 1, 1],
    [`[1].all(x)`, 'all() is not used as a macro here', 1, 4],
    [`'a'`, 'the result must be a bool, not string', 1, 1],
    [`1 + 2`, 'the result must be a bool, not int', 1, 3],
    [`google.subject`, 'the result must be a bool, not string', 1, 7],
    [`assertion.groups.map(g, g)`, 'the result must be a bool, not list', 1, 17],
    [`true ? 'a' : 'b'`, 'the result must be a bool, not string', 1, 1],
    [`assertion.sub.matches('(')`, 'this is not a regular expression of RE2', 1, 23],
    [`assertion.sub.matches('(?=a)')`, 'this is not a regular expression of RE2', 1, 23],
    [`assertion.sub.matches(r'(a)\\1')`, 'this is not a regular expression of RE2', 1, 23],
    [`assertion.sub.matches('a{101}')`, 'a repetition has at most 100 rounds', 1, 23],
    [
      `assertion.sub.extract('{a}{b}') == ''`,
      'a template has exactly one {name}, made of letters, digits and _',
      1,
      23,
    ],
    [
      `timestamp('nope') == timestamp(0)`,
      `timestamp() cannot read this literal: it takes RFC 3339 with time and zone, such as "2030-01-31T00:00:00Z"`,
      1,
      11,
    ],
    [
      `timestamp('2030-13-01T00:00:00Z') == timestamp(0)`,
      `timestamp() cannot read this literal: it takes RFC 3339 with time and zone, such as "2030-01-31T00:00:00Z"`,
      1,
      11,
    ],
    [
      `timestamp('2030-01-01') == timestamp(0)`,
      `timestamp() cannot read this literal: it takes RFC 3339 with time and zone, such as "2030-01-31T00:00:00Z"`,
      1,
      11,
    ],
    [
      `timestamp('January 1 2030 00:00 GMT') == timestamp(0)`,
      `timestamp() cannot read this literal: it takes RFC 3339 with time and zone, such as "2030-01-31T00:00:00Z"`,
      1,
      11,
    ],
    [
      `timestamp(253402300800) == timestamp(0)`,
      'timestamp() cannot read this literal: it takes seconds since 1970, in the years 1 to 9999',
      1,
      11,
    ],
    [
      `duration('1 hour') == duration('0s')`,
      `duration() cannot read this literal: it takes numbers with units (h, m, s, ms, us, ns), such as "90s" or "1h30m"`,
      1,
      10,
    ],
    [
      `duration(1) == duration('0s')`,
      `duration() cannot read this literal: it takes numbers with units (h, m, s, ms, us, ns), such as "90s" or "1h30m"`,
      1,
      10,
    ],
    [
      `date('2030-02-30') == timestamp(0)`,
      `date() cannot read this literal: it takes a day that exists as YYYY-MM-DD, such as "2030-01-31"`,
      1,
      6,
    ],
    [`timestamp(0).getHours('Europe/Atlantis') == 1`, 'unknown time zone', 1, 23],
    [`timestamp(0).getHours('+25:00') == 1`, 'unknown time zone', 1, 23],
    [`'2020'.getFullYear() == 2020`, 'there is no string.getFullYear()', 1, 7],
    [`int('') == 0`, 'int() cannot read this literal', 1, 5],
    [`9223372036854775808 > 1`, 'this number has more than 64 bits', 1, 1],
    [`google.protobuf.Duration{seconds: 1} == duration('1s')`, 'messages cannot be made here', 1, 1],
  ])('%s', (source, message, line, column) => {
    expect(fault(source)).toEqual({ message, line, column });
  });
});

describe('a binding condition is refused', () => {
  test.each([
    [`assertion.sub == 'x'`, `unknown variable 'assertion'`, 1, 1],
    [`principal.typ == 'x'`, `unknown attribute 'typ'`, 1, 10],
    [`principal == null`, 'this is no value; name one of its attributes', 1, 1],
    [`request.tiem < timestamp(0)`, `unknown attribute 'tiem'`, 1, 8],
    [`request.auth == null`, 'this is no value; name one of its attributes', 1, 8],
    [`resource.labels == {}`, `unknown attribute 'labels'`, 1, 9],
    [`has(resource.tags)`, `unknown attribute 'tags'`, 1, 1],
    [`resource == null`, 'this is no value; name one of its attributes', 1, 1],
    [`resource.matchTag('a')`, 'wrong number of arguments for matchTag()', 1, 9],
    [`resource.matchTag('a', 1)`, 'there is no map.matchTag(string, int)', 1, 9],
    [`{'a': 'b'}.matchTag('a', 'b')`, 'matchTag() is a method of resource', 1, 1],
    [`[{'a': 'b'}].exists(resource, resource.matchTag('a', 'b'))`, 'matchTag() is a method of resource', 1, 31],
    [`matchTag('a', 'b')`, 'matchTag() is a method', 1, 1],
    [`request.time == 'x'`, 'google.protobuf.Timestamp and string are never equal', 1, 14],
    [`request.time > 5`, 'there is no >(google.protobuf.Timestamp, int)', 1, 14],
    [`request.time.getHours('Europe/Atlantis') > 5`, 'unknown time zone', 1, 23],
    [`request.time.getHours(1) > 5`, 'there is no google.protobuf.Timestamp.getHours(int)', 1, 13],
    [`api.getAttribute('x') == 1`, 'wrong number of arguments for getAttribute()', 1, 4],
    [`compute.isForwardingRuleCreation()`, `unknown function 'isForwardingRuleCreation'`, 1, 8],
    [
      `resource.isForwardingRuleCreationOperation()`,
      'isForwardingRuleCreationOperation() is a method of compute',
      1,
      1,
    ],
    [`compute.matchLoadBalancingSchemes('INTERNAL')`, 'there is no map.matchLoadBalancingSchemes(string)', 1, 8],
  ])('%s', (source, message, line, column) => {
    expect(fault(source, 'binding')).toEqual({ message, line, column });
  });
});

test('the first fault in the text is reported', () => {
  expect(fault(`assertion.a == 1 && foo == 1 && bar == 1`)).toMatchObject({ message: `unknown variable 'foo'` });
});

test('a mapping sees the assertion alone and makes a string or a list', () => {
  expect(compileMapping('google.subject')).toMatchObject({
    error: { message: `unknown variable 'google'`, column: 1 },
  });
  expect(compileMapping('size(assertion.sub)')).toMatchObject({
    error: { message: 'the result must be a string or a list, not int' },
  });
});

describe('nothing that was accepted can be called wrongly', () => {
  const scopes: ConditionScope[] = ['attribute', 'binding'];
  test.each(scopes)('names that hide behind an @ are no names in scope %s', (scope) => {
    for (const source of ['@tick(1)', '@tags.a == 1', 'x.@tags', '`@tags` == 1', '@in(1, [1])']) {
      expect(compileCondition(source, scope).ok, source).toBe(false);
    }
  });
});

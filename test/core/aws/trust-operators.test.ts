/** Each operator of a trust policy's conditions, as a table: what it says of a value that matches, of one that does not, and of a key that is not there. */
import { describe, expect, it } from 'vitest';
import { parseTrustPolicy } from '../../../src/core/aws/trust-policy/document.ts';
import { CLAIMS, NOW, policyOf, PREFIX, statement, verdict } from './trust-support.ts';

type Given = string | number | boolean | readonly string[] | undefined;
type Row = readonly [operator: string, given: Given, wanted: unknown, holds: boolean];

const ABSENT = undefined;
const ARN = 'arn:aws:iam::111122223333:role/app/one';

const ROWS: readonly Row[] = [
  ['StringEquals', 'blue', 'blue', true],
  ['StringEquals', 'blue', 'Blue', false],
  ['StringEquals', 'blue', ['red', 'blue'], true],
  ['StringEquals', 'blue', 'bl*', false],
  ['StringEquals', ABSENT, 'blue', false],
  ['StringEqualsIfExists', ABSENT, 'blue', true],
  ['StringEqualsIfExists', 'red', 'blue', false],
  ['StringNotEquals', 'blue', 'blue', false],
  ['StringNotEquals', 'red', ['blue', 'green'], true],
  ['StringNotEquals', 'green', ['blue', 'green'], false],
  ['StringNotEquals', ABSENT, 'blue', true],
  ['StringNotEqualsIfExists', ABSENT, 'blue', true],
  ['StringEqualsIgnoreCase', 'blue', 'BLUE', true],
  ['StringEqualsIgnoreCase', ABSENT, 'BLUE', false],
  ['StringNotEqualsIgnoreCase', 'blue', 'BLUE', false],
  ['StringNotEqualsIgnoreCase', ABSENT, 'BLUE', true],
  ['StringLike', 'system:serviceaccount:shop:checkout', 'system:serviceaccount:shop:*', true],
  ['StringLike', 'system:serviceaccount:shops:checkout', 'system:serviceaccount:shop:*', false],
  ['StringLike', 'ab', 'a?', true],
  ['StringLike', 'abc', 'a?', false],
  ['StringLike', 'a', 'a?', false],
  ['StringLike', 'A', 'a', false],
  ['StringLike', 'aXbXXc', 'a*b*c', true],
  ['StringLike', '', '*', true],
  ['StringLike', 'a.c', 'a?c', true],
  ['StringLike', 'a+c', 'a.c', false],
  ['StringLike', ABSENT, '*', false],
  ['StringLikeIfExists', ABSENT, 'a*', true],
  ['StringNotLike', 'shop', 'sh*', false],
  ['StringNotLike', 'mall', 'sh*', true],
  ['StringNotLike', ABSENT, 'sh*', true],
  ['NumericEquals', 5, '5.0', true],
  ['NumericEquals', '5', 5, true],
  ['NumericEquals', 'five', '5', false],
  ['NumericEquals', ABSENT, '5', false],
  ['NumericNotEquals', 5, '5', false],
  ['NumericNotEquals', ABSENT, '5', true],
  ['NumericLessThan', 4, '5', true],
  ['NumericLessThan', 5, '5', false],
  ['NumericLessThanEquals', 5, '5', true],
  ['NumericLessThanEquals', 6, '5', false],
  ['NumericGreaterThan', 6, '5', true],
  ['NumericGreaterThan', 5, '5', false],
  ['NumericGreaterThanEquals', 5, '5', true],
  ['NumericGreaterThanEquals', 4, '5', false],
  ['NumericGreaterThanIfExists', ABSENT, '5', true],
  ['DateEquals', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', true],
  ['DateEquals', 'yesterday', '2026-01-01', false],
  ['DateNotEquals', '2026-01-01', '2026-01-01T00:00:00Z', false],
  ['DateNotEquals', ABSENT, '2026-01-01', true],
  ['DateLessThan', '2025-12-31T23:59:59Z', '2026-01-01', true],
  ['DateLessThan', '2026-01-01', '2026-01-01', false],
  ['DateLessThanEquals', '2026-01-01', '2026-01-01', true],
  ['DateGreaterThan', String(NOW), '2026-01-01', true],
  ['DateGreaterThan', '2026-01-01', '2026-01-01', false],
  ['DateGreaterThanEquals', '2026-01-01', '2026-01-01', true],
  ['DateGreaterThanEquals', ABSENT, '2026-01-01', false],
  ['Bool', true, 'true', true],
  ['Bool', 'True', true, true],
  ['Bool', false, 'true', false],
  ['Bool', ABSENT, 'false', false],
  ['BoolIfExists', ABSENT, 'true', true],
  ['Null', ABSENT, 'true', true],
  ['Null', ABSENT, 'false', false],
  ['Null', 'blue', true, false],
  ['Null', 'blue', 'false', true],
  ['Null', [], 'true', true],
  ['ArnEquals', ARN, 'arn:aws:iam::111122223333:role/app/*', true],
  ['ArnLike', ARN, 'arn:aws:iam::*:role/app/one', true],
  ['ArnLike', ARN, 'arn:aws:*:role/app/one:x:y', false],
  ['ArnLike', 'no arn', 'arn:aws:iam::*:role/*', false],
  ['ArnLike', ABSENT, 'arn:aws:iam::*:role/*', false],
  ['ArnNotEquals', ARN, 'arn:aws:iam::111122223333:role/app/*', false],
  ['ArnNotLike', ARN, 'arn:aws:iam::999999999999:role/*', true],
  ['ArnNotLike', ABSENT, 'arn:aws:iam::*:role/*', true],
  // Of several values: the quantifier says how many must match.
  ['ForAnyValue:StringEquals', ['a', 'b'], ['b', 'c'], true],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['c'], false],
  ['ForAnyValue:StringEquals', ABSENT, ['a'], false],
  ['ForAnyValue:StringEquals', [], ['a'], false],
  ['ForAnyValue:StringEqualsIfExists', ABSENT, ['a'], true],
  ['ForAnyValue:StringNotEquals', ['a', 'b'], ['a'], true],
  ['ForAnyValue:StringNotEquals', ['a'], ['a'], false],
  ['ForAnyValue:StringLike', ['x/1', 'y/2'], 'y/*', true],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b', 'c'], true],
  ['ForAllValues:StringEquals', ['a', 'z'], ['a', 'b', 'c'], false],
  // As at AWS, and why a Null condition belongs beside it.
  ['ForAllValues:StringEquals', ABSENT, ['a'], true],
  ['ForAllValues:StringEquals', [], ['a'], true],
  ['ForAllValues:StringNotEquals', ['a', 'b'], ['c'], true],
  ['ForAllValues:StringNotEquals', ['a', 'c'], ['c'], false],
  ['ForAllValues:StringLike', ['x/1', 'x/2'], 'x/*', true],
  ['ForAllValues:Bool', ['true', 'true'], 'true', true],
];

const claimsWith = (given: Given): typeof CLAIMS =>
  given === undefined ? CLAIMS : ({ ...CLAIMS, colour: given } as typeof CLAIMS);

it.each(ROWS)('%s of %j against %j: %j', (operator, given, wanted, holds) => {
  const policy = policyOf(statement({ [operator]: { [`${PREFIX}:colour`]: wanted } }));
  expect(verdict(policy, { claims: claimsWith(given) }).allowed).toBe(holds);
});

it.each(ROWS)('in a Deny, %s of %j against %j: %j', (operator, given, wanted, holds) => {
  const deny = statement({ [operator]: { [`${PREFIX}:colour`]: wanted } }, { Effect: 'Deny' });
  expect(verdict(policyOf(statement(), deny), { claims: claimsWith(given) }).allowed).toBe(!holds);
});

it('several values and no quantifier: nobody can say what was meant, so it allows nothing and denies', () => {
  for (const [operator, wanted] of [
    ['StringEquals', 'a'],
    ['StringNotEquals', 'c'],
    ['StringLikeIfExists', '*'],
  ] as const) {
    const condition = { [operator]: { [`${PREFIX}:colour`]: wanted } };
    const claims = claimsWith(['a', 'b']);
    expect(verdict(policyOf(statement(condition)), { claims }).allowed, operator).toBe(false);
    expect(verdict(policyOf(statement(), statement(condition, { Effect: 'Deny' })), { claims }).allowed).toBe(false);
  }
});

it('a list of one value is that value', () => {
  const policy = policyOf(statement({ StringEquals: { [`${PREFIX}:colour`]: 'a' } }));
  expect(verdict(policy, { claims: claimsWith(['a']) }).allowed).toBe(true);
});

describe('what is no operator, or no value of one, is refused with its place', () => {
  it.each([
    [{ StringEqual: { [`${PREFIX}:sub`]: 'a' } }, /Statement\[0\]\.Condition\.StringEqual: there is no such operator/],
    [{ stringequals: { [`${PREFIX}:sub`]: 'a' } }, /no such operator/],
    [{ toString: { [`${PREFIX}:sub`]: 'a' } }, /no such operator/],
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, /not supported here/],
    [{ NullIfExists: { [`${PREFIX}:sub`]: 'true' } }, /Null stands alone/],
    [{ 'ForAnyValue:Null': { [`${PREFIX}:sub`]: 'true' } }, /Null stands alone/],
    [{ 'ForSomeValues:StringEquals': { [`${PREFIX}:sub`]: 'true' } }, /no such operator/],
    [{ Bool: { [`${PREFIX}:sub`]: 'yes' } }, /must be true or false/],
    [{ NumericEquals: { [`${PREFIX}:sub`]: '0x10' } }, /must be a number/],
    [{ DateLessThan: { [`${PREFIX}:sub`]: 'tomorrow' } }, /must be a time/],
    [{ ArnLike: { [`${PREFIX}:sub`]: 'role' } }, /must be an ARN/],
    [{ StringEquals: { [`${PREFIX}:sub`]: [] } }, /must be a string or a list/],
    [{ StringEquals: { [`${PREFIX}:sub`]: { a: 'b' } } }, /must be a string or a list/],
    [{ StringEquals: { [`${PREFIX}:sub`]: '${aws:username}' } }, /policy variables/],
    [{ StringEquals: {} }, /object of keys/],
    [{ StringEquals: 'x' }, /object of keys/],
    ['x', /must be an object/],
    [{ StringEquals: { sub: 'a' } }, /a key is ISSUER:CLAIM/],
    [{ StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }, /no value here/],
    [{ StringEquals: { 'aws:SourceVpc': 'vpc-1' } }, /no value here/],
  ])('%j', (condition, message) => {
    const parsed = parseTrustPolicy(JSON.stringify(policyOf(statement(condition as object))));
    expect(parsed.ok ? '' : parsed.error).toMatch(message);
  });
});

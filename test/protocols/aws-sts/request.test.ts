/** AWS's query protocol read: where parameters may stand, how often, and what of AssumeRoleWithWebIdentity is taken. Pure. */
import { describe, expect, it } from 'vitest';
import { parseAssumeRole } from '../../../src/protocols/aws-sts/assume-role-request.ts';
import { parseQueryRequest, type Sent } from '../../../src/protocols/aws-sts/query.ts';

const FORM = 'application/x-www-form-urlencoded';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

function read(change: Partial<Sent> = {}): string {
  const parsed = parseQueryRequest({ method: 'POST', mediaType: FORM, query: '', body: BODY, ...change });
  return parsed.ok ? parsed.value.action : `${parsed.error.status} ${parsed.error.code}`;
}

describe('a request', () => {
  it.each([
    ['a form', {}, 'GetCallerIdentity'],
    ['a form with a charset, as botocore sends it', { mediaType: `${FORM}; charset=utf-8` }, 'GetCallerIdentity'],
    ['got', { method: 'GET', query: BODY, body: '', mediaType: '' }, 'GetCallerIdentity'],
    ['got, presigned', { method: 'GET', query: `${BODY}&X-Amz-Signature=0`, body: '' }, 'GetCallerIdentity'],
    ['a form, presigned', { query: 'X-Amz-Signature=0' }, 'GetCallerIdentity'],
    ['escaped', { body: 'Action=Get%43allerIdentity&Version=2011-06-15' }, 'GetCallerIdentity'],
    ['a form with a query', { query: 'RoleArn=x' }, '400 InvalidParameterValue'],
    ['got with a body', { method: 'GET', query: BODY }, '400 InvalidParameterValue'],
    ['JSON', { mediaType: 'application/json', body: '{}' }, '400 InvalidParameterValue'],
    ['another method', { method: 'PUT' }, '405 InvalidAction'],
    ['no action', { body: 'Version=2011-06-15' }, '400 MissingParameter'],
    ['another version', { body: 'Action=X&Version=2011-06-16' }, '400 InvalidAction'],
    ['an action twice', { body: `${BODY}&Action=GetCallerIdentity` }, '400 InvalidParameterValue'],
    ['twice, once escaped', { body: `${BODY}&%41ction=X` }, '400 InvalidParameterValue'],
    ['bytes that are no UTF-8', { body: `${BODY}&a=%ff` }, '400 InvalidParameterValue'],
    [
      'a hundred parameters more',
      { body: `${BODY}&${Array.from({ length: 99 }, (_, at) => `p${at}=1`).join('&')}` },
      '400 InvalidParameterValue',
    ],
  ])('%s', (_what, change, expected) => {
    expect(read(change)).toBe(expected);
  });
});

const GOOD = {
  RoleArn: 'arn:aws:iam::111122223333:role/team/checkout',
  RoleSessionName: 'one',
  WebIdentityToken: ' e30.e30.e30\n',
};

function assume(change: Record<string, string | undefined>): unknown {
  const all = Object.entries({ ...GOOD, ...change }).filter(([, value]) => value !== undefined);
  const parsed = parseAssumeRole({ action: 'AssumeRoleWithWebIdentity', parameters: new Map(all) });
  return parsed.ok ? parsed.value : `${parsed.error.status} ${parsed.error.code}`;
}

it('AssumeRoleWithWebIdentity: an hour unless said, the token without the newline of its file', () => {
  expect(assume({})).toEqual({
    role: { accountId: '111122223333', path: '/team/', roleName: 'checkout' },
    sessionName: 'one',
    subjectToken: 'e30.e30.e30',
    durationSeconds: 3_600,
  });
  expect(assume({ DurationSeconds: '43200' })).toMatchObject({ durationSeconds: 43_200 });
});

it.each([
  [{ RoleArn: undefined }, '400 MissingParameter'],
  [{ WebIdentityToken: '' }, '400 MissingParameter'],
  [{ WebIdentityToken: ' \n ' }, '400 ValidationError'],
  [{ WebIdentityToken: 'x'.repeat(20_001) }, '400 ValidationError'],
  [{ RoleArn: 'arn:aws:iam::1:role/x' }, '400 ValidationError'],
  [{ RoleSessionName: 'x' }, '400 ValidationError'],
  [{ RoleSessionName: 'x'.repeat(65) }, '400 ValidationError'],
  [{ RoleSessionName: 'a/b' }, '400 ValidationError'],
  [{ DurationSeconds: '899' }, '400 ValidationError'],
  [{ DurationSeconds: '43201' }, '400 ValidationError'],
  [{ DurationSeconds: '1e3' }, '400 InvalidParameterValue'],
  [{ DurationSeconds: '' }, '400 InvalidParameterValue'],
  [{ ProviderId: 'www.amazon.com' }, '400 ValidationError'],
  [{ Policy: '{}' }, '400 MalformedPolicyDocument'],
  [{ Policy: '' }, '400 MalformedPolicyDocument'],
  [{ Policy: 'x'.repeat(2_049) }, '400 PackedPolicyTooLarge'],
  [{ 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/x' }, '400 MalformedPolicyDocument'],
])('not %j', (change, expected) => {
  expect(assume(change)).toBe(expected);
});

/** Trust policies in AWS's own JSON: that of a real EKS role pasted unchanged, who is named, what is denied, and what is no policy at all. */
import { describe, expect, it } from 'vitest';
import { parseRoleArn, roleArn } from '../../../src/core/aws/arn.ts';
import { sessionTagsOf } from '../../../src/core/aws/session-tags.ts';
import { parseTrustPolicy } from '../../../src/core/aws/trust-policy/document.ts';
import { isLike } from '../../../src/core/aws/trust-policy/wildcards.ts';
import { ACCOUNT, CLAIMS, FEDERATED, ISSUER, policyOf, PREFIX, statement, verdict } from './trust-support.ts';

/** As `eksctl create iamserviceaccount` writes it. */
const EKS_ROLE = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Federated: FEDERATED },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: {
          [`${PREFIX}:aud`]: 'sts.amazonaws.com',
          [`${PREFIX}:sub`]: 'system:serviceaccount:shop:checkout',
        },
      },
    },
  ],
};

describe('the policy of a role for an EKS ServiceAccount', () => {
  it('lets in that ServiceAccount, and says by which statement', () => {
    expect(verdict(EKS_ROLE)).toEqual({ allowed: true, statement: 'Statement[0]' });
  });

  it.each([
    ['another ServiceAccount', { claims: { ...CLAIMS, sub: 'system:serviceaccount:shop:checkout2' } }],
    ['the same in other letters', { claims: { ...CLAIMS, sub: 'system:serviceaccount:shop:Checkout' } }],
    ['another audience', { claims: { ...CLAIMS, aud: ['sts.example.com'] } }],
    ['no subject', { claims: { aud: ['sts.amazonaws.com'] } }],
    [
      'another cluster',
      { federated: FEDERATED.replace('EXAMPLE', 'ANOTHER'), issuerUri: ISSUER.replace('EXAMPLE', 'ANOTHER') },
    ],
    ['the cluster of that issuer in another account', { federated: FEDERATED.replace(ACCOUNT, '999999999999') }],
    ['an azp that is not the audience', { claims: { ...CLAIMS, azp: 'somebody else' } }],
  ])('keeps out %s', (_who, question) => {
    expect(verdict(EKS_ROLE, question).allowed).toBe(false);
  });

  it('StringLike for a whole namespace', () => {
    const policy = policyOf(
      statement({
        StringEquals: { [`${PREFIX}:aud`]: 'sts.amazonaws.com' },
        StringLike: { [`${PREFIX}:sub`]: 'system:serviceaccount:shop:*' },
      }),
    );
    expect(verdict(policy, { claims: { ...CLAIMS, sub: 'system:serviceaccount:shop:anybody' } }).allowed).toBe(true);
    expect(verdict(policy, { claims: { ...CLAIMS, sub: 'system:serviceaccount:shopping:anybody' } }).allowed).toBe(
      false,
    );
  });

  it('aud is azp where the token has one, and oaud is then its audience', () => {
    const policy = policyOf(
      statement({ StringEquals: { [`${PREFIX}:aud`]: 'client', [`${PREFIX}:oaud`]: 'sts.amazonaws.com' } }),
    );
    expect(verdict(policy, { claims: { ...CLAIMS, azp: 'client' } }).allowed).toBe(true);
    expect(verdict(policy).allowed).toBe(false);
  });

  it('says to the operator which condition is not true', () => {
    const refused = verdict(EKS_ROLE, { claims: { ...CLAIMS, sub: 'x' } });
    expect(refused).toEqual({ allowed: false, why: `Statement[0]: StringEquals on ${PREFIX}:sub is not true` });
  });
});

describe('who and what a statement is about', () => {
  const EC2 = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
  it.each([
    ['another service beside ours', policyOf(EC2, statement()), true],
    ['another service alone', policyOf({ ...EC2, Action: 'sts:AssumeRoleWithWebIdentity' }), false],
    [
      'a list of providers',
      policyOf(statement(undefined, { Principal: { Federated: ['arn:aws:iam::1:x', FEDERATED] } })),
      true,
    ],
    ['one statement without a list', { Version: '2012-10-17', Statement: statement() }, true],
    ['another action', policyOf(statement(undefined, { Action: 'sts:AssumeRole' })), false],
    ['an action in other letters', policyOf(statement(undefined, { Action: 'STS:assumerolewithwebidentity' })), true],
    ['a pattern of actions', policyOf(statement(undefined, { Action: ['sts:AssumeRoleWith*'] })), true],
    ['all but an action', policyOf(statement(undefined, { Action: undefined, NotAction: 'sts:AssumeRole' })), true],
    [
      'a Deny that is not about it',
      policyOf(statement(), statement(undefined, { Effect: 'Deny', Principal: { Federated: 'arn:aws:iam::1:x' } })),
      true,
    ],
    ['a Deny to everybody', policyOf(statement(), statement(undefined, { Effect: 'Deny', Principal: '*' })), false],
    [
      'a Deny to everybody, the long way',
      policyOf(statement(), statement(undefined, { Effect: 'Deny', Principal: { AWS: '*' }, Action: '*' })),
      false,
    ],
    [
      'a Deny to all but it',
      policyOf(
        statement(),
        statement(undefined, { Effect: 'Deny', Principal: undefined, NotPrincipal: { Federated: FEDERATED } }),
      ),
      true,
    ],
    [
      'a Deny to all but another',
      policyOf(
        statement(),
        statement(undefined, { Effect: 'Deny', Principal: undefined, NotPrincipal: { Federated: 'arn:aws:iam::1:x' } }),
      ),
      false,
    ],
  ] as const)('%s', (_what, policy, allowed) => {
    expect(verdict(policy).allowed).toBe(allowed);
  });

  it('tags and a source identity need to be allowed themselves', () => {
    const read = sessionTagsOf({
      'https://aws.amazon.com/tags': { principal_tags: { team: ['shop'] }, transitive_tag_keys: ['team'] },
      'https://aws.amazon.com/source_identity': 'ada',
    });
    if (!read.ok) throw new Error(read.error);
    const question = {
      tags: read.value,
      actions: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession', 'sts:SetSourceIdentity'] as const,
    };
    const all = { Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession', 'sts:SetSourceIdentity'] };
    expect(verdict(policyOf(statement()), question).allowed).toBe(false);
    expect(verdict(policyOf(statement(undefined, all)), question).allowed).toBe(true);
    const asked = (condition: object): boolean => verdict(policyOf(statement(condition, all)), question).allowed;
    expect(
      asked({
        StringEquals: { 'aws:RequestTag/Team': 'shop' },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] },
      }),
    ).toBe(true);
    expect(asked({ StringEquals: { 'sts:SourceIdentity': 'eve' } })).toBe(false);
    expect(asked({ 'ForAnyValue:StringEquals': { 'sts:TransitiveTagKeys': 'other' } })).toBe(false);
  });
});

describe('a token speaks for its issuer and for nothing else', () => {
  it('not for another issuer whose name its claim could complete', () => {
    const short = { issuerUri: 'https://oidc.example.com', federated: FEDERATED };
    const policy = policyOf(statement({ StringEquals: { 'oidc.example.com:8443:sub': 'root' } }));
    expect(verdict(policy, { ...short, claims: { ...CLAIMS, '8443:sub': 'root' } }).allowed).toBe(false);
  });

  it('not for the request, whatever the issuer is called', () => {
    const named = { issuerUri: 'http://sts', federated: FEDERATED };
    const policy = policyOf(statement({ StringEquals: { 'sts:RoleSessionName': 'root' } }));
    expect(verdict(policy, { ...named, claims: { ...CLAIMS, RoleSessionName: 'root' } }).allowed).toBe(false);
    const tagged = policyOf(statement({ StringEquals: { 'aws:RequestTag/team': 'root' } }));
    const claims = { ...CLAIMS, 'RequestTag/team': 'root' };
    expect(verdict(tagged, { issuerUri: 'http://aws', federated: FEDERATED, claims }).allowed).toBe(false);
  });

  it('not in two spellings at once', () => {
    const policy = policyOf(statement({ StringEquals: { [`${PREFIX}:colour`]: 'blue' } }));
    expect(verdict(policy, { claims: { ...CLAIMS, colour: 'blue' } }).allowed).toBe(true);
    expect(verdict(policy, { claims: { ...CLAIMS, colour: 'red', Colour: 'blue' } }).allowed).toBe(false);
    expect(verdict(EKS_ROLE, { claims: { ...CLAIMS, sub: 'x', SUB: CLAIMS.sub } }).allowed).toBe(false);
  });
});

describe('what is no trust policy is refused whole, with the place', () => {
  it.each([
    ['{', /not valid JSON/],
    ['[]', /must be a JSON object/],
    ['{"Version":"2012-10-17","Statement":[]}', /at least one/],
    ['{"Version":"2020-01-01","Statement":[{}]}', /Version/],
    ['{"Version":"2012-10-17","Statements":[]}', /Statements: there is no such element/],
    ['{"Statement":[{"Effect":"Allow","Effect":"Deny"}]}', /same member twice/],
    [policyOf(statement(undefined, { Effect: 'allow' })), /Statement\[0\]\.Effect/],
    [policyOf(statement(), statement(undefined, { Resource: '*' })), /Statement\[1\]\.Resource/],
    [policyOf(statement(undefined, { Conditions: {} })), /Conditions: there is no such element/],
    [policyOf(statement(undefined, { Principal: '*' })), /lets everybody in/],
    [policyOf(statement(undefined, { Principal: { AWS: ['1', '*'] } })), /lets everybody in/],
    [policyOf(statement(undefined, { Principal: { Federated: 'arn:aws:iam::1:oidc-provider/*' } })), /no wildcard/],
    [policyOf(statement(undefined, { Principal: {} })), /names nobody/],
    [policyOf(statement(undefined, { Principal: 'arn' })), /must be an object/],
    [policyOf(statement(undefined, { Principal: { federated: FEDERATED } })), /no such kind/],
    [policyOf(statement(undefined, { Principal: undefined, NotPrincipal: { Federated: FEDERATED } })), /only Deny/],
    [policyOf(statement(undefined, { NotPrincipal: { Federated: FEDERATED } })), /exactly one of/],
    [policyOf(statement(undefined, { Action: 's3:GetObject' })), /only sts:/],
    [policyOf(statement(undefined, { Action: [] })), /Action must be/],
    [policyOf(statement(undefined, { NotAction: 'sts:AssumeRole' })), /exactly one of/],
    [`{"Statement":"${'x'.repeat(8_192)}"}`, /longer than 8192/],
  ])('%j', (policy, message) => {
    const parsed = parseTrustPolicy(typeof policy === 'string' ? policy : JSON.stringify(policy));
    expect(parsed.ok ? 'taken' : parsed.error).toMatch(message);
  });
});

describe('session tags', () => {
  const tags = (principal_tags: unknown, transitive_tag_keys: unknown = []): unknown => ({
    'https://aws.amazon.com/tags': { principal_tags, transitive_tag_keys },
  });
  it.each([
    [tags({ a: ['b', 'c'] }), /one value/],
    [tags({ a: [] }), /one value/],
    [tags({ a: ['b'], A: ['c'] }), /the same key/],
    [tags({ 'aws:x': ['b'] }), /aws:/],
    [tags({ a: ['b'] }, ['c']), /transitive_tag_keys/],
    [tags(Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`k${at}`, ['v']]))), /more than 50/],
    [tags([]), /must be an object/],
    [{ 'https://aws.amazon.com/tags': 'x' }, /must be an object/],
    [{ 'https://aws.amazon.com/source_identity': 'a b' }, /source_identity/],
    [{ 'https://aws.amazon.com/source_identity': 'aws:root' }, /source_identity/],
  ])('%j', (claims, message) => {
    const read = sessionTagsOf(claims as Parameters<typeof sessionTagsOf>[0]);
    expect(read.ok ? 'taken' : read.error).toMatch(message);
  });
});

it.each([
  ['arn:aws:iam::111122223333:role/checkout', '/', 'checkout'],
  ['arn:aws:iam::111122223333:role/team/shop/checkout', '/team/shop/', 'checkout'],
])('reads %s', (arn, path, roleName) => {
  const read = parseRoleArn(arn);
  expect(read).toEqual({ accountId: ACCOUNT, path, roleName });
  expect(read && roleArn(read)).toBe(arn);
});

it.each([
  'arn:aws:iam::11112222333:role/x',
  'arn:aws:iam::111122223333:user/x',
  'arn:aws:iam::111122223333:role//x',
  'arn:aws:iam::111122223333:role/a//x',
  'arn:aws:iam::111122223333:role/',
  'arn:aws-cn:iam::111122223333:role/x',
  'arn:aws:iam::111122223333:role/x y',
  'arn:aws:iam::111122223333:role/x\n',
])('takes no other text for a role: %j', (arn) => {
  expect(parseRoleArn(arn)).toBeUndefined();
});

it('a pattern that would stall a backtracking matcher is answered at once', () => {
  const startMs = performance.now();
  expect(isLike('a'.repeat(4_000), `${'*a'.repeat(1_000)}*b`)).toBe(false);
  expect(performance.now() - startMs).toBeLessThan(1_000);
});

/** Projects with an AWS account and their roles: what the edge finds them by, how many providers there may be, and what history brings back. */
import { beforeEach, describe, expect, it } from 'vitest';
import { awsShard } from '../../../src/core/admin/aws-providers.ts';
import type { AwsRoleInput, Command } from '../../../src/core/admin/commands.ts';
import { shardKey } from '../../../src/core/resources.ts';
import { Administered, fieldsOf, sentencesOf } from '../../support/administer.ts';
import { PROJECT } from '../../support/admin-samples.ts';

const ACCOUNT = '111122223333';
const { projectNumber } = PROJECT;
const AWS_SHARD = shardKey.aws(projectNumber);
const POOL = 'jobs-pool';

const account = (awsAccountId: string): Command => ({
  type: 'project.patch',
  input: { awsAccountId },
  mask: ['awsAccountId'],
});
const provider = (providerId: string, issuerUri = `https://${providerId}.example.com`): Command => ({
  type: 'provider.create',
  poolId: POOL,
  providerId,
  input: { oidc: { issuerUri }, attributeMapping: { 'google.subject': 'assertion.sub' } },
});
const role = (accountId: string, awsRole: AwsRoleInput): Command => ({
  type: 'serviceAccount.create',
  accountId,
  input: { awsRole },
});
const patched = (accountId: string, awsRole?: AwsRoleInput): Command => ({
  type: 'serviceAccount.patch',
  accountId,
  input: awsRole === undefined ? {} : { awsRole },
  mask: ['awsRole'],
});
const arn = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;

let project: Administered;

beforeEach(() => {
  project = new Administered();
  project.do({ type: 'pool.create', poolId: POOL, input: {} });
});

describe('the record of providers by issuer', () => {
  it('is there for projects with an account only, and follows every change', () => {
    expect(project.do(provider('first')).shards).not.toContain(AWS_SHARD);
    expect(awsShard(project.state)).toBeUndefined();
    expect(project.do(account(ACCOUNT)).shards).toContain(AWS_SHARD);
    project.do(provider('second', 'https://first.example.com'));
    const at = (): unknown => awsShard(project.state)?.aws.providersByIssuer['https://first.example.com'];
    expect(at()).toEqual([
      { poolId: POOL, providerId: 'first' },
      { poolId: POOL, providerId: 'second' },
    ]);
    for (const change of [
      { type: 'provider.delete', poolId: POOL, providerId: 'first' },
      { type: 'pool.delete', poolId: POOL },
      { type: 'pool.undelete', poolId: POOL },
      { type: 'provider.undelete', poolId: POOL, providerId: 'first' },
    ] as const) {
      expect(project.do(change).shards, change.type).toContain(AWS_SHARD);
    }
    project.do({ type: 'pool.delete', poolId: POOL });
    expect(at()).toBeUndefined();
    expect(project.do(account('')).shards).toContain(AWS_SHARD);
    expect(awsShard(project.state)).toBeUndefined();
  });

  it('has a hundred at most: no more are made, and a project with more gets no account', () => {
    project.do(account(ACCOUNT));
    for (let at = 0; at < 100; at++) project.do(provider(`provider-${at}`));
    expect(project.refuse(provider('one-more'))).toMatchObject({ tag: 'limit_reached' });
    project.do({ type: 'provider.delete', poolId: POOL, providerId: 'provider-0' });
    project.do(provider('one-more'));
    expect(project.refuse({ type: 'provider.undelete', poolId: POOL, providerId: 'provider-0' })).toMatchObject({
      tag: 'limit_reached',
    });
    project.do(account(''));
    project.do({ type: 'provider.undelete', poolId: POOL, providerId: 'provider-0' });
    expect(project.refuse(account(ACCOUNT))).toMatchObject({ tag: 'limit_reached' });
  });

  it('and a pool does not bring back more than that', () => {
    project.do(account(ACCOUNT));
    for (let at = 0; at < 60; at++) project.do(provider(`provider-${at}`));
    project.do({ type: 'pool.delete', poolId: POOL });
    project.do({ type: 'pool.create', poolId: 'other-pool', input: {} });
    for (let at = 0; at < 60; at++) project.do({ ...provider(`provider-${at}`), poolId: 'other-pool' } as Command);
    expect(project.refuse({ type: 'pool.undelete', poolId: POOL })).toMatchObject({ tag: 'limit_reached' });
  });
});

describe('a role', () => {
  it('is found by its name, and not by the one that it had', () => {
    project.do(account(ACCOUNT));
    const key = (name: string): string => shardKey.serviceAccount(projectNumber, `role:${name}`);
    expect(project.do(role('checkout', { arn: arn('team/One') })).shards).toContain(key('One'));
    expect(project.do(patched('checkout', { arn: arn('Two') })).shards).toEqual(
      expect.arrayContaining([key('One'), key('Two')]),
    );
    expect(project.do(patched('checkout')).shards).toContain(key('Two'));
  });

  it.each<readonly [string, AwsRoleInput, string]>([
    ['no ARN', {}, 'awsRole.arn'],
    ['an ARN of another account', { arn: arn('one').replace(ACCOUNT, '999999999999') }, 'awsRole.arn'],
    ['an ARN that is no role’s', { arn: `arn:aws:iam::${ACCOUNT}:user/one` }, 'awsRole.arn'],
    ['a trust policy that is none', { arn: arn('one'), trustPolicy: { Statement: [] } }, 'awsRole.trustPolicy'],
    ['an empty trust policy', { arn: arn('one'), trustPolicy: '' }, 'awsRole.trustPolicy'],
    ['too long a session', { arn: arn('one'), maxSessionDuration: '43201s' }, 'awsRole.maxSessionDuration'],
  ])('is refused with %s', (_what, input, field) => {
    project.do(account(ACCOUNT));
    expect(fieldsOf(project.refuse(role('checkout', input)))).toEqual([field]);
  });

  it('needs a project with an account', () => {
    expect(sentencesOf(project.refuse(role('checkout', { arn: arn('one') })))).toContain(
      'needs a project with an awsAccountId',
    );
  });

  it('keeps its name while its account is deleted', () => {
    project.do(account(ACCOUNT));
    project.do(role('checkout', { arn: arn('one') }));
    project.do({ type: 'serviceAccount.delete', accountId: 'checkout' });
    expect(fieldsOf(project.refuse(role('other', { arn: arn('path/ONE') })))).toEqual(['awsRole.arn']);
    project.do({ type: 'serviceAccount.undelete', accountId: 'checkout' });
    project.do(patched('checkout', { arn: arn('ONE') }));
  });
});

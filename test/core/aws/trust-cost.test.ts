/** What a trust policy may cost: a tenant writes it, and whoever he keeps thinking serves others too. */
import { expect, it } from 'vitest';
import { roleStanding, type RoleQuestion } from '../../../src/core/aws/role-standing.ts';
import { NO_TAGS } from '../../../src/core/aws/session-tags.ts';
import { createPolicyCompiler } from '../../../src/core/policy/cache.ts';
import { EMPTY_POLICY, type Shards } from '../../../src/core/resources.ts';
import { ACCOUNT, CLAIMS, ISSUER, NOW, policyOf, PREFIX, statement } from './trust-support.ts';

const HOUR_SECONDS = 3_600;
const ARN = `arn:aws:iam::${ACCOUNT}:role/robot`;
const provider = { projectNumber: '123456789012', poolId: 'pool', providerId: 'provider' };
const project: Shards['project'] = {
  project: {
    projectNumber: provider.projectNumber,
    projectId: 'demo',
    displayName: '',
    tokenExchangesPerMinute: 6_000,
    createTime: '2026-01-01T00:00:00.000Z',
  },
  policy: EMPTY_POLICY,
  openingRoleIds: [],
  targetIdByUri: {},
};
const account: Shards['serviceAccount'] = {
  serviceAccount: {
    accountId: 'robot',
    uniqueId: '112123456789012000001',
    email: 'robot@demo.iam.sts.example.com',
    displayName: '',
    description: '',
    disabled: false,
    maxTokenLifetimeSeconds: HOUR_SECONDS,
    createTime: '2026-01-01T00:00:00.000Z',
    updateTime: '2026-01-01T00:00:00.000Z',
    version: 1,
  },
  policy: EMPTY_POLICY,
};

function question(trustPolicy: object, sub: string): RoleQuestion {
  return {
    principal: { provider, subject: 'robot', groups: [], attributes: {}, claims: {} },
    project,
    account,
    role: { arn: ARN, trustPolicy: JSON.stringify(trustPolicy), maxSessionDurationSeconds: HOUR_SECONDS },
    asking: {
      accountId: ACCOUNT,
      issuerUri: ISSUER,
      claims: { ...CLAIMS, sub },
      sessionName: 'one-session',
      durationSeconds: HOUR_SECONDS,
      tags: NO_TAGS,
      nowSeconds: NOW,
    },
    isIssuerShared: false,
    maxSeconds: HOUR_SECONDS,
  };
}

const times = (count: number): object => ({
  'aws:EpochTime': Array.from({ length: count }, (_, at) => `${NOW + 1 + 2 * at}.5`),
});
const slow = { StringNotLike: { [`${PREFIX}:sub`]: `*${'a'.repeat(3_000)}b` } };
const compiler = createPolicyCompiler(10);

function msOf(condition: object): number {
  const startMs = performance.now();
  const standing = roleStanding(question(policyOf(statement(condition)), 'a'.repeat(12_000)), compiler);
  expect(standing).toMatchObject({ ok: true, value: { holdsForSeconds: HOUR_SECONDS } });
  return performance.now() - startMs;
}

it('a pattern that takes long is matched once a request, however many times stand beside it', () => {
  const onceMs = msOf(slow);
  expect(msOf({ ...slow, NumericNotEquals: times(100) })).toBeLessThan(20 * onceMs);
});

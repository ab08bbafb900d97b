/** Deny rules and pushed keys: who is bound and denied does not push, and where it cannot be told, neither. */
import { describe, expect, it } from 'vitest';
import type { ProviderInput } from '../../../src/core/admin/commands.ts';
import { EVERYBODY, type DenyRule } from '../../../src/core/resources.ts';
import { CLUSTER, OIDC, EC_KEY, jwks, RSA_KEY } from '../../support/admin-samples.ts';
import { Administered } from '../../support/administer.ts';

const ID = { poolId: 'my-pool', providerId: 'provider-1' };
const POOL = 'iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/my-pool';
const SUBJECT = `principal://${POOL}/subject/ns/kube-system/sa/key-agent`;
const BY_UID = `principal://${POOL}/kubernetes.serviceaccount.uid/uid-7`;
const set = (selector: string): string => `principalSet://${POOL}/${selector}`;
const PUSH = 'iam.workloadIdentityPoolProviders.pushKeys';
const DENIED = {
  tag: 'permission_denied',
  permission: PUSH,
  resource: 'projects/100000000001/locations/global/workloadIdentityPools/my-pool/providers/provider-1',
  byDenyRule: true,
};

/** One bound pusher, one rule, one push at the first of March. */
function pushed(
  change: Partial<DenyRule>,
  kind: 'kubernetes' | 'oidc' = 'kubernetes',
  on: 'project' | 'target' = 'project',
) {
  const project = new Administered();
  const input: ProviderInput = kind === 'kubernetes' ? CLUSTER : OIDC;
  project.do({ type: 'pool.create', poolId: 'my-pool', input: {} });
  project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
  const bindings = [{ role: 'roles/owner', members: [SUBJECT] }];
  project.do({ type: 'policy.set', resource: { kind: 'project' }, policy: { bindings } });
  const attachment = on === 'project' ? { kind: on } : { kind: on, targetId: 'api' };
  const denyRule = { deniedPrincipals: [SUBJECT], deniedPermissions: [PUSH], ...change };
  project.do({ type: 'denyPolicy.create', attachment, policyId: 'no-push', input: { rules: [{ denyRule }] } });
  // The provider comes last: afterwards a rule that its kind can never match would not be taken.
  project.do({ type: 'provider.create', ...ID, input });
  const { poolId, providerId } = ID;
  return project.try(
    {
      type: 'provider.pushKeys',
      ...ID,
      jwksJson: jwks(kind === 'kubernetes' ? RSA_KEY : EC_KEY),
      pusher: { identifier: SUBJECT, memberTexts: [SUBJECT, ...(kind === 'kubernetes' ? [BY_UID] : [])] },
      once: { key: 'token', untilSeconds: 4_000_000_000 },
      verifiedBy: {
        poolUpdateTime: project.state.pool(poolId)?.updateTime ?? '',
        providerUpdateTime: project.state.provider(poolId, providerId)?.updateTime ?? '',
      },
    },
    { time: '2026-03-01T00:00:00.000Z' },
  );
}

const CLUSTER_URI = CLUSTER.kubernetes.clusterUri;

describe('who is denied to push keys', () => {
  it.each([
    SUBJECT,
    BY_UID,
    EVERYBODY,
    set('*'),
    set('namespace/kube-system'),
    set(`kubernetes.cluster/${CLUSTER_URI}`),
  ])('%s', (principal) => {
    expect(pushed({ deniedPrincipals: [principal] })).toEqual({ ok: false, error: DENIED });
  });

  it.each([
    `${SUBJECT}2`,
    set('namespace/shop'),
    set('kubernetes.cluster/https://clusters.example.com/two'),
    set('group/admins'),
    set('attribute.repo/x'),
    set('*').replace('my-pool', 'your-pool'),
  ])('not by a rule about %s', (principal) => {
    expect(pushed({ deniedPrincipals: [principal] }).ok).toBe(true);
  });

  it.each([SUBJECT, BY_UID, set('*'), set('namespace/kube-system'), set(`kubernetes.cluster/${CLUSTER_URI}`)])(
    'not where %s is excepted',
    (principal) => {
      expect(pushed({ deniedPrincipals: [EVERYBODY], exceptionPrincipals: [principal] }).ok).toBe(true);
    },
  );

  it('where others are excepted', () => {
    const exceptionPrincipals = [set('namespace/shop'), `${SUBJECT}2`];
    expect(pushed({ exceptionPrincipals })).toEqual({ ok: false, error: DENIED });
  });
});

describe('of a token that no cluster issued', () => {
  it.each([set('group/admins'), set('attribute.repo/x'), set('*'), SUBJECT])('%s may be meant', (principal) => {
    expect(pushed({ deniedPrincipals: [principal] }, 'oidc')).toEqual({ ok: false, error: DENIED });
  });

  it('a subject that looks like a ServiceAccount is in no namespace', () => {
    expect(pushed({ deniedPrincipals: [set('namespace/kube-system')] }, 'oidc').ok).toBe(true);
    const excepting = { deniedPrincipals: [EVERYBODY], exceptionPrincipals: [set('namespace/kube-system')] };
    expect(pushed(excepting, 'oidc').ok).toBe(false);
  });

  it('nobody is excepted by what he may be', () => {
    const exceptionPrincipals = [set('group/admins'), set('attribute.repo/x')];
    expect(pushed({ exceptionPrincipals }, 'oidc').ok).toBe(false);
  });
});

describe('which rule denies it', () => {
  it.each([
    ['*'],
    ['iam.*'],
    ['iam.googleapis.com/workloadIdentityPoolProviders.pushKeys'],
    ['iam.googleapis.com/*.*'],
  ])('%s', (permission) => {
    expect(pushed({ deniedPermissions: [permission] }).ok).toBe(false);
  });

  it.each([
    ['another permission', { deniedPermissions: ['iam.workloadIdentityPoolProviders.update', 'sts.tokens.exchange'] }],
    ['an exception', { deniedPermissions: ['*'], exceptionPermissions: [PUSH] }],
  ])('not %s', (_what, change) => {
    expect(pushed(change).ok).toBe(true);
  });

  it('not one on a target', () => {
    expect(pushed({}, 'kubernetes', 'target').ok).toBe(true);
  });
});

describe('a condition', () => {
  const when = (expression: string) => pushed({ denialCondition: { expression } }).ok;

  it('of the time holds or does not', () => {
    expect(when('request.time >= timestamp("2026-03-01T00:00:00Z")')).toBe(false);
    expect(when('request.time > timestamp("2026-03-01T00:00:00Z")')).toBe(true);
  });

  it('finds no tag on a pool', () => {
    expect(when('resource.matchTag("1/env", "prod")')).toBe(true);
    expect(when('!resource.matchTag("1/env", "prod")')).toBe(false);
  });

  it.each([
    'resource.name == "x"',
    'request.workload.namespace == "shop"',
    'has(request.workload.pod)',
    'has(request.workload.claims.x)',
    'destination.port == 443',
  ])('%s cannot be told here, and applies', (expression) => {
    expect(when(expression)).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { parseMember } from '../../src/core/members.ts';
import { memberTexts, type Principal } from '../../src/core/principal.ts';

const POOL = '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/my-pool';
const BUILT_IN = '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo.svc.id.goog';

describe('parseMember', () => {
  it.each([
    [`principal:${POOL}/subject/system:serviceaccount:a:b`, 'subject'],
    [`principal:${BUILT_IN}/subject/ns/shop/sa/checkout`, 'subject'],
    [`principal:${BUILT_IN}/kubernetes.serviceaccount.uid/7c1b`, 'serviceAccountUid'],
    [`principalSet:${BUILT_IN}/namespace/shop`, 'namespace'],
    [
      `principalSet:${BUILT_IN}/kubernetes.cluster/https://container.googleapis.com/v1/projects/p/locations/l/clusters/c`,
      'cluster',
    ],
    [`principalSet:${POOL}/group/admins@example.com`, 'group'],
    [`principalSet:${POOL}/attribute.repo/org/name:x`, 'attribute'],
    [`principalSet:${POOL}/*`, 'everyone_in_pool'],
    ['serviceAccount:demo.svc.id.goog[shop/checkout]', 'legacy_kubernetes'],
    ['serviceAccount:robot@demo.iam.example.com', 'service_account'],
    ['user:ada@example.com', 'user'],
    ['principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ada', 'workforce'],
    [`deleted:principal:${POOL}/subject/x?uid=123`, 'deleted'],
    ['deleted:serviceAccount:robot@demo.iam.example.com?uid=123', 'deleted'],
  ])('takes %s', (text, kind) => {
    expect(parseMember(text)).toEqual({ ok: true, value: { kind, text } });
  });

  it.each([
    ['allUsers', 'refused'],
    ['allAuthenticatedUsers', 'refused'],
    ['group:x@example.com', 'refused'],
    ['domain:example.com', 'refused'],
    [`principalSet:${POOL}/subject/x`, 'principal://'],
    [`principal:${POOL}/namespace/x`, 'principalSet://'],
    [`principal:${POOL}/*`, 'principalSet://'],
    [`principalSet:${POOL}/attribute.Repo/x`, 'must come'],
    [`principalSet:${POOL}/attribute.repo/`, 'must come'],
    [`principal:${POOL}/subject/`, 'must come'],
    [POOL.replace('123456789012', 'my-project').replace('//', 'principal://') + '/subject/x', 'project number'],
    [`principal:${POOL.replace('my-pool', 'My_Pool')}/subject/x`, 'pool id'],
    [`principal:${POOL}/subject/a\nb`, 'control'],
    ['PRINCIPAL://iam.googleapis.com/x', 'not a known form'],
    ['user:nobody', 'e-mail'],
    ['', 'not a known form'],
  ])('refuses %s', (text, why) => {
    const parsed = parseMember(text);
    expect(parsed.ok ? 'taken' : parsed.error).toContain(why);
  });
});

describe('memberTexts', () => {
  const principal: Principal = {
    provider: { projectNumber: '123456789012', poolId: 'demo.svc.id.goog', providerId: 'cluster-a' },
    subject: 'ns/shop/sa/checkout',
    groups: [],
    attributes: {},
    claims: {},
    kubernetes: {
      namespace: 'shop',
      serviceAccount: { name: 'checkout', uid: 'u-1' },
      cluster: 'https://c.example.com/a',
    },
  };

  it('lists exactly the names of WIRE.md B.6, and each of them is a member that may be written', () => {
    const texts = [...memberTexts(principal)];
    expect(texts.toSorted()).toEqual(
      [
        `principal:${BUILT_IN}/subject/ns/shop/sa/checkout`,
        `principal:${BUILT_IN}/kubernetes.serviceaccount.uid/u-1`,
        `principalSet:${BUILT_IN}/*`,
        `principalSet:${BUILT_IN}/kubernetes.cluster/https://c.example.com/a`,
        `principalSet:${BUILT_IN}/namespace/shop`,
        'serviceAccount:demo.svc.id.goog[shop/checkout]',
      ].toSorted(),
    );
    for (const text of texts) expect(parseMember(text).ok).toBe(true);
  });

  it('gives groups and attributes to mapped principals, and the legacy form to nobody outside a built-in pool', () => {
    const mapped: Principal = {
      provider: { projectNumber: '123456789012', poolId: 'my-pool', providerId: 'github' },
      subject: 's',
      groups: ['g'],
      attributes: { repo: 'org/x' },
      claims: {},
    };
    const texts = memberTexts(mapped);
    expect(texts.has(`principalSet:${POOL}/group/g`)).toBe(true);
    expect(texts.has(`principalSet:${POOL}/attribute.repo/org/x`)).toBe(true);
    expect([...texts].some((text) => text.startsWith('serviceAccount:'))).toBe(false);
  });
});

/** Members that match nobody: each selector against each sort of pool, and everybody who may be somebody left in peace. */
import { describe, expect, it } from 'vitest';
import { memberTexts } from '../../../../src/core/principal.ts';
import { samplePrincipals } from './principals.ts';
import { BUILT_IN, CI, EMPTY, furnished, ON_PROJECT, ON_TARGET, QUOTAS, READER, warningsOf } from './support.ts';

const OTHER = '//iam.googleapis.com/projects/100000000002/locations/global/workloadIdentityPools/other-pool';
const NONE = '//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/no-such-pool';

describe('a member that nobody can be', () => {
  it.each([
    [`principal:${NONE}/subject/a`, 'the pool no-such-pool does not exist'],
    [`principalSet:${EMPTY}/*`, 'the pool empty-pool has no provider yet'],
    [`principal:${BUILT_IN}/subject/system:serviceaccount:shop:checkout`, 'ns/NAMESPACE/sa/NAME'],
    [`principal:${BUILT_IN}/subject/ns/Shop/sa/checkout`, 'ns/NAMESPACE/sa/NAME'],
    [`principal:${BUILT_IN}/subject/ns/shop/sa/checkout/x`, 'ns/NAMESPACE/sa/NAME'],
    [`principalSet:${BUILT_IN}/namespace/Shop`, 'no Kubernetes namespace'],
    [`principalSet:${BUILT_IN}/kubernetes.cluster/https://clusters.example.com/two`, 'has this clusterUri'],
    [`principalSet:${BUILT_IN}/group/admins`, 'no groups and no attributes'],
    [`principalSet:${BUILT_IN}/attribute.repo/acme`, 'no groups and no attributes'],
    ['serviceAccount:demo.svc.id.goog[Shop/checkout]', 'no Kubernetes ServiceAccount'],
    [`principalSet:${CI}/namespace/shop`, 'holds no clusters'],
    [`principalSet:${CI}/kubernetes.cluster/https://clusters.example.com/one`, 'holds no clusters'],
    [`principal:${CI}/kubernetes.serviceaccount.uid/uid-1`, 'holds no clusters'],
    [`principalSet:${CI}/attribute.team/a`, 'maps attribute.team'],
    [`principalSet:${CI}/group/admins`, 'maps google.groups'],
    [`principal:${CI}/subject/${'ä'.repeat(64)}`, 'at most 127 bytes'],
  ])('%s', (member, why) => {
    for (const resource of [ON_PROJECT, ON_TARGET]) {
      const somebody = `principal:${CI}/subject/a`;
      const [warning, ...others] = warningsOf(furnished(), [{ role: READER, members: [somebody, member] }], resource);
      expect(others).toEqual([]);
      expect(warning).toMatch(/^bindings\[0\]\.members\[1\]: this matches nobody: /);
      expect(warning).toContain(why);
    }
  });

  it.each([
    [`principal:${OTHER}/subject/a`, "another project's"],
    ['serviceAccount:other-project.svc.id.goog[shop/checkout]', "another project's"],
    ['user:a@example.com', 'users'],
    ['serviceAccount:a@example.com', 'service accounts'],
    ['principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/a', 'workforce'],
    ['deleted:serviceAccount:a@example.com?uid=1', 'deleted'],
  ])('%s: only where the role opens targets', (member, why) => {
    const project = furnished();
    expect(warningsOf(project, [{ role: READER, members: [member] }])).toEqual([
      expect.stringMatching(new RegExp(`^bindings\\[0\\]\\.members\\[0\\]: this matches nobody: .*${why}`)),
    ]);
    expect(warningsOf(project, [{ role: QUOTAS, members: [member] }])).toEqual([]);
    expect(warningsOf(project, [{ role: 'roles/owner', members: [member] }])).toEqual([]);
  });

  it('is told where the role administers as well, if no pool stands behind it', () => {
    expect(warningsOf(furnished(), [{ role: 'roles/owner', members: [`principal:${NONE}/subject/a`] }])).toHaveLength(
      1,
    );
  });

  it('is told of the policy of a pool', () => {
    const resource = { kind: 'pool', poolId: 'ci-jobs' } as const;
    const members = [`principal:${NONE}/subject/a`, `principal:${OTHER}/subject/a`, `principal:${CI}/subject/a`];
    expect(warningsOf(furnished(), [{ role: READER, members }], resource)).toEqual([
      expect.stringContaining('bindings[0].members[0]'),
    ]);
  });
});

describe('a member that somebody can be', () => {
  it.each([
    `principal:${BUILT_IN}/kubernetes.serviceaccount.uid/uid-1`,
    `principalSet:${BUILT_IN}/namespace/shop`,
    `principalSet:${BUILT_IN}/kubernetes.cluster/https://clusters.example.com/one`,
    `principalSet:${BUILT_IN}/*`,
    'serviceAccount:demo.svc.id.goog[shop/checkout.v2]',
    `principal:${CI}/subject/system:serviceaccount:shop:checkout`,
    `principal:${CI}/subject/${'a'.repeat(127)}`,
    `principalSet:${CI}/attribute.repo/acme/app`,
    `principalSet:${CI}/*`,
  ])('%s', (member) => {
    expect(warningsOf(furnished(), [{ role: READER, members: [member] }], ON_TARGET)).toEqual([]);
  });

  it('is every name of a principal, as the exchange makes them', () => {
    const project = furnished();
    for (const principal of samplePrincipals()) {
      const members = [...memberTexts(principal)];
      expect(warningsOf(project, [{ role: READER, members }], ON_TARGET)).toEqual([]);
    }
  });

  it('is in a group, once a provider maps groups', () => {
    const project = furnished();
    const bindings = [{ role: READER, members: [`principalSet:${CI}/group/admins`] }];
    expect(warningsOf(project, bindings)).toHaveLength(1);
    project.do({
      type: 'provider.patch',
      poolId: 'ci-jobs',
      providerId: 'some-ci',
      input: { attributeMapping: { 'google.subject': 'assertion.sub', 'google.groups': 'assertion.groups' } },
      mask: ['attributeMapping'],
    });
    expect(warningsOf(project, bindings)).toEqual([]);
  });
});

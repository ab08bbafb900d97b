/** A project with a pool of each sort, one target and roles that open it or do not: what policies are linted against. */
import type { PolicyResource } from '../../../../src/core/admin/commands.ts';
import type { Binding } from '../../../../src/core/resources.ts';
import { CLUSTER, OIDC } from '../../../support/admin-samples.ts';
import { Administered } from '../../../support/administer.ts';

const POOLS = 'iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools';
export const BUILT_IN = `//${POOLS}/demo.svc.id.goog`;
export const CI = `//${POOLS}/ci-jobs`;
export const EMPTY = `//${POOLS}/empty-pool`;
export const READER = 'projects/demo/roles/reader';
export const QUOTAS = 'projects/demo/roles/quotas';
export const ON_PROJECT: PolicyResource = { kind: 'project' };
export const ON_TARGET: PolicyResource = { kind: 'target', targetId: 'orders' };
export const SOMEBODY = `principal:${BUILT_IN}/subject/ns/shop/sa/checkout`;

export function furnished(): Administered {
  const project = new Administered();
  project.do({ type: 'provider.create', poolId: 'demo.svc.id.goog', providerId: 'cluster-one', input: CLUSTER });
  project.do({ type: 'pool.create', poolId: 'ci-jobs', input: {} });
  project.do({ type: 'pool.create', poolId: 'empty-pool', input: {} });
  project.do({
    type: 'provider.create',
    poolId: 'ci-jobs',
    providerId: 'some-ci',
    input: { ...OIDC, attributeMapping: { 'google.subject': 'assertion.sub', 'attribute.repo': 'assertion.repo' } },
  });
  project.do({ type: 'role.create', roleId: 'reader', input: { includedPermissions: ['orders.items.get'] } });
  project.do({ type: 'role.create', roleId: 'quotas', input: { includedPermissions: ['cloudquotas.quotas.update'] } });
  project.do({
    type: 'target.create',
    targetId: 'orders',
    input: {
      uri: 'https://orders.example.com',
      resource: { name: 'orders/eu', type: 'orders.example.com/Api' },
      tags: { '100000000001/env': 'prod' },
    },
  });
  return project;
}

export function warningsOf(
  project: Administered,
  bindings: readonly Binding[],
  resource: PolicyResource = ON_PROJECT,
): readonly string[] {
  const { answer } = project.do({ type: 'policy.set', resource, policy: { version: 3, bindings } });
  if (answer.kind !== 'policy') throw new Error(answer.kind);
  return answer.warnings ?? [];
}

export function granting(expression: string, role = READER): Binding {
  return { role, members: [SOMEBODY], condition: { expression } };
}

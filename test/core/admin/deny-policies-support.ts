/** Commands about deny policies, and projects to try them on. */
import type { Command, DenyPolicyInput, DenyRuleInput } from '../../../src/core/admin/commands.ts';
import type { Applied } from '../../../src/core/admin/applied.ts';
import { EVERYBODY, type DenyAttachment, type DenyRule } from '../../../src/core/resources.ts';
import { CLUSTER, OIDC } from '../../support/admin-samples.ts';
import { Administered } from '../../support/administer.ts';

export const POOL = 'iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
export const ME = `principal://${POOL}/subject/ns/shop/sa/checkout`;
export const PROJECT = { kind: 'project' } as const;
export const API = { kind: 'target', targetId: 'api' } as const;
export const NAME = 'policies/cloudresourcemanager.googleapis.com%2Fprojects%2F100000000001/denypolicies/no-orders';

export const rule = (change: Partial<DenyRule> = {}, description?: string): DenyRuleInput => ({
  ...(description === undefined ? {} : { description }),
  denyRule: { deniedPrincipals: [ME], deniedPermissions: ['orders.get'], ...change },
});
export const create = (
  input: DenyPolicyInput,
  attachment: DenyAttachment = PROJECT,
  policyId = 'no-orders',
): Command => ({
  type: 'denyPolicy.create',
  attachment,
  policyId,
  input,
});
export const update = (input: DenyPolicyInput, policyId = 'no-orders'): Command => ({
  type: 'denyPolicy.update',
  attachment: PROJECT,
  policyId,
  input,
});
export const remove = (etag?: string, policyId = 'no-orders'): Command => ({
  type: 'denyPolicy.delete',
  attachment: PROJECT,
  policyId,
  ...(etag === undefined ? {} : { etag }),
});
export const CI = POOL.replace('demo.svc.id.goog', 'ci-pool');
/** A cluster in the built-in pool, and a pool of an OIDC issuer that maps `attribute.repo`. */
export const withPools = (): Administered => {
  const project = new Administered();
  project.do({ type: 'provider.create', poolId: 'demo.svc.id.goog', providerId: 'cluster-1', input: CLUSTER });
  project.do({ type: 'pool.create', poolId: 'ci-pool', input: {} });
  const attributeMapping = { ...OIDC.attributeMapping, 'attribute.repo': 'assertion.repo' };
  project.do({ type: 'provider.create', poolId: 'ci-pool', providerId: 'ci-1', input: { ...OIDC, attributeMapping } });
  return project;
};
export const warningsOf = ({ answer }: Applied): readonly string[] =>
  answer.kind === 'denyPolicy' ? (answer.warnings ?? []) : [];
export const withTarget = (): Administered => {
  const project = new Administered();
  project.do({ type: 'target.create', targetId: 'api', input: { uri: 'https://api.example.com' } });
  return project;
};

export function annotations(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, 'v'.repeat(255)]));
}

export function exceptingEverybody(): DenyPolicyInput {
  return { rules: [rule({ exceptionPrincipals: [ME, EVERYBODY] })] };
}

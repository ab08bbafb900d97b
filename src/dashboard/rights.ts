/** What the person may do here, as `testIamPermissions` of REST answers at this very request: buttons that would be refused are left out by it. */
import type { Permission } from '../core/permissions.ts';
import { type Rest, segment, textsAt } from './rest.ts';

export type Rights = ReadonlySet<string>;

/** The ones that a page shows or hides something by. Everything is refused by REST itself whatever is asked here. */
const ASKED: readonly Permission[] = [
  'cloudquotas.quotas.get',
  'cloudquotas.quotas.update',
  'iam.workloadIdentityPoolProviders.get',
  'iam.workloadIdentityPoolProviders.list',
  'iam.workloadIdentityPoolProviders.update',
  'iam.workloadIdentityPools.list',
  'resourcemanager.projects.get',
  'resourcemanager.projects.getIamPolicy',
  'resourcemanager.projects.setIamPolicy',
  'resourcemanager.projects.update',
  'sts.history.get',
  'sts.history.list',
  'sts.history.restore',
  'sts.policies.simulate',
  'sts.policies.troubleshoot',
  'sts.recentExchanges.list',
  'sts.signingKeys.list',
  'sts.signingKeys.rotate',
  'sts.targets.getIamPolicy',
  'sts.targets.list',
  'sts.targets.setIamPolicy',
  'sts.usage.get',
];

export function can(rights: Rights, permission: Permission): boolean {
  return rights.has(permission);
}

export async function rightsOn(rest: Rest, project: string): Promise<Rights> {
  const answer = await rest.post(`projects/${segment(project)}:testIamPermissions`, { permissions: ASKED });
  return new Set(answer.ok ? textsAt(answer.value, 'permissions') : []);
}

/** Reviewing a wish counts on the organization alone. */
export async function mayReview(rest: Rest): Promise<boolean> {
  const permission: Permission = 'cloudquotas.quotas.approve';
  const answer = await rest.post('organizations/1:testIamPermissions', { permissions: [permission] });
  return answer.ok && textsAt(answer.value, 'permissions').includes(permission);
}

/** What every command needs before anything else is looked at: one right, on one resource. A command that is not here does not compile. */
import type { Permission } from '../../permissions.ts';
import type { Command, PolicyResource } from '../commands.ts';
import type { Where } from './rights.ts';

export interface Need {
  readonly permission: Permission;
  readonly where: Where;
}

const PROJECT: PolicyResource = { kind: 'project' };

/** Undefined: the command has a rule of its own (`push-keys.ts`), or nobody can send it. */
export function needOf(command: Command): Need | undefined {
  switch (command.type) {
    case 'project.patch':
      return on(PROJECT, 'resourcemanager.projects.update');
    case 'project.delete':
      return on(PROJECT, 'resourcemanager.projects.delete');
    case 'project.undelete':
      return on(PROJECT, 'resourcemanager.projects.undelete');
    case 'pool.create':
      return on(PROJECT, 'iam.workloadIdentityPools.create');
    case 'pool.delete':
      return on(pool(command), 'iam.workloadIdentityPools.delete');
    case 'pool.undelete':
      return on(pool(command), 'iam.workloadIdentityPools.undelete');
    case 'pool.patch':
    case 'pool.denyUids':
      return on(pool(command), 'iam.workloadIdentityPools.update');
    case 'provider.create':
      return on(pool(command), 'iam.workloadIdentityPoolProviders.create');
    case 'provider.delete':
      return on(pool(command), 'iam.workloadIdentityPoolProviders.delete');
    case 'provider.undelete':
      return on(pool(command), 'iam.workloadIdentityPoolProviders.undelete');
    case 'provider.patch':
    case 'provider.distrustKey':
      return on(pool(command), 'iam.workloadIdentityPoolProviders.update');
    case 'target.create':
      return on(PROJECT, 'sts.targets.create');
    case 'target.patch':
      return on({ kind: 'target', targetId: command.targetId }, 'sts.targets.update');
    case 'target.delete':
      return on({ kind: 'target', targetId: command.targetId }, 'sts.targets.delete');
    case 'serviceAccount.create':
      return on(PROJECT, 'iam.serviceAccounts.create');
    case 'serviceAccount.patch':
      return on(account(command), 'iam.serviceAccounts.update');
    case 'serviceAccount.delete':
      return on(account(command), 'iam.serviceAccounts.delete');
    case 'serviceAccount.undelete':
      return on(account(command), 'iam.serviceAccounts.undelete');
    case 'serviceAccount.enable':
      return on(account(command), 'iam.serviceAccounts.enable');
    case 'serviceAccount.disable':
      return on(account(command), 'iam.serviceAccounts.disable');
    case 'role.create':
      return on(PROJECT, 'iam.roles.create');
    case 'role.patch':
      return on(PROJECT, 'iam.roles.update');
    case 'role.delete':
      return on(PROJECT, 'iam.roles.delete');
    case 'policy.set':
      return on(command.resource, SET_POLICY[command.resource.kind]);
    case 'denyPolicy.create':
      return on(command.attachment, 'iam.denypolicies.create');
    case 'denyPolicy.update':
      return on(command.attachment, 'iam.denypolicies.update');
    case 'denyPolicy.delete':
      return on(command.attachment, 'iam.denypolicies.delete');
    case 'quotaPreference.ask':
    case 'quotaPreference.change':
    case 'quotaPreference.withdraw':
      return on(PROJECT, 'cloudquotas.quotas.update');
    // A tenant who owns his project must not grant himself what his neighbours pay for.
    case 'quotaPreference.approve':
    case 'quotaPreference.refuse':
      return on({ kind: 'organization' }, 'cloudquotas.quotas.approve');
    // And for each step what it would need by itself.
    case 'history.restore':
      return on(PROJECT, 'sts.history.restore');
    // As well.
    case 'configuration.apply':
    case 'owner.set':
      return on(PROJECT, 'sts.configuration.apply');
    case 'provider.pushKeys':
    case 'quota.endRaises':
    case 'purge':
      return undefined;
  }
}

export const SET_POLICY = {
  organization: 'resourcemanager.organizations.setIamPolicy',
  project: 'resourcemanager.projects.setIamPolicy',
  pool: 'iam.workloadIdentityPools.setIamPolicy',
  target: 'sts.targets.setIamPolicy',
  serviceAccount: 'iam.serviceAccounts.setIamPolicy',
} as const satisfies Record<Where['kind'], Permission>;

function on(where: Where, permission: Permission): Need {
  return { permission, where };
}

function pool({ poolId }: { readonly poolId: string }): PolicyResource {
  return { kind: 'pool', poolId };
}

function account({ accountId }: { readonly accountId: string }): PolicyResource {
  return { kind: 'serviceAccount', accountId };
}

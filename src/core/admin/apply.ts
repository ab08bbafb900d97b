/** The one function of administration: a project's configuration and a command in, what is to be written out. Every face of the broker ends here. */
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { Command } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import { createDenyPolicy, deleteDenyPolicy, updateDenyPolicy } from './deny-policies.ts';
import { denyUids } from './deny-uids.ts';
import { distrustKey } from './distrust-key.ts';
import { configure } from './configuration/configure.ts';
import { setOwner, withoutOwners } from './configuration/owners.ts';
import { restore } from './history/restore.ts';
import { setPolicy } from './policies.ts';
import { withOperation } from './operations.ts';
import { createPool, patchPool } from './pools.ts';
import { deleteProject, refusalOfDeleted, undeleteProject } from './project-ends.ts';
import { patchProject } from './projects.ts';
import { createProvider, patchProvider } from './providers.ts';
import { purge } from './purge.ts';
import { pushKeys } from './push-keys.ts';
import { askForQuota, changeQuotaWish, withdrawQuotaWish } from './quota-preferences.ts';
import { approveQuotaWish, endRaises, refuseQuotaWish } from './quota-review.ts';
import { createRole, deleteRole, patchRole } from './roles.ts';
import {
  createServiceAccount,
  deleteServiceAccount,
  patchServiceAccount,
  setServiceAccountDisabled,
  undeleteServiceAccount,
} from './service-accounts.ts';
import { tooManyProviders, withAwsShard } from './aws-providers.ts';
import type { ApplyContext, ConfigState } from './state.ts';
import { deletePool, deleteProvider, undeletePool, undeleteProvider } from './soft-delete.ts';
import { createTarget, deleteTarget, patchTarget } from './targets.ts';

export type { Applied, IssuerKeysChanged } from './applied.ts';

export function apply(state: ConfigState, command: Command, context: ApplyContext): Result<Applied, AdminDenial> {
  const deleted = refusalOfDeleted(state, command);
  if (deleted !== undefined) return err(deleted);
  const applied = change(state, command, context);
  if (!applied.ok) return applied;
  // Of a change that is several, each was made here by itself.
  if (command.type === 'configuration.apply' || command.type === 'history.restore') return applied;
  const many = tooManyProviders(state, applied.value);
  return many === undefined
    ? ok(withoutOwners(state, withOperation(state, command, withAwsShard(state, applied.value))))
    : err(many);
}

function change(state: ConfigState, command: Command, context: ApplyContext): Result<Applied, AdminDenial> {
  switch (command.type) {
    case 'project.patch':
      return patchProject(state, command, context);
    case 'project.delete':
      return deleteProject(state, context);
    case 'project.undelete':
      return undeleteProject(state, context);
    case 'pool.create':
      return createPool(state, command.poolId, command.input, context);
    case 'pool.patch':
      return patchPool(state, command.poolId, command.input, command.mask, context);
    case 'pool.delete':
      return deletePool(state, command.poolId, context);
    case 'pool.undelete':
      return undeletePool(state, command.poolId, context);
    case 'pool.denyUids':
      return denyUids(state, command, context);
    case 'provider.create':
      return createProvider(state, command, command.input, context);
    case 'provider.patch':
      return patchProvider(state, command, command.input, command.mask, context);
    case 'provider.delete':
      return deleteProvider(state, command, context);
    case 'provider.undelete':
      return undeleteProvider(state, command, context);
    case 'provider.pushKeys':
      return pushKeys(state, command, context);
    case 'provider.distrustKey':
      return distrustKey(state, command, context);
    case 'target.create':
      return createTarget(state, command.targetId, command.input, context);
    case 'target.patch':
      return patchTarget(state, command, context);
    case 'target.delete':
      return deleteTarget(state, command, context);
    case 'serviceAccount.create':
      return createServiceAccount(state, command, context);
    case 'serviceAccount.patch':
      return patchServiceAccount(state, command, context);
    case 'serviceAccount.delete':
      return deleteServiceAccount(state, command.accountId, context);
    case 'serviceAccount.undelete':
      return undeleteServiceAccount(state, command.accountId, context);
    case 'serviceAccount.enable':
      return setServiceAccountDisabled(state, command.accountId, false, context);
    case 'serviceAccount.disable':
      return setServiceAccountDisabled(state, command.accountId, true, context);
    case 'role.create':
      return createRole(state, command.roleId, command.input, context);
    case 'role.patch':
      return patchRole(state, command, context);
    case 'role.delete':
      return deleteRole(state, command, context);
    case 'policy.set':
      return setPolicy(state, command.resource, command.policy, context);
    case 'denyPolicy.create':
      return createDenyPolicy(state, command, command.input, context);
    case 'denyPolicy.update':
      return updateDenyPolicy(state, command, command.input, context);
    case 'denyPolicy.delete':
      return deleteDenyPolicy(state, command, command.etag, context);
    case 'quotaPreference.ask':
      return askForQuota(state, command, context);
    case 'quotaPreference.change':
      return changeQuotaWish(state, command, context);
    case 'quotaPreference.withdraw':
      return withdrawQuotaWish(state, command, context);
    case 'quotaPreference.approve':
      return approveQuotaWish(state, command, context);
    case 'quotaPreference.refuse':
      return refuseQuotaWish(state, command, context);
    case 'history.restore':
      return restore(state, command, (one) => apply(state, one, context));
    case 'configuration.apply':
      return configure(state, command, context.caller.name, (one) => apply(state, one, context));
    case 'owner.set':
      return setOwner(state, command);
    case 'quota.endRaises':
      return endRaises(state, context);
    case 'purge':
      return purge(state, context);
  }
}

/** Every question about one project's configuration, answered from its state. */
import {
  denyPolicyName,
  poolName,
  providerName,
  quotaPreferenceName,
  serviceAccountName,
  targetName,
} from '../names.ts';
import { EMPTY_POLICY } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Answer, Page, Query } from './commands.ts';
import { listConfiguration } from './configuration/list.ts';
import type { AdminDenial } from './denial.ts';
import { readOperation } from './operations.ts';
import { policyResourceExists, policyResourceName } from './policies.ts';
import { roleName } from './roles.ts';
import { findServiceAccount, serviceAccountNameIn } from './service-accounts.ts';
import type { ConfigState } from './state.ts';

export function read(state: ConfigState, query: Query): Result<Answer, AdminDenial> {
  const { projectNumber, projectId } = state.project();
  switch (query.type) {
    case 'project.get':
      return ok({ kind: 'project', project: state.project() });
    case 'pool.get': {
      // Deleted ones can be looked at: only so does anybody learn until when they can be had back.
      const pool = state.pool(query.poolId) ?? state.deletedPool(query.poolId);
      return pool ? ok({ kind: 'pool', pool }) : notFound(poolName(projectNumber, query.poolId));
    }
    case 'pool.list': {
      const { rows, next } = pageOf(
        (page) => state.pools(page),
        query.page,
        (pool) => pool.poolId,
      );
      return ok({ kind: 'pools', pools: rows, next });
    }
    case 'provider.get': {
      const { poolId, providerId } = query;
      const provider = state.provider(poolId, providerId) ?? state.deletedProvider(poolId, providerId);
      if (provider === undefined) return notFound(providerName({ projectNumber, ...query }));
      return ok({ kind: 'provider', provider, warnings: [] });
    }
    case 'provider.list': {
      const pool = state.pool(query.poolId) ?? state.deletedPool(query.poolId);
      if (pool === undefined) return notFound(poolName(projectNumber, query.poolId));
      const list = (page: Page) => state.providers(query.poolId, page);
      const { rows, next } = pageOf(list, query.page, (provider) => provider.providerId);
      return ok({ kind: 'providers', providers: rows, next });
    }
    case 'target.get': {
      const target = state.target(query.targetId);
      return target ? ok({ kind: 'target', target }) : notFound(targetName(projectNumber, query.targetId));
    }
    case 'target.find': {
      const target = state.targetByUri(query.idOrUri) ?? state.target(query.idOrUri);
      return target ? ok({ kind: 'target', target }) : notFound(targetName(projectNumber, query.idOrUri));
    }
    case 'target.list': {
      const { rows, next } = pageOf(
        (page) => state.targets(page),
        query.page,
        (target) => target.targetId,
      );
      return ok({ kind: 'targets', targets: rows, next });
    }
    case 'serviceAccount.get': {
      // Not as with pools: at Google a deleted account is not found, and clients go by that. The list shows it.
      const serviceAccount = state.serviceAccount(query.accountId);
      if (serviceAccount === undefined) return notFound(serviceAccountNameIn(state, query.accountId));
      return ok({ kind: 'serviceAccount', serviceAccount });
    }
    case 'serviceAccount.find': {
      const { emailOrUniqueId } = query;
      const serviceAccount = findServiceAccount(state, emailOrUniqueId);
      if (serviceAccount === undefined) return notFound(serviceAccountName(projectNumber, emailOrUniqueId));
      return ok({ kind: 'serviceAccount', serviceAccount });
    }
    case 'serviceAccount.list': {
      const { rows, next } = pageOf(
        (page) => state.serviceAccounts(page),
        query.page,
        (account) => account.accountId,
      );
      return ok({ kind: 'serviceAccounts', serviceAccounts: rows, next });
    }
    case 'role.get': {
      const role = state.role(query.roleId);
      return role ? ok({ kind: 'role', role }) : notFound(roleName(projectId, query.roleId));
    }
    case 'role.list': {
      const { rows, next } = pageOf(
        (page) => state.roles(page),
        query.page,
        (role) => role.roleId,
      );
      return ok({ kind: 'roles', roles: rows, next });
    }
    case 'policy.get': {
      const { resource } = query;
      // Looked at like the pool itself: who may undelete it is said there too.
      const isDeletedPool = resource.kind === 'pool' && state.deletedPool(resource.poolId) !== undefined;
      if (!isDeletedPool && !policyResourceExists(state, resource)) {
        return notFound(policyResourceName(state, resource));
      }
      return ok({ kind: 'policy', policy: state.policy(resource) ?? EMPTY_POLICY });
    }
    case 'configuration.list': {
      const { page, owner } = query;
      return ok({
        kind: 'configuration',
        ...listConfiguration(state, { ...page, ...(owner === undefined ? {} : { owner }) }),
      });
    }
    case 'operation.get':
      return readOperation(state, query.of, query.operationId);
    case 'denyPolicy.get': {
      const policy = state.denyPolicy(query);
      const name = denyPolicyName(projectNumber, query.attachment, query.policyId);
      return policy ? ok({ kind: 'denyPolicy', policy }) : notFound(name);
    }
    case 'denyPolicy.list': {
      const { attachment } = query;
      if (!policyResourceExists(state, attachment)) return notFound(policyResourceName(state, attachment));
      const list = (page: Page) => state.denyPolicies(attachment, page);
      const { rows, next } = pageOf(list, query.page, (policy) => policy.policyId);
      return ok({ kind: 'denyPolicies', policies: rows, next });
    }
    case 'quotaPreference.get': {
      const preference = state.quotaPreference(query.preferenceId);
      if (preference === undefined) return notFound(quotaPreferenceName(projectNumber, query.preferenceId));
      return ok({ kind: 'quotaPreference', preference });
    }
    case 'quotaPreference.list': {
      const { rows, next } = pageOf(
        (page) => state.quotaPreferences(page),
        query.page,
        (preference) => preference.preferenceId,
      );
      return ok({ kind: 'quotaPreferences', preferences: rows, next });
    }
  }
}

/** One row more than the page holds is asked for: it tells whether there is a next page without counting anything. */
function pageOf<Row>(
  list: (page: Page) => readonly Row[],
  page: Page,
  idOf: (row: Row) => string,
): { readonly rows: readonly Row[]; readonly next: string } {
  const found = list({ ...page, pageSize: page.pageSize + 1 });
  const rows = found.slice(0, page.pageSize);
  const last = rows.at(-1);
  return { rows, next: found.length > rows.length && last !== undefined ? idOf(last) : '' };
}

function notFound(resource: string): Result<never, AdminDenial> {
  return err({ tag: 'not_found', resource });
}

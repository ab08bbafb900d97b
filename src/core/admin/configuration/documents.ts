/** Rows → the documents that make them again: what is compared, shown, and exported. */
import { recentRetentionSeconds } from '../../recent.ts';
import type { DenyPolicy, Policy, Pool, Project, Provider, ServiceAccount } from '../../resources.ts';
import { projectMaxTokenLifetimeSeconds } from '../../service-account.ts';
import type { DenyPolicyInput, PolicyInput, PoolInput, ProjectInput, ProviderInput } from '../commands.ts';
import { denyPolicyRowName, type HistoryResource, policyRowName } from '../history/resource-key.ts';
import { documentOf as providerDocumentOf } from '../providers.ts';
import { QUOTAS, limitInForce } from '../quotas.ts';
import { roleInputOf } from '../roles.ts';
import { serviceAccountInputOf } from '../service-accounts.ts';
import type { ConfigState, Write } from '../state.ts';
import { targetInputOf } from '../targets.ts';

/** JSON; undefined: it is not there, or is deleted. A policy that gives nobody anything is none. */
export function documentNow(state: ConfigState, named: HistoryResource): string | undefined {
  switch (named.kind) {
    case 'project':
      return JSON.stringify(projectDocument(state.project()));
    case 'pool':
      return text(state.pool(named.poolId), poolDocument);
    case 'provider':
      // Of a pool that is deleted: it lets nobody in, and comes back with its pool.
      return state.pool(named.poolId) && text(state.provider(named.poolId, named.providerId), providerDocument);
    case 'target':
      return text(state.target(named.targetId), targetInputOf);
    case 'serviceAccount':
      return text(state.serviceAccount(named.accountId), serviceAccountInputOf);
    case 'role':
      return text(state.role(named.roleId), roleInputOf);
    case 'policy':
      return policyText(state.policy(named.resource));
    case 'denyPolicy':
      return text(state.denyPolicy(named), denyDocument);
    case 'quotaPreference':
    case 'owner':
      return undefined;
  }
}

/** Which row a write is about, and the document of the row then. Undefined: about none that is configured. */
export function written(
  write: Write,
): { readonly resource: string; readonly document: string | undefined } | undefined {
  if ('remove' in write) {
    switch (write.remove) {
      case 'pool':
        return gone(`pool/${write.poolId}`);
      case 'provider':
        return gone(`provider/${write.poolId}/${write.providerId}`);
      case 'target':
        return gone(`target/${write.targetId}`);
      case 'serviceAccount':
        return gone(`serviceAccount/${write.accountId}`);
      case 'role':
        return gone(`role/${write.roleId}`);
      case 'denyPolicy':
        return gone(denyPolicyRowName(write));
      case 'quotaPreference':
      case 'operations':
      case 'owner':
      case 'staged':
        return undefined;
    }
  }
  switch (write.put) {
    case 'project':
      return { resource: 'project', document: JSON.stringify(projectDocument(write.project)) };
    case 'pool':
      return { resource: `pool/${write.pool.poolId}`, document: live(write.pool, poolDocument) };
    case 'provider': {
      const { poolId, providerId } = write.provider;
      return { resource: `provider/${poolId}/${providerId}`, document: live(write.provider, providerDocument) };
    }
    case 'target':
      return { resource: `target/${write.target.targetId}`, document: JSON.stringify(targetInputOf(write.target)) };
    case 'serviceAccount': {
      const { accountId } = write.serviceAccount;
      return { resource: `serviceAccount/${accountId}`, document: live(write.serviceAccount, serviceAccountInputOf) };
    }
    case 'role':
      return { resource: `role/${write.role.roleId}`, document: JSON.stringify(roleInputOf(write.role)) };
    case 'policy':
      return { resource: policyRowName(write.resource), document: policyText(write.policy) };
    case 'denyPolicy':
      return { resource: denyPolicyRowName(write.policy), document: JSON.stringify(denyDocument(write.policy)) };
    case 'quotaPreference':
    case 'usedToken':
    case 'operation':
    case 'owner':
      return undefined;
  }
}

function gone(resource: string) {
  return { resource, document: undefined };
}

function text<Row>(row: Row | undefined, document: (row: Row) => object): string | undefined {
  return row === undefined ? undefined : JSON.stringify(document(row));
}

function live<Row extends Pool | Provider | ServiceAccount>(
  row: Row,
  document: (row: Row) => object,
): string | undefined {
  return row.expireTime === undefined ? JSON.stringify(document(row)) : undefined;
}

/** Whatever a patch can set: a member that is missing here would be taken from a file and passed over. */
function projectDocument(project: Project): ProjectInput {
  const { displayName, ownLimits = [], awsAccountId } = project;
  return {
    displayName,
    ...Object.fromEntries(QUOTAS.map((quota) => [quota.member, limitInForce(project, quota)])),
    recentExchangesRetention: `${recentRetentionSeconds(project)}s`,
    maxServiceAccountTokenLifetime: `${projectMaxTokenLifetimeSeconds(project)}s`,
    ...(awsAccountId === undefined ? {} : { awsAccountId }),
    ownLimits,
  };
}

function poolDocument({ displayName, description, disabled }: Pool): PoolInput {
  return { displayName, description, disabled };
}

/** With the keys that an administrator uploaded. Pushed ones are the cluster's own and no configuration. */
function providerDocument(provider: Provider): ProviderInput {
  const document = providerDocumentOf(provider);
  if (provider.keySource !== 'uploaded') return document;
  const { kind, jwksJson } = provider;
  return { ...document, [kind]: { ...document[kind], jwksJson } };
}

function policyText(policy: Policy | undefined): string | undefined {
  if (policy === undefined || policy.bindings.length === 0) return undefined;
  const document: Pick<PolicyInput, 'bindings'> = { bindings: policy.bindings };
  return JSON.stringify(document);
}

function denyDocument({ displayName, annotations, rules }: DenyPolicy): Omit<DenyPolicyInput, 'etag'> {
  return { displayName, annotations, rules };
}

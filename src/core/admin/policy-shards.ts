/** Which shards hold the policies of a resource, and which hang on what the roles are. */
import { shardKey } from '../resources.ts';
import type { PolicyResource } from './commands.ts';
import { serviceAccountShards } from './service-accounts.ts';
import type { ConfigState } from './state.ts';

/** The policy of a pool is about the broker itself; no shard at the edge holds it. */
export function policyShards(state: ConfigState, resource: PolicyResource): readonly string[] {
  const { projectNumber } = state.project();
  switch (resource.kind) {
    case 'project':
      return [shardKey.project(projectNumber)];
    case 'pool':
      return [];
    case 'target':
      return [shardKey.target(projectNumber, resource.targetId)];
    case 'serviceAccount': {
      const account = state.serviceAccount(resource.accountId) ?? state.deletedServiceAccount(resource.accountId);
      return account === undefined ? [] : serviceAccountShards(projectNumber, account);
    }
  }
}

/** Deny rules stand there with the roles that they shut out, so a change of any role may change them. */
export function roleShards(state: ConfigState): readonly string[] {
  const { projectNumber } = state.project();
  const targets = state.targetsWithDenyPolicies().map((targetId) => shardKey.target(projectNumber, targetId));
  return [shardKey.project(projectNumber), ...targets];
}

/** Which shards hold the policy of a resource. */
import { shardKey } from '../resources.ts';
import type { PolicyResource } from './commands.ts';
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
  }
}

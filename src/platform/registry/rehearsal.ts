/** What a rehearsal asks of a project's rows: a policy looked at as if it were set, and targets as they are now. Writes nothing. */
import type { PolicyInput, PolicyResource } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { allRoles, type RoleReader } from '../../core/admin/deny-resolution.ts';
import { proposalOn, type Proposal } from '../../core/admin/propose.ts';
import type { ApplyContext } from '../../core/admin/state.ts';
import type { Shards } from '../../core/resources.ts';
import { err, type Result } from '../../core/result.ts';
import { tooLarge } from './limits.ts';
import type { ProjectStore } from './project-store.ts';
import { projectShard, targetShard } from './shards.ts';

/** About as much as a message should hold, unless one target alone is larger. */
const MAX_ANSWER_CHARACTERS = 1_000_000;

export function propose(
  store: ProjectStore,
  resource: PolicyResource,
  input: PolicyInput,
  context: ApplyContext,
): Result<Proposal, AdminDenial> {
  const proposal = proposalOn(store, projectShard(store), resource, input, context);
  if (!proposal.ok) return proposal;
  const { project, policy } = proposal.value;
  const target = resource.kind === 'target' ? targetShard(store, resource.targetId) : undefined;
  const oversize =
    store.oversize([{ put: 'policy', resource, policy }]) ??
    tooLarge('the record of the resource', { ...(target ?? project), policy });
  return oversize === undefined ? proposal : err(oversize);
}

/** In the order of the ids, as many as fit; null for one that is gone. */
export function targetShards(store: ProjectStore, targetIds: readonly string[]): readonly (Shards['target'] | null)[] {
  let known: ReturnType<RoleReader> | undefined;
  const roles: RoleReader = () => (known ??= allRoles(store));
  const found: (Shards['target'] | null)[] = [];
  let characters = 0;
  for (const targetId of targetIds) {
    const shard = targetShard(store, targetId, roles) ?? null;
    characters += JSON.stringify(shard).length;
    if (characters > MAX_ANSWER_CHARACTERS && found.length > 0) break;
    found.push(shard);
  }
  return found;
}

/** Bindings under which two clusters of one pool are the same: what a second cluster joining it would be let into (LESSONS §6, 37). */
import { parseMember, poolMemberOf, legacyMemberOf } from '../../members.ts';
import { builtInPoolId, projectName, targetName } from '../../names.ts';
import { requires, type Path, type WantedValue } from '../../policy/requires.ts';
import type { Policy } from '../../resources.ts';
import type { ConfigState } from '../state.ts';

export interface PoolBindings {
  /** Bindings that name members of the pool at all. */
  readonly total: number;
  /** Those under which it does not matter which cluster a workload runs in. */
  readonly mixing: readonly string[];
  /** All policies were looked at. */
  readonly complete: boolean;
}

const PAGE_SIZE = 100;
const MAX_TARGETS_READ = 1_000;
const MAX_MEMBERS_READ = 20_000;

/** The policies of the project and its targets, as far as a bound allows. */
export function bindingsOfPool(state: ConfigState, poolId: string): PoolBindings {
  const { projectNumber, projectId } = state.project();
  const pool = { projectNumber, projectId, poolId };
  const mixing: string[] = [];
  let total = 0;
  let membersLeft = MAX_MEMBERS_READ;
  let targetsLeft = MAX_TARGETS_READ;
  collect(state.policy({ kind: 'project' }), projectName(projectNumber));
  let after = '';
  while (membersLeft > 0 && targetsLeft > 0) {
    const page = state.targets({ pageSize: PAGE_SIZE, after });
    for (const { targetId } of page) {
      collect(state.policy({ kind: 'target', targetId }), targetName(projectNumber, targetId));
    }
    targetsLeft -= page.length;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_SIZE) return { total, mixing, complete: membersLeft > 0 };
    after = last.targetId;
  }
  return { total, mixing, complete: false };

  function collect(policy: Policy | undefined, on: string): void {
    for (const [index, binding] of (policy?.bindings ?? []).entries()) {
      if (membersLeft <= 0) return;
      membersLeft -= binding.members.length;
      if (!binding.members.some((member) => isOfPool(member, pool))) continue;
      total += 1;
      if (mixesClusters(binding, pool)) mixing.push(`${on} bindings[${index}] (${binding.role})`);
    }
  }
}

export interface PoolOfProject {
  readonly projectNumber: string;
  readonly projectId: string;
  readonly poolId: string;
}

/** Under this binding it does not matter which cluster of the pool a workload runs in. */
export function mixesClusters(
  binding: { readonly members: readonly string[]; readonly condition?: { readonly expression: string } },
  pool: PoolOfProject,
): boolean {
  const members = binding.members.filter((member) => isOfPool(member, pool));
  return members.length > 0 && !members.every(tellsClusters) && !conditionTellsClusters(binding);
}

function isOfPool(text: string, { projectNumber, projectId, poolId }: PoolOfProject): boolean {
  const named = poolMemberOf(text);
  if (named !== undefined) return named.projectNumber === projectNumber && named.poolId === poolId;
  return poolId === builtInPoolId(projectId) && legacyMemberOf(text)?.projectId === projectId;
}

/** A uid is born in one cluster. */
function tellsClusters(text: string): boolean {
  const member = parseMember(text);
  return member.ok && (member.value.kind === 'cluster' || member.value.kind === 'serviceAccountUid');
}

function conditionTellsClusters({ condition }: { readonly condition?: { readonly expression: string } }): boolean {
  return condition !== undefined && requires(condition.expression, clusterOfWorkload);
}

/** Only as a whole: no beginning of a cluster's address or of a provider's name is one cluster's alone. */
function clusterOfWorkload([root, kind, member, ...inside]: Path): WantedValue | undefined {
  const isCluster = root === 'request' && kind === 'workload' && (member === 'cluster' || member === 'provider');
  return isCluster && inside.length === 0 ? {} : undefined;
}

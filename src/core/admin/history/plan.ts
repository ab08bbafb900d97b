/**
 * How a project gets back to a state that it was in: as commands, the same that a person would give, so that each is checked as if one did.
 * What must never come back is not in any of them: keys that are distrusted or pushed, denials that were lifted by nobody, limits, and
 * whatever was purged.
 */
import { poolMemberOf } from '../../members.ts';
import { recentRetentionSeconds } from '../../recent.ts';
import type { DenyPolicy, Policy, Pool, Project, Role, Target } from '../../resources.ts';
import type { Command, PolicyResource } from '../commands.ts';
import { roleInputOf } from '../roles.ts';
import type { ConfigState } from '../state.ts';
import { targetInputOf } from '../targets.ts';
import { stepsOfProvider } from './provider-steps.ts';
import { type HistoryResource, readResourceKey } from './resource-key.ts';
import { type Left, type Part, PURGED, type RowThen, type Step, uidOf } from './step.ts';

/** What has to be there before what. Deletions come early where they make room for names, and the project's own policy last: it may end the caller's rights. */
const ORDER = [
  'role',
  'role.delete',
  'target.delete',
  'target',
  'pool',
  'provider.delete',
  'provider',
  'project',
  'denyPolicy',
  'policy',
  'pool.delete',
  'policy.project',
  'owner',
] as const;

export interface Plan {
  readonly steps: readonly Step[];
  readonly left: readonly Left[];
}

/** `then`: every row that is to be as it was. */
export function planOf(state: ConfigState, then: readonly RowThen[]): Plan {
  const steps: { readonly rank: number; readonly step: Step }[] = [];
  const left: Left[] = [];
  const world: World = { state, bodies: new Map(then.map(({ resource, body }) => [resource, body])) };
  for (const row of then) {
    const named = readResourceKey(row.resource);
    const part = named === undefined ? {} : partOf(world, named, row.body);
    for (const { action, command } of part.steps ?? []) {
      steps.push({ rank: rankOf(command), step: { resource: row.resource, action, command } });
    }
    if (part.left !== undefined) left.push({ resource: row.resource, reason: part.left });
  }
  return { steps: steps.toSorted((one, other) => one.rank - other.rank).map(({ step }) => step), left };
}

interface World {
  readonly state: ConfigState;
  readonly bodies: ReadonlyMap<string, string | null>;
}

function rankOf(command: Command): number {
  const isOwnPolicy = command.type === 'policy.set' && command.resource.kind === 'project';
  return rankNamed(isOwnPolicy ? 'policy.project' : command.type);
}

/** Of a command's type, or of its kind where the type stands in no place of its own. */
export function rankNamed(type: string): number {
  const [kind = ''] = type.split('.');
  const exact = ORDER.findIndex((name) => name === type);
  return exact < 0 ? ORDER.findIndex((name) => name === kind) : exact;
}

function partOf(world: World, resource: HistoryResource, body: string | null): Part {
  const { state } = world;
  switch (resource.kind) {
    case 'project':
      return projectPart(state.project(), rowOf(body));
    case 'pool':
      return poolPart(state, resource.poolId, rowOf(body));
    case 'provider': {
      const { poolId } = resource;
      return willBeLive(world, { kind: 'pool', poolId }) ? stepsOfProvider(state, resource, rowOf(body)) : {};
    }
    case 'target':
      return targetPart(state, resource.targetId, rowOf(body));
    case 'role':
      return rolePart(state, resource.roleId, rowOf(body));
    case 'policy':
      return policyPart(world, resource.resource, rowOf(body));
    case 'denyPolicy':
      return denyPolicyPart(world, resource, rowOf(body));
    case 'owner':
      return ownerPart(state, resource.resource, rowOf(body));
    case 'quotaPreference':
      return { left: 'what was wished for and decided about quota is not taken back' };
  }
}

/** Only this broker's own rows are in the history, each under the name of its kind, and the chain of hashes was looked at before. */
function rowOf(body: string | null) {
  return body === null ? undefined : JSON.parse(body);
}

function projectPart(now: Project, then: Project | undefined): Part {
  if (then === undefined) return {};
  const left = limitsOf(then) === limitsOf(now) ? {} : { left: 'limits, raises and own limits stay as they are' };
  const retention = recentRetentionSeconds(then);
  if (then.displayName === now.displayName && retention === recentRetentionSeconds(now)) return left;
  const input = { displayName: then.displayName, recentExchangesRetention: `${retention}s` };
  const command: Command = { type: 'project.patch', input, mask: ['displayName', 'recentExchangesRetention'] };
  return { steps: [{ action: 'CHANGED', command }], ...left };
}

function limitsOf(project: Project): string {
  const { tokenExchangesPerMinute, credentialGenerationsPerMinute, temporaryRaises, ownLimits } = project;
  return JSON.stringify([tokenExchangesPerMinute, credentialGenerationsPerMinute, temporaryRaises, ownLimits]);
}

function poolPart(state: ConfigState, poolId: string, then: Pool | undefined): Part {
  const live = state.pool(poolId);
  const deleted = state.deletedPool(poolId);
  if (then === undefined || then.expireTime !== undefined) {
    return live === undefined ? {} : { steps: [{ action: 'DELETED', command: { type: 'pool.delete', poolId } }] };
  }
  const now = live ?? deleted;
  if (now === undefined || uidOf(now) !== uidOf(then)) return { left: PURGED };
  const undelete: Part['steps'] =
    live === undefined ? [{ action: 'UNDELETED', command: { type: 'pool.undelete', poolId } }] : [];
  const { displayName, description, disabled } = then;
  const isSame = displayName === now.displayName && description === now.description && disabled === now.disabled;
  const input = { displayName, description, disabled };
  const patch: Command = { type: 'pool.patch', poolId, input, mask: ['*'] };
  const left = hasOtherDenials(now, then) ? { left: 'denied uids stay as they are' } : {};
  return { steps: [...undelete, ...(isSame ? [] : [{ action: 'CHANGED' as const, command: patch }])], ...left };
}

function hasOtherDenials(now: Pool, then: Pool): boolean {
  return JSON.stringify(now.deniedUids) !== JSON.stringify(then.deniedUids);
}

function targetPart(state: ConfigState, targetId: string, then: Target | undefined): Part {
  const now = state.target(targetId);
  if (then === undefined) {
    return now === undefined ? {} : { steps: [{ action: 'DELETED', command: { type: 'target.delete', targetId } }] };
  }
  const input = targetInputOf(then);
  if (now === undefined) return { steps: [{ action: 'CREATED', command: { type: 'target.create', targetId, input } }] };
  if (JSON.stringify(input) === JSON.stringify(targetInputOf(now))) return {};
  return { steps: [{ action: 'CHANGED', command: { type: 'target.patch', targetId, input, mask: ['*'] } }] };
}

function rolePart(state: ConfigState, roleId: string, then: Role | undefined): Part {
  const now = state.role(roleId);
  if (then === undefined) {
    return now === undefined ? {} : { steps: [{ action: 'DELETED', command: { type: 'role.delete', roleId } }] };
  }
  const input = roleInputOf(then);
  if (now === undefined) return { steps: [{ action: 'CREATED', command: { type: 'role.create', roleId, input } }] };
  if (JSON.stringify(input) === JSON.stringify(roleInputOf(now))) return {};
  return { steps: [{ action: 'CHANGED', command: { type: 'role.patch', roleId, input, mask: ['*'] } }] };
}

function policyPart(world: World, resource: PolicyResource, then: Policy | undefined): Part {
  const bindings = (then?.bindings ?? []).map((binding) => ({
    ...binding,
    members: [...new Set(binding.members.map((member) => disowned(world, member)))],
  }));
  if (!willBeLive(world, resource)) return {};
  const now = world.state.policy(resource)?.bindings ?? [];
  // A resource that is made anew, or loses a role, has other bindings on the way than it has now.
  if (JSON.stringify(bindings) === JSON.stringify(now) && isThere(world.state, resource)) return {};
  const policy = { version: 3, bindings };
  return { steps: [{ action: 'CHANGED', command: { type: 'policy.set', resource, policy } }] };
}

function denyPolicyPart(
  world: World,
  { attachment, policyId }: Extract<HistoryResource, { kind: 'denyPolicy' }>,
  then: DenyPolicy | undefined,
): Part {
  if (!willBeLive(world, attachment)) return {};
  const id = { attachment, policyId };
  const now = world.state.denyPolicy(id);
  if (then === undefined) {
    return now === undefined ? {} : { steps: [{ action: 'DELETED', command: { type: 'denyPolicy.delete', ...id } }] };
  }
  const input = denyInputOf(then);
  if (now === undefined) {
    return { steps: [{ action: 'CREATED', command: { type: 'denyPolicy.create', ...id, input } }] };
  }
  if (JSON.stringify(input) === JSON.stringify(denyInputOf(now))) return {};
  return { steps: [{ action: 'CHANGED', command: { type: 'denyPolicy.update', ...id, input } }] };
}

/** What is pruned by whom is part of how things were: without it an owner's next apply would leave standing what it had removed. */
function ownerPart(state: ConfigState, resource: string, owner: string | undefined): Part {
  if (state.ownerOf(resource) === owner) return {};
  return { steps: [{ action: 'CHANGED', command: { type: 'owner.set', resource, owner: owner ?? null } }] };
}

function denyInputOf({ displayName, annotations, rules }: DenyPolicy) {
  return { displayName, annotations, rules };
}

function isThere(state: ConfigState, resource: PolicyResource): boolean {
  if (resource.kind === 'pool') return state.pool(resource.poolId) !== undefined;
  return resource.kind === 'project' || state.target(resource.targetId) !== undefined;
}

/** Once every step is taken. */
function willBeLive({ state, bodies }: World, resource: PolicyResource): boolean {
  if (resource.kind === 'project') return true;
  if (resource.kind === 'target') {
    const body = bodies.get(`target/${resource.targetId}`);
    return body === undefined ? isThere(state, resource) : body !== null;
  }
  const { poolId } = resource;
  const pool: Pool | undefined = rowOf(bodies.get(`pool/${poolId}`) ?? null);
  const now = state.pool(poolId) ?? state.deletedPool(poolId);
  // A pool that goes is still there while its providers are looked at; what becomes of them does not matter any more.
  if (!bodies.has(`pool/${poolId}`)) return isThere(state, resource);
  return pool !== undefined && pool.expireTime === undefined && now !== undefined && uidOf(now) === uidOf(pool);
}

/** A pool that was purged since: its members had been made nobody's, and whoever has its name now, or will, must not get what they had. */
function disowned({ state, bodies }: World, member: string): string {
  const parts = poolMemberOf(member);
  const { projectNumber } = state.project();
  if (parts === undefined || parts.projectNumber !== projectNumber) return member;
  const key = `pool/${parts.poolId}`;
  if (!bodies.has(key)) return member;
  const pool: Pool | undefined = rowOf(bodies.get(key) ?? null);
  const now = state.pool(parts.poolId) ?? state.deletedPool(parts.poolId);
  const isGone = now === undefined || (pool !== undefined && uidOf(now) !== uidOf(pool));
  return isGone ? `deleted:${member}` : member;
}

/**
 * How a project gets back to a state that it was in: as commands, the same that a person would give, so that each is checked as if one did.
 * What must never come back is not in any of them: keys that are distrusted or pushed, denials that were lifted by nobody, limits, and
 * whatever was purged.
 */
import { poolMemberOf } from '../../members.ts';
import { parseServiceAccountEmail } from '../../names.ts';
import { recentRetentionSeconds } from '../../recent.ts';
import { projectMaxTokenLifetimeSeconds } from '../../service-account.ts';
import type { DenyPolicy, Policy, Pool, Project, Role, ServiceAccount, Target } from '../../resources.ts';
import type { Command, PolicyResource, ProjectInput } from '../commands.ts';
import { roleInputOf } from '../roles.ts';
import { serviceAccountInputOf } from '../service-accounts.ts';
import type { ConfigState } from '../state.ts';
import { targetInputOf } from '../targets.ts';
import { stepsOfProvider } from './provider-steps.ts';
import { type HistoryResource, readResourceKey } from './resource-key.ts';
import { type Left, type Part, PURGED, type RestoreAction, type RowThen, type Step, uidOf } from './step.ts';

/** What has to be there before what. Deletions come early where they make room for names, and the project's own policy last: it may end the caller's rights. */
const ORDER = [
  'role',
  'role.delete',
  'target.delete',
  'target',
  'project.account',
  'serviceAccount',
  'pool',
  'provider.delete',
  'provider',
  'project',
  'denyPolicy',
  'policy',
  'serviceAccount.delete',
  'pool.delete',
  'policy.project',
  'owner',
] as const;

export interface Plan {
  readonly steps: readonly Step[];
  readonly left: readonly Left[];
}

/** `then`: every row that is to be as it was. `changed`: every row that was otherwise, wanted back or not. */
export function planOf(state: ConfigState, then: readonly RowThen[], changed: readonly RowThen[]): Plan {
  const steps: { readonly rank: number; readonly step: Step }[] = [];
  const left: Left[] = [];
  const world: World = { state, bodies: bodiesOf(then), known: bodiesOf(changed) };
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

type Bodies = ReadonlyMap<string, string | null>;

interface World {
  readonly state: ConfigState;
  /** Of the rows that are to be as they were. */
  readonly bodies: Bodies;
  /** Of all rows, as they were then: whose pool a member named is not asked of those alone that come back. */
  readonly known: Bodies;
}

function bodiesOf(rows: readonly RowThen[]): Bodies {
  return new Map(rows.map(({ resource, body }) => [resource, body]));
}

function rankOf(command: Command): number {
  const isOwnPolicy = command.type === 'policy.set' && command.resource.kind === 'project';
  // The roles of service accounts need the project's AWS account; one that goes, goes after them.
  const hasAccount = command.type === 'project.patch' && (command.input.awsAccountId ?? '') !== '';
  return rankNamed(isOwnPolicy ? 'policy.project' : hasAccount ? 'project.account' : command.type);
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
    case 'serviceAccount':
      return serviceAccountPart(state, resource.accountId, rowOf(body));
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
  const input = inputOf(then);
  if (JSON.stringify(input) === JSON.stringify(inputOf(now))) return left;
  const command: Command = { type: 'project.patch', input, mask: Object.keys(input) };
  return { steps: [{ action: 'CHANGED', command }], ...left };
}

function inputOf(project: Project): ProjectInput {
  return {
    displayName: project.displayName,
    recentExchangesRetention: `${recentRetentionSeconds(project)}s`,
    maxServiceAccountTokenLifetime: `${projectMaxTokenLifetimeSeconds(project)}s`,
    awsAccountId: project.awsAccountId ?? '',
  };
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

/** Its keys are no rows, so an account that was purged is another one when it is made anew: it does not come back. */
function serviceAccountPart(state: ConfigState, accountId: string, then: ServiceAccount | undefined): Part {
  const live = state.serviceAccount(accountId);
  if (then === undefined || then.expireTime !== undefined) {
    const command = { type: 'serviceAccount.delete', accountId } as const;
    return live === undefined ? {} : { steps: [{ action: 'DELETED', command }] };
  }
  const now = live ?? state.deletedServiceAccount(accountId);
  if (now === undefined || now.uniqueId !== then.uniqueId) return { left: PURGED };
  const steps: { readonly action: RestoreAction; readonly command: Command }[] = [];
  if (live === undefined) steps.push({ action: 'UNDELETED', command: { type: 'serviceAccount.undelete', accountId } });
  const input = serviceAccountInputOf(then);
  if (JSON.stringify(input) !== JSON.stringify(serviceAccountInputOf(now))) {
    steps.push({ action: 'CHANGED', command: { type: 'serviceAccount.patch', accountId, input, mask: ['*'] } });
  }
  if (then.disabled !== now.disabled) {
    const type = then.disabled ? 'serviceAccount.disable' : 'serviceAccount.enable';
    steps.push({ action: 'CHANGED', command: { type, accountId } });
  }
  return { steps };
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
  const input = { ...denyInputOf(then), rules: then.rules.map((rule) => withoutGone(world, rule)) };
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
  if (resource.kind === 'serviceAccount') return state.serviceAccount(resource.accountId) !== undefined;
  return resource.kind === 'project' || state.target(resource.targetId) !== undefined;
}

/** Once every step is taken. */
function willBeLive({ state, bodies }: World, resource: PolicyResource): boolean {
  if (resource.kind === 'project') return true;
  if (resource.kind === 'target') {
    const body = bodies.get(`target/${resource.targetId}`);
    return body === undefined ? isThere(state, resource) : body !== null;
  }
  if (resource.kind === 'serviceAccount') {
    const key = `serviceAccount/${resource.accountId}`;
    if (!bodies.has(key)) return isThere(state, resource);
    const then: ServiceAccount | undefined = rowOf(bodies.get(key) ?? null);
    const now = state.serviceAccount(resource.accountId) ?? state.deletedServiceAccount(resource.accountId);
    return then !== undefined && then.expireTime === undefined && now?.uniqueId === then.uniqueId;
  }
  const { poolId } = resource;
  const pool: Pool | undefined = rowOf(bodies.get(`pool/${poolId}`) ?? null);
  const now = state.pool(poolId) ?? state.deletedPool(poolId);
  // A pool that goes is still there while its providers are looked at; what becomes of them does not matter any more.
  if (!bodies.has(`pool/${poolId}`)) return isThere(state, resource);
  return pool !== undefined && pool.expireTime === undefined && now !== undefined && uidOf(now) === uidOf(pool);
}

/** The same of an account: whoever has its address now is another. */
function isGoneAccount({ state, known }: World, member: string): boolean {
  const named = member.startsWith('serviceAccount:')
    ? parseServiceAccountEmail(member.slice('serviceAccount:'.length))
    : undefined;
  if (named === undefined || named.projectId !== state.project().projectId) return false;
  const key = `serviceAccount/${named.accountId}`;
  if (!known.has(key)) return false;
  const then: ServiceAccount | undefined = rowOf(known.get(key) ?? null);
  const now = state.serviceAccount(named.accountId) ?? state.deletedServiceAccount(named.accountId);
  return now === undefined || (then !== undefined && then.uniqueId !== now.uniqueId);
}

/** A pool that was purged since: its members had been made nobody's, and whoever has its name now, or will, must not get what they had. */
function disowned(world: World, member: string): string {
  return isOfGonePool(world, member) || isGoneAccount(world, member) ? `deleted:${member}` : member;
}

/** Nor be excepted from what is denied. */
function withoutGone(world: World, rule: DenyPolicy['rules'][number]): DenyPolicy['rules'][number] {
  const exceptionPrincipals = rule.denyRule.exceptionPrincipals.filter((member) => !isOfGonePool(world, member));
  return { ...rule, denyRule: { ...rule.denyRule, exceptionPrincipals } };
}

function isOfGonePool({ state, known }: World, member: string): boolean {
  const parts = poolMemberOf(member);
  const { projectNumber } = state.project();
  if (parts === undefined || parts.projectNumber !== projectNumber) return false;
  const key = `pool/${parts.poolId}`;
  if (!known.has(key)) return false;
  const pool: Pool | undefined = rowOf(known.get(key) ?? null);
  const now = state.pool(parts.poolId) ?? state.deletedPool(parts.poolId);
  return now === undefined || (pool !== undefined && uidOf(now) !== uidOf(pool));
}

/**
 * Nobody raises himself. What a change would write is looked at row by row, so whatever makes the rows (a policy, a role, a provider, a
 * restore) is held to the same rules: nothing is handed on that its writer does not hold, but by an owner.
 */
import { IMPERSONATION_PERMISSION } from '../../deny.ts';
import type { Api } from '../../policy/variables.ts';
import {
  type Binding,
  type ConditionText,
  type DenyPolicy,
  type Project,
  type Provider,
  type ServiceAccount,
  type Target,
} from '../../resources.ts';
import { predefinedRole } from '../../roles.ts';
import type { PolicyResource } from '../commands.ts';
import { limitInForce, QUOTAS } from '../quotas.ts';
import { permissionsOf, roleName } from '../roles.ts';
import type { ConfigState, Write } from '../state.ts';
import type { Above } from './above.ts';
import {
  administratorsOf,
  administratorsOfOrganization,
  policiesNaming,
  accountKey,
  isOfProject,
  poolKey,
} from './administrative-pools.ts';
import { isJudgedByDenials } from './denials-of-target.ts';
import { SET_POLICY } from './needs.ts';
import { denied, type Escalation, lacking, type NamedBy, type Refusal } from './refusal.ts';
import { ESCALATE, type Rights, type Where } from './rights.ts';
import { refusalOfRole } from './role-growth.ts';

export function namedBy({ organizationPolicy, namedByProjects }: Above): NamedBy {
  return { organization: administratorsOfOrganization(organizationPolicy), projects: new Set(namedByProjects) };
}

/** Why these rows are not this caller's to write, if they are not: the right that he lacks, and where. `state` is as it is before them. */
export function refusalOfWrites(writes: readonly Write[], by: Escalation): Refusal | undefined {
  const gone = goneWith(writes, by.state);
  for (const write of writes) {
    const refusal = refusalOf(write, gone, by);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Bindings that end because what they are about does: nobody's policy is changed by that. */
interface Gone {
  readonly roles: ReadonlySet<string>;
  readonly targetIds: ReadonlySet<string>;
}

function goneWith(writes: readonly Write[], state: ConfigState): Gone {
  const removed = writes.flatMap((write) => ('remove' in write ? [write] : []));
  const { projectId } = state.project();
  return {
    roles: new Set(removed.flatMap((one) => (one.remove === 'role' ? [roleName(projectId, one.roleId)] : []))),
    targetIds: new Set(removed.flatMap((one) => (one.remove === 'target' ? [one.targetId] : []))),
  };
}

function refusalOf(write: Write, gone: Gone, by: Escalation): Refusal | undefined {
  const { state } = by;
  if ('remove' in write) {
    // With its target too: the next target of that uri would be without the denial.
    if (write.remove === 'pool' || write.remove === 'provider') return refusalOfPool(write.poolId, by);
    if (write.remove === 'target') return refusalOfLifting(write.targetId, by);
    if (write.remove !== 'denyPolicy') return undefined;
    const current = state.denyPolicy(write);
    return current && refusalOfDenial(current, [], by);
  }
  switch (write.put) {
    case 'policy': {
      const { resource, policy } = write;
      if (resource.kind === 'target' && gone.targetIds.has(resource.targetId)) return undefined;
      const before = (state.policy(resource)?.bindings ?? []).filter(({ role }) => !gone.roles.has(role));
      const account = resource.kind === 'serviceAccount' ? state.serviceAccount(resource.accountId) : undefined;
      return (
        refusalOfPolicy(resource, before, policy.bindings, by) ??
        // With the account itself: who may be an administrator is an owner's to say, and to take back too.
        (account === undefined ? undefined : refusalOfAccount(account.email, by))
      );
    }
    case 'role':
      return refusalOfRole(write.role, by);
    case 'pool':
      return refusalOfPool(write.pool.poolId, by);
    case 'provider':
      return refusalOfPool(write.provider.poolId, by) ?? refusalOfReview(write.provider, by);
    case 'target':
      return refusalOfTarget(write.target, by);
    case 'serviceAccount':
      return refusalOfAccount(write.serviceAccount.email, by) ?? refusalOfAwsRole(write.serviceAccount, by);
    case 'denyPolicy': {
      const current = state.denyPolicy(write.policy);
      return current && refusalOfDenial(current, write.policy.rules, by);
    }
    case 'project':
      return (
        refusalOfEnd(write.project, by) ?? refusalOfLimits(write.project, by) ?? refusalOfAwsAccount(write.project, by)
      );
    case 'quotaPreference': {
      const { state: next, preferenceId } = write.preference;
      const isGrant = next.startsWith('GRANTED') && state.quotaPreference(preferenceId)?.state !== next;
      return isGrant ? lacking('cloudquotas.quotas.approve', { kind: 'organization' }, by) : undefined;
    }
    case 'usedToken':
    case 'operation':
    case 'owner':
      return undefined;
  }
}

/** One role for one member under one condition. A condition on trial gives nothing, so it makes no difference. */
interface Grant extends Pick<Binding, 'role' | 'condition'> {
  readonly member: string;
}

function refusalOfPolicy(
  resource: PolicyResource,
  before: readonly Binding[],
  after: readonly Binding[],
  by: Escalation,
): Refusal | undefined {
  const modified = modifiedRoles(before, after);
  if (modified.length === 0) return undefined;
  // As at Google: a condition may say which roles its bearer gives and takes. It is asked only now, for only now is it known which these are.
  const api = apiOf(modified);
  const permission = SET_POLICY[resource.kind];
  if (!by.rights.may(permission, resource, api)) return denied(permission, resource, by);
  return refusalOfGrants(resource, added(before, after), (role) => permissionsOf(by.state, role), by, api);
}

/** The organization's own policy: no project, no custom roles. */
export function refusalOfOrganizationPolicy(
  before: readonly Binding[],
  after: readonly Binding[],
  rights: Rights,
): Refusal | undefined {
  const api = apiOf(modifiedRoles(before, after));
  const where = { kind: 'organization' } as const;
  const permission = SET_POLICY.organization;
  if (!rights.may(permission, where, api)) return denied(permission, where, {});
  return refusalOfGrants(
    where,
    added(before, after),
    (role) => predefinedRole(role)?.permissions ?? [],
    { rights },
    api,
  );
}

function apiOf(modified: readonly string[]): Api {
  return { 'iam.googleapis.com/modifiedGrantsByRole': modified };
}

function refusalOfGrants(
  where: Where,
  grants: readonly Grant[],
  heldBy: (role: string) => readonly string[],
  by: Pick<Escalation, 'rights'> & { readonly state?: ConfigState },
  api: Api,
): Refusal | undefined {
  if (grants.length === 0 || by.rights.may(ESCALATE, where, api)) return undefined;
  // Many grants are of few roles under few conditions; each pair is looked at once.
  const pairs = new Map(
    grants.map(({ role, condition }) => [`${role} ${condition?.expression ?? ''}`, { role, condition }]),
  );
  for (const { role, condition } of pairs.values()) {
    const lacks = heldBy(role).find((permission) => !by.rights.mayHandOn(permission, where, condition));
    if (lacks !== undefined) return denied(lacks, where, by);
  }
  return undefined;
}

function added(before: readonly Binding[], after: readonly Binding[]): readonly Grant[] {
  const known = new Set(grantsOf(before).map(keyOf));
  return grantsOf(after).filter((grant) => !known.has(keyOf(grant)));
}

/** Roles that somebody gets, loses, or holds under another condition; another title or condition on trial is none of a delegate's business either. */
function modifiedRoles(before: readonly Binding[], after: readonly Binding[]): readonly string[] {
  return [...new Set([...unlike(before, after), ...unlike(after, before)])].toSorted();
}

/** The roles of bindings in `after` that say, of some member, what `before` does not. */
function unlike(before: readonly Binding[], after: readonly Binding[]): readonly string[] {
  const wordsOf = ({ role, condition, dryRunCondition }: Binding, member: string): string =>
    JSON.stringify([role, member, worded(condition), worded(dryRunCondition)]);
  const known = new Set(before.flatMap((one) => one.members.map((member) => wordsOf(one, member))));
  return after.filter((one) => one.members.some((member) => !known.has(wordsOf(one, member)))).map(({ role }) => role);
}

function worded(condition: ConditionText | undefined) {
  return [condition?.title, condition?.description, condition?.expression];
}

function grantsOf(bindings: readonly Binding[]): readonly Grant[] {
  return bindings.flatMap(({ role, members, condition }) =>
    members.map((member) => ({ role, member, ...(condition === undefined ? {} : { condition }) })),
  );
}

function keyOf({ role, member, condition }: Grant): string {
  return JSON.stringify([role, member, condition?.expression]);
}

/** Also for one that does not exist yet: its name may stand in a policy already. */
function refusalOfPool(poolId: string, by: Escalation): Refusal | undefined {
  const { state, rights, namedBy: named } = by;
  // Who may whatever the pool turns out to be need not wait until all policies are searched for it: a file may write a thousand of them.
  if (rights.may(ESCALATE, { kind: 'organization' }) && rights.may(ESCALATE, { kind: 'project' })) return undefined;
  const key = poolKey(state.project().projectNumber, poolId);
  if (named.organization.has(key)) return lacking(ESCALATE, { kind: 'organization' }, by);
  return isAdministrative(state, poolId, named) ? lacking(ESCALATE, { kind: 'project' }, by) : undefined;
}

export function isAdministrative(state: ConfigState, poolId: string, named: NamedBy): boolean {
  const key = poolKey(state.project().projectNumber, poolId);
  if (named.organization.has(key) || named.projects.has(key)) return true;
  return administratorsOf(state, policiesNaming(state, { poolId })).has(key);
}

/** Also for one that does not exist yet, as with pools. */
function refusalOfAccount(email: string, by: Escalation): Refusal | undefined {
  const { state, namedBy: named } = by;
  const key = accountKey(email);
  if (named.organization.has(key)) return lacking(ESCALATE, { kind: 'organization' }, by);
  const isNamed =
    named.projects.has(key) || administratorsOf(state, policiesNaming(state, { account: email })).has(key);
  return isNamed ? lacking(ESCALATE, { kind: 'project' }, by) : undefined;
}

/** The broker's own credential for that target goes to the address that is written here. */
function refusalOfReview({ poolId, providerId, tokenReview }: Provider, by: Escalation): Refusal | undefined {
  if (tokenReview === undefined) return undefined;
  const current = by.state.provider(poolId, providerId)?.tokenReview;
  const isSame = current?.url === tokenReview.url && current.targetId === tokenReview.targetId;
  if (isSame && current.targetUid === tokenReview.targetUid) return undefined;
  return lacking('sts.targets.setIamPolicy', { kind: 'target', targetId: tokenReview.targetId }, by);
}

/** Who is let in by the policies hangs on these members: to choose them is to write the policy, on a new target as well. */
function refusalOfTarget(target: Target, by: Escalation): Refusal | undefined {
  const { targetId } = target;
  const current = by.state.target(targetId);
  const isSame = current !== undefined && JSON.stringify(decisive(current)) === JSON.stringify(decisive(target));
  if (isSame) return undefined;
  const refusal = lacking('sts.targets.setIamPolicy', { kind: 'target', targetId }, by);
  return refusal ?? (current && refusalOfLifting(targetId, by));
}

/** Of a target that is there. A new one takes nothing out of a denial. */
function refusalOfLifting(targetId: string, by: Escalation): Refusal | undefined {
  return isJudgedByDenials(by.state, targetId) ? lacking(ESCALATE, { kind: 'target', targetId }, by) : undefined;
}

function decisive({ uri, resource, tags, tagIds }: Target) {
  return { uri, resource: sorted(resource), tags: sorted(tags), tagIds: sorted(tagIds) };
}

function sorted(members: object): object {
  return Object.fromEntries(Object.entries(members).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Rules may be added by whoever may write them; one that goes, or is changed, may let somebody in again. */
function refusalOfDenial(current: DenyPolicy, rules: DenyPolicy['rules'], by: Escalation): Refusal | undefined {
  const kept = new Set(rules.map(({ denyRule }) => JSON.stringify(denyRule)));
  const isWeaker = current.rules.some(({ denyRule }) => !kept.has(JSON.stringify(denyRule)));
  return isWeaker ? lacking(ESCALATE, current.attachment, by) : undefined;
}

/** With the project go, or come back, those of its pools that administer the organization. */
function refusalOfEnd(project: Project, by: Escalation): Refusal | undefined {
  const isSame = (by.state.project().expireTime === undefined) === (project.expireTime === undefined);
  if (isSame || ![...by.namedBy.organization].some((subject) => isOfProject(project, subject))) return undefined;
  return lacking(ESCALATE, { kind: 'organization' }, by);
}

/** Raising a limit is the organization's to do, whoever owns the project. */
function refusalOfLimits(project: Project, by: Escalation): Refusal | undefined {
  const current = by.state.project();
  const isRaised = QUOTAS.some((quota) => limitInForce(project, quota) > limitInForce(current, quota));
  if (isRaised) return lacking('cloudquotas.quotas.approve', { kind: 'organization' }, by);
  const isLowered = QUOTAS.some((quota) => limitInForce(project, quota) < limitInForce(current, quota));
  const isOwn = JSON.stringify(project.ownLimits ?? []) !== JSON.stringify(current.ownLimits ?? []);
  return isLowered || isOwn ? lacking('cloudquotas.quotas.update', { kind: 'project' }, by) : undefined;
}

/** Whose ARNs a project answers for is the organization's to say: they may stand in other people's configuration already. */
function refusalOfAwsAccount({ awsAccountId }: Project, by: Escalation): Refusal | undefined {
  if (awsAccountId === by.state.project().awsAccountId) return undefined;
  return lacking('sts.awsAccounts.assign', { kind: 'organization' }, by);
}

/**
 * Who takes the role hangs on its ARN and its trust policy: to write them is to write the account's policy. And a trust policy is a grant like
 * any other: who could not bind somebody to impersonate the account must not let him in by it either.
 */
function refusalOfAwsRole({ accountId, awsRole }: ServiceAccount, by: Escalation): Refusal | undefined {
  const current = by.state.serviceAccount(accountId) ?? by.state.deletedServiceAccount(accountId);
  if (JSON.stringify(awsRole) === JSON.stringify(current?.awsRole)) return undefined;
  const on = { kind: 'serviceAccount', accountId } as const;
  const refusal = lacking('iam.serviceAccounts.setIamPolicy', on, by);
  if (refusal !== undefined || awsRole?.trustPolicy === undefined) return refusal;
  const isSame = awsRole.trustPolicy === current?.awsRole?.trustPolicy;
  const mayGrant =
    by.rights.mayWithoutLimit(ESCALATE, on) || by.rights.mayHandOn(IMPERSONATION_PERMISSION, on, undefined);
  return isSame || mayGrant ? undefined : denied(IMPERSONATION_PERMISSION, on, by);
}

/**
 * Whose principals hold rights over the broker itself. Whoever writes such a pool or its providers could be any of its principals, so it
 * takes an owner to do so. Nobody marks a pool: the policies that name it do.
 */
import { legacyMemberOf, poolMemberOf } from '../../members.ts';
import { builtInPoolId, isBuiltInPoolId, parseServiceAccountEmail } from '../../names.ts';
import type { Policy, Project } from '../../resources.ts';
import { isOwnPermission, predefinedRole } from '../../roles.ts';
import { PUSH_PERMISSION } from '../push-keys.ts';
import { permissionsOf, roleName } from '../roles.ts';
import type { ConfigState, PolicyOf, Write } from '../state.ts';
import type { Where } from './rights.ts';

type HeldBy = (role: string) => readonly string[];

/** One text for one pool in the whole broker; the id of a built-in one is its project's and no other's. */
export function poolKey(projectNumber: string, poolId: string): string {
  return isBuiltInPoolId(poolId) ? poolId : `${projectNumber}/${poolId}`;
}

/** As `administratorsOf` names it. */
export function accountKey(email: string): string {
  return `serviceAccount:${email}`;
}

/** A pool or an account of this project, of all that `administratorsOf` names. */
export function isOfProject({ projectId, projectNumber }: Project, subject: string): boolean {
  if (subject.startsWith('serviceAccount:')) {
    return parseServiceAccountEmail(subject.slice('serviceAccount:'.length))?.projectId === projectId;
  }
  return subject === builtInPoolId(projectId) || subject.startsWith(`${projectNumber}/`);
}

/** Whom a policy lets administer: pools by `poolKey`, users as `user:EMAIL`, service accounts by `accountKey`. A condition changes nothing of that. */
function administratorsIn(on: Where, policy: Policy, heldBy: HeldBy): readonly string[] {
  return policy.bindings.flatMap(({ role, members }) => {
    const own = heldBy(role).filter(isOwnPermission);
    return own.length === 0 ? [] : members.flatMap((member) => administrator(on, member, own));
  });
}

function administrator(on: Where, member: string, permissions: readonly string[]): readonly string[] {
  if (member.startsWith('user:')) return [member];
  const named = poolMemberOf(member);
  const legacy = legacyMemberOf(member);
  if (legacy === undefined && member.startsWith('serviceAccount:')) return [member];
  const poolId = named?.poolId ?? (legacy && builtInPoolId(legacy.projectId));
  if (poolId === undefined) return [];
  // An agent that pushes the keys of its own pool gains nothing by that pool that it did not have.
  const isOwnPool = on.kind === 'pool' && on.poolId === poolId;
  if (isOwnPool && permissions.every((permission) => permission === PUSH_PERMISSION)) return [];
  return [poolKey(named?.projectNumber ?? '', poolId)];
}

export function administratorsOfOrganization(policy: Policy): ReadonlySet<string> {
  return new Set(administratorsIn({ kind: 'organization' }, policy, (role) => predefinedRole(role)?.permissions ?? []));
}

/** Whom some of the project's policies let administer. */
export function administratorsOf(state: ConfigState, policies: readonly PolicyOf[]): ReadonlySet<string> {
  return new Set(
    policies.flatMap(({ resource, policy }) =>
      administratorsIn(resource, policy, (role) => permissionsOf(state, role)),
    ),
  );
}

/** The policies that may name this pool, this account, or anybody: SQLite finds the few that hold the text at all. */
export function policiesNaming(
  state: ConfigState,
  named?: { readonly poolId: string } | { readonly account: string },
): readonly PolicyOf[] {
  const found = textsNaming(named).flatMap((text) => state.policiesWithText(text));
  return [...new Map(found.map((one) => [JSON.stringify(one.resource), one])).values()];
}

function textsNaming(named: { readonly poolId: string } | { readonly account: string } | undefined): readonly string[] {
  if (named === undefined) return ['workloadIdentityPools/', 'serviceAccount:', 'user:'];
  if ('account' in named) return [accountKey(named.account)];
  return [`workloadIdentityPools/${named.poolId}/`, `serviceAccount:${named.poolId}[`];
}

/** Whom the policies that these writes touch let administer before and after them: by a binding, or by what its role holds. */
export function administratorsChanged(
  state: ConfigState,
  writes: readonly Write[],
): { readonly before: ReadonlySet<string>; readonly after: ReadonlySet<string> } {
  const { projectId } = state.project();
  const roles = new Map(
    writes.flatMap((write) =>
      'put' in write && write.put === 'role'
        ? [[roleName(projectId, write.role.roleId), write.role.includedPermissions] as const]
        : [],
    ),
  );
  const rewritten = writes.flatMap((write) => ('put' in write && write.put === 'policy' ? [write] : []));
  const withRoles = [...roles.keys()].flatMap((role) => state.policiesWithRole(role));
  const after = [
    ...withRoles.filter(({ resource }) => !rewritten.some((one) => isSame(one, { resource }))),
    ...rewritten,
  ];
  const replaced = rewritten.flatMap(({ resource }): readonly PolicyOf[] => {
    const policy = state.policy(resource);
    return policy === undefined ? [] : [{ resource, policy }];
  });
  const heldAfter: HeldBy = (role) => roles.get(role) ?? permissionsOf(state, role);
  return {
    before: administratorsOf(state, [...withRoles, ...replaced]),
    after: new Set(after.flatMap(({ resource, policy }) => administratorsIn(resource, policy, heldAfter))),
  };
}

function isSame(one: Pick<PolicyOf, 'resource'>, other: Pick<PolicyOf, 'resource'>): boolean {
  return JSON.stringify(one.resource) === JSON.stringify(other.resource);
}

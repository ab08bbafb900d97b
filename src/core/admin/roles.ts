/** Custom roles: named lists of permissions, free text so that they fit any service's own words. */
import type { Policy, Role } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { predefinedRole } from '../roles.ts';
import type { Applied } from './applied.ts';
import { isConditional } from './bindings.ts';
import type { Command, RoleInput } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { checkEtag } from './etag.ts';
import { checkDescription, checkLength, checkNoControl, wrong, type Violations } from './fields.ts';
import { overlay } from './mask.ts';
import { policyShards, roleShards } from './policy-shards.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

const ROLE_ID = /^[a-zA-Z0-9_.]{3,64}$/;
const PERMISSION = /^[a-zA-Z][a-zA-Z0-9.]{2,127}$/;
const MAX_PERMISSIONS = 3_000;
const MAX_TITLE = 100;
/** Google's two limits, a role and a project: what a project's shard is read from stays small. */
const MAX_ROLE_BYTES = 65_536;
export const MAX_ROLES = 300;
/** Google's launch stages but DISABLED, which would have to switch the role off. */
const STAGES = ['ALPHA', 'BETA', 'GA', 'DEPRECATED', 'EAP'];
const DEFAULT_STAGE = 'GA';

/** Role names carry the project's id, as Google's do. */
export function roleName(projectId: string, roleId: string): string {
  return `projects/${projectId}/roles/${roleId}`;
}

export function isPermission(text: string): boolean {
  return PERMISSION.test(text);
}

export function createRole(
  state: ConfigState,
  roleId: string,
  input: RoleInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  if (!ROLE_ID.test(roleId)) return err(invalid('roleId', 'must be 3 to 64 characters of [a-zA-Z0-9_.]'));
  if (state.role(roleId) !== undefined) {
    return err({ tag: 'already_exists', resource: roleName(state.project().projectId, roleId) });
  }
  if (state.roleCount() >= MAX_ROLES) {
    const description = `A project has at most ${MAX_ROLES} custom roles. Delete one that is not used any more.`;
    return err({ tag: 'limit_reached', description });
  }
  const role = { roleId, ...fields(input), createTime: context.time, updateTime: context.time, version: context.epoch };
  return written(state, role, 'role.');
}

const PATHS: ReadonlySet<string> = new Set(['title', 'description', 'includedPermissions', 'stage']);

export function patchRole(
  state: ConfigState,
  { roleId, input, mask, etag }: Extract<Command, { readonly type: 'role.patch' }>,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.role(roleId);
  if (current === undefined) return notFound(state, roleId);
  const stale = checkEtag(etag, current.version, roleName(state.project().projectId, roleId));
  if (stale !== undefined) return err(stale);
  const patched = overlay<RoleInput>(roleInputOf(current), input, mask, PATHS);
  if (!patched.ok) return patched;
  const role = { ...current, ...fields(patched.value), updateTime: context.time, version: context.epoch };
  return written(state, role, '');
}

/** What a patch is laid over, and what would make the role again. */
export function roleInputOf({ title, description, includedPermissions, stage }: Role): RoleInput {
  return { title, description, includedPermissions, stage };
}

/**
 * Its bindings go with it, out of every policy of the project. At Google they stay and are dead, for a deleted role's name is
 * kept from others; here whoever made a role of that name again would, without a word, hand it to everybody who once had it.
 */
export function deleteRole(
  state: ConfigState,
  { roleId, etag }: { readonly roleId: string; readonly etag?: string },
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.role(roleId);
  if (current === undefined) return notFound(state, roleId);
  const { projectId } = state.project();
  const role = roleName(projectId, roleId);
  const stale = checkEtag(etag, current.version, role);
  if (stale !== undefined) return err(stale);
  const stripped = state
    .policiesWithRole(role)
    .map(({ resource, policy }) => ({ resource, policy: withoutRole(policy, role, context.epoch) }));
  const shards = [...roleShards(state), ...stripped.flatMap(({ resource }) => policyShards(state, resource))];
  return ok({
    answer: { kind: 'deleted' },
    writes: [{ remove: 'role', roleId }, ...stripped.map((one): Write => ({ put: 'policy', ...one }))],
    shards: [...new Set(shards)],
  });
}

function withoutRole(policy: Policy, role: string, revision: number): Policy {
  const bindings = policy.bindings.filter((binding) => binding.role !== role);
  const conditional = bindings.some(isConditional);
  return { version: conditional ? 3 : 1, revision, bindings };
}

function fields(input: RoleInput): Pick<Role, 'title' | 'description' | 'includedPermissions' | 'stage'> {
  return {
    title: input.title ?? '',
    description: input.description ?? '',
    includedPermissions: [...new Set(input.includedPermissions)],
    stage: input.stage ?? DEFAULT_STAGE,
  };
}

function written(state: ConfigState, role: Role, prefix: '' | 'role.'): Result<Applied, AdminDenial> {
  const violations = [
    ...checkLength(`${prefix}title`, role.title, MAX_TITLE),
    ...checkNoControl(`${prefix}title`, role.title),
    ...checkDescription(`${prefix}description`, role.description),
    ...checkPermissions(`${prefix}includedPermissions`, role.includedPermissions),
    ...checkSize(`${prefix}includedPermissions`, role),
    ...(STAGES.includes(role.stage) ? [] : wrong(`${prefix}stage`, `must be one of ${STAGES.join(', ')}`)),
  ];
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  return ok({ answer: { kind: 'role', role }, writes: [{ put: 'role', role }], shards: roleShards(state) });
}

function checkPermissions(field: string, permissions: readonly string[]): Violations {
  if (permissions.length > MAX_PERMISSIONS) return wrong(field, `holds more than ${MAX_PERMISSIONS} permissions`);
  return permissions.flatMap((permission, index) => {
    if (isPermission(permission)) return [];
    return wrong(`${field}[${index}]`, 'must match [a-zA-Z][a-zA-Z0-9.]{2,127}; wildcards are not known');
  });
}

function checkSize(field: string, { title, description, includedPermissions }: Role): Violations {
  const { length } = new TextEncoder().encode([title, description, ...includedPermissions].join(''));
  if (length <= MAX_ROLE_BYTES) return [];
  return wrong(field, `make the role ${length} bytes with its title and description; at most ${MAX_ROLE_BYTES} fit`);
}

function notFound(state: ConfigState, roleId: string): Result<never, AdminDenial> {
  return err({ tag: 'not_found', resource: roleName(state.project().projectId, roleId) });
}

/** Of a predefined role, or of one of this project's own; none of a role that is not there. */
export function permissionsOf(state: ConfigState, role: string): readonly string[] {
  const predefined = predefinedRole(role);
  if (predefined !== undefined) return predefined.permissions;
  const prefix = roleName(state.project().projectId, '');
  return role.startsWith(prefix) ? (state.role(role.slice(prefix.length))?.includedPermissions ?? []) : [];
}

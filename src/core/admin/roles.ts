/** Custom roles: named lists of permissions, free text so that they fit any service's own words. */
import { shardKey, type Role } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { Answer, RoleInput } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { checkDescription, checkLength, checkNoControl, wrong, type Violations } from './fields.ts';
import { overlay } from './mask.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

const ROLE_ID = /^[a-zA-Z0-9_.]{3,64}$/;
const PERMISSION = /^[a-zA-Z][a-zA-Z0-9.]{2,127}$/;
const MAX_PERMISSIONS = 3_000;
const MAX_TITLE = 100;
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
  if (!ROLE_ID.test(roleId)) return err(invalid('roleId', 'must be 3 to 64 of [a-zA-Z0-9_.]'));
  if (state.role(roleId) !== undefined) {
    return err({ tag: 'already_exists', resource: roleName(state.project().projectId, roleId) });
  }
  const role = { roleId, ...fields(input), createTime: context.time, updateTime: context.time, version: context.epoch };
  return written(state, role, 'role.');
}

const PATHS: ReadonlySet<string> = new Set(['title', 'description', 'includedPermissions', 'stage']);

export function patchRole(
  state: ConfigState,
  roleId: string,
  input: RoleInput,
  mask: readonly string[],
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.role(roleId);
  if (current === undefined) return notFound(state, roleId);
  const { title, description, includedPermissions, stage } = current;
  const patched = overlay<RoleInput>({ title, description, includedPermissions, stage }, input, mask, PATHS);
  if (!patched.ok) return patched;
  const role = { ...current, ...fields(patched.value), updateTime: context.time, version: context.epoch };
  return written(state, role, '');
}

/** Bindings that name the role stay, as at Google, and grant nothing any more. */
export function deleteRole(state: ConfigState, roleId: string): Result<Applied, AdminDenial> {
  if (state.role(roleId) === undefined) return notFound(state, roleId);
  return changed(state, { kind: 'deleted' }, { remove: 'role', roleId });
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
    ...(STAGES.includes(role.stage) ? [] : wrong(`${prefix}stage`, `must be one of ${STAGES.join(', ')}`)),
  ];
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  return changed(state, { kind: 'role', role }, { put: 'role', role });
}

function checkPermissions(field: string, permissions: readonly string[]): Violations {
  if (permissions.length > MAX_PERMISSIONS) return wrong(field, `holds more than ${MAX_PERMISSIONS} permissions`);
  return permissions.flatMap((permission, index) => {
    if (isPermission(permission)) return [];
    return wrong(`${field}[${index}]`, 'must match [a-zA-Z][a-zA-Z0-9.]{2,127}; wildcards are not known');
  });
}

function changed(state: ConfigState, answer: Answer, write: Write): Result<Applied, AdminDenial> {
  return ok({ answer, writes: [write], shards: [shardKey.project(state.project().projectNumber)] });
}

function notFound(state: ConfigState, roleId: string): Result<never, AdminDenial> {
  return err({ tag: 'not_found', resource: roleName(state.project().projectId, roleId) });
}

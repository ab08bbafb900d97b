/** Roles under a policy: which of them open targets, and which do nothing where they were bound. */
import { parseMember, type Member } from '../../members.ts';
import { opensTargets, predefinedRole } from '../../roles.ts';
import type { ConfigState } from '../state.ts';

/** Of a role that exists, in either spelling of its project. */
export function createRoleReader(state: ConfigState): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const opens = known.get(name) ?? opensAny(name);
    known.set(name, opens);
    return opens;
  };

  function opensAny(name: string): boolean {
    if (predefinedRole(name) !== undefined) return false;
    const role = state.role(name.slice(name.lastIndexOf('/') + 1));
    return role !== undefined && opensTargets(role);
  }
}

const ADMINISTRATORS: ReadonlySet<Member['kind']> = new Set(['user', 'service_account', 'workforce', 'deleted']);

/** Why a role that opens no target was most likely not meant for this target's policy. */
export function idleRoleProblem(name: string, members: readonly string[]): string | undefined {
  const administers = predefinedRole(name)?.permissions.some((permission) => permission.startsWith('sts.targets.'));
  if (administers === true && members.every(isAdministrator)) return undefined;
  return `${name} opens no target: bind a custom role that holds a permission of the target's own service`;
}

/** Workloads come out of pools; a person has no use for the target itself. */
function isAdministrator(text: string): boolean {
  const member = parseMember(text);
  return member.ok && ADMINISTRATORS.has(member.value.kind);
}

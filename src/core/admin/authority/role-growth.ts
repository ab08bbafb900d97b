/** What a role may be given to hold, by whom: it is in the hands of everybody who is bound to it, or may be. */
import type { ConditionText, Role } from '../../resources.ts';
import type { PolicyResource } from '../commands.ts';
import { roleName } from '../roles.ts';
import type { ConfigState } from '../state.ts';
import { denied, type Escalation, type Refusal } from './refusal.ts';
import { ESCALATE } from './rights.ts';

/**
 * A role that is bound to nobody gives nobody anything; binding it is looked at by itself. But where a condition lists the role, somebody may be allowed to
 * bind it whatever it holds: what he writes into it, or a friend of his, he would give himself.
 */
export function refusalOfRole(role: Role, by: Escalation): Refusal | undefined {
  const { state, rights } = by;
  const known = new Set(state.role(role.roleId)?.includedPermissions);
  const more = role.includedPermissions.filter((permission) => !known.has(permission));
  if (more.length === 0) return undefined;
  const name = roleName(state.project().projectId, role.roleId);
  for (const { resource, conditions } of [...boundUnder(state, name), ...listedIn(state, role)]) {
    if (rights.mayWithoutLimit(ESCALATE, resource)) continue;
    for (const condition of conditions) {
      const lacks = more.find((permission) => !rights.mayHandOn(permission, resource, condition));
      if (lacks !== undefined) return denied(lacks, resource, by);
    }
  }
  return undefined;
}

interface Bound {
  readonly resource: PolicyResource;
  readonly conditions: readonly (ConditionText | undefined)[];
}

function boundUnder(state: ConfigState, name: string): readonly Bound[] {
  return state.policiesWithRole(name).map(({ resource, policy }) => ({
    resource,
    conditions: policy.bindings.filter(({ role }) => role === name).map(({ condition }) => condition),
  }));
}

/** By id or number of the project, and in other projects' spelling too: one too many asks for a right where none is needed. */
function listedIn(state: ConfigState, { roleId }: Role): readonly Bound[] {
  const text = `/roles/${roleId}`;
  return state
    .policiesWithText(text)
    .filter(({ policy }) => policy.bindings.some(({ condition }) => condition?.expression.includes(text)))
    .map(({ resource }) => ({ resource, conditions: [undefined] }));
}

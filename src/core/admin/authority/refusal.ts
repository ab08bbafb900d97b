/** What a change is judged by, and how its refusal is said: the right that is lacking, and where. */
import type { Permission } from '../../permissions.ts';
import type { AdminDenial } from '../denial.ts';
import { policyResourceName } from '../policies.ts';
import type { ConfigState } from '../state.ts';
import type { Rights, Where } from './rights.ts';

export interface Escalation {
  readonly state: ConfigState;
  readonly rights: Rights;
  /** This project's pools and accounts, as `administratorsOf` names them, that the organization's policy lets administer, and those that other projects' policies do. */
  readonly namedBy: NamedBy;
}

export interface NamedBy {
  readonly organization: ReadonlySet<string>;
  readonly projects: ReadonlySet<string>;
}

export type Refusal = Extract<AdminDenial, { tag: 'permission_denied' }>;

export function lacking(permission: Permission, where: Where, by: Escalation): Refusal | undefined {
  return by.rights.mayWithoutLimit(permission, where) ? undefined : denied(permission, where, by);
}

export function denied(permission: string, where: Where, { state }: { readonly state?: ConfigState }): Refusal {
  const resource =
    state === undefined || where.kind === 'organization' ? 'organizations/1' : policyResourceName(state, where);
  return { tag: 'permission_denied', permission, resource };
}

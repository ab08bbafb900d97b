/** Deny policies as the edge needs them: which custom roles a rule shuts out, found anew for every shard that is put together. */
import { EXCHANGE_PERMISSION, IMPERSONATION_PERMISSION } from '../deny.ts';
import { denyPolicyName } from '../names.ts';
import type { DenyAttachment, DenyRule, EdgeDenyRule, Role } from '../resources.ts';
import { denyingAnyOf } from './deny-permissions.ts';
import { MAX_ROLES } from './roles.ts';
import type { ConfigState } from './state.ts';

/** Google's limit is on one resource; here a whole project has no more. */
export const MAX_DENY_POLICIES = 500;
export const ALL_DENY_POLICIES = { after: '', pageSize: MAX_DENY_POLICIES };
const ALL_ROLES = { after: '', pageSize: MAX_ROLES };

export function allRoles(state: ConfigState): readonly Role[] {
  return state.roles(ALL_ROLES);
}

type Who = Pick<EdgeDenyRule, 'shown' | 'deniedPrincipals' | 'exceptionPrincipals' | 'condition'>;

/** All custom roles. Who puts many records together at one moment reads them once. */
export type RoleReader = () => readonly Role[];

export function edgeDenyRules(
  state: ConfigState,
  attachment: DenyAttachment,
  roles: RoleReader = () => allRoles(state),
): readonly EdgeDenyRule[] {
  const rules = rulesOn(state, attachment);
  if (rules.length === 0) return [];
  const denying = denyingAnyOf(rules.map(({ rule }) => rule));
  const deniesExchange = new Set(denying([EXCHANGE_PERMISSION]));
  const deniesImpersonation = new Set(denying([IMPERSONATION_PERMISSION]));
  const deniedRoleIds = rules.map((): string[] => []);
  for (const { roleId, includedPermissions } of roles()) {
    // A token cannot carry a role less one permission: the role goes whole.
    for (const place of denying(includedPermissions)) deniedRoleIds[place]?.push(roleId);
  }
  return rules.map(({ who }, place) => ({
    ...who,
    deniesExchange: deniesExchange.has(place),
    // Who may not exchange at all takes no role either.
    ...(deniesImpersonation.has(place) && !deniesExchange.has(place) ? { deniesImpersonation: true as const } : {}),
    // Who may not exchange at all needs no list, and a record of 500 such lists would not fit.
    deniedRoleIds: deniesExchange.has(place) ? [] : (deniedRoleIds[place] ?? []),
  }));
}

/** For a right over the broker itself: whom the rules deny it. */
export function rulesDenying(state: ConfigState, attachment: DenyAttachment, permission: string): readonly Who[] {
  const rules = rulesOn(state, attachment);
  const places = new Set(denyingAnyOf(rules.map(({ rule }) => rule))([permission]));
  return rules.filter((_, place) => places.has(place)).map(({ who }) => who);
}

function rulesOn(
  state: ConfigState,
  attachment: DenyAttachment,
): readonly { readonly rule: DenyRule; readonly who: Who }[] {
  const { projectNumber } = state.project();
  return state.denyPolicies(attachment, ALL_DENY_POLICIES).flatMap(({ policyId, rules }) =>
    rules.map(({ denyRule: rule }, index) => ({
      rule,
      who: {
        shown: `${denyPolicyName(projectNumber, attachment, policyId)} rules[${index}]`,
        deniedPrincipals: rule.deniedPrincipals,
        exceptionPrincipals: rule.exceptionPrincipals,
        ...(rule.denialCondition === undefined ? {} : { condition: rule.denialCondition }),
      },
    })),
  );
}

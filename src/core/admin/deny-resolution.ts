/** Deny policies as the edge needs them: which custom roles a rule shuts out, found anew for every shard that is put together. */
import { EXCHANGE_PERMISSION } from '../deny.ts';
import { denyPolicyName } from '../names.ts';
import type { DenyAttachment, DenyRule, EdgeDenyRule } from '../resources.ts';
import { deniedBy } from './deny-permissions.ts';
import { MAX_ROLES } from './roles.ts';
import type { ConfigState } from './state.ts';

/** Google's limit is on one resource; here a whole project has no more. */
export const MAX_DENY_POLICIES = 500;
export const ALL_DENY_POLICIES = { after: '', pageSize: MAX_DENY_POLICIES };
const ALL_ROLES = { after: '', pageSize: MAX_ROLES };

type Who = Pick<EdgeDenyRule, 'shown' | 'deniedPrincipals' | 'exceptionPrincipals' | 'condition'>;

export function edgeDenyRules(state: ConfigState, attachment: DenyAttachment): readonly EdgeDenyRule[] {
  const rules = rulesOn(state, attachment);
  if (rules.length === 0) return [];
  const denying = deniedBy(rules.map(({ rule }) => rule));
  const deniesExchange = new Set(denying(EXCHANGE_PERMISSION));
  const deniedRoleIds = rules.map((): string[] => []);
  for (const { roleId, includedPermissions } of state.roles(ALL_ROLES)) {
    // A token cannot carry a role less one permission: the role goes whole.
    const places = new Set(includedPermissions.flatMap((permission) => denying(permission)));
    for (const place of places) deniedRoleIds[place]?.push(roleId);
  }
  return rules.map(({ who }, place) => ({
    ...who,
    deniesExchange: deniesExchange.has(place),
    // Who may not exchange at all needs no list, and a record of 500 such lists would not fit.
    deniedRoleIds: deniesExchange.has(place) ? [] : (deniedRoleIds[place] ?? []),
  }));
}

/** For a right over the broker itself: whom the rules deny it. */
export function rulesDenying(state: ConfigState, attachment: DenyAttachment, permission: string): readonly Who[] {
  const rules = rulesOn(state, attachment);
  const places = new Set(deniedBy(rules.map(({ rule }) => rule))(permission));
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

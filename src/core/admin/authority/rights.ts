/** What a caller may do now: the allow policies on the way from the organization to the resource, and the deny policies, which win. Deny by default. */
import { bindingsNaming } from '../../member-index.ts';
import type { PolicyCompiler } from '../../policy/cache.ts';
import type { Condition } from '../../policy/condition.ts';
import { longestRunSeconds, newRunBudget } from '../../policy/run.ts';
import { type Api, bindingActivations, type BindingVariables } from '../../policy/variables.ts';
import type { Permission } from '../../permissions.ts';
import type { Binding, ConditionText, DenyAttachment, Policy } from '../../resources.ts';
import { predefinedRole } from '../../roles.ts';
import { reachesBroker } from '../../scopes.ts';
import type { Identity } from '../caller.ts';
import type { PolicyResource } from '../commands.ts';
import { rulesDenying } from '../deny-resolution.ts';
import { permissionsOf } from '../roles.ts';
import type { ConfigState } from '../state.ts';
import { boundaryConditions } from './boundary.ts';
import { membershipOf } from './membership.ts';
import { SEEN_ORGANIZATION, seenResource } from './seen-resource.ts';

/** Where a right is asked for. */
export type Where = PolicyResource | { readonly kind: 'organization' };

export interface Rights {
  /** `api` is what `api.getAttribute` answers; without it every attribute is its default. */
  may(permission: string, where: Where, api?: Api): boolean;
  /** Whole seconds from now in each of which he may, at most `maxSeconds`. */
  mayForSeconds(permission: string, where: Where, maxSeconds: number): number;
  /**
   * The same, but by no binding whose condition asks `api.getAttribute`. Such a one says which roles its bearer gives and takes in policies. Whatever
   * is not a policy has no such list, so the condition would hold for every role, every pool and every denial that its writer meant to keep.
   */
  mayWithoutLimit(permission: string, where: Where): boolean;
  /**
   * May the caller give this permission to others there? Only what he holds without a condition, or now and under exactly the one that they
   * will be under: one that does not hold for him may well hold for a pool that he controls. And nothing that any deny rule takes from him at
   * any hour.
   */
  mayHandOn(permission: string, where: Where, condition: ConditionText | undefined): boolean;
}

export interface World {
  /** As the directory says it now; copies of it are nobody's authority. */
  readonly organizationPolicy: Policy;
  readonly nowSeconds: number;
  readonly compiler: PolicyCompiler;
}

/** To hand on what one does not hold, and to write what others administer by: owners only. */
export const ESCALATE: Permission = 'iam.policies.escalate';

/** Who administers by what he is, not by a policy: nobody could lock him out, so nobody but these is he. */
const ALL: Rights = {
  may: () => true,
  mayWithoutLimit: () => true,
  mayHandOn: () => true,
  mayForSeconds: (_permission, _where, maxSeconds) => maxSeconds,
};

const NONE: Rights = {
  may: () => false,
  mayWithoutLimit: () => false,
  mayHandOn: () => false,
  mayForSeconds: () => 0,
};

/** `state` is undefined at the directory, where no project's policies are. */
export function rightsOf(identity: Identity, state: ConfigState | undefined, world: World): Rights {
  const { kind } = identity;
  if (kind === 'bootstrap' || kind === 'broker') return ALL;
  // A token that was made for something else is good for nothing here, whatever its account may.
  if (kind === 'serviceAccount' && !reachesBroker(identity.token?.scopes)) return NONE;
  const { organizationPolicy, nowSeconds, compiler } = world;
  const { texts, mayBe, workload } = membershipOf(identity);
  // Shared by all that is asked of these rights, so that no policy makes the object think for long; where it ends, nothing is granted.
  const budget = newRunBudget();

  return {
    may(permission, where, api) {
      if (boundedSeconds(permission, where, 1) === 0) return false;
      return holdsForSeconds(...ruling(permission, where), where, 1, api) > 0;
    },
    mayWithoutLimit(permission, where) {
      if (boundedSeconds(permission, where, 1) === 0) return false;
      const [allow, deny] = ruling(permission, where);
      const unlimited = allow.filter((one) => one !== 'broken' && one?.roots.has('api') !== true);
      return holdsForSeconds(unlimited, deny, where, 1) > 0;
    },
    mayForSeconds(permission, where, maxSeconds) {
      const seconds = boundedSeconds(permission, where, maxSeconds);
      return seconds === 0 ? 0 : holdsForSeconds(...ruling(permission, where), where, seconds);
    },
    mayHandOn(permission, where, condition) {
      if (boundedSeconds(permission, where, 1) === 0) return false;
      const allow = bindings(permission, where)
        .filter((one) => one.condition === undefined || one.condition.expression === condition?.expression)
        .map((one) => conditionOf(one.condition));
      return denying(permission, where).length === 0 && holdsForSeconds(allow, [], where, 1) > 0;
    },
  };

  function ruling(permission: string, where: Where): readonly [allow: Rulings, deny: Rulings] {
    return [
      bindings(permission, where).map(({ condition }) => conditionOf(condition)),
      denying(permission, where).map(({ condition }) => conditionOf(condition)),
    ];
  }

  function holdsForSeconds(allow: Rulings, deny: Rulings, where: Where, maxSeconds: number, api?: Api): number {
    const holds = { allow: allow.filter((one) => one !== 'broken'), deny: deny.map(closed) };
    const activationAt = bindingActivations(seen(where), workload, api);
    return longestRunSeconds(holds, activationAt, nowSeconds, maxSeconds, budget);
  }

  /** `maxSeconds` where there is no boundary. */
  function boundedSeconds(permission: string, where: Where, maxSeconds: number): number {
    const boundary = kind === 'workload' || kind === 'serviceAccount' ? identity.boundary : undefined;
    if (boundary === undefined) return maxSeconds;
    const allow = boundaryConditions(boundary, permission, where, state, compiler);
    return longestRunSeconds(
      { allow, deny: [] },
      bindingActivations(seen(where), workload),
      nowSeconds,
      maxSeconds,
      budget,
    );
  }

  /** The bindings on the way that name the caller and hold the permission. */
  function bindings(permission: string, where: Where): readonly Binding[] {
    return path(where).flatMap(({ policy, holds }) =>
      bindingsNaming(policy, texts).filter(({ role }) => holds(role).includes(permission)),
    );
  }

  function path(where: Where): readonly Level[] {
    const organization: Level = {
      policy: organizationPolicy,
      holds: (role) => predefinedRole(role)?.permissions ?? [],
    };
    if (state === undefined || where.kind === 'organization') return [organization];
    const holds = (role: string): readonly string[] => permissionsOf(state, role);
    const places: readonly PolicyResource[] = where.kind === 'project' ? [where] : [{ kind: 'project' }, where];
    const below = places.flatMap((place) => {
      const policy = state.policy(place);
      return policy === undefined ? [] : [{ policy, holds }];
    });
    return [organization, ...below];
  }

  /** No deny rule keeps an owner of the organization from lifting deny rules: a tenant must not shut out who has to help him. */
  function denying(permission: string, where: Where) {
    if (state === undefined || where.kind === 'organization') return [];
    if (permission.startsWith('iam.denypolicies.') && isOwnerOfAll()) return [];
    const places: readonly DenyAttachment[] =
      where.kind === 'target' ? [{ kind: 'project' }, where] : [{ kind: 'project' }];
    return places
      .flatMap((place) => rulesDenying(state, place, permission))
      .filter((rule) => rule.deniedPrincipals.some(mayBe) && !rule.exceptionPrincipals.some((one) => texts.has(one)));
  }

  function isOwnerOfAll(): boolean {
    return bindings(ESCALATE, { kind: 'organization' }).some(({ condition }) => condition === undefined);
  }

  function seen(where: Where): BindingVariables['resource'] {
    return state === undefined || where.kind === 'organization' ? SEEN_ORGANIZATION : seenResource(state, where);
  }

  function conditionOf(text: ConditionText | undefined): Condition | undefined | 'broken' {
    if (text === undefined) return undefined;
    const condition = compiler.condition(text.expression, 'binding');
    return condition.ok ? condition.value : 'broken';
  }
}

type Rulings = readonly (Condition | undefined | 'broken')[];

interface Level {
  readonly policy: Policy;
  readonly holds: (role: string) => readonly string[];
}

/** A deny that cannot be evaluated applies, so one that does not compile does always. */
function closed(condition: Condition | undefined | 'broken'): Condition | undefined {
  return condition === 'broken' ? undefined : condition;
}

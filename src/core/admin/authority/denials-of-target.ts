/** Does a deny rule ask what a target is? Then whoever changes that, or makes the target anew, lifts the denial without touching its policy. */
import { ALL_DENY_POLICIES } from '../deny-resolution.ts';
import type { ConfigState } from '../state.ts';

/** Deny rules know a target by its tags and the other members of `resource`. A word that only looks so asks for an owner where none is needed. */
const ASKS_RESOURCE = /\bresource\b/;

export function isJudgedByDenials(state: ConfigState, targetId: string): boolean {
  const places = [{ kind: 'project' }, { kind: 'target', targetId }] as const;
  return places
    .flatMap((place) => state.denyPolicies(place, ALL_DENY_POLICIES))
    .some(({ rules }) => rules.some(({ denyRule }) => ASKS_RESOURCE.test(denyRule.denialCondition?.expression ?? '')));
}

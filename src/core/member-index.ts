/** Which bindings of a policy name a principal: found by look-up, so that a policy of a thousand bindings costs what the few that match cost. */
import type { Binding, Policy } from './resources.ts';

/** By member text, each binding with its place. */
type Index = ReadonlyMap<string, readonly Placed[]>;

interface Placed {
  readonly at: number;
  readonly binding: Binding;
}

/** A policy's value never changes while it is current, so its index lives as long as it does. */
const indexes = new WeakMap<Policy, Index>();

/** The bindings that name one of `memberTexts`, each once, in the order of the policy. */
export function bindingsNaming(policy: Policy, memberTexts: ReadonlySet<string>): readonly Binding[] {
  const index = indexes.get(policy) ?? indexOf(policy);
  const found = new Map<number, Binding>();
  for (const text of memberTexts) for (const { at, binding } of index.get(text) ?? []) found.set(at, binding);
  return [...found].toSorted(([one], [other]) => one - other).map(([, binding]) => binding);
}

function indexOf(policy: Policy): Index {
  const index = new Map<string, Placed[]>();
  for (const [at, binding] of policy.bindings.entries()) {
    for (const member of binding.members) {
      const known = index.get(member);
      if (known === undefined) index.set(member, [{ at, binding }]);
      else known.push({ at, binding });
    }
  }
  indexes.set(policy, index);
  return index;
}

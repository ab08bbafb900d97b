/** Allow and deny policies: which roles a principal holds on a target now, for how long, and by which binding. Deny by default, and deny wins. */
import { denyingRules, type Denying } from './deny.ts';
import { type Candidate, customRole, namedOnTarget } from './named-on-target.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import { longestRunSeconds, newRunBudget, type RunBudget } from './policy/run.ts';
import { type Activation, bindingActivations } from './policy/variables.ts';
import { verdictsAbout } from './policy/verdicts.ts';
import { memberTexts, type Principal } from './principal.ts';
import type { Shards } from './resources.ts';
import { workloadOf } from './workload.ts';

export interface HeldRole {
  readonly role: string;
  /** Whole seconds from now in each of which some binding grants it and no rule denies it; at most the `maxSeconds` asked about. */
  readonly holdsForSeconds: number;
  /** For the operator: where the first binding that holds stands. */
  readonly binding: string;
}

/** What the policies say of a principal on a target; the rest is for the operator where no role is held. */
export interface Standing {
  /** Sorted by role; only such roles as open a target at all. */
  readonly held: readonly HeldRole[];
  readonly why: string;
  /** The deny rule without which a role would be held. */
  readonly deniedBy?: string;
}

export function standingOnTarget(
  principal: Principal,
  project: Shards['project'],
  target: Shards['target'],
  compiler: PolicyCompiler,
  nowSeconds: number,
  maxSeconds: number,
  budget: RunBudget = newRunBudget(),
): Standing {
  const { candidates, rules, whyNone } = namedOnTarget(memberTexts(principal), project, target, compiler);
  let why = whyNone;
  // Most conditions have spoken before of this target and this hour: only where one has not are there values to make.
  let activations: ReturnType<typeof bindingActivations> | undefined;
  const activationAt = (second: number): Activation => {
    activations ??= bindingActivations(
      { ...target.target.resource, tags: target.target.tags, tagIds: target.target.tagIds },
      workloadOf(principal),
    );
    return activations(second);
  };
  const verdicts = verdictsAbout(target.target);
  const run = (allow: readonly Candidate[], deny: readonly Denying[], seconds: number): number =>
    longestRunSeconds(
      { allow: allow.map((one) => one.condition), deny: deny.map((rule) => rule.condition) },
      activationAt,
      nowSeconds,
      seconds,
      budget,
      verdicts,
    );
  const held: HeldRole[] = [];
  let deniedBy: string | undefined;
  for (const [role, bindings] of candidates) {
    const first = bindings.find((binding) => run([binding], [], 1) > 0);
    if (first === undefined) {
      why = `the condition of ${bindings[0]?.shown ?? role} does not hold now`;
      continue;
    }
    const deny = rules.filter((rule) => concerns(rule, role, project));
    const denial = deny.find((rule) => run([ALWAYS], [rule], 1) === 0);
    if (denial === undefined)
      held.push({ role, holdsForSeconds: run(bindings, deny, maxSeconds), binding: first.shown });
    else deniedBy ??= denial.shown;
  }
  const lasting = held.filter((role) => role.holdsForSeconds > 0);
  return {
    held: lasting.toSorted((a, b) => (a.role < b.role ? -1 : 1)),
    why,
    ...(deniedBy === undefined ? {} : { deniedBy }),
  };
}

const ALWAYS: Candidate = { condition: undefined, shown: '' };

/** For how long a principal may exchange at all, or the rule that denies it. A token for the broker itself is about no resource. */
export function mayExchange(
  principal: Principal,
  project: Shards['project'],
  compiler: PolicyCompiler,
  nowSeconds: number,
  maxSeconds: number,
): { readonly forSeconds: number; readonly deniedBy?: string } {
  const rules = denyingRules(project.denyRules ?? [], memberTexts(principal), compiler).filter(
    (rule) => rule.deniesExchange,
  );
  if (rules.length === 0) return { forSeconds: maxSeconds };
  const activationAt = bindingActivations(BROKER, workloadOf(principal));
  const budget = newRunBudget();
  const run = (deny: readonly Denying[], seconds: number): number =>
    longestRunSeconds(
      { allow: [undefined], deny: deny.map((rule) => rule.condition) },
      activationAt,
      nowSeconds,
      seconds,
      budget,
    );
  const denial = rules.find((rule) => run([rule], 1) === 0);
  return denial === undefined ? { forSeconds: run(rules, maxSeconds) } : { forSeconds: 0, deniedBy: denial.shown };
}

/** The broker is a resource without name, type and tags. */
const BROKER = { tags: {}, tagIds: {} };

function concerns(rule: Denying, role: string, project: Shards['project']): boolean {
  return rule.deniesExchange || rule.deniedRoleIds.some((roleId) => role === customRole(project, roleId));
}

/** Allow policies: which roles a principal holds on a target now, for how long, and by which binding. Deny by default. */
import type { PolicyCompiler } from './policy/cache.ts';
import type { Condition } from './policy/condition.ts';
import { longestRunSeconds, newRunBudget } from './policy/run.ts';
import { memberTexts, type Principal } from './principal.ts';
import { projectName, targetName } from './names.ts';
import type { Binding, Policy, Shards } from './resources.ts';

export interface HeldRole {
  readonly role: string;
  /** Whole seconds from now in each of which some binding grants it; at most the `maxSeconds` asked about. */
  readonly holdsForSeconds: number;
  /** For the operator: where the first binding that holds stands. */
  readonly binding: string;
}

/** What the policies say of a principal on a target; `why` is for the operator where no role is held. */
export interface Standing {
  /** Sorted by role; only such roles as open a target at all. */
  readonly held: readonly HeldRole[];
  readonly why: string;
}

interface Candidate {
  readonly condition: Condition | undefined;
  readonly shown: string;
}

export function standingOnTarget(
  principal: Principal,
  project: Shards['project'],
  target: Shards['target'],
  compiler: PolicyCompiler,
  nowSeconds: number,
  maxSeconds: number,
): Standing {
  const { projectNumber } = project.project;
  const onTarget = targetName(projectNumber, target.target.targetId);
  const texts = memberTexts(principal);
  const candidates = new Map<string, Candidate[]>();
  let why = `no binding on ${onTarget} or its project names this principal`;
  collect(target.policy, onTarget);
  collect(project.policy, projectName(projectNumber));

  const budget = newRunBudget();
  const resource = { ...target.target.resource, tags: target.target.tags, tagIds: target.target.tagIds };
  const run = (of: readonly Candidate[], seconds: number): number =>
    longestRunSeconds(
      of.map((one) => one.condition),
      resource,
      nowSeconds,
      seconds,
      budget,
    );
  const held: HeldRole[] = [];
  for (const [role, bindings] of candidates) {
    const first = bindings.find((binding) => run([binding], 1) > 0);
    if (first === undefined) why = `the condition of ${bindings[0]?.shown ?? role} does not hold now`;
    else held.push({ role, holdsForSeconds: run(bindings, maxSeconds), binding: first.shown });
  }
  const lasting = held.filter((role) => role.holdsForSeconds > 0);
  return { held: lasting.toSorted((a, b) => (a.role < b.role ? -1 : 1)), why };

  function collect(policy: Policy, on: string): void {
    for (const binding of policy.bindings) {
      if (!binding.members.some((member) => texts.has(member))) continue;
      const title = binding.condition?.title;
      const shown = `${on} ${binding.role}${title === undefined ? '' : ` (${title})`}`;
      if (!opensTargets(binding.role, project)) {
        why = `the role of ${shown} holds no permission for targets`;
        continue;
      }
      const condition = compiled(binding, compiler);
      if (condition === 'broken') {
        why = `the condition of ${shown} does not compile`;
        continue;
      }
      const known = candidates.get(binding.role);
      if (known === undefined) candidates.set(binding.role, [{ condition, shown }]);
      else known.push({ condition, shown });
    }
  }
}

/** A condition that no longer compiles grants nothing: it was checked when it was written, so this is our fault, and closed. */
function compiled(binding: Binding, compiler: PolicyCompiler): Condition | undefined | 'broken' {
  if (binding.condition === undefined) return undefined;
  const condition = compiler.condition(binding.condition.expression, 'binding');
  return condition.ok ? condition.value : 'broken';
}

/** Only a custom role can: predefined ones hold nothing outside the broker's own services. A deleted role opens nothing. */
function opensTargets(roleName: string, project: Shards['project']): boolean {
  const prefix = `projects/${project.project.projectId}/roles/`;
  if (!roleName.startsWith(prefix)) return false;
  return project.openingRoleIds.includes(roleName.slice(prefix.length));
}

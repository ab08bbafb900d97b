/** Allow policies: which roles a principal holds on a target now, for how long, and by which binding. Deny by default. */
import type { PolicyCompiler } from './policy/cache.ts';
import type { Condition } from './policy/condition.ts';
import { longestRunSeconds } from './policy/run.ts';
import { memberTexts, type Principal } from './principal.ts';
import { projectName, targetName } from './names.ts';
import type { Binding, Policy, Shards } from './resources.ts';
import { isOwnPermission } from './roles.ts';

export interface HeldRole {
  readonly role: string;
  /** Whole seconds from now in each of which some binding grants it; at most the `maxSeconds` asked about. */
  readonly holdsForSeconds: number;
  /** For the operator: where the first binding that holds stands. */
  readonly binding: string;
}

interface Candidate {
  readonly condition: Condition | undefined;
  readonly shown: string;
}

/** The roles that `principal` holds on the target at `nowSeconds`, sorted; only such as open a target at all. */
export function rolesOnTarget(
  principal: Principal,
  project: Shards['project'],
  target: Shards['target'],
  compiler: PolicyCompiler,
  nowSeconds: number,
  maxSeconds: number,
): HeldRole[] {
  const texts = memberTexts(principal);
  const candidates = new Map<string, Candidate[]>();
  const number = project.project.projectNumber;
  collect(target.policy, targetName(number, target.target.targetId));
  collect(project.policy, projectName(number));
  const held: HeldRole[] = [];
  for (const [role, bindings] of candidates) {
    const seen = { ...target.target.resource, tags: target.target.tags, tagIds: target.target.tagIds };
    const run = (of: readonly Candidate[]): number =>
      longestRunSeconds(
        of.map((one) => one.condition),
        seen,
        nowSeconds,
        maxSeconds,
      );
    const holdsForSeconds = run(bindings);
    if (holdsForSeconds === 0) continue;
    const first = bindings.find((binding) => run([binding]) > 0);
    held.push({ role, holdsForSeconds, binding: first?.shown ?? '' });
  }
  return held.toSorted((a, b) => (a.role < b.role ? -1 : 1));

  function collect(policy: Policy, resource: string): void {
    for (const binding of policy.bindings) {
      if (!opensTargets(binding.role, project) || !binding.members.some((member) => texts.has(member))) continue;
      const condition = compiled(binding, compiler);
      if (condition === 'broken') continue;
      const title = binding.condition?.title;
      const shown = `${resource} ${binding.role}${title === undefined ? '' : ` (${title})`}`;
      candidates.set(binding.role, [...(candidates.get(binding.role) ?? []), { condition, shown }]);
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
  const role = project.roles.find((one) => one.roleId === roleName.slice(prefix.length));
  return role?.includedPermissions.some((permission) => !isOwnPermission(permission)) ?? false;
}

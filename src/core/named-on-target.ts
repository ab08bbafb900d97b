/** Who is named where: the bindings and deny rules on a target and its project that are about a principal, time and conditions left out. */
import { denyingRules, type Denying } from './deny.ts';
import { bindingsNaming } from './member-index.ts';
import { projectName, targetName } from './names.ts';
import type { PolicyCompiler } from './policy/cache.ts';
import type { Condition } from './policy/condition.ts';
import type { Binding, Policy, Shards } from './resources.ts';

/** A binding that gives its role where its condition holds. */
export interface Candidate {
  readonly condition: Condition | undefined;
  readonly shown: string;
}

export interface NamedOnTarget {
  /** By role; only such as open a target at all. */
  readonly candidates: ReadonlyMap<string, readonly Candidate[]>;
  readonly rules: readonly Denying[];
  /** For the operator, where there is no candidate. */
  readonly whyNone: string;
}

interface Remembered extends NamedOnTarget {
  readonly project: Shards['project'];
  readonly compiler: PolicyCompiler;
}

/** A target's and a project's values never change while they are current, and equal principals have the same texts: so this lives as long as all three. */
const remembered = new WeakMap<Shards['target'], WeakMap<ReadonlySet<string>, Remembered>>();

/** `memberTexts`: every text that means the principal. */
export function namedOnTarget(
  memberTexts: ReadonlySet<string>,
  project: Shards['project'],
  target: Shards['target'],
  compiler: PolicyCompiler,
): NamedOnTarget {
  const known = remembered.get(target)?.get(memberTexts);
  if (known !== undefined && known.project === project && known.compiler === compiler) return known;
  const fresh = { ...lookedUp(memberTexts, project, target, compiler), project, compiler };
  const ofTarget = remembered.get(target) ?? new WeakMap<ReadonlySet<string>, Remembered>();
  ofTarget.set(memberTexts, fresh);
  remembered.set(target, ofTarget);
  return fresh;
}

function lookedUp(
  memberTexts: ReadonlySet<string>,
  project: Shards['project'],
  target: Shards['target'],
  compiler: PolicyCompiler,
): NamedOnTarget {
  const { projectNumber } = project.project;
  const onTarget = targetName(projectNumber, target.target.targetId);
  const candidates = new Map<string, Candidate[]>();
  let whyNone = `no binding on ${onTarget} or its project names this principal`;
  collect(target.policy, onTarget);
  collect(project.policy, projectName(projectNumber));
  const rules = denyingRules([...(target.denyRules ?? []), ...(project.denyRules ?? [])], memberTexts, compiler);
  return { candidates, rules, whyNone };

  function collect(policy: Policy, on: string): void {
    for (const binding of bindingsNaming(policy, memberTexts)) {
      const shown = shownBinding(on, binding);
      if (!opensTargets(binding.role, project)) {
        whyNone = `the role of ${shown} holds no permission for targets`;
        continue;
      }
      const condition = compiled(binding, compiler);
      if (condition === 'broken') {
        whyNone = `the condition of ${shown} does not compile`;
        continue;
      }
      const known = candidates.get(binding.role);
      if (known === undefined) candidates.set(binding.role, [{ condition, shown }]);
      else known.push({ condition, shown });
    }
  }
}

/** Where a binding stands, for the operator: resource, role and the condition's title. */
export function shownBinding(on: string, { role, condition }: Binding): string {
  const title = condition?.title;
  return `${on} ${role}${title === undefined ? '' : ` (${title})`}`;
}

/** A condition that no longer compiles grants nothing: it was checked when it was written, so this is our fault, and closed. */
function compiled(binding: Binding, compiler: PolicyCompiler): Condition | undefined | 'broken' {
  if (binding.condition === undefined) return undefined;
  const condition = compiler.condition(binding.condition.expression, 'binding');
  return condition.ok ? condition.value : 'broken';
}

/** Only a custom role can: predefined ones hold nothing outside the broker's own services. A deleted role opens nothing. */
export function opensTargets(roleName: string, project: Shards['project']): boolean {
  const prefix = customRole(project, '');
  return roleName.startsWith(prefix) && project.openingRoleIds.includes(roleName.slice(prefix.length));
}

export function customRole(project: Shards['project'], roleId: string): string {
  return `projects/${project.project.projectId}/roles/${roleId}`;
}

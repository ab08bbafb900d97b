/** Lint of an allow policy at the moment it is written: it never refuses and never changes anything, it only says what will not work. */
import type { Binding } from '../../resources.ts';
import type { World } from '../../policy/never-true.ts';
import type { PolicyResource } from '../commands.ts';
import type { ConfigState } from '../state.ts';
import { createConditionReader } from './conditions.ts';
import { memberProblem } from './members.ts';
import { createPoolReader } from './pool-facts.ts';
import { createRoleReader, idleRoleProblem } from './roles.ts';
import { capped } from './warnings.ts';

/** `bindings` as they were handed in, and accepted: places are those of the writer's own document. */
export function lintPolicy(
  state: ConfigState,
  resource: PolicyResource,
  bindings: readonly Binding[],
  nowSeconds: number,
): readonly string[] {
  const project = state.project();
  const opensTargets = createRoleReader(state);
  const poolOf = createPoolReader(state);
  const conditionSentences = createConditionReader();
  const target = resource.kind === 'target' ? state.target(resource.targetId) : undefined;
  return capped(bindings.flatMap((binding, index) => lintBinding(`bindings[${index}]`, binding)));

  function lintBinding(at: string, { role, members, condition }: Binding): readonly string[] {
    // It is dropped, so nothing about it matters.
    if (members.length === 0) return [];
    const opens = opensTargets(role);
    const idle = opens || target === undefined ? undefined : idleRoleProblem(role, members);
    const lines = idle === undefined ? [] : [`${at}.role: ${idle}`];
    for (const [index, member] of members.entries()) {
      const problem = memberProblem(member, project, opens && resource.kind !== 'pool', poolOf);
      if (problem !== undefined) lines.push(`${at}.members[${index}]: this matches nobody: ${problem.why}`);
    }
    if (condition === undefined) return lines;
    const sentences = conditionSentences(condition.expression, worldOf(opens));
    return [...lines, ...sentences.map((sentence) => `${at}.condition.expression: ${sentence}`)];
  }

  /** Only a role that opens the target is sure to be asked about this very resource. */
  function worldOf(opens: boolean): World {
    const world = { scope: 'binding', nowSeconds } as const;
    if (target === undefined || !opens) return world;
    return { ...world, resource: { ...target.resource, tags: target.tags, tagIds: target.tagIds } };
  }
}

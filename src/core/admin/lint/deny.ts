/** Lint of a deny policy: what is no mistake yet, and denies nobody and nothing as the project stands. Whoever wrote it believes in a wall. */
import { EXCHANGE_PERMISSION } from '../../deny.ts';
import type { DenyAttachment, DenyRule } from '../../resources.ts';
import type { DenyRuleInput } from '../commands.ts';
import { idlePermissions } from '../deny-permissions.ts';
import { allRoles } from '../deny-resolution.ts';
import type { Problem } from '../deny-rules.ts';
import { PUSH_PERMISSION } from '../push-keys.ts';
import type { ConfigState } from '../state.ts';
import { capped } from './warnings.ts';

/** `rules` as they were handed in, and accepted: places are those of the writer's own document. */
export function lintDenyRules(
  state: ConfigState,
  attachment: DenyAttachment,
  rules: readonly DenyRuleInput[],
  problemOf: Problem,
): readonly string[] {
  const denied = rules.flatMap(({ denyRule }) => denyRule?.deniedPermissions ?? []);
  const idle = idlePermissions(denied, permissionsOf(state, attachment));
  return capped(rules.flatMap(({ denyRule = {} }, index) => lintRule(`rules[${index}].denyRule`, denyRule)));

  function lintRule(at: string, rule: Partial<DenyRule>): readonly string[] {
    const { deniedPrincipals = [], exceptionPrincipals = [], deniedPermissions = [] } = rule;
    return [
      ...lintPrincipals(`${at}.deniedPrincipals`, deniedPrincipals),
      ...lintPrincipals(`${at}.exceptionPrincipals`, exceptionPrincipals),
      ...deniedPermissions.flatMap((text, index) =>
        idle.has(text)
          ? [`${at}.deniedPermissions[${index}]: this denies nothing today: no role of the project holds ${text}`]
          : [],
      ),
    ];
  }

  function lintPrincipals(at: string, principals: readonly string[]): readonly string[] {
    return principals.flatMap((text, index) => {
      const problem = problemOf(text);
      return problem === undefined ? [] : [`${at}[${index}]: this matches nobody today: ${problem.why}`];
    });
  }
}

/** What a rule there can be about: rights over the broker itself first, for they need no look into any role. */
function* permissionsOf(state: ConfigState, attachment: DenyAttachment): Generator<string> {
  yield EXCHANGE_PERMISSION;
  // Keys are pushed to a provider of the project: no target's rule is asked.
  if (attachment.kind === 'project') yield PUSH_PERMISSION;
  for (const { includedPermissions } of allRoles(state)) yield* includedPermissions;
}

/** Lint of a deny policy: what is no mistake yet, and denies nobody and nothing as the project stands. Whoever wrote it believes in a wall. */
import { EXCHANGE_PERMISSION } from '../../deny.ts';
import { PERMISSIONS } from '../../permissions.ts';
import type { DenyAttachment, DenyRule } from '../../resources.ts';
import type { DenyRuleInput } from '../commands.ts';
import { idlePermissions } from '../deny-permissions.ts';
import { allRoles } from '../deny-resolution.ts';
import { isAboutBroker, type Problem } from '../deny-rules.ts';
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
      ...lintPrincipals(`${at}.deniedPrincipals`, deniedPrincipals, isAboutBroker(rule)),
      ...lintPrincipals(`${at}.exceptionPrincipals`, exceptionPrincipals, isAboutBroker(rule)),
      ...deniedPermissions.flatMap((text, index) =>
        idle.has(text)
          ? [`${at}.deniedPermissions[${index}]: this denies nothing today: no role of the project holds ${text}`]
          : [],
      ),
    ];
  }

  function lintPrincipals(at: string, principals: readonly string[], isBrokers: boolean): readonly string[] {
    return principals.flatMap((text, index) => {
      const problem = problemOf(text, isBrokers);
      return problem === undefined ? [] : [`${at}[${index}]: this matches nobody today: ${problem.why}`];
    });
  }
}

/** What a rule there can be about: rights over the broker itself first, for they need no look into any role. */
function* permissionsOf(state: ConfigState, attachment: DenyAttachment): Generator<string> {
  yield EXCHANGE_PERMISSION;
  // What is done to a pool or the project itself is asked of the project's rules only.
  yield* attachment.kind === 'project' ? PERMISSIONS : PERMISSIONS.filter(isAboutTargets);
  for (const { includedPermissions } of allRoles(state)) yield* includedPermissions;
}

function isAboutTargets(permission: string): boolean {
  return permission.startsWith('sts.targets.') || permission.startsWith('iam.denypolicies.');
}

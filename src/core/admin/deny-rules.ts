/** Rules of a deny policy: every rule about principals, permissions and conditions. What can deny nobody is refused: its author believes that it does. */
import { parseMember, type Member } from '../members.ts';
import { PERMISSIONS } from '../permissions.ts';
import { EVERYBODY, type DenyPolicy, type DenyRule } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { checkConditionText, compiledOnce, type Compile } from './bindings.ts';
import type { DenyRuleInput } from './commands.ts';
import { idlePermissions, permissionPattern } from './deny-permissions.ts';
import { checkDescription, checkNoControl, wrong, type Violations } from './fields.ts';
import type { MemberProblem } from './lint/members.ts';

/** Google's limits, all policies of one attachment point together. */
const MAX_RULES = 500;
const MAX_PRINCIPALS = 2_500;

type Rule = DenyPolicy['rules'][number];

/**
 * Why a member that is well formed matches nobody in this project, if it does not. `isAboutBroker`: the rule denies a right over the broker
 * itself, and who comes for that may be a user, or of another project's pool.
 */
export type Problem = (member: string, isAboutBroker: boolean) => MemberProblem | undefined;

export function isAboutBroker({ deniedPermissions = [] }: Partial<DenyRule>): boolean {
  return idlePermissions(deniedPermissions, PERMISSIONS).size < new Set(deniedPermissions).size;
}

/** `others`: the rules of the other policies at the same place. */
export function checkDenyRules(
  input: readonly DenyRuleInput[],
  others: readonly Rule[],
  problemOf: Problem,
): Result<readonly Rule[], Violations> {
  if (input.length === 0) return err(wrong('rules', 'must hold at least one rule'));
  // Sizes before contents: what is refused for its size must not cost what checking all of it costs.
  const tooMany = checkSizes(input, others);
  if (tooMany.length > 0) return err(tooMany);
  const compile = compiledOnce();
  const checked = input.map((rule, index) => checkRule(`rules[${index}]`, rule, compile, problemOf));
  const violations = checked.flatMap((rule) => (rule.ok ? [] : rule.error));
  return violations.length > 0 ? err(violations) : ok(checked.flatMap((rule) => (rule.ok ? [rule.value] : [])));
}

function checkSizes(input: readonly DenyRuleInput[], others: readonly Rule[]): Violations {
  const rules = input.length + others.length;
  if (rules > MAX_RULES) return wrong('rules', `make ${rules} rules in all policies here; at most ${MAX_RULES} fit`);
  // Each appearance counts, as at Google.
  const principals = [...input, ...others].reduce((sum, { denyRule = {} }) => sum + principalsIn(denyRule), 0);
  if (principals <= MAX_PRINCIPALS) return [];
  return wrong('rules', `make ${principals} principals in all policies here; at most ${MAX_PRINCIPALS} fit`);
}

function principalsIn({ deniedPrincipals = [], exceptionPrincipals = [] }: Partial<DenyRule>): number {
  return deniedPrincipals.length + exceptionPrincipals.length;
}

function checkRule(
  field: string,
  input: DenyRuleInput,
  compile: Compile,
  problemOf: Problem,
): Result<Rule, Violations> {
  const { description = '', denyRule } = input;
  if (denyRule === undefined) return err(wrong(`${field}.denyRule`, 'is required'));
  const {
    deniedPrincipals = [],
    exceptionPrincipals = [],
    deniedPermissions = [],
    exceptionPermissions = [],
  } = denyRule;
  const { denialCondition } = denyRule;
  const at = `${field}.denyRule`;
  const isUserKnown = isAboutBroker(denyRule);
  const known: ProblemHere = (text) => problemOf(text, isUserKnown);
  const violations = [
    ...checkDescription(`${field}.description`, description),
    ...checkNoControl(`${field}.description`, description),
    ...checkSome(`${at}.deniedPrincipals`, deniedPrincipals, 'the rule denies nobody'),
    ...checkSome(`${at}.deniedPermissions`, deniedPermissions, 'the rule denies nothing'),
    ...checkEach(`${at}.deniedPrincipals`, deniedPrincipals, (text) => deniedPrincipal(text, known, isUserKnown)),
    ...checkEach(`${at}.exceptionPrincipals`, exceptionPrincipals, (text) =>
      exceptionPrincipal(text, known, isUserKnown),
    ),
    ...checkEach(`${at}.deniedPermissions`, deniedPermissions, permissionPattern),
    ...checkEach(`${at}.exceptionPermissions`, exceptionPermissions, permissionPattern),
    ...(denialCondition === undefined ? [] : checkConditionText(`${at}.denialCondition`, denialCondition, compile)),
  ];
  if (violations.length > 0) return err(violations);
  return ok({
    description,
    denyRule: {
      deniedPrincipals: [...new Set(deniedPrincipals)],
      exceptionPrincipals: [...new Set(exceptionPrincipals)],
      deniedPermissions: [...new Set(deniedPermissions)],
      exceptionPermissions: [...new Set(exceptionPermissions)],
      ...(denialCondition === undefined ? {} : { denialCondition }),
    },
  });
}

function checkSome(field: string, texts: readonly string[], why: string): Violations {
  return texts.length > 0 ? [] : wrong(field, `is empty: ${why}`);
}

function checkEach(
  field: string,
  texts: readonly string[],
  read: (text: string) => Result<string, string>,
): Violations {
  return texts.flatMap((text, index) => {
    const known = read(text);
    return known.ok ? [] : wrong(`${field}[${index}]`, known.error);
  });
}

function exceptionPrincipal(text: string, problemOf: ProblemHere, isUserKnown: boolean): Result<string, string> {
  return text === EVERYBODY
    ? err('would except everybody: the rule denies nobody')
    : deniedPrincipal(text, problemOf, isUserKnown);
}

/** Only who can come to an exchange, or to the administration: a rule about anybody else would look as if it did something. */
function deniedPrincipal(text: string, problemOf: ProblemHere, isUserKnown: boolean): Result<string, string> {
  if (text === EVERYBODY) return ok(text);
  const foreign = FOREIGN.find(({ pattern }) => pattern.test(text));
  if (foreign !== undefined) return err(foreign.why);
  const member = parseMember(text);
  if (!member.ok) return member;
  const { kind } = member.value;
  // Users and service accounts administer, and never exchange.
  const isAdministrator = kind === 'user' || kind === 'service_account';
  if (NOBODY_HERE.includes(kind) || (isAdministrator && !isUserKnown))
    return err('means nobody who exchanges tokens here: name principals of a workload identity pool');
  const problem = problemOf(text);
  return problem?.isFinal === true ? err(`can never match anybody: ${problem.why}`) : ok(text);
}

type ProblemHere = (text: string) => MemberProblem | undefined;

const NOBODY_HERE: readonly Member['kind'][] = ['workforce', 'deleted'];

/** Google's forms without a meaning here, each with the way out. */
const FOREIGN: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: /^principal(Set)?:\/\/goog\//,
    why: `no Google account or group exchanges tokens here; of principalSet://goog/ only ${EVERYBODY} is known`,
  },
  {
    pattern: /^principal(Set)?:\/\/cloudresourcemanager\.googleapis\.com\//,
    why: 'sets of a whole project, folder or organization are not known: name its pools, or everybody',
  },
  {
    pattern: /^principal:\/\/iam\.googleapis\.com\/projects\/[^/]*\/serviceAccounts\//,
    why: 'service accounts do not exchange tokens here: name principals of a workload identity pool',
  },
];

/** Why a principal may, or may not: every binding and every deny rule on the path, each with its reasons, and the final word. Never for the refused. */
import type {
  ExplainedBinding,
  ExplainedCondition,
  ExplainedRule,
  Explanation,
  ExplainQuestion,
  PathPolicy,
  PathRule,
} from './answer.ts';
import { all, any, certain, not, type Certainty } from './certainty.ts';
import { hangsOnToken, membershipOf, type Membership, type Subject } from './subject.ts';
import { claimsOf, grantForBroker, grantForTarget } from '../grant.ts';
import { shownBinding } from '../named-on-target.ts';
import type { PolicyCompiler } from '../policy/cache.ts';
import {
  explainCondition,
  newExplanationBudget,
  NOT_LOOKED_AT,
  type ConditionExplanation,
} from '../policy/explanation.ts';
import { bindingActivations, type Activation, type BindingVariables } from '../policy/variables.ts';
import type { Binding, ConditionText } from '../resources.ts';
import { sizeDenial } from '../token-size.ts';
import { workloadOf } from '../workload.ts';

export function explain(question: ExplainQuestion, compiler: PolicyCompiler): Explanation {
  const { subject, timeSeconds, wanted, path, rules } = question;
  const resource = resourceOf(wanted);
  const { principal } = subject;
  const isBrokers = wanted.kind === 'permission' && wanted.isBrokers;
  const activation = bindingActivations(
    resource,
    workloadOf(isBrokers ? { ...principal, claims: {} } : principal),
  )(timeSeconds);
  const who: Who = { subject, membership: membershipOf(subject) };
  // Whoever decides about a push of keys has no token at hand, and no resource that conditions know.
  const isPush = path.some(({ exactOnly }) => exactOnly === true);
  const atRules = isPush ? bindingActivations(NO_RESOURCE)(timeSeconds) : activation;
  const budget = newExplanationBudget();
  const explainAt =
    (at: Activation): ExplainText =>
    (expression) =>
      explainCondition(expression, 'binding', at, compiler, budget);
  // Rules first: what is not looked at must not hide what takes away.
  const explainedRules = rules.map((rule) => explainRule(rule, who, explainAt(atRules)));
  const bindings = path.flatMap((policy) =>
    policy.policy.bindings.map((binding) => explainBinding(binding, policy, who, explainAt(activation))),
  );
  const exchange = subject.isWhole ? exchangeOf(question, compiler) : undefined;
  return {
    bindings,
    rules: explainedRules,
    access: accessOf(question, bindings, explainedRules),
    ...(exchange === undefined ? {} : { exchange }),
  };
}

interface Who {
  readonly subject: Subject;
  readonly membership: Membership;
}

const NO_RESOURCE = { tags: {}, tagIds: {} };

function resourceOf(wanted: ExplainQuestion['wanted']): BindingVariables['resource'] {
  if (wanted.kind === 'permission') return wanted.seen;
  if (wanted.kind === 'broker') return NO_RESOURCE;
  const { resource, tags, tagIds } = wanted.target.target;
  return { ...resource, tags, tagIds };
}

function explainBinding(binding: Binding, policy: PathPolicy, who: Who, explainText: ExplainText): ExplainedBinding {
  const { on, counts, exactOnly = false } = policy;
  const members = binding.members.map((member) => ({
    member,
    matches: exactOnly && !member.startsWith('principal://') ? certain(false) : who.membership(member),
  }));
  const condition = binding.condition && explainedCondition(binding.condition, explainText);
  const roleCounts = counts.includes(binding.role) && !(exactOnly && condition !== undefined);
  const access = all(
    certain(roleCounts),
    any(members.map((member) => member.matches)),
    condition === undefined ? 'yes' : holds(condition, who.subject, 'no'),
  );
  return {
    on,
    role: binding.role,
    shown: shownBinding(on, binding),
    members,
    roleCounts,
    access,
    ...(condition === undefined ? {} : { condition: told(condition, who.subject) }),
  };
}

function explainRule({ on, rule, concerns }: PathRule, who: Who, explainText: ExplainText): ExplainedRule {
  const denied = any(rule.deniedPrincipals.map(who.membership));
  const excepted = any(rule.exceptionPrincipals.map(who.membership));
  const condition = rule.condition && explainedCondition(rule.condition, explainText);
  // A deny that cannot be evaluated applies.
  const applies = condition === undefined ? 'yes' : holds(condition, who.subject, 'yes');
  return {
    on,
    shown: rule.shown,
    denied,
    excepted,
    concerns,
    applies: all(certain(concerns === 'everything' || concerns.length > 0), denied, not(excepted), applies),
    ...(condition === undefined ? {} : { condition: told(condition, who.subject) }),
  };
}

/** Explains a condition out of what is left for the whole explanation. */
type ExplainText = (expression: string) => ConditionExplanation;

interface Explained {
  readonly shown: ExplainedCondition;
  readonly names: readonly string[];
}

function explainedCondition(condition: ConditionText, explainText: ExplainText): Explained {
  const { expression, title } = condition;
  const { names, ...explained } = explainText(expression);
  return { shown: { expression, ...(title === undefined ? {} : { title }), ...explained }, names };
}

/** Of a name alone, what its token would say is not made up: no value, and no verdict that hangs on one. */
function told({ shown, names }: Explained, subject: Subject): ExplainedCondition {
  if (!names.some((name) => hangsOnToken(name, subject))) return shown;
  const { value: _value, error: _error, ...rest } = shown;
  const values = shown.values.map((one) =>
    hangsOnToken(one.expression, subject) ? { expression: one.expression, onlyByToken: true as const } : one,
  );
  return { ...rest, values };
}

function holds({ shown, names }: Explained, subject: Subject, onError: Certainty): Certainty {
  if (shown.error === NOT_LOOKED_AT) return 'unknown';
  if (names.some((name) => hangsOnToken(name, subject))) return 'unknown';
  return shown.value === undefined ? onError : certain(shown.value);
}

/** Role by role, as the exchange decides: one that some binding gives, and that no rule takes away. */
function accessOf(
  { wanted }: ExplainQuestion,
  bindings: readonly ExplainedBinding[],
  rules: readonly ExplainedRule[],
): Certainty {
  const deniedFor = (role: string): Certainty =>
    any(
      rules.filter(({ concerns }) => concerns === 'everything' || concerns.includes(role)).map((rule) => rule.applies),
    );
  if (wanted.kind === 'broker') return not(deniedFor(''));
  const roles = [...new Set(bindings.map((binding) => binding.role))];
  return any(
    roles.map((role) =>
      all(
        any(bindings.filter((binding) => binding.role === role).map((binding) => binding.access)),
        not(deniedFor(role)),
      ),
    ),
  );
}

/** The exchange's own word, by the exchange's own function. */
function exchangeOf(question: ExplainQuestion, compiler: PolicyCompiler): Explanation['exchange'] {
  const { wanted, subject, subjectExpiresAtSeconds, timeSeconds, publicOrigin } = question;
  if (wanted.kind === 'permission') return undefined;
  const { project } = wanted;
  const grant =
    wanted.kind === 'broker'
      ? grantForBroker(subject.principal, project, publicOrigin, compiler, subjectExpiresAtSeconds, timeSeconds)
      : grantForTarget(subject.principal, project, wanted.target, [], compiler, subjectExpiresAtSeconds, timeSeconds);
  if (!grant.ok) return { granted: false, denial: grant.error };
  const tooLarge = sizeDenial(grant.value, publicOrigin, timeSeconds);
  if (tooLarge !== undefined) return { granted: false, denial: tooLarge };
  const claims = claimsOf(grant.value, publicOrigin, '', timeSeconds);
  const { roles, binding } = grant.value;
  return {
    granted: claims !== undefined,
    roles,
    ...(binding === undefined ? {} : { binding }),
    lifetimeSeconds: claims === undefined ? 0 : claims.exp - timeSeconds,
  };
}

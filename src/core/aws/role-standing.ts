/** May this principal take this role, by whose word, and for how long? Its trust policy alone where it has one, else its allow policy; deny policies bind both. */
import { denyingRules, IMPERSONATION_PERMISSION } from '../deny.ts';
import type { Denial } from '../denial.ts';
import { shownBinding } from '../named-on-target.ts';
import { bindingsNaming } from '../member-index.ts';
import { projectName, serviceAccountName } from '../names.ts';
import type { PolicyCompiler } from '../policy/cache.ts';
import type { Condition } from '../policy/condition.ts';
import { longestRunSeconds, newRunBudget } from '../policy/run.ts';
import { bindingActivations } from '../policy/variables.ts';
import { memberTexts, type Principal } from '../principal.ts';
import type { AwsRole, Shards } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { predefinedRole } from '../roles.ts';
import { workloadOf } from '../workload.ts';
import { parseTrustPolicy, type TrustPolicy } from './trust-policy/document.ts';
import { evaluateTrust, type Timeless, type TrustAction } from './trust-policy/evaluate.ts';
import { conditionKeys, type Asking } from './trust-policy/keys.ts';
import { trustRun } from './trust-policy/run.ts';
import { oidcProviderArn } from './arn.ts';

export interface RoleStanding {
  /** Whole seconds from now, at most the `maxSeconds` asked about. */
  readonly holdsForSeconds: number;
  /** The statement or binding that lets the principal in. */
  readonly by: string;
}

export interface RoleQuestion {
  readonly principal: Principal;
  readonly project: Shards['project'];
  readonly account: Shards['serviceAccount'];
  readonly role: AwsRole;
  readonly asking: Asking;
  /** Another provider of the project has the same issuer. */
  readonly isIssuerShared: boolean;
  readonly maxSeconds: number;
}

export function roleStanding(question: RoleQuestion, compiler: PolicyCompiler): Result<RoleStanding, Denial> {
  const allowed = question.role.trustPolicy === undefined ? byAllowPolicy(question, compiler) : byTrustPolicy(question);
  if (!allowed.ok) return allowed;
  const denied = denial(question, compiler);
  if (denied.deniedBy !== undefined) return err({ tag: 'denied_by_policy', rule: denied.deniedBy });
  return ok({ ...allowed.value, holdsForSeconds: Math.min(allowed.value.holdsForSeconds, denied.forSeconds) });
}

/** A role's value never changes while it is current, so its policy is read once. */
const parsed = new WeakMap<AwsRole, TrustPolicy>();

function trustPolicyOf(role: AwsRole): Result<TrustPolicy, string> {
  const known = parsed.get(role);
  if (known !== undefined) return ok(known);
  const policy = parseTrustPolicy(role.trustPolicy ?? '');
  if (policy.ok) parsed.set(role, policy.value);
  return policy;
}

function byTrustPolicy(question: RoleQuestion): Result<RoleStanding, Denial> {
  const { role, asking, maxSeconds } = question;
  // Both clusters would have one ARN and the same subjects: a pod of one would be let in for its namesake in the other.
  if (question.isIssuerShared)
    return refused(
      question,
      'more than one provider of the project has this issuer, and a trust policy cannot tell them apart',
    );
  const policy = trustPolicyOf(role);
  // It was checked when it was written, so this is our fault, and closed.
  if (!policy.ok) return refused(question, `its trust policy does not parse: ${policy.error}`);
  const federated = oidcProviderArn(asking.accountId, asking.issuerUri);
  const actions = actionsOf(asking);
  const timeless: Timeless = new Map();
  const verdictAt = (nowSeconds: number) =>
    evaluateTrust(policy.value, { federated, actions, timeless, keys: conditionKeys({ ...asking, nowSeconds }) });
  const now = verdictAt(asking.nowSeconds);
  if (!now.allowed) return refused(question, now.why);
  const holdsForSeconds = trustRun(policy.value, (second) => verdictAt(second).allowed, asking.nowSeconds, maxSeconds);
  return ok({ holdsForSeconds, by: now.statement });
}

function actionsOf({ tags }: Asking): readonly TrustAction[] {
  return [
    'sts:AssumeRoleWithWebIdentity',
    ...(tags.tags.length > 0 ? (['sts:TagSession'] as const) : []),
    ...(tags.sourceIdentity === undefined ? [] : (['sts:SetSourceIdentity'] as const)),
  ];
}

function byAllowPolicy(question: RoleQuestion, compiler: PolicyCompiler): Result<RoleStanding, Denial> {
  const { principal, project, account } = question;
  const { projectNumber } = project.project;
  const on = serviceAccountName(projectNumber, account.serviceAccount.email);
  const texts = memberTexts(principal);
  const bindings = [
    ...bindingsNaming(account.policy, texts).map((binding) => ({ binding, shown: shownBinding(on, binding) })),
    ...bindingsNaming(project.policy, texts).map((binding) => ({
      binding,
      shown: shownBinding(projectName(projectNumber), binding),
    })),
  ].filter(({ binding }) => predefinedRole(binding.role)?.permissions.includes(IMPERSONATION_PERMISSION) === true);
  if (bindings.length === 0)
    return refused(question, `no binding on ${on} or its project lets this principal impersonate it`);
  const conditions: { readonly condition: Condition | undefined; readonly shown: string }[] = [];
  for (const { binding, shown } of bindings) {
    const condition = binding.condition && compiler.condition(binding.condition.expression, 'binding');
    if (condition === undefined || condition.ok) conditions.push({ condition: condition?.value, shown });
  }
  const run = runOf(question);
  const first = conditions.find(({ condition }) => run([condition], [], 1) > 0);
  if (first === undefined) return refused(question, `the condition of ${bindings[0]?.shown ?? on} does not hold now`);
  const holdsForSeconds = run(
    conditions.map(({ condition }) => condition),
    [],
    question.maxSeconds,
  );
  return ok({ holdsForSeconds, by: first.shown });
}

/** For how long no deny rule is in the way, or the one that is. */
function denial(
  question: RoleQuestion,
  compiler: PolicyCompiler,
): { readonly forSeconds: number; readonly deniedBy?: string } {
  const { principal, project, maxSeconds } = question;
  const rules = denyingRules(project.denyRules ?? [], memberTexts(principal), compiler).filter(
    ({ deniesExchange, deniesImpersonation }) => deniesExchange || deniesImpersonation,
  );
  if (rules.length === 0) return { forSeconds: maxSeconds };
  const run = runOf(question);
  const denying = rules.find(({ condition }) => run([undefined], [condition], 1) === 0);
  if (denying !== undefined) return { forSeconds: 0, deniedBy: denying.shown };
  return {
    forSeconds: run(
      [undefined],
      rules.map(({ condition }) => condition),
      maxSeconds,
    ),
  };
}

type Conditions = readonly (Condition | undefined)[];

/** Conditions see the account as administrators' conditions do. */
function runOf({ principal, project, account, asking }: RoleQuestion) {
  const service = 'iam.googleapis.com';
  const name = serviceAccountName(project.project.projectNumber, account.serviceAccount.email);
  const seen = { name, type: `${service}/ServiceAccount`, service, tags: {}, tagIds: {} };
  const activationAt = bindingActivations(seen, workloadOf(principal));
  const budget = newRunBudget();
  return (allow: Conditions, deny: Conditions, seconds: number): number =>
    longestRunSeconds({ allow, deny }, activationAt, asking.nowSeconds, seconds, budget);
}

function refused({ role }: RoleQuestion, why: string): Result<never, Denial> {
  return err({ tag: 'not_granted', target: role.arn, why });
}

/** `:troubleshoot` on the organization, projects, pools and targets: why a principal may, or may not. Shape after Google's Policy Troubleshooter. */
import type { PolicyResource } from '../../core/admin/commands.ts';
import type { ExplainedBinding, ExplainedRule } from '../../core/explain/answer.ts';
import type { Certainty } from '../../core/explain/certainty.ts';
import type { JsonObject } from '../../core/json.ts';
import { providerName } from '../../core/names.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Denial } from '../../core/denial.ts';
import { checkOf } from '../../core/denial-check.ts';
import type { NamedValue } from '../../core/policy/explanation.ts';
import type { Troubleshoot, TroubleshootInput, Troubleshot } from '../../core/troubleshoot.ts';
import type { RestDenial } from '../http-denial.ts';
import { parseBody } from '../body-shape.ts';
import { needs } from './needs.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { troubleshoot as troubleshootBody } from './schemas.ts';
import type { Call, Route } from './table.ts';

const PROJECT = 'projects/{project}';
const RESOURCES: readonly { readonly path: string; readonly of: (call: Call) => PolicyResource }[] = [
  { path: PROJECT, of: () => ({ kind: 'project' }) },
  {
    path: `${PROJECT}/locations/global/workloadIdentityPools/{pool}`,
    of: (call) => ({ kind: 'pool', poolId: call.param('pool') }),
  },
  { path: `${PROJECT}/targets/{target}`, of: (call) => ({ kind: 'target', targetId: call.param('target') }) },
  {
    path: `${PROJECT}/serviceAccounts/{account}`,
    of: (call) => ({ kind: 'serviceAccount', accountId: call.param('accountId') }),
  },
];

export function troubleshootRoutes(context: RestContext, troubleshoot: Troubleshoot): readonly Route[] {
  return [
    {
      method: 'POST',
      path: 'organizations/1:troubleshoot',
      needs: needs('organization', 'sts.policies.troubleshoot'),
      handle: (call) => answer(call, undefined),
    },
    ...RESOURCES.map(({ path, of }): Route => ({
      method: 'POST',
      path: `${path}:troubleshoot`,
      needs: needs('project', 'sts.policies.troubleshoot'),
      handle: inProject(context, ({ projectNumber }, call) => answer(call, { projectNumber, resource: of(call) })),
    })),
  ];

  async function answer(call: Call, at: TroubleshootInput['at']): Promise<Result<JsonObject, RestDenial>> {
    const input = parseBody(troubleshootBody, call.body);
    if (!input.ok) return input;
    const { value } = input;
    const found = await troubleshoot({ at, ...value });
    return found.ok ? ok(render(found.value, value)) : found;
  }
}

function render(
  { resource, timeSeconds, access, principal, token, explanation }: Troubleshot,
  { permission, target }: { readonly permission?: string; readonly target?: string },
): JsonObject {
  return {
    overallAccessState: OVERALL[access],
    accessTuple: {
      ...(principal === undefined ? {} : { principal }),
      fullResourceName: resource,
      ...(permission === undefined ? {} : { permission }),
      ...(target === undefined ? {} : { target }),
      conditionContext: { request: { receiveTime: new Date(timeSeconds * 1_000).toISOString() } },
    },
    ...(token === undefined ? {} : { tokenExplanation: renderToken(token) }),
    ...(explanation === undefined
      ? {}
      : {
          ...(explanation.exchange === undefined ? {} : { exchange: renderExchange(explanation.exchange) }),
          allowPolicyExplanation: renderAllow(explanation.bindings),
          denyPolicyExplanation: renderDeny(explanation.rules),
        }),
  };
}

const OVERALL: Readonly<Record<Certainty, string>> = {
  yes: 'CAN_ACCESS',
  no: 'CANNOT_ACCESS',
  unknown: 'UNKNOWN_INFO',
};
const ALLOW: Readonly<Record<Certainty, string>> = {
  yes: 'ALLOW_ACCESS_STATE_GRANTED',
  no: 'ALLOW_ACCESS_STATE_NOT_GRANTED',
  unknown: 'ALLOW_ACCESS_STATE_UNKNOWN_INFO',
};
const DENY: Readonly<Record<Certainty, string>> = {
  yes: 'DENY_ACCESS_STATE_DENIED',
  no: 'DENY_ACCESS_STATE_NOT_DENIED',
  unknown: 'DENY_ACCESS_STATE_UNKNOWN_INFO',
};
const MEMBERSHIP: Readonly<Record<Certainty, string>> = {
  yes: 'MEMBERSHIP_MATCHED',
  no: 'MEMBERSHIP_NOT_MATCHED',
  unknown: 'MEMBERSHIP_UNKNOWN_INFO',
};

const UNPROVEN: readonly Denial['tag'][] = ['unverified', 'unknown_provider', 'disabled', 'unavailable'];

function renderToken({ provider, denial, isTakenOnce }: NonNullable<Troubleshot['token']>): JsonObject {
  const check = denial && checkOf(denial);
  return {
    provider: providerName(provider),
    // Whom a condition or an administrator shuts out has shown a token that holds.
    verified: denial === undefined || !UNPROVEN.includes(denial.tag),
    ...(denial === undefined ? {} : { reason: denial.tag }),
    ...(check === undefined ? {} : { check }),
    // Whether it was taken already is not looked at: looking must not use it up.
    ...(isTakenOnce === true ? { takenOnce: true } : {}),
  };
}

function renderExchange(exchange: NonNullable<NonNullable<Troubleshot['explanation']>['exchange']>): JsonObject {
  if ('denial' in exchange) {
    const check = checkOf(exchange.denial);
    return { outcome: 'refused', reason: exchange.denial.tag, ...(check === undefined ? {} : { check }) };
  }
  const { granted, roles, binding, lifetimeSeconds } = exchange;
  return {
    outcome: granted ? 'granted' : 'refused',
    roles,
    ...(binding === undefined ? {} : { binding }),
    expiresIn: lifetimeSeconds,
  };
}

function renderAllow(bindings: readonly ExplainedBinding[]): JsonObject {
  const places = [...new Set(bindings.map((binding) => binding.on))];
  return {
    explainedPolicies: places.map((on) => ({
      fullResourceName: on,
      bindingExplanations: bindings.filter((binding) => binding.on === on).map(renderBinding),
    })),
  };
}

/** A binding may have a thousand members: those that match come first, and of the others enough to recognise it. */
const MAX_MEMBERS = 50;

function renderBinding({ role, shown, members, roleCounts, condition, access }: ExplainedBinding): JsonObject {
  const [yes, unknown, no] = (['yes', 'unknown', 'no'] as const).map((one) =>
    members.filter(({ matches }) => matches === one),
  );
  const sorted = [...(yes ?? []), ...(unknown ?? []), ...(no ?? [])];
  const told = sorted.slice(0, MAX_MEMBERS);
  return {
    allowAccessState: ALLOW[access],
    binding: shown,
    role,
    rolePermission: roleCounts ? 'ROLE_PERMISSION_INCLUDED' : 'ROLE_PERMISSION_NOT_INCLUDED',
    combinedMembership: { membership: MEMBERSHIP[sorted[0]?.matches ?? 'no'] },
    memberships: Object.fromEntries(told.map(({ member, matches }) => [member, { membership: MEMBERSHIP[matches] }])),
    ...(sorted.length > told.length ? { membershipsLeftOut: sorted.length - told.length } : {}),
    ...renderCondition(condition),
  };
}

function renderDeny(rules: readonly ExplainedRule[]): JsonObject {
  return {
    ruleExplanations: rules.map(({ on, shown, denied, excepted, concerns, condition, applies }) => ({
      denyAccessState: DENY[applies],
      fullResourceName: on,
      rule: shown,
      deniedRoles: concerns === 'everything' ? ['*'] : concerns,
      combinedDeniedPrincipal: { membership: MEMBERSHIP[denied] },
      combinedExceptionPrincipal: { membership: MEMBERSHIP[excepted] },
      ...renderCondition(condition),
    })),
  };
}

function renderCondition(condition: ExplainedBinding['condition']): JsonObject {
  if (condition === undefined) return {};
  const { expression, title, value, error, values } = condition;
  return {
    condition: { expression, ...(title === undefined ? {} : { title }) },
    conditionExplanation: {
      ...(value === undefined ? {} : { value }),
      ...(error === undefined ? {} : { errors: [{ message: error }] }),
      evaluationStates: values.map(renderValue),
    },
  };
}

function renderValue({ expression, value, onlyByToken }: NamedValue): JsonObject {
  if (value !== undefined) return { expression, value };
  const message = onlyByToken === true ? 'only a token would tell' : 'is absent or cannot be evaluated';
  return { expression, errors: [{ message }] };
}

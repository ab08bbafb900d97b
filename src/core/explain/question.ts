/** From what was asked to the whole question: the policies on the path as the Registry has them now, and what of them counts. */
import type { Asked, ExplainQuestion, PathPolicy, PathRule } from './answer.ts';
import { type Subject, withoutCluster } from './subject.ts';
import type { AdminDenial } from '../admin/denial.ts';
import { rulesDenying } from '../admin/deny-resolution.ts';
import { createPoolReader } from '../admin/lint/pool-facts.ts';
import { policyResourceName } from '../admin/policies.ts';
import { PUSH_PERMISSION } from '../admin/push-keys.ts';
import { permissionsOf, roleName } from '../admin/roles.ts';
import { seenResource } from '../admin/authority/seen-resource.ts';
import type { ConfigState } from '../admin/state.ts';
import { projectName, targetName } from '../names.ts';
import { type DenyAttachment, EMPTY_POLICY, type EdgeDenyRule, type Policy, type Shards } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { isOwnPermission } from '../roles.ts';

/** What the Registry adds. */
interface Rows {
  readonly state: ConfigState;
  readonly project: Shards['project'];
  target(targetId: string): Shards['target'] | undefined;
}

export function questionOf(asked: Asked, rows: Rows): Result<ExplainQuestion, AdminDenial> {
  const { state, project } = rows;
  const { projectNumber } = project.project;
  const target = asked.wanted.kind === 'target' ? rows.target(asked.wanted.targetId) : undefined;
  if (asked.wanted.kind === 'target' && target === undefined) {
    return err({ tag: 'not_found', resource: targetName(projectNumber, asked.wanted.targetId) });
  }
  const { subjectExpiresAtSeconds, timeSeconds, publicOrigin, resource, organizationPolicy } = asked;
  const subject = inItsPool(asked.subject, state);
  const common = { subject, subjectExpiresAtSeconds, timeSeconds, publicOrigin };
  // Wherever it is asked, a target's own policy decides first.
  const own = asked.wanted.kind === 'target' ? { kind: 'target' as const, targetId: asked.wanted.targetId } : resource;
  const policies = [
    ...(own.kind === 'project' ? [] : [policyOn(state, own)]),
    policyOn(state, { kind: 'project' }),
    { on: 'organizations/1', policy: organizationPolicy },
  ];
  const { wanted } = asked;
  if (wanted.kind === 'permission') {
    const path = policies.map((one) => ({
      ...one,
      counts: rolesIn(one.policy).filter((role) => permissionsOf(state, role).includes(wanted.permission)),
      ...(wanted.permission === PUSH_PERMISSION ? { exactOnly: true as const } : {}),
    }));
    const places: readonly DenyAttachment[] =
      own.kind === 'target' ? [own, { kind: 'project' }] : [{ kind: 'project' }];
    const denying = places.flatMap((place) =>
      rulesDenying(state, place, wanted.permission).map((rule): PathRule => {
        return { on: policyResourceName(state, place), rule, concerns: 'everything' };
      }),
    );
    const there = own.kind === 'target' ? rows.target(own.targetId) : undefined;
    const kind = 'permission' as const;
    const seen = seenResource(state, own);
    const isBrokers = isOwnPermission(wanted.permission);
    if (there === undefined) return ok({ ...common, wanted: { kind, seen, isBrokers }, path, rules: denying });
    // A role that holds anything denied goes whole, and with it what is asked about.
    const known = new Set(denying.map(({ rule }) => rule.shown));
    const others = rulesOf(there).filter(({ rule }) => !known.has(rule.shown));
    return ok({ ...common, wanted: { kind, target: there, seen, isBrokers }, path, rules: [...denying, ...others] });
  }
  const opening = project.openingRoleIds.map((roleId) => roleName(project.project.projectId, roleId));
  const path = policies.map((one): PathPolicy => ({ ...one, counts: wanted.kind === 'target' ? opening : [] }));
  const rules = rulesOf(target);
  if (target === undefined) return ok({ ...common, wanted: { kind: 'broker', project }, path: [], rules });
  return ok({ ...common, wanted: { kind: 'target', project, target }, path, rules });

  function rulesOf(on: Shards['target'] | undefined): readonly PathRule[] {
    const ofTarget = (on?.denyRules ?? []).map((rule) =>
      edgeRule(targetName(projectNumber, on?.target.targetId ?? ''), rule),
    );
    return [...ofTarget, ...(project.denyRules ?? []).map((rule) => edgeRule(projectName(projectNumber), rule))];
  }

  function edgeRule(on: string, rule: EdgeDenyRule): PathRule {
    const concerns = rule.deniedRoleIds.map((roleId) => roleName(project.project.projectId, roleId));
    return { on, rule, concerns: rule.deniesExchange ? 'everything' : concerns };
  }
}

/** A name alone does not say what its pool is made of: the rows do. */
function inItsPool(subject: Subject, state: ConfigState): Subject {
  const { projectNumber, poolId } = subject.principal.provider;
  if (subject.isWhole || projectNumber !== state.project().projectNumber) return subject;
  return createPoolReader(state)(poolId)?.kind === 'oidc' ? withoutCluster(subject) : subject;
}

function policyOn(state: ConfigState, resource: Asked['resource']): { readonly on: string; readonly policy: Policy } {
  return { on: policyResourceName(state, resource), policy: state.policy(resource) ?? EMPTY_POLICY };
}

function rolesIn(policy: Policy): readonly string[] {
  return [...new Set(policy.bindings.map((binding) => binding.role))];
}

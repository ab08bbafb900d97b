/** Deny policies: create, replace, delete. They are attached to a project, or to one target. */
import { denyPolicyName } from '../names.ts';
import type { DenyPolicy } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { DenyPolicyId, DenyPolicyInput } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { ALL_DENY_POLICIES, MAX_DENY_POLICIES } from './deny-resolution.ts';
import { checkDenyRules, type Problem } from './deny-rules.ts';
import { etagOf, isEtag } from './etag.ts';
import { checkLength, checkNoControl, wrong, type Violations } from './fields.ts';
import { lintDenyRules } from './lint/deny.ts';
import { memberProblem } from './lint/members.ts';
import { createPoolReader } from './lint/pool-facts.ts';
import { policyResourceExists, policyResourceName } from './policies.ts';
import { policyShards } from './policy-shards.ts';
import type { ApplyContext, ConfigState } from './state.ts';

/** As Google has it. */
const POLICY_ID = /^[a-z][a-z0-9.-]{2,62}$/;
const MAX_DISPLAY_NAME = 63;
const MAX_ANNOTATIONS = 64;
const MAX_ANNOTATION_KEY = 63;
const MAX_ANNOTATION_VALUE = 255;

export function createDenyPolicy(
  state: ConfigState,
  id: DenyPolicyId,
  input: DenyPolicyInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { attachment, policyId } = id;
  if (!POLICY_ID.test(policyId)) {
    return err(invalid('policyId', 'must be 3 to 63 characters of [a-z0-9.-], beginning with a letter'));
  }
  if (!policyResourceExists(state, attachment)) {
    return err({ tag: 'not_found', resource: policyResourceName(state, attachment) });
  }
  if (state.denyPolicy(id) !== undefined) return err({ tag: 'already_exists', resource: nameOf(state, id) });
  if (state.denyPolicyCount() >= MAX_DENY_POLICIES) {
    const description = `A project has at most ${MAX_DENY_POLICIES} deny policies. Delete one, or give another one more rules.`;
    return err({ tag: 'limit_reached', description });
  }
  return written(state, { ...id, uid: context.newUid(), createTime: context.time }, input, context);
}

/** The whole policy is replaced: what the new one does not say is gone. */
export function updateDenyPolicy(
  state: ConfigState,
  id: DenyPolicyId,
  input: DenyPolicyInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const current = state.denyPolicy(id);
  if (current === undefined) return err({ tag: 'not_found', resource: nameOf(state, id) });
  const stale = checkEtag(state, current, input.etag ?? '');
  return stale === undefined ? written(state, current, input, context) : err(stale);
}

export function deleteDenyPolicy(
  state: ConfigState,
  { attachment, policyId }: DenyPolicyId,
  etag: string | undefined,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const id = { attachment, policyId };
  const current = state.denyPolicy(id);
  if (current === undefined) return err({ tag: 'not_found', resource: nameOf(state, id) });
  const stale = checkEtag(state, current, etag ?? '');
  if (stale !== undefined) return err(stale);
  return ok({
    answer: { kind: 'denyPolicy', policy: current, deleteTime: context.time },
    writes: [{ remove: 'denyPolicy', ...id }],
    shards: policyShards(state, attachment),
  });
}

function written(
  state: ConfigState,
  { attachment, policyId, uid, createTime }: DenyPolicyId & Pick<DenyPolicy, 'uid' | 'createTime'>,
  { displayName = '', annotations = {}, rules: given = [] }: DenyPolicyInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const others = state.denyPolicies(attachment, ALL_DENY_POLICIES).filter((policy) => policy.policyId !== policyId);
  const problemOf = createProblemReader(state);
  const rules = checkDenyRules(
    given,
    others.flatMap((policy) => policy.rules),
    problemOf,
  );
  const violations = [
    ...checkLength('displayName', displayName, MAX_DISPLAY_NAME),
    ...checkNoControl('displayName', displayName),
    ...checkAnnotations(annotations),
    ...(rules.ok ? [] : rules.error),
  ];
  if (violations.length > 0 || !rules.ok) return err({ tag: 'invalid_argument', violations });
  const policy: DenyPolicy = {
    policyId,
    attachment,
    uid,
    displayName,
    annotations,
    rules: rules.value,
    createTime,
    updateTime: context.time,
    version: context.epoch,
  };
  const warnings = lintDenyRules(state, attachment, given, problemOf);
  return ok({
    answer: { kind: 'denyPolicy', policy, ...(warnings.length > 0 ? { warnings } : {}) },
    writes: [{ put: 'denyPolicy', policy }],
    shards: policyShards(state, attachment),
  });
}

/** A deny rule is about whoever exchanges, and that is only who a role that opens targets could be bound to. */
function createProblemReader(state: ConfigState): Problem {
  const poolOf = createPoolReader(state);
  const project = state.project();
  return (member, isBrokers) => memberProblem(member, project, !isBrokers, poolOf);
}

function checkAnnotations(annotations: Readonly<Record<string, string>>): Violations {
  const entries = Object.entries(annotations);
  if (entries.length > MAX_ANNOTATIONS) return wrong('annotations', `hold more than ${MAX_ANNOTATIONS} entries`);
  return entries.flatMap(([key, value]) => {
    if (key === '' || key === '__proto__') return wrong('annotations', `"${key}" cannot be a key`);
    return [
      ...checkLength('annotations', key, MAX_ANNOTATION_KEY),
      ...checkNoControl('annotations', key),
      ...checkLength(`annotations.${key}`, value, MAX_ANNOTATION_VALUE),
      ...checkNoControl(`annotations.${key}`, value),
    ];
  });
}

function checkEtag(state: ConfigState, current: DenyPolicy, etag: string): AdminDenial | undefined {
  if (etag === '' || etag === etagOf(current.version)) return undefined;
  if (!isEtag(etag)) return invalid('etag', 'is not an etag that was given out here');
  return { tag: 'etag_mismatch', resource: nameOf(state, current) };
}

function nameOf(state: ConfigState, { attachment, policyId }: DenyPolicyId): string {
  return denyPolicyName(state.project().projectNumber, attachment, policyId);
}

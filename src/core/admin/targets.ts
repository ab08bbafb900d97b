/** Targets: who a token may be for. Create, patch, delete. */
import { targetName } from '../names.ts';
import { EMPTY_POLICY, shardKey, type Target } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { Command, TargetInput } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { ALL_DENY_POLICIES } from './deny-resolution.ts';
import { checkEtag } from './etag.ts';
import {
  checkAbsoluteUri,
  checkDisplayName,
  checkLength,
  checkNoControl,
  ID_FORM,
  readSeconds,
  TARGET_MAX_LIFETIME,
  wrong,
  type Violations,
} from './fields.ts';
import { overlay } from './mask.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

const TARGET_ID = /^[a-z]([a-z0-9-]{1,61}[a-z0-9])$/;

export function createTarget(
  state: ConfigState,
  targetId: string,
  input: TargetInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  if (!TARGET_ID.test(targetId)) return err(invalid('targetId', `must be 3 to 63 characters of ${ID_FORM}`));
  if (state.target(targetId) !== undefined) {
    return err({ tag: 'already_exists', resource: targetName(projectNumber, targetId) });
  }
  const fields = checkTarget(input);
  if (!fields.ok) return fields;
  const target: Target = {
    targetId,
    uid: context.newUid(),
    ...fields.value,
    createTime: context.time,
    updateTime: context.time,
    version: context.epoch,
  };
  const taken = uriTaken(state, target);
  if (taken !== undefined) return err(taken);
  return ok({
    answer: { kind: 'target', target },
    writes: [
      { put: 'target', target },
      // An id that was used before: an etag from then must not be good for its new bearer, that of a policy never set neither.
      ...(state.policy({ kind: 'target', targetId }) === undefined ? [] : [clearedPolicy(targetId, context)]),
    ],
    shards: [shardKey.target(projectNumber, targetId), shardKey.project(projectNumber)],
  });
}

const PATHS: ReadonlySet<string> = new Set([
  'uri',
  'displayName',
  'resource',
  'resource.name',
  'resource.type',
  'resource.service',
  'tags',
  'tagIds',
  'tokenSigningAlg',
  'tokenType',
  'maxLifetime',
  'allowedScopes',
]);

export function patchTarget(
  state: ConfigState,
  { targetId, input, mask, etag }: Extract<Command, { readonly type: 'target.patch' }>,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  const current = state.target(targetId);
  const name = targetName(projectNumber, targetId);
  if (current === undefined) return err({ tag: 'not_found', resource: name });
  const stale = checkEtag(etag, current.version, name);
  if (stale !== undefined) return err(stale);
  const patched = overlay(targetInputOf(current), input, mask, PATHS);
  if (!patched.ok) return patched;
  const fields = checkTarget(patched.value);
  if (!fields.ok) return fields;
  const target: Target = { ...current, ...fields.value, updateTime: context.time, version: context.epoch };
  const taken = uriTaken(state, target);
  if (taken !== undefined) return err(taken);
  const index = target.uri === current.uri ? [] : [shardKey.project(projectNumber)];
  return ok({
    answer: { kind: 'target', target },
    writes: [{ put: 'target', target }],
    shards: [shardKey.target(projectNumber, targetId), ...index],
  });
}

export function deleteTarget(
  state: ConfigState,
  { targetId, etag }: Extract<Command, { readonly type: 'target.delete' }>,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  const current = state.target(targetId);
  const name = targetName(projectNumber, targetId);
  if (current === undefined) return err({ tag: 'not_found', resource: name });
  const stale = checkEtag(etag, current.version, name);
  if (stale !== undefined) return err(stale);
  const attachment = { kind: 'target', targetId } as const;
  const denyPolicies = state.denyPolicies(attachment, ALL_DENY_POLICIES);
  return ok({
    answer: { kind: 'deleted' },
    writes: [
      { remove: 'target', targetId },
      clearedPolicy(targetId, context),
      ...denyPolicies.map(({ policyId }): Write => ({ remove: 'denyPolicy', attachment, policyId })),
    ],
    shards: [shardKey.target(projectNumber, targetId), shardKey.project(projectNumber)],
  });
}

/**
 * Whoever could use a deleted target must not find his rights again on the next one of that name. The empty policy outlives
 * the target: it is how the id is known to have been used.
 */
function clearedPolicy(targetId: string, context: ApplyContext): Write {
  const policy = { ...EMPTY_POLICY, revision: context.epoch };
  return { put: 'policy', resource: { kind: 'target', targetId }, policy };
}

function uriTaken(state: ConfigState, target: Target): AdminDenial | undefined {
  const other = state.targetByUri(target.uri);
  if (other === undefined || other.targetId === target.targetId) return undefined;
  const { projectNumber } = state.project();
  return { tag: 'already_exists', resource: `${targetName(projectNumber, other.targetId)} with the same uri` };
}

type TargetFields = Omit<Target, 'targetId' | 'uid' | 'createTime' | 'updateTime' | 'version'>;

function checkTarget(input: TargetInput): Result<TargetFields, AdminDenial> {
  const lifetime = readSeconds('maxLifetime', input.maxLifetime, TARGET_MAX_LIFETIME);
  const allowedScopes = [...new Set(input.allowedScopes)];
  const violations = [
    ...checkAbsoluteUri('uri', input.uri),
    ...checkDisplayName('displayName', input.displayName ?? ''),
    ...Object.entries(input.resource ?? {}).flatMap(([member, text]) => [
      ...checkLength(`resource.${member}`, text, MAX_RESOURCE_TEXT),
      ...checkNoControl(`resource.${member}`, text),
    ]),
    ...checkTags('tags', input.tags ?? {}, TAG, TAG),
    ...checkTags('tagIds', input.tagIds ?? {}, TAG_KEY_ID, TAG_VALUE_ID),
    ...(lifetime.ok ? [] : lifetime.error),
    ...checkScopes(allowedScopes),
  ];
  if (violations.length > 0 || !lifetime.ok) return err({ tag: 'invalid_argument', violations });
  return ok({
    uri: input.uri ?? '',
    displayName: input.displayName ?? '',
    resource: withoutEmpty(input.resource ?? {}),
    tags: input.tags ?? {},
    tagIds: input.tagIds ?? {},
    tokenSigningAlg: input.tokenSigningAlg ?? 'ES256',
    tokenType: input.tokenType ?? 'at+jwt',
    maxLifetimeSeconds: lifetime.value,
    allowedScopes,
  });
}

/** What a patch is laid over, and what would make the target again. */
export function targetInputOf(target: Target): TargetInput {
  const { uri, displayName, resource, tags, tagIds, tokenSigningAlg, tokenType, allowedScopes } = target;
  const maxLifetime = `${target.maxLifetimeSeconds}s`;
  return { uri, displayName, resource, tags, tagIds, tokenSigningAlg, tokenType, maxLifetime, allowedScopes };
}

const MAX_RESOURCE_TEXT = 1_024;

/** An empty member is an absent one: to a condition it must be unavailable, not a text that differs from every other. */
function withoutEmpty(resource: Target['resource']): Target['resource'] {
  return Object.fromEntries(Object.entries(resource).filter(([, text]) => text !== ''));
}

const MAX_TAGS = 50;
interface TagForm {
  readonly pattern: RegExp;
  readonly shown: string;
}
// oxlint-disable-next-line no-control-regex -- a control character in a name forges log lines and screens
const TAG: TagForm = { pattern: /^[^\u0000-\u001f\u007f-\u009f]{1,256}$/u, shown: '1 to 256 characters' };
const TAG_KEY_ID: TagForm = { pattern: /^tagKeys\/[0-9]{1,32}$/, shown: 'tagKeys/NUMBER' };
const TAG_VALUE_ID: TagForm = { pattern: /^tagValues\/[0-9]{1,32}$/, shown: 'tagValues/NUMBER' };

function checkTags(field: string, tags: Readonly<Record<string, string>>, key: TagForm, value: TagForm): Violations {
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS) return wrong(field, `holds more than ${MAX_TAGS} tags`);
  return entries.flatMap(([name, text]) => {
    if (!key.pattern.test(name) || name === '__proto__') return wrong(field, `the key "${name}" must be ${key.shown}`);
    return value.pattern.test(text) ? [] : wrong(`${field}.${name}`, `must be ${value.shown}`);
  });
}

const MAX_SCOPES = 100;
const MAX_SCOPE = 256;
/** RFC 6749 §3.3. */
const SCOPE_TOKEN = /^[\u0021\u0023-\u005b\u005d-\u007e]+$/;

function checkScopes(scopes: readonly string[]): Violations {
  if (scopes.length > MAX_SCOPES) return wrong('allowedScopes', `holds more than ${MAX_SCOPES} scopes`);
  return scopes.flatMap((scope, index) => {
    if (SCOPE_TOKEN.test(scope) && scope.length <= MAX_SCOPE) return [];
    return wrong(`allowedScopes[${index}]`, `must be a scope token (RFC 6749 §3.3) of at most ${MAX_SCOPE} characters`);
  });
}

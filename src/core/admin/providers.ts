/** Providers: create and patch, and the rules that need the neighbours in the pool. */
import { isPoolOrProviderId, providerName } from '../names.ts';
import { shardKey, type Provider } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { ProviderInput } from './commands.ts';
import { invalid, type AdminDenial } from './denial.ts';
import { keysChanged } from './key-sets.ts';
import { bindingsOfPool } from './lint/clusters-apart.ts';
import { lintProvider } from './lint/provider.ts';
import { overlay, replacesEverything } from './mask.ts';
import { misfitIn, neighboursIn, type Neighbour } from './neighbours.ts';
import { AWS_PATHS, awsDocumentOf, checkAwsProvider } from './provider-aws.ts';
import {
  checkProvider as checkVerified,
  type CheckedProvider,
  documentOf as verifiedDocumentOf,
  type Standing,
} from './provider-rules.ts';
import { noSuchPool, noSuchProvider } from './soft-delete.ts';
import type { ApplyContext, ConfigState } from './state.ts';

interface Id {
  readonly poolId: string;
  readonly providerId: string;
}

export function createProvider(
  state: ConfigState,
  { poolId, providerId }: Id,
  input: ProviderInput,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  const pool = state.pool(poolId);
  if (pool === undefined) return err(noSuchPool(state, poolId));
  if (!isPoolOrProviderId(providerId)) {
    return err(
      invalid('workloadIdentityPoolProviderId', 'must be 4 to 32 characters of [a-z0-9-], not beginning with gcp-'),
    );
  }
  const taken = state.provider(poolId, providerId) ?? state.deletedProvider(poolId, providerId);
  if (taken !== undefined) {
    return err({ tag: 'already_exists', resource: providerName({ projectNumber, poolId, providerId }) });
  }
  const standing = { namesKeys: true, namesReview: true, targetUid: targetUidIn(state) };
  const checked = checkProvider(input, standing, context);
  if (!checked.ok) return checked;
  const provider: Provider = {
    poolId,
    providerId,
    uid: context.newUid(),
    distrustedThumbprints: [],
    ...checked.value.fields,
    createTime: context.time,
    updateTime: context.time,
  };
  const neighbours = neighboursIn(state, poolId);
  const misfit = misfitIn(pool, neighbours, provider, projectNumber);
  if (misfit !== undefined) return err(misfit);
  const warnings = [...checked.value.warnings, ...sameness(state, provider, neighbours), ...lint(provider, context)];
  return written(state, provider, warnings);
}

export function patchProvider(
  state: ConfigState,
  id: Id,
  input: ProviderInput,
  mask: readonly string[],
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const { projectNumber } = state.project();
  const current = state.provider(id.poolId, id.providerId);
  if (state.pool(id.poolId) === undefined) return err(noSuchPool(state, id.poolId));
  if (current === undefined) return err(noSuchProvider(state, id));
  const other = KINDS.find((kind) => kind !== current.kind && isNamed(kind, mask, input));
  if (other !== undefined) {
    return err(invalid(other, `this is a ${current.kind} provider, and its kind cannot change`));
  }
  const paths = mask.map((path) => (path === 'jwksJson' ? `${current.kind}.jwksJson` : path));
  const patched = overlay(documentOf(current), input, paths, PATHS[current.kind]);
  if (!patched.ok) return patched;
  const standing = {
    current,
    namesKeys: namesKeys(paths, current.kind),
    namesReview: replacesEverything(paths) || paths.some((path) => path.split('.')[0] === 'tokenReview'),
    targetUid: targetUidIn(state),
  };
  const checked = checkProvider(withClusterOf(current, patched.value), standing, context);
  if (!checked.ok) return checked;
  const { fields, warnings } = checked.value;
  if (fields.clusterUri !== current.clusterUri) {
    return err(invalid('kubernetes.clusterUri', 'is the identity of the cluster and cannot change'));
  }
  // What the document leaves out must go, so the row is made of it anew: only names, birth and distrust are older.
  const { poolId, providerId, uid, createTime, distrustedThumbprints } = current;
  const provider = { poolId, providerId, uid, ...fields, distrustedThumbprints, createTime, updateTime: context.time };
  const alert = keysChanged({ projectNumber, poolId, providerId }, current, provider);
  const change = written(state, provider, [...warnings, ...lint(provider, context)]);
  return change.ok && alert !== undefined ? ok({ ...change.value, alert }) : change;
}

function targetUidIn(state: ConfigState): (targetId: string) => string | undefined {
  return (targetId) => state.target(targetId)?.uid;
}

const KINDS: readonly Provider['kind'][] = ['kubernetes', 'oidc', 'aws'];

function isNamed(kind: Provider['kind'], mask: readonly string[], input: ProviderInput): boolean {
  if (replacesEverything(mask) && input[kind] !== undefined) return true;
  return mask.some((path) => path === kind || path.startsWith(`${kind}.`));
}

/** Each kind has its rules; exactly one is named. */
function checkProvider(
  input: ProviderInput,
  standing: Standing,
  context: ApplyContext,
): Result<CheckedProvider, AdminDenial> {
  if (input.aws === undefined) return checkVerified(input, standing, context);
  const beside = (['kubernetes', 'oidc'] as const).find((kind) => input[kind] !== undefined);
  if (beside !== undefined) return err(invalid(beside, 'exactly one of kubernetes, oidc and aws is wanted'));
  return checkAwsProvider(input, standing.current, context.time);
}

/** The document that makes this row again: what a patch is laid over. */
export function documentOf(provider: Provider): ProviderInput {
  return provider.kind === 'aws' ? awsDocumentOf(provider) : verifiedDocumentOf(provider);
}

/** A patch that says where the keys come from: it names them, or the whole of what they are part of. */
function namesKeys(paths: readonly string[], kind: Provider['kind']): boolean {
  return replacesEverything(paths) || paths.includes(kind) || paths.includes(`${kind}.jwksJson`);
}

/** All but the issuer, its audiences and its keys, which stand inside the document of the kind. */
export const RESTORED_PATHS = [
  'attributeMapping',
  'attributeCondition',
  'dryRunCondition',
  'allowedAlgorithms',
  'maxTokenLifetime',
  'allowedJwksHosts',
  'maxStale',
  'pushedKeysMaxAge',
  'newKeyHold',
  'singleUse',
  'tokenReview',
  'disabled',
  'displayName',
  'description',
];

const COMMON_PATHS = [...RESTORED_PATHS, 'tokenReview.url', 'tokenReview.target'];

const PATHS: Readonly<Record<Provider['kind'], ReadonlySet<string>>> = {
  kubernetes: new Set([
    ...COMMON_PATHS,
    'kubernetes',
    ...['clusterUri', 'issuerUri', 'jwksJson', 'allowedAudiences'].map((field) => `kubernetes.${field}`),
  ]),
  oidc: new Set([
    ...COMMON_PATHS,
    'oidc',
    ...['issuerUri', 'jwksJson', 'allowedAudiences'].map((field) => `oidc.${field}`),
  ]),
  aws: AWS_PATHS,
};

/** Who replaces `kubernetes` as a whole need not repeat what cannot change. */
function withClusterOf(current: Provider, document: ProviderInput): ProviderInput {
  const { clusterUri } = current;
  if (clusterUri === undefined) return document;
  return { ...document, kubernetes: { clusterUri, ...document.kubernetes } };
}

const MAX_NAMED = 5;

/** Identity sameness is on purpose (DESIGN §3), and should surprise nobody. Where every binding tells clusters apart it cannot. */
function sameness(state: ConfigState, provider: Provider, neighbours: readonly Neighbour[]): readonly string[] {
  const clusters = neighbours.filter((neighbour) => neighbour.kind === 'kubernetes');
  if (provider.kind !== 'kubernetes' || clusters.length === 0) return [];
  const { total, mixing, complete } = bindingsOfPool(state, provider.poolId);
  if (total > 0 && mixing.length === 0 && complete) return [];
  const others = listed(clusters.map((cluster) => cluster.providerId));
  const open = mixing.length === 0 ? '' : ` These bindings let in either of them: ${listed(mixing)}.`;
  return [
    `The pool ${provider.poolId} now holds more than one cluster (${provider.providerId} beside ${others}): the same namespace and ` +
      `ServiceAccount name in each of them is one principal.${open} To tell clusters apart, bind principalSet://…/kubernetes.cluster/CLUSTER_URI ` +
      'or principal://…/kubernetes.serviceaccount.uid/UID, or register the cluster in a pool of its own.',
  ];
}

function listed(names: readonly string[]): string {
  const named = names.slice(0, MAX_NAMED);
  return (names.length > named.length ? [...named, `${names.length - named.length} more`] : named).join(', ');
}

function lint(provider: Provider, context: ApplyContext): readonly string[] {
  return lintProvider(provider, Math.floor(Date.parse(context.time) / 1_000));
}

function written(state: ConfigState, provider: Provider, warnings: readonly string[]): Result<Applied, AdminDenial> {
  return ok({
    answer: { kind: 'provider', provider, warnings },
    writes: [{ put: 'provider', provider }],
    shards: [shardKey.provider(state.project().projectNumber, provider.poolId, provider.providerId)],
  });
}

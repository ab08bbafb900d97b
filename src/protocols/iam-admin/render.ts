/** Rows → JSON as Google shapes it: full names with the project's number, empty texts left out. */
import type { Left, RestoredStep } from '../../core/admin/history/step.ts';
import { etagOf } from '../../core/admin/etag.ts';
import type { IssuerKeysStatus, SigningKeyInfo } from '../../core/admin/port.ts';
import { CREDENTIAL_GENERATIONS_PER_MINUTE } from '../../core/admin/fields.ts';
import { projectRevision } from '../../core/admin/projects.ts';
import { roleName } from '../../core/admin/roles.ts';
import type { JsonObject } from '../../core/json.ts';
import { poolName, projectName, providerName, targetName } from '../../core/names.ts';
import { recentRetentionSeconds } from '../../core/recent.ts';
import type { Pool, Project, Provider, Role, Target } from '../../core/resources.ts';
import { projectMaxTokenLifetimeSeconds } from '../../core/service-account.ts';
import { renderRaise } from './quota-view.ts';

export function renderProject(project: Project): JsonObject {
  const { projectNumber, projectId, displayName, tokenExchangesPerMinute, createTime } = project;
  const { ownLimits, temporaryRaises } = project;
  return {
    name: projectName(projectNumber),
    projectNumber,
    projectId,
    displayName,
    tokenExchangesPerMinute,
    credentialGenerationsPerMinute: project.credentialGenerationsPerMinute ?? CREDENTIAL_GENERATIONS_PER_MINUTE.unset,
    ...(temporaryRaises === undefined ? {} : { temporaryRaises: temporaryRaises.map(renderRaise(projectNumber)) }),
    ...(ownLimits === undefined ? {} : { ownLimits: ownLimits.map((limit) => ({ ...limit })) }),
    recentExchangesRetention: `${recentRetentionSeconds(project)}s`,
    maxServiceAccountTokenLifetime: `${projectMaxTokenLifetimeSeconds(project)}s`,
    ...(project.awsAccountId === undefined ? {} : { awsAccountId: project.awsAccountId }),
    etag: etagOf(projectRevision(project)),
    createTime,
    ...(project.expireTime === undefined
      ? { state: 'ACTIVE' }
      : { state: 'DELETE_REQUESTED', expireTime: project.expireTime }),
  };
}

export function renderPool(
  pool: Pool,
  projectNumber: string,
  publicOrigin: string,
  isAdministrative = false,
): JsonObject {
  const deniedUids = pool.deniedUids.map(({ uid, untilSeconds }) => ({ uid, until: timeOf(untilSeconds) }));
  return {
    name: poolName(projectNumber, pool.poolId),
    uid: pool.uid,
    ...filled({ displayName: pool.displayName, description: pool.description }),
    ...stateOf(pool),
    disabled: pool.disabled,
    ...(isAdministrative ? { administrative: true } : {}),
    ...(deniedUids.length > 0 ? { deniedUids } : {}),
    issuer: `${publicOrigin}/${projectNumber}/${pool.poolId}`,
    createTime: pool.createTime,
    updateTime: pool.updateTime,
  };
}

export function renderProvider(provider: Provider, projectNumber: string, discovered?: IssuerKeysStatus): JsonObject {
  const { poolId, providerId, kind, clusterUri, issuerUri, jwksJson, allowedAudiences } = provider;
  const source = {
    ...(clusterUri === undefined ? {} : { clusterUri }),
    issuerUri,
    // Pushed keys are not given back as a document: who sends back what he read would make them uploaded ones, which never expire.
    ...(provider.keySource === 'uploaded' ? { jwksJson } : {}),
    ...(allowedAudiences.length > 0 ? { allowedAudiences } : {}),
  };
  return {
    name: providerName({ projectNumber, poolId, providerId }),
    uid: provider.uid,
    ...filled({ displayName: provider.displayName, description: provider.description }),
    ...stateOf(provider),
    disabled: provider.disabled,
    ...(kind === 'aws' ? { aws: { accountId: provider.awsAccountId ?? '' } } : { [kind]: source }),
    ...(kind === 'kubernetes' ? {} : { attributeMapping: provider.attributeMapping }),
    ...filled({ attributeCondition: provider.attributeCondition, dryRunCondition: provider.dryRunCondition }),
    ...(kind === 'aws' ? {} : renderVerification(provider, discovered)),
    createTime: provider.createTime,
    updateTime: provider.updateTime,
  };
}

/** What an issuer's tokens are held to; AWS answers for its own. */
function renderVerification(provider: Provider, discovered?: IssuerKeysStatus): JsonObject {
  const { tokenReview } = provider;
  return {
    allowedAlgorithms: provider.allowedAlgorithms,
    maxTokenLifetime: `${provider.maxTokenLifetimeSeconds}s`,
    ...(provider.allowedJwksHosts.length > 0 ? { allowedJwksHosts: provider.allowedJwksHosts } : {}),
    maxStale: `${provider.maxStaleSeconds}s`,
    pushedKeysMaxAge: `${provider.pushedKeysMaxAgeSeconds}s`,
    newKeyHold: `${provider.newKeyHoldSeconds}s`,
    singleUse: provider.singleUse,
    ...(tokenReview === undefined ? {} : { tokenReview: { url: tokenReview.url, target: tokenReview.targetId } }),
    keySource: provider.keySource,
    keys: provider.keySource === 'discovery' ? renderDiscovered(discovered) : renderKeySet(provider),
    distrustedThumbprints: provider.distrustedThumbprints,
  };
}

function stateOf({ expireTime }: Pool | Provider): JsonObject {
  return expireTime === undefined ? { state: 'ACTIVE' } : { state: 'DELETED', expireTime };
}

function renderKeySet({ keySource, keys, keysUpdateTime, keysExpireAtSeconds }: Provider): JsonObject {
  return {
    source: keySource,
    ...kidsOf(keys),
    updateTime: keysUpdateTime,
    ...(keysExpireAtSeconds === undefined ? {} : { expireTime: timeOf(keysExpireAtSeconds) }),
  };
}

/** What the issuer answered is not part of the provider: where it was not looked up, the source alone is shown. */
function renderDiscovered(status: IssuerKeysStatus | undefined): JsonObject {
  if (status === undefined) return { source: 'discovery' };
  const { keys, lastSuccessTime, nextRefreshTime, lastError, warnings } = status;
  return {
    source: 'discovery',
    ...kidsOf(keys),
    ...filled({ updateTime: lastSuccessTime, lastError }),
    nextRefreshTime,
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/** Both in one order. */
function kidsOf(keys: readonly { readonly kid: string; readonly thumbprint: string }[]): JsonObject {
  return { kids: keys.map((key) => key.kid), thumbprints: keys.map((key) => key.thumbprint) };
}

/** For an agent that pushed: how its keys stand, and nothing else of the provider. */
export function renderPushed(provider: Provider, projectNumber: string, warnings: readonly string[]): JsonObject {
  const { poolId, providerId } = provider;
  return {
    name: providerName({ projectNumber, poolId, providerId }),
    keys: renderKeySet(provider),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

export function renderTarget(target: Target, projectNumber: string): JsonObject {
  const { name, type, service } = target.resource;
  const resource = filled({ name, type, service });
  return {
    name: targetName(projectNumber, target.targetId),
    uid: target.uid,
    ...filled({ displayName: target.displayName }),
    uri: target.uri,
    ...nonEmpty({ resource, tags: target.tags, tagIds: target.tagIds }),
    tokenSigningAlg: target.tokenSigningAlg,
    tokenType: target.tokenType,
    maxLifetime: `${target.maxLifetimeSeconds}s`,
    allowedScopes: target.allowedScopes,
    etag: etagOf(target.version),
    createTime: target.createTime,
    updateTime: target.updateTime,
  };
}

export function renderRole(role: Role, projectId: string): JsonObject {
  return {
    name: roleName(projectId, role.roleId),
    ...filled({ title: role.title, description: role.description }),
    includedPermissions: role.includedPermissions,
    stage: role.stage,
    etag: etagOf(role.version),
    createTime: role.createTime,
    updateTime: role.updateTime,
  };
}

export function renderKeys(keys: readonly SigningKeyInfo[]): JsonObject {
  return {
    keys: keys.map(({ kid, alg, state, publishTime, signFrom, signUntil }) => ({
      kid,
      alg,
      state,
      publishTime,
      signFrom,
      signUntil,
    })),
  };
}

/** Everything here is done when it is answered. */
export function renderOperation(
  type: 'WorkloadIdentityPool' | 'WorkloadIdentityPoolProvider',
  name: string,
  resource: JsonObject,
  warnings: readonly string[] = [],
): JsonObject {
  return {
    name,
    metadata: {
      '@type': `type.googleapis.com/google.iam.v1.${type}OperationMetadata`,
      ...(warnings.length > 0 ? { warnings } : {}),
    },
    done: true,
    response: { '@type': `type.googleapis.com/google.iam.v1.${type}`, ...resource },
  };
}

function filled(texts: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
}

function nonEmpty(documents: Readonly<Record<string, JsonObject>>): JsonObject {
  return Object.fromEntries(Object.entries(documents).filter(([, document]) => Object.keys(document).length > 0));
}

export function renderRestored(steps: readonly RestoredStep[], left: readonly Left[] = []): JsonObject {
  return {
    steps: steps.map(({ resource, action }) => ({ resource, action })),
    left: left.map(({ resource, reason }) => ({ resource, reason })),
  };
}

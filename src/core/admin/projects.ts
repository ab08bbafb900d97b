/** Projects: what a new one must look like, the rows it begins with, and the few things about it that change. */
import { isAwsAccountId } from '../aws/arn.ts';
import { builtInPoolId, isProjectId, isProjectNumber, projectName } from '../names.ts';
import { RECENT_RETENTION, recentRetentionSeconds } from '../recent.ts';
import { shardKey, type Pool, type Project } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { projectMaxTokenLifetimeSeconds, SERVICE_ACCOUNT_TOKEN_LIFETIME } from '../service-account.ts';
import type { Applied } from './applied.ts';
import type { Command, ProjectInput } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import { checkEtag, revisionOfContent } from './etag.ts';
import { checkDisplayName, checkWithin, ID_FORM, readSeconds, wrong, type Violations } from './fields.ts';
import { outsideMask, overlay } from './mask.ts';
import { checkOwnLimits } from './own-limits.ts';
import { withNewBase } from './quota-grants.ts';
import { limitInForce, QUOTAS, type QuotaKind } from './quotas.ts';
import type { ApplyContext, ConfigState, Write } from './state.ts';

export function validateNewProject(input: {
  projectId: string;
  projectNumber?: string;
  displayName?: string;
}): Result<void, AdminDenial> {
  const violations = [
    ...(isProjectId(input.projectId) ? [] : wrong('projectId', `must be 4 to 30 characters of ${ID_FORM}`)),
    ...checkNumber(input.projectNumber),
    ...checkDisplayName('displayName', input.displayName ?? ''),
  ];
  return violations.length > 0 ? err({ tag: 'invalid_argument', violations }) : ok(undefined);
}

/** A project comes with its Kubernetes pool, so that a cluster can be registered at once and nobody else can take the name. */
export function provisionWrites(
  project: Project,
  context: ApplyContext,
): { readonly writes: readonly Write[]; readonly shards: readonly string[] } {
  const pool: Pool = {
    poolId: builtInPoolId(project.projectId),
    uid: context.newUid(),
    builtIn: true,
    displayName: '',
    description: '',
    disabled: false,
    deniedUids: [],
    createTime: context.time,
    updateTime: context.time,
  };
  return {
    writes: [
      { put: 'project', project },
      { put: 'pool', pool },
    ],
    shards: [shardKey.project(project.projectNumber), shardKey.pool(project.projectNumber, pool.poolId)],
  };
}

const PATHS: ReadonlySet<string> = new Set([
  'displayName',
  'tokenExchangesPerMinute',
  'credentialGenerationsPerMinute',
  'ownLimits',
  'recentExchangesRetention',
  'maxServiceAccountTokenLifetime',
  'awsAccountId',
]);

/** Of all that a patch changes, and what a raise makes of it: two administrators must not overwrite each other's own limits. */
export function projectRevision(project: Project): number {
  return revisionOfContent([documentOf(project), project.temporaryRaises ?? []]);
}

export function patchProject(
  state: ConfigState,
  { input, mask, etag }: Extract<Command, { readonly type: 'project.patch' }>,
  context: ApplyContext,
): Result<Applied, AdminDenial> {
  const whole = state.project();
  const stale = checkEtag(etag, projectRevision(whole), projectName(whole.projectNumber));
  if (stale !== undefined) return err(stale);
  const {
    ownLimits: currentOwnLimits,
    recentExchangesRetentionSeconds: _retention,
    maxServiceAccountTokenLifetimeSeconds: _lifetime,
    awsAccountId: _account,
    ...current
  } = whole;
  const patched = overlay<ProjectInput>(documentOf(whole), input, mask, PATHS);
  if (!patched.ok) return patched;
  const unnamed = outsideMask(input, mask);
  if (unnamed.length > 0) return err({ tag: 'invalid_argument', violations: unnamed });
  const { displayName = '', ownLimits = [], awsAccountId = '' } = patched.value;
  const limits = QUOTAS.map((quota) => ({ quota, limit: patched.value[quota.member] ?? quota.bounds.unset }));
  const retention = readSeconds('recentExchangesRetention', patched.value.recentExchangesRetention, RECENT_RETENTION);
  const { maxServiceAccountTokenLifetime } = patched.value;
  const lifetime = readSeconds(
    'maxServiceAccountTokenLifetime',
    maxServiceAccountTokenLifetime,
    SERVICE_ACCOUNT_TOKEN_LIFETIME,
  );
  const violations = [
    ...checkDisplayName('displayName', displayName),
    ...limits.flatMap(({ quota, limit }) => checkWithin(quota.member, limit, quota.bounds)),
    // What stood before is not asked about again: it may name what is gone.
    ...(ownLimits === currentOwnLimits ? [] : checkOwnLimits(state, ownLimits)),
    ...(retention.ok ? [] : retention.error),
    ...(lifetime.ok ? [] : lifetime.error),
    ...(awsAccountId === '' || isAwsAccountId(awsAccountId) ? [] : wrong('awsAccountId', 'must be twelve digits')),
  ];
  if (violations.length > 0 || !retention.ok || !lifetime.ok) return err({ tag: 'invalid_argument', violations });
  const named: Project = {
    ...current,
    displayName,
    ...(ownLimits.length > 0 ? { ownLimits } : {}),
    ...(retention.value === RECENT_RETENTION.unset ? {} : { recentExchangesRetentionSeconds: retention.value }),
    ...(lifetime.value === SERVICE_ACCOUNT_TOKEN_LIFETIME.unset
      ? {}
      : { maxServiceAccountTokenLifetimeSeconds: lifetime.value }),
    ...(awsAccountId === '' ? {} : { awsAccountId }),
  };
  const { project, writes } = withLimits(state, named, limits, context);
  return ok({
    answer: { kind: 'project', project },
    writes: [{ put: 'project', project }, ...writes],
    shards: [shardKey.project(project.projectNumber)],
  });
}

/** What a patch is laid over: every member that one can name. */
export function documentOf(project: Project): ProjectInput {
  const { displayName, ownLimits, awsAccountId } = project;
  return {
    displayName,
    recentExchangesRetention: `${recentRetentionSeconds(project)}s`,
    maxServiceAccountTokenLifetime: `${projectMaxTokenLifetimeSeconds(project)}s`,
    ...(ownLimits === undefined ? {} : { ownLimits }),
    ...(awsAccountId === undefined ? {} : { awsAccountId }),
    ...Object.fromEntries(QUOTAS.map((one) => [one.member, limitInForce(project, one)])),
  };
}

/** A limit is the base. One that repeats what is in force changes nothing: who writes back what he read must not turn a raise into the base. */
function withLimits(
  state: ConfigState,
  before: Project,
  limits: readonly { readonly quota: QuotaKind; readonly limit: number }[],
  context: ApplyContext,
): { readonly project: Project; readonly writes: readonly Write[] } {
  let project = before;
  const writes: Write[] = [];
  for (const { quota, limit } of limits) {
    if (limit === limitInForce(before, quota)) continue;
    const changed = withNewBase(state, project, quota, limit, context);
    project = changed.project;
    writes.push(...changed.writes);
  }
  return { project, writes };
}

function checkNumber(projectNumber: string | undefined): Violations {
  if (projectNumber === undefined || isProjectNumber(projectNumber)) return [];
  return wrong('projectNumber', 'must be 6 to 19 digits, not beginning with 0, as a string');
}

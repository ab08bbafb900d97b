/** Projects: what a new one must look like, the rows it begins with, and the few things about it that change. */
import { builtInPoolId, isProjectId, isProjectNumber } from '../names.ts';
import { RECENT_RETENTION, recentRetentionSeconds } from '../recent.ts';
import { shardKey, type Pool, type Project } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { ProjectInput } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import {
  checkDisplayName,
  ID_FORM,
  readSeconds,
  TOKEN_EXCHANGES_PER_MINUTE,
  wrong,
  type Violations,
} from './fields.ts';
import { overlay } from './mask.ts';
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

const PATHS: ReadonlySet<string> = new Set(['displayName', 'tokenExchangesPerMinute', 'recentExchangesRetention']);

export function patchProject(
  state: ConfigState,
  input: ProjectInput,
  mask: readonly string[],
): Result<Applied, AdminDenial> {
  const { recentExchangesRetentionSeconds: _patched, ...current } = state.project();
  const { displayName, tokenExchangesPerMinute } = current;
  const recentExchangesRetention = `${recentRetentionSeconds(state.project())}s`;
  const whole = { displayName, tokenExchangesPerMinute, recentExchangesRetention };
  const patched = overlay<ProjectInput>(whole, input, mask, PATHS);
  if (!patched.ok) return patched;
  const retention = readSeconds('recentExchangesRetention', patched.value.recentExchangesRetention, RECENT_RETENTION);
  const project: Project = {
    ...current,
    displayName: patched.value.displayName ?? '',
    tokenExchangesPerMinute: patched.value.tokenExchangesPerMinute ?? TOKEN_EXCHANGES_PER_MINUTE.unset,
    ...(!retention.ok || retention.value === RECENT_RETENTION.unset
      ? {}
      : { recentExchangesRetentionSeconds: retention.value }),
  };
  const violations = [
    ...checkDisplayName('displayName', project.displayName),
    ...checkLimit(project.tokenExchangesPerMinute),
    ...(retention.ok ? [] : retention.error),
  ];
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  return ok({
    answer: { kind: 'project', project },
    writes: [{ put: 'project', project }],
    shards: [shardKey.project(project.projectNumber)],
  });
}

function checkNumber(projectNumber: string | undefined): Violations {
  if (projectNumber === undefined || isProjectNumber(projectNumber)) return [];
  return wrong('projectNumber', 'must be 6 to 19 digits, not beginning with 0, as a string');
}

function checkLimit(perMinute: number): Violations {
  const { min, max } = TOKEN_EXCHANGES_PER_MINUTE;
  const fits = Number.isSafeInteger(perMinute) && perMinute >= min && perMinute <= max;
  return fits ? [] : wrong('tokenExchangesPerMinute', `must be a whole number between ${min} and ${max}`);
}

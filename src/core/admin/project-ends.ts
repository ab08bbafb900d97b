/** Deleting a project, and taking it back: for thirty days everything is kept as it was and nobody is let in by any of it. What comes after is not a command: `project.ts` of the Registry. */
import { projectName } from '../names.ts';
import { shardKey, type Project } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { Applied } from './applied.ts';
import type { Command } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import type { ApplyContext, ConfigState } from './state.ts';

const KEPT_MS = 30 * 86_400_000;
const SCAN_PAGE_SIZE = 1_000;

/** What goes on by the clock, and the way back. */
const WHILE_DELETED: readonly Command['type'][] = ['project.undelete', 'quota.endRaises', 'purge'];

/** Why nothing of this project is changed, where it is deleted. */
export function refusalOfDeleted(state: ConfigState, command: Command): AdminDenial | undefined {
  return WHILE_DELETED.includes(command.type) ? undefined : deletedRefusal(state);
}

export function deletedRefusal(state: ConfigState): AdminDenial | undefined {
  const { expireTime, projectNumber } = state.project();
  if (expireTime === undefined) return undefined;
  return { tag: 'failed_precondition', description: `${projectName(projectNumber)} is deleted. Undelete it first.` };
}

export function deleteProject(state: ConfigState, context: ApplyContext): Result<Applied, AdminDenial> {
  const expireTime = new Date(Date.parse(context.time) + KEPT_MS).toISOString();
  return ok(written(state, { ...state.project(), expireTime }));
}

export function undeleteProject(state: ConfigState, context: ApplyContext): Result<Applied, AdminDenial> {
  const { expireTime, ...project } = state.project();
  const name = projectName(project.projectNumber);
  if (expireTime === undefined) {
    return err({ tag: 'failed_precondition', description: `${name} is not deleted.` });
  }
  // The alarm may be late; what is over is over.
  if (Date.parse(expireTime) <= Date.parse(context.time)) return err({ tag: 'not_found', resource: name });
  return ok(written(state, project));
}

/** Every pool is another one from now on: none, or itself again. */
function written(state: ConfigState, project: Project): Applied {
  const { projectNumber } = project;
  const shards = [shardKey.project(projectNumber)];
  let after = '';
  for (;;) {
    const page = state.pools({ pageSize: SCAN_PAGE_SIZE, after });
    shards.push(...page.map(({ poolId }) => shardKey.pool(projectNumber, poolId)));
    const last = page.at(-1);
    if (last === undefined || page.length < SCAN_PAGE_SIZE) break;
    after = last.poolId;
  }
  return { answer: { kind: 'project', project }, writes: [{ put: 'project', project }], shards };
}

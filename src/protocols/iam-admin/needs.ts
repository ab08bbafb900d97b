/** Which right a route needs, where, and how it is asked for before anything else of a request is looked at. */
import type { Where } from '../../core/admin/authority/rights.ts';
import type { Caller } from '../../core/admin/caller.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { AdminPort } from '../../core/admin/port.ts';
import { isProjectId, isProjectNumber } from '../../core/names.ts';
import type { Permission } from '../../core/permissions.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { readAttachment } from './attachment.ts';

/** The resource is the one in the route's path. */
type On = 'organization' | 'project' | 'pool' | 'target' | 'serviceAccount' | 'attachment';

export interface Needed {
  readonly permission: Permission;
  readonly on: On;
}

/** The handler itself answers no more than what the caller may know. Only for what every caller may ask. */
export const LOOKS_AT_CALLER = 'looks at its caller';

export type Needs = Needed | typeof LOOKS_AT_CALLER;

export function needs(on: On, permission: Permission): Needed {
  return { on, permission };
}

type Param = (name: string) => string;

interface Place {
  /** As the caller spelled it: a refusal must not say which number an id has, nor whether there is such a project. */
  readonly shown: string;
  /** Undefined: the organization. */
  readonly project?: string;
  readonly where: Where;
}

/** Undefined where the caller may go on. */
export async function refusal(
  wanted: Needs,
  param: Param,
  caller: Caller,
  admin: AdminPort,
): Promise<AdminDenial | undefined> {
  if (wanted === LOOKS_AT_CALLER) return undefined;
  const place = placeOf(wanted.on, param);
  if (!place.ok) return place.error;
  const held = await heldAt(place.value, [wanted.permission], caller, admin);
  if (!held.ok) return held.error;
  if (held.value.length > 0) return undefined;
  return { tag: 'permission_denied', permission: wanted.permission, resource: place.value.shown };
}

/** Of a project that is not there: what the organization's policy gives, so that who may see all projects is told that it is not there. */
export async function heldAt(
  { project, where }: Pick<Place, 'project' | 'where'>,
  permissions: readonly Permission[] | readonly string[],
  caller: Caller,
  admin: AdminPort,
): Promise<Result<readonly string[], AdminDenial>> {
  if (project === undefined || where.kind === 'organization') return admin.held(caller, permissions, undefined);
  // What cannot be a project is not looked up: the port never sees a text of unbounded length.
  const shaped = isProjectId(project) || isProjectNumber(project);
  const found = shaped ? await admin.findProject(project) : ok(undefined);
  if (!found.ok) return found;
  if (found.value === undefined) return admin.held(caller, permissions, undefined);
  return admin.held(caller, permissions, { projectNumber: found.value.projectNumber, resource: where });
}

function placeOf(on: On, param: Param): Result<Place, AdminDenial> {
  switch (on) {
    case 'organization':
      return ok({ shown: 'organizations/1', where: { kind: 'organization' } });
    case 'project':
      return ok({ shown: `projects/${param('project')}`, project: param('project'), where: { kind: 'project' } });
    case 'pool': {
      const [project, poolId] = [param('project'), param('pool')];
      const shown = `projects/${project}/locations/global/workloadIdentityPools/${poolId}`;
      return ok({ shown, project, where: { kind: 'pool', poolId } });
    }
    case 'target': {
      const [project, targetId] = [param('project'), param('target')];
      return ok({ shown: `projects/${project}/targets/${targetId}`, project, where: { kind: 'target', targetId } });
    }
    case 'serviceAccount': {
      const [project, accountId] = [param('project'), param('accountId')];
      const shown = `projects/${project}/serviceAccounts/${param('account')}`;
      return ok({ shown, project, where: { kind: 'serviceAccount', accountId } });
    }
    case 'attachment': {
      const read = readAttachment(param('attachment'));
      if (!read.ok) return err(read.error);
      const { project, attachment } = read.value;
      const target = attachment.kind === 'target' ? `/targets/${attachment.targetId}` : '';
      return ok({ shown: `projects/${project}${target}`, project, where: attachment });
    }
  }
}

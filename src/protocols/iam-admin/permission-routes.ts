/** testIamPermissions: which of these rights the caller himself has. Anybody may ask; who holds nothing learns nothing else, not even what is there. */
import type { Where } from '../../core/admin/authority/rights.ts';
import { invalid } from '../../core/admin/denial.ts';
import { isPermission } from '../../core/admin/roles.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { JsonObject } from '../../core/json.ts';
import type { RestDenial } from '../http-denial.ts';
import { parseBody } from '../body-shape.ts';
import { heldAt, LOOKS_AT_CALLER } from './needs.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { testPermissions } from './schemas.ts';
import type { Call, Route } from './table.ts';

const PROJECT = 'projects/{project}';
const RESOURCES: readonly { readonly path: string; readonly of: (call: Call) => Where }[] = [
  { path: 'organizations/1', of: () => ({ kind: 'organization' }) },
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

const MAX_PERMISSIONS = 100;

export function permissionRoutes(context: RestContext): readonly Route[] {
  return RESOURCES.map(({ path, of }) => ({
    method: 'POST',
    path: `${path}:testIamPermissions`,
    needs: LOOKS_AT_CALLER,
    handle: (call) => test(call, of(call)),
  }));

  async function test(call: Call, where: Where): Promise<Result<JsonObject, RestDenial>> {
    const wanted = parseBody(testPermissions, call.body);
    if (!wanted.ok) return wanted;
    const { permissions } = wanted.value;
    if (permissions.length > MAX_PERMISSIONS) {
      return err(invalid('permissions', `holds more than ${MAX_PERMISSIONS} permissions`));
    }
    const bad = permissions.findIndex((permission) => !isPermission(permission));
    if (bad >= 0) return err(invalid(`permissions[${bad}]`, 'is not a permission; wildcards are not known'));
    const project = where.kind === 'organization' ? {} : { project: call.param('project') };
    const held = await heldAt({ ...project, where }, [...new Set(permissions)], call.caller, context.admin);
    if (!held.ok) return held;
    const answer = ok({ permissions: held.value });
    if (held.value.length === 0 || where.kind === 'organization') return answer;
    // Who holds something there may know whether it is there.
    return inProject(context, async ({ projectNumber }) => {
      const found = await context.admin.read(projectNumber, { type: 'policy.get', resource: where });
      return found.ok ? answer : found;
    })(call);
  }
}

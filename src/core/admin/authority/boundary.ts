/** A downscoped token at our own endpoints: for how long its boundary lets a permission on a resource through, whatever its bearer may. */
import type { AccessBoundary } from '../../access-boundary.ts';
import { poolName, projectName, serviceAccountName, targetName } from '../../names.ts';
import type { PolicyCompiler } from '../../policy/cache.ts';
import type { Condition } from '../../policy/condition.ts';
import { predefinedRole } from '../../roles.ts';
import { permissionsOf } from '../roles.ts';
import type { ConfigState } from '../state.ts';
import type { Where } from './rights.ts';

const ORGANIZATION = '//cloudresourcemanager.googleapis.com/organizations/1';

/** The conditions of the rules that are about it; `undefined` among them: always. A condition that does not compile lets nothing through. */
export function boundaryConditions(
  { rules }: AccessBoundary,
  permission: string,
  where: Where,
  state: ConfigState | undefined,
  compiler: PolicyCompiler,
): readonly (Condition | undefined)[] {
  const names = namesOf(where, state);
  const holds = (role: string): boolean =>
    (state === undefined ? (predefinedRole(role)?.permissions ?? []) : permissionsOf(state, role)).includes(permission);
  return rules
    .filter(({ resource, roles }) => names.has(resource) && roles.some(holds))
    .flatMap(({ condition }) => {
      if (condition === undefined) return [undefined];
      const compiled = compiler.condition(condition, 'binding');
      return compiled.ok ? [compiled.value] : [];
    });
}

/** Every full name of the resource and of what it lies in; compared byte for byte, as members are. */
function namesOf(where: Where, state: ConfigState | undefined): ReadonlySet<string> {
  if (state === undefined || where.kind === 'organization') return new Set([ORGANIZATION]);
  const { projectNumber, projectId } = state.project();
  const projects = [projectNumber, projectId];
  return new Set([
    ORGANIZATION,
    ...projects.map((project) => `//cloudresourcemanager.googleapis.com/${projectName(project)}`),
    ...ownNames(where, projects, state),
  ]);
}

function ownNames(where: Where, projects: readonly string[], state: ConfigState): readonly string[] {
  switch (where.kind) {
    case 'pool':
      return projects.map((project) => `//iam.googleapis.com/${poolName(project, where.poolId)}`);
    case 'target':
      return projects.map((project) => `//sts.googleapis.com/${targetName(project, where.targetId)}`);
    case 'serviceAccount': {
      const account = state.serviceAccount(where.accountId);
      const called = account === undefined ? [] : [account.email, account.uniqueId];
      return [...projects, '-'].flatMap((project) =>
        called.map((name) => `//iam.googleapis.com/${serviceAccountName(project, name)}`),
      );
    }
    case 'project':
    case 'organization':
      return [];
  }
}

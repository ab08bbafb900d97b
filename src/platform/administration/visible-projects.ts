/** Lists of projects: only those that the caller may get, and nothing that tells of others, the page token neither. */
import type { Caller } from '../../core/admin/caller.ts';
import type { Page } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { Permission } from '../../core/permissions.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { DIRECTORY_NAME, projectRegistryName } from '../object-names.ts';
import type { Registry } from '../registry/object.ts';

interface ProjectIds {
  readonly projectNumber: string;
  readonly projectId: string;
}

type Shown = { readonly projects: readonly ProjectIds[]; readonly next: string };

/** What the caller needs of a project to be shown it, and on the organization lest he be refused where he is shown none. */
export interface ListRights {
  readonly shown: Permission;
  readonly refusedFor: Permission;
}

const PROJECTS: ListRights = { shown: 'resourcemanager.projects.get', refusedFor: 'resourcemanager.projects.list' };
const ASKED_AT_ONCE = 20;

export async function visibleProjects(
  registry: DurableObjectNamespace<Registry>,
  page: Page,
  caller: Caller,
  { shown, refusedFor }: ListRights = PROJECTS,
): Promise<Result<Shown, AdminDenial>> {
  const directory = registry.getByName(DIRECTORY_NAME);
  if (caller.identity.kind === 'bootstrap') return ok(await directory.listProjects(page));
  const held = await directory.heldOnOrganization(caller, [shown, refusedFor]);
  const seesAll = held.includes(shown);
  const visible: ProjectIds[] = [];
  for await (const candidates of seesAll ? everyProject() : ownProjects()) {
    const may = await Promise.all(candidates.map((one) => mayGet(one.projectNumber)));
    visible.push(...candidates.filter((_one, index) => may[index] === true));
    // One more than the page holds tells whether there is a next page.
    if (visible.length > page.pageSize) break;
  }
  if (visible.length === 0 && held.length === 0 && page.after === '') {
    return err({ tag: 'permission_denied', permission: refusedFor, resource: 'organizations/1' });
  }
  const projects = visible.slice(0, page.pageSize);
  return ok({ projects, next: visible.length > projects.length ? (projects.at(-1)?.projectId ?? '') : '' });

  async function* everyProject(): AsyncGenerator<readonly ProjectIds[]> {
    let after = page.after;
    do {
      const { projects: some, next } = await directory.listProjects({ pageSize: ASKED_AT_ONCE, after });
      yield some;
      after = next;
    } while (after !== '');
  }

  async function* ownProjects(): AsyncGenerator<readonly ProjectIds[]> {
    const all = (await directory.projectsOf(caller)).filter(({ projectId }) => projectId > page.after);
    for (let at = 0; at < all.length; at += ASKED_AT_ONCE) yield all.slice(at, at + ASKED_AT_ONCE);
  }

  async function mayGet(projectNumber: string): Promise<boolean> {
    const answer = await registry
      .getByName(projectRegistryName(projectNumber))
      .held(caller, [shown], { kind: 'project' });
    return answer.ok && answer.value.length > 0;
  }
}

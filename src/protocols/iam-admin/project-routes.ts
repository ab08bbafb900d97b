/** `/v1/projects`: create, get, list, patch, delete, undelete. */
import { ok } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { readEtag } from './body.ts';
import { readMask } from './mask.ts';
import { LOOKS_AT_CALLER, needs } from './needs.ts';
import { asking, changing, type RestContext } from './project-scope.ts';
import { nextPageToken, readPageWithDeleted } from './query.ts';
import { renderProject } from './render.ts';
import { newProject, nothing, project, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const MAX_PAGE_SIZE = 1_000;

export function projectRoutes(context: RestContext): readonly Route[] {
  const { admin } = context;
  return [
    {
      method: 'POST',
      path: 'projects',
      needs: needs('organization', 'resourcemanager.projects.create'),
      handle: create,
    },
    {
      method: 'GET',
      path: 'projects',
      needs: LOOKS_AT_CALLER,
      query: ['pageSize', 'pageToken', 'showDeleted'],
      handle: list,
    },
    {
      method: 'GET',
      path: 'projects/{project}',
      needs: needs('project', 'resourcemanager.projects.get'),
      handle: asking(context, () => ok({ type: 'project.get' })),
    },
    {
      method: 'PATCH',
      path: 'projects/{project}',
      needs: needs('project', 'resourcemanager.projects.update'),
      query: ['updateMask'],
      handle: changing(context, patch),
    },
    {
      method: 'DELETE',
      path: 'projects/{project}',
      needs: needs('project', 'resourcemanager.projects.delete'),
      handle: changing(context, () => ok({ type: 'project.delete' })),
    },
    {
      method: 'POST',
      path: 'projects/{project}:undelete',
      needs: needs('project', 'resourcemanager.projects.undelete'),
      handle: changing(context, ({ body }) => {
        const input = parseBody(nothing, body);
        return input.ok ? ok({ type: 'project.undelete' }) : input;
      }),
    },
  ];

  async function create(call: Call) {
    const input = parseBody(newProject, withoutOutputOnly(call.body));
    if (!input.ok) return input;
    const created = await admin.createProject(input.value, call.caller);
    return created.ok ? ok(renderProject(created.value)) : created;
  }

  async function list(call: Call) {
    const page = readPageWithDeleted(call.query, MAX_PAGE_SIZE);
    if (!page.ok) return page;
    const found = await admin.listProjects(page.value, call.caller);
    if (!found.ok) return found;
    return ok({ projects: found.value.projects.map(renderProject), ...nextPageToken(found.value.next) });
  }
}

function patch({ body, query }: Call) {
  // The project's names are part of what was read; they are its identity, and a patch cannot mean them.
  const { projectId: _id, projectNumber: _number, ...changes } = withoutOutputOnly(body, ['temporaryRaises']);
  const input = parseBody(project, changes);
  if (!input.ok) return input;
  const etag = readEtag(body);
  if (!etag.ok) return etag;
  return ok({
    type: 'project.patch',
    input: input.value,
    mask: readMask(query.get('updateMask'), input.value),
    ...etag.value,
  } as const);
}

/** Targets: create, get, list, patch, delete. */
import { ok } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { readEtag } from './body.ts';
import { readMask } from './mask.ts';
import { needs } from './needs.ts';
import { asking, changing, type RestContext } from './project-scope.ts';
import { readPage } from './query.ts';
import { target, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const TARGETS = 'projects/{project}/targets';
const TARGET = `${TARGETS}/{target}`;
const MAX_PAGE_SIZE = 1_000;

export function targetRoutes(context: RestContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: TARGETS,
      needs: needs('project', 'sts.targets.create'),
      query: ['targetId'],
      handle: changing(context, create),
    },
    {
      method: 'GET',
      path: TARGETS,
      needs: needs('project', 'sts.targets.list'),
      query: ['pageSize', 'pageToken'],
      handle: asking(context, list),
    },
    { method: 'GET', path: TARGET, needs: needs('target', 'sts.targets.get'), handle: asking(context, get) },
    {
      method: 'PATCH',
      path: TARGET,
      needs: needs('target', 'sts.targets.update'),
      query: ['updateMask'],
      handle: changing(context, patch),
    },
    {
      method: 'DELETE',
      path: TARGET,
      needs: needs('target', 'sts.targets.delete'),
      query: ['etag'],
      handle: changing(context, remove),
    },
  ];
}

function create({ query, body }: Call) {
  const input = parseBody(target, withoutOutputOnly(body));
  if (!input.ok) return input;
  return ok({ type: 'target.create', targetId: query.get('targetId') ?? '', input: input.value } as const);
}

function list({ query }: Call) {
  const page = readPage(query, MAX_PAGE_SIZE);
  return page.ok ? ok({ type: 'target.list', page: page.value } as const) : page;
}

function get({ param }: Call) {
  return ok({ type: 'target.get', targetId: param('target') } as const);
}

function patch({ param, query, body }: Call) {
  const input = parseBody(target, withoutOutputOnly(body));
  if (!input.ok) return input;
  const etag = readEtag(body);
  if (!etag.ok) return etag;
  const mask = readMask(query.get('updateMask'), input.value);
  return ok({
    type: 'target.patch',
    targetId: param('target'),
    input: input.value,
    mask,
    ...etag.value,
  } as const);
}

function remove({ param, query }: Call) {
  const etag = query.get('etag');
  return ok({ type: 'target.delete', targetId: param('target'), ...(etag === undefined ? {} : { etag }) } as const);
}

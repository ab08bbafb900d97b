/** Custom roles: create, get, list, patch, delete. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { readEtag } from './body.ts';
import { readMask } from './mask.ts';
import { needs } from './needs.ts';
import { asking, changing, type RestContext } from './project-scope.ts';
import { readPage } from './query.ts';
import { newRole, role, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const ROLES = 'projects/{project}/roles';
const ROLE = `${ROLES}/{role}`;
const MAX_PAGE_SIZE = 1_000;

export function roleRoutes(context: RestContext): readonly Route[] {
  return [
    { method: 'POST', path: ROLES, needs: needs('project', 'iam.roles.create'), handle: changing(context, create) },
    {
      method: 'GET',
      path: ROLES,
      needs: needs('project', 'iam.roles.list'),
      query: ['pageSize', 'pageToken', 'showDeleted', 'view'],
      handle: asking(context, list),
    },
    { method: 'GET', path: ROLE, needs: needs('project', 'iam.roles.get'), handle: asking(context, get) },
    {
      method: 'PATCH',
      path: ROLE,
      needs: needs('project', 'iam.roles.update'),
      query: ['updateMask'],
      handle: changing(context, patch),
    },
    {
      method: 'DELETE',
      path: ROLE,
      needs: needs('project', 'iam.roles.delete'),
      query: ['etag'],
      handle: changing(context, remove),
    },
  ];
}

function create({ body }: Call) {
  const outer = parseBody(newRole, withoutOutputOnly(body));
  if (!outer.ok) return outer;
  const inner = under('role', parseBody(role, withoutOutputOnly(outer.value.role ?? {})));
  if (!inner.ok) return inner;
  return ok({ type: 'role.create', roleId: outer.value.roleId, input: inner.value } as const);
}

function list({ query }: Call) {
  const page = readPage(query, MAX_PAGE_SIZE);
  return page.ok ? ok({ type: 'role.list', page: page.value } as const) : page;
}

function get({ param }: Call) {
  return ok({ type: 'role.get', roleId: param('role') } as const);
}

function patch({ param, query, body }: Call) {
  const input = parseBody(role, withoutOutputOnly(body));
  if (!input.ok) return input;
  const etag = readEtag(body);
  if (!etag.ok) return etag;
  const mask = readMask(query.get('updateMask'), input.value);
  return ok({
    type: 'role.patch',
    roleId: param('role'),
    input: input.value,
    mask,
    ...etag.value,
  } as const);
}

function remove({ param, query }: Call) {
  const etag = query.get('etag');
  return ok({ type: 'role.delete', roleId: param('role'), ...(etag === undefined ? {} : { etag }) } as const);
}

/** Violations of an inner document, named by their path in the whole. */
function under<T>(field: string, result: Result<T, AdminDenial>): Result<T, AdminDenial> {
  if (result.ok || result.error.tag !== 'invalid_argument') return result;
  const violations = result.error.violations.map((one) => ({ ...one, field: `${field}.${one.field}` }));
  return err({ tag: 'invalid_argument', violations });
}

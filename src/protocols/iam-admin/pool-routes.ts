/** Workload identity pools and their providers: create, get, list, patch. */
import { ok } from '../../core/result.ts';
import { readMask } from './mask.ts';
import { asking, changing, type RestContext } from './project-scope.ts';
import { readPage } from './query.ts';
import { parseBody, pool, provider, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const POOLS = 'projects/{project}/locations/global/workloadIdentityPools';
const POOL = `${POOLS}/{pool}`;
const PROVIDERS = `${POOL}/providers`;
const PROVIDER = `${PROVIDERS}/{provider}`;
const LIST = ['pageSize', 'pageToken', 'showDeleted'];
const MAX_POOLS = 1_000;
const MAX_PROVIDERS = 100;

export function poolRoutes(context: RestContext): readonly Route[] {
  return [
    { method: 'POST', path: POOLS, query: ['workloadIdentityPoolId'], handle: changing(context, createPool) },
    { method: 'GET', path: POOLS, query: LIST, handle: asking(context, listPools) },
    { method: 'GET', path: POOL, handle: asking(context, getPool) },
    { method: 'PATCH', path: POOL, query: ['updateMask'], handle: changing(context, patchPool) },
    {
      method: 'POST',
      path: PROVIDERS,
      query: ['workloadIdentityPoolProviderId'],
      handle: changing(context, createProvider),
    },
    { method: 'GET', path: PROVIDERS, query: LIST, handle: asking(context, listProviders) },
    { method: 'GET', path: PROVIDER, handle: asking(context, getProvider) },
    { method: 'PATCH', path: PROVIDER, query: ['updateMask'], handle: changing(context, patchProvider) },
  ];
}

function createPool({ query, body }: Call) {
  const input = parseBody(pool, withoutOutputOnly(body));
  if (!input.ok) return input;
  return ok({ type: 'pool.create', poolId: query.get('workloadIdentityPoolId') ?? '', input: input.value } as const);
}

function listPools({ query }: Call) {
  const page = readPage(query, MAX_POOLS);
  return page.ok ? ok({ type: 'pool.list', page: page.value } as const) : page;
}

function getPool({ param }: Call) {
  return ok({ type: 'pool.get', poolId: param('pool') } as const);
}

function patchPool({ param, query, body }: Call) {
  const input = parseBody(pool, withoutOutputOnly(body));
  if (!input.ok) return input;
  const mask = readMask(query.get('updateMask'), input.value);
  return ok({ type: 'pool.patch', poolId: param('pool'), input: input.value, mask } as const);
}

function createProvider({ param, query, body }: Call) {
  const input = parseBody(provider, withoutOutputOnly(body));
  if (!input.ok) return input;
  const providerId = query.get('workloadIdentityPoolProviderId') ?? '';
  return ok({ type: 'provider.create', poolId: param('pool'), providerId, input: input.value } as const);
}

function listProviders({ param, query }: Call) {
  const page = readPage(query, MAX_PROVIDERS);
  return page.ok ? ok({ type: 'provider.list', poolId: param('pool'), page: page.value } as const) : page;
}

function getProvider({ param }: Call) {
  return ok({ type: 'provider.get', poolId: param('pool'), providerId: param('provider') } as const);
}

function patchProvider({ param, query, body }: Call) {
  const input = parseBody(provider, withoutOutputOnly(body));
  if (!input.ok) return input;
  const id = { poolId: param('pool'), providerId: param('provider') };
  const mask = readMask(query.get('updateMask'), input.value);
  return ok({ type: 'provider.patch', ...id, input: input.value, mask } as const);
}

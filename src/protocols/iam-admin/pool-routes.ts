/** Workload identity pools and their providers: create, get, list, patch, delete, undelete, operations; shutting workloads and keys out. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { ok, type Result } from '../../core/result.ts';
import type { View } from './answers.ts';
import { readMask } from './mask.ts';
import { asking, askingAfterChange, changing, inProject, type RestContext } from './project-scope.ts';
import { readPageWithDeleted } from './query.ts';
import { renderProvider } from './render.ts';
import { denyUids, distrustKey, nothing, parseBody, pool, provider, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const POOLS = 'projects/{project}/locations/global/workloadIdentityPools';
const POOL = `${POOLS}/{pool}`;
const PROVIDERS = `${POOL}/providers`;
const PROVIDER = `${PROVIDERS}/{provider}`;
const POOL_OUTPUT_ONLY = ['deniedUids'];
const PROVIDER_OUTPUT_ONLY = ['keySource', 'keys', 'distrustedThumbprints'];
const LIST = ['pageSize', 'pageToken', 'showDeleted'];
const MAX_POOLS = 1_000;
const MAX_PROVIDERS = 100;

export function poolRoutes(context: RestContext): readonly Route[] {
  return [
    { method: 'POST', path: POOLS, query: ['workloadIdentityPoolId'], handle: changing(context, createPool) },
    { method: 'GET', path: POOLS, query: LIST, handle: asking(context, listPools) },
    { method: 'GET', path: POOL, handle: asking(context, getPool) },
    { method: 'PATCH', path: POOL, query: ['updateMask'], handle: changing(context, patchPool) },
    { method: 'DELETE', path: POOL, handle: changing(context, byPool('pool.delete')) },
    { method: 'POST', path: `${POOL}:undelete`, handle: changing(context, byPool('pool.undelete')) },
    { method: 'GET', path: `${POOL}/operations/{operation}`, handle: askingAfterChange(context, poolOperation) },
    {
      method: 'POST',
      path: PROVIDERS,
      query: ['workloadIdentityPoolProviderId'],
      handle: changing(context, createProvider),
    },
    { method: 'GET', path: PROVIDERS, query: LIST, handle: asking(context, listProviders) },
    { method: 'GET', path: PROVIDER, handle: inProject(context, readProvider(context)) },
    { method: 'PATCH', path: PROVIDER, query: ['updateMask'], handle: changing(context, patchProvider) },
    { method: 'DELETE', path: PROVIDER, handle: changing(context, byProvider('provider.delete')) },
    { method: 'POST', path: `${PROVIDER}:undelete`, handle: changing(context, byProvider('provider.undelete')) },
    {
      method: 'GET',
      path: `${PROVIDER}/operations/{operation}`,
      handle: askingAfterChange(context, providerOperation),
    },
    { method: 'POST', path: `${POOL}:denyUids`, handle: changing(context, deny) },
    { method: 'POST', path: `${PROVIDER}:distrustKey`, handle: changing(context, distrust) },
  ];
}

function createPool({ query, body }: Call) {
  const input = parseBody(pool, withoutOutputOnly(body, POOL_OUTPUT_ONLY));
  if (!input.ok) return input;
  return ok({ type: 'pool.create', poolId: query.get('workloadIdentityPoolId') ?? '', input: input.value } as const);
}

function listPools({ query }: Call) {
  const page = readPageWithDeleted(query, MAX_POOLS);
  return page.ok ? ok({ type: 'pool.list', page: page.value } as const) : page;
}

function getPool({ param }: Call) {
  return ok({ type: 'pool.get', poolId: param('pool') } as const);
}

function patchPool({ param, query, body }: Call) {
  const input = parseBody(pool, withoutOutputOnly(body, POOL_OUTPUT_ONLY));
  if (!input.ok) return input;
  const mask = readMask(query.get('updateMask'), input.value);
  return ok({ type: 'pool.patch', poolId: param('pool'), input: input.value, mask } as const);
}

function createProvider({ param, query, body }: Call) {
  const input = parseBody(provider, withoutOutputOnly(body, PROVIDER_OUTPUT_ONLY));
  if (!input.ok) return input;
  const providerId = query.get('workloadIdentityPoolProviderId') ?? '';
  return ok({ type: 'provider.create', poolId: param('pool'), providerId, input: input.value } as const);
}

function listProviders({ param, query }: Call) {
  const page = readPageWithDeleted(query, MAX_PROVIDERS);
  return page.ok ? ok({ type: 'provider.list', poolId: param('pool'), page: page.value } as const) : page;
}

/** One provider is shown with what its issuer answered; in lists that would be an object call each. */
function readProvider({ admin }: RestContext) {
  return async ({ projectNumber }: View, { param }: Call): Promise<Result<JsonObject, AdminDenial>> => {
    const id = { poolId: param('pool'), providerId: param('provider') };
    const answer = await admin.read(projectNumber, { type: 'provider.get', ...id });
    if (!answer.ok) return answer;
    if (answer.value.kind !== 'provider') throw new Error(`a provider was asked for, a ${answer.value.kind} came`);
    const { provider: row } = answer.value;
    if (row.keySource !== 'discovery') return ok(renderProvider(row, projectNumber));
    const status = await admin.issuerKeysStatus(projectNumber, id.poolId, id.providerId);
    // The provider is there whether or not its keys' object answers.
    return ok(renderProvider(row, projectNumber, status.ok ? status.value : undefined));
  };
}

function patchProvider({ param, query, body }: Call) {
  const input = parseBody(provider, withoutOutputOnly(body, PROVIDER_OUTPUT_ONLY));
  if (!input.ok) return input;
  const id = { poolId: param('pool'), providerId: param('provider') };
  const mask = readMask(query.get('updateMask'), input.value);
  return ok({ type: 'provider.patch', ...id, input: input.value, mask } as const);
}

/** Who names something in the body of a deletion means more than will happen. */
function byPool(type: 'pool.delete' | 'pool.undelete') {
  return ({ param, body }: Call) => {
    const input = parseBody(nothing, body);
    return input.ok ? ok({ type, poolId: param('pool') } as const) : input;
  };
}

function byProvider(type: 'provider.delete' | 'provider.undelete') {
  return ({ param, body }: Call) => {
    const input = parseBody(nothing, body);
    return input.ok ? ok({ type, poolId: param('pool'), providerId: param('provider') } as const) : input;
  };
}

function poolOperation({ param }: Call) {
  const of = { kind: 'pool', poolId: param('pool') } as const;
  return ok({ type: 'operation.get', of, operationId: param('operation') } as const);
}

function providerOperation({ param }: Call) {
  const of = { kind: 'provider', poolId: param('pool'), providerId: param('provider') } as const;
  return ok({ type: 'operation.get', of, operationId: param('operation') } as const);
}

function deny({ param, body }: Call) {
  const input = parseBody(denyUids, body);
  return input.ok ? ok({ type: 'pool.denyUids', poolId: param('pool'), ...input.value } as const) : input;
}

function distrust({ param, body }: Call) {
  const input = parseBody(distrustKey, body);
  if (!input.ok) return input;
  const id = { poolId: param('pool'), providerId: param('provider') };
  return ok({ type: 'provider.distrustKey', ...id, ...input.value } as const);
}

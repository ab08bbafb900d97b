/** Workload identity pools and their providers: create, get, list, patch, delete, undelete, operations; shutting workloads and keys out. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import type { View } from './answers.ts';
import { readMask } from './mask.ts';
import { needs } from './needs.ts';
import { asking, askingAfterChange, changing, inProject, type RestContext } from './project-scope.ts';
import { readPageWithDeleted } from './query.ts';
import { renderProvider } from './render.ts';
import { denyUids, distrustKey, nothing, pool, provider, withoutOutputOnly } from './schemas.ts';
import type { Call, Route } from './table.ts';

const POOLS = 'projects/{project}/locations/global/workloadIdentityPools';
const POOL = `${POOLS}/{pool}`;
const PROVIDERS = `${POOL}/providers`;
const PROVIDER = `${PROVIDERS}/{provider}`;
const POOL_OUTPUT_ONLY = ['deniedUids', 'administrative'];
const PROVIDER_OUTPUT_ONLY = ['keySource', 'keys', 'distrustedThumbprints'];
const LIST = ['pageSize', 'pageToken', 'showDeleted'];
const MAX_POOLS = 1_000;
const MAX_PROVIDERS = 100;

export function poolRoutes(context: RestContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: POOLS,
      needs: needs('project', 'iam.workloadIdentityPools.create'),
      query: ['workloadIdentityPoolId'],
      handle: changing(context, createPool),
    },
    {
      method: 'GET',
      path: POOLS,
      needs: needs('project', 'iam.workloadIdentityPools.list'),
      query: LIST,
      handle: asking(context, listPools),
    },
    {
      method: 'GET',
      path: POOL,
      needs: needs('pool', 'iam.workloadIdentityPools.get'),
      handle: asking(context, getPool),
    },
    {
      method: 'PATCH',
      path: POOL,
      needs: needs('pool', 'iam.workloadIdentityPools.update'),
      query: ['updateMask'],
      handle: changing(context, patchPool),
    },
    {
      method: 'DELETE',
      path: POOL,
      needs: needs('pool', 'iam.workloadIdentityPools.delete'),
      handle: changing(context, byPool('pool.delete')),
    },
    {
      method: 'POST',
      path: `${POOL}:undelete`,
      needs: needs('pool', 'iam.workloadIdentityPools.undelete'),
      handle: changing(context, byPool('pool.undelete')),
    },
    {
      method: 'GET',
      path: `${POOL}/operations/{operation}`,
      // It shows what the change came to, so who may get that may get this.
      needs: needs('pool', 'iam.workloadIdentityPools.get'),
      handle: askingAfterChange(context, poolOperation),
    },
    {
      method: 'POST',
      path: PROVIDERS,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.create'),
      query: ['workloadIdentityPoolProviderId'],
      handle: changing(context, createProvider),
    },
    {
      method: 'GET',
      path: PROVIDERS,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.list'),
      query: LIST,
      handle: asking(context, listProviders),
    },
    {
      method: 'GET',
      path: PROVIDER,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.get'),
      handle: inProject(context, readProvider(context)),
    },
    {
      method: 'PATCH',
      path: PROVIDER,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.update'),
      query: ['updateMask'],
      handle: changing(context, patchProvider),
    },
    {
      method: 'POST',
      path: `${POOL}:denyUids`,
      needs: needs('pool', 'iam.workloadIdentityPools.update'),
      handle: changing(context, deny),
    },
    {
      method: 'POST',
      path: `${PROVIDER}:distrustKey`,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.update'),
      handle: changing(context, distrust),
    },
    {
      method: 'DELETE',
      path: PROVIDER,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.delete'),
      handle: changing(context, byProvider('provider.delete')),
    },
    {
      method: 'POST',
      path: `${PROVIDER}:undelete`,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.undelete'),
      handle: changing(context, byProvider('provider.undelete')),
    },
    {
      method: 'GET',
      path: `${PROVIDER}/operations/{operation}`,
      needs: needs('pool', 'iam.workloadIdentityPoolProviders.get'),
      handle: askingAfterChange(context, providerOperation),
    },
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

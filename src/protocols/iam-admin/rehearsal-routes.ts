/** `recentExchanges` and `:simulate`: who asked for what lately, and what a proposed policy would have changed. Shape after Google's Policy Simulator. */
import type { PolicyResource } from '../../core/admin/commands.ts';
import { invalid } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { providerName, targetName } from '../../core/names.ts';
import { principalIdentifier } from '../../core/principal.ts';
import { principalOf, type RecentExchange } from '../../core/recent.ts';
import { rehearse, type Rehearsal } from '../../core/rehearse.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { RestDenial } from '../http-denial.ts';
import { parseBody } from '../body-shape.ts';
import { needs } from './needs.ts';
import { cleanedPolicy } from './policy-routes.ts';
import { inProject, type RestContext } from './project-scope.ts';
import { nextPageToken, readPage } from './query.ts';
import { simulate as simulateBody } from './schemas.ts';
import type { Call, Route } from './table.ts';

const PROJECT = 'projects/{project}';
const MAX_PAGE_SIZE = 1_000;
const VIEWS = ['BASIC', 'FULL'];

const RESOURCES: readonly { readonly path: string; readonly of: (call: Call) => PolicyResource }[] = [
  { path: PROJECT, of: () => ({ kind: 'project' }) },
  { path: `${PROJECT}/targets/{target}`, of: (call) => ({ kind: 'target', targetId: call.param('target') }) },
];

export function rehearsalRoutes(context: RestContext): readonly Route[] {
  const { admin } = context;
  return [
    {
      method: 'GET',
      path: `${PROJECT}/recentExchanges`,
      needs: needs('project', 'sts.recentExchanges.list'),
      query: ['pageSize', 'pageToken', 'view'],
      handle: inProject(context, ({ projectNumber }, call) => list(projectNumber, call)),
    },
    ...RESOURCES.map(({ path, of }): Route => ({
      method: 'POST',
      path: `${path}:simulate`,
      needs: needs('project', 'sts.policies.simulate'),
      handle: inProject(context, ({ projectNumber }, call) => simulate(projectNumber, of(call), call)),
    })),
  ];

  async function list(projectNumber: string, { query }: Call): Promise<Result<JsonObject, RestDenial>> {
    const page = readPage(query, MAX_PAGE_SIZE);
    if (!page.ok) return page;
    const { pageSize, after } = page.value;
    if (!/^([0-9]{1,15}\.[0-9]{1,15})?$/.test(after))
      return err(invalid('pageToken', 'is not a token that was given out here'));
    const view = query.get('view') ?? 'BASIC';
    if (!VIEWS.includes(view)) return err(invalid('view', 'must be BASIC or FULL'));
    const before = after === '' ? {} : { before: after };
    const found = await admin.recentExchanges(projectNumber, { maxRecords: pageSize, ...before });
    if (!found.ok) return found;
    const { records, next, dropped } = found.value;
    return ok({
      recentExchanges: records.map((record) => renderRecent(record, projectNumber, view === 'FULL')),
      ...(dropped > 0 ? { droppedCount: dropped } : {}),
      ...nextPageToken(next ?? ''),
    });
  }

  async function simulate(
    projectNumber: string,
    resource: PolicyResource,
    { body }: Call,
  ): Promise<Result<JsonObject, RestDenial>> {
    const input = parseBody(simulateBody, { ...body, ...cleanedPolicy(body['policy']) });
    if (!input.ok) return input;
    const rehearsal = await rehearse(projectNumber, resource, input.value.policy, admin);
    return rehearsal.ok ? ok(renderRehearsal(rehearsal.value)) : rehearsal;
  }
}

function renderRecent(record: RecentExchange, projectNumber: string, isFull: boolean): JsonObject {
  const { id, timeMs, outcome, reason, check, poolId, providerId, targetId, roles, kubernetes, claims } = record;
  const whole: JsonObject = {
    ...(record.isCut === true ? {} : { groups: record.groups, attributes: record.attributes }),
    ...(kubernetes === undefined ? {} : { kubernetes: renderKubernetes(kubernetes) }),
    ...(claims === undefined ? {} : { claims }),
  };
  return {
    requestId: id,
    time: timeOf(timeMs),
    outcome,
    reason,
    ...(check === undefined ? {} : { check }),
    provider: providerName({ projectNumber, poolId, providerId }),
    principal: principalIdentifier(principalOf(record, projectNumber)),
    ...(targetId === undefined ? {} : { target: targetName(projectNumber, targetId) }),
    ...(roles === undefined ? {} : { roles }),
    ...(isFull ? whole : {}),
  };
}

function renderKubernetes({
  namespace,
  serviceAccount,
  pod,
  node,
  cluster,
}: NonNullable<RecentExchange['kubernetes']>): JsonObject {
  return {
    namespace,
    serviceaccount: { ...serviceAccount },
    ...(pod === undefined ? {} : { pod: { ...pod } }),
    ...(node === undefined ? {} : { node: { ...node } }),
    cluster,
  };
}

function renderRehearsal({ simulation, dropped, warnings }: Rehearsal): JsonObject {
  const { logCount, unchangedCount, differenceCount, errorCount, oldestMs, newestMs } = simulation;
  return {
    resultsSummary: {
      logCount,
      unchangedCount,
      differenceCount,
      errorCount,
      ...(dropped > 0 ? { droppedCount: dropped } : {}),
      ...(oldestMs === undefined ? {} : { oldestTime: timeOf(oldestMs) }),
      ...(newestMs === undefined ? {} : { newestTime: timeOf(newestMs) }),
    },
    results: simulation.changes.map(
      ({ principal, target, change, rolesGained, rolesLost, exchanges, firstSeenMs, lastSeenMs }) => ({
        accessTuple: { principal, fullResourceName: target },
        accessChange: change,
        rolesGained,
        rolesLost,
        exchanges,
        firstSeenTime: timeOf(firstSeenMs),
        lastSeenTime: timeOf(lastSeenMs),
      }),
    ),
    ...(simulation.isTruncated ? { truncated: true } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** `GET /metrics`: the figures of the projects of which the caller may see them, or of those he names. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { AuthenticateAdmin } from '../../core/admin/authenticated.ts';
import type { Caller } from '../../core/admin/caller.ts';
import { invalid } from '../../core/admin/denial.ts';
import type { AdminPort } from '../../core/admin/port.ts';
import type { MetricsPort } from '../../core/metrics.ts';
import { isProjectId, isProjectNumber, projectName } from '../../core/names.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { admit } from '../admit.ts';
import type { RestDenial } from '../http-denial.ts';
import { metricFamilies, type Scrape } from './metrics-view.ts';
import { heldAt, needs } from './needs.ts';
import { MEDIA_TYPES, preferredFormat, renderFamilies } from './openmetrics.ts';
import { renderDenial } from '../google-status.ts';

export interface MetricsDeps {
  readonly admin: AdminPort;
  readonly authenticate: AuthenticateAdmin;
  readonly metrics: MetricsPort;
  readonly nowMs: () => number;
}

type Routes = Hono<{ Variables: { requestId: string } }>;

export const METRICS_PATH = '/metrics';
export const METRICS_NEEDS = needs('project', 'sts.metrics.get');

/** One scrape asks up to four objects of each, and more for their issuers: whoever has more projects scrapes them in parts. */
const MAX_PROJECTS = 50;
const NAMED = 'project';

export function createMetricsRoutes(deps: MetricsDeps): Routes {
  const routes: Routes = newRoutes();
  routes.all(METRICS_PATH, async (context) => {
    const request = context.req.raw;
    const caller = await admit(request, context.get('requestId'), deps.authenticate);
    if (!caller.ok) return renderDenial(caller.error);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return renderDenial({ tag: 'method_not_allowed', allow: ['GET'] });
    const scrape = await read(new URL(request.url).searchParams, caller.value, deps);
    if (!scrape.ok) return renderDenial(scrape.error);
    const format = preferredFormat(request.headers.get('accept') ?? undefined);
    const headers = { 'content-type': MEDIA_TYPES[format], 'cache-control': 'no-store', vary: 'Accept' };
    return new Response(renderFamilies(metricFamilies(scrape.value), format), { headers });
  });
  return routes;
}

async function read(
  query: URLSearchParams,
  caller: Caller,
  { admin, metrics, nowMs }: MetricsDeps,
): Promise<Result<Scrape, RestDenial>> {
  const unknown = [...query.keys()].find((name) => name !== NAMED);
  if (unknown !== undefined) return err(invalid(unknown, 'unknown query parameter'));
  const named = query.getAll(NAMED);
  const wanted = named.length > 0 ? await findNamed(named, caller, admin) : await metrics.visible(MAX_PROJECTS, caller);
  if (!wanted.ok) return wanted;
  const { projects, isCut } = wanted.value;
  return ok({ projects: await metrics.read(projects), isCut, nowMs: nowMs() });
}

type Wanted = { readonly projects: Parameters<MetricsPort['read']>[0]; readonly isCut: boolean };

/** Who may not is told the same whether it is there or not. */
async function findNamed(
  named: readonly string[],
  caller: Caller,
  admin: AdminPort,
): Promise<Result<Wanted, RestDenial>> {
  if (named.length > MAX_PROJECTS) return err(invalid(NAMED, `stands more than ${MAX_PROJECTS} times in the query`));
  const found = new Map<string, Wanted['projects'][number]>();
  for (const project of named) {
    const { permission } = METRICS_NEEDS;
    const held = await heldAt({ project, where: { kind: 'project' } }, [permission], caller, admin);
    if (!held.ok) return held;
    const resource = projectName(project);
    if (held.value.length === 0) return err({ tag: 'permission_denied', permission, resource });
    const shaped = isProjectId(project) || isProjectNumber(project);
    const ids = shaped ? await admin.findProject(project) : ok(undefined);
    if (!ids.ok) return ids;
    if (ids.value === undefined) return err({ tag: 'not_found', resource });
    found.set(ids.value.projectNumber, ids.value);
  }
  return ok({ projects: [...found.values()], isCut: false });
}

/** The administration over REST, mounted at `/v1` and, for deny policies, `/v2`: who asks, which route, which parameters, which body, then the handler. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { AuthenticateAdmin } from '../../core/admin/authenticated.ts';
import type { AdminPort } from '../../core/admin/port.ts';
import type { JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Troubleshoot } from '../../core/troubleshoot.ts';
import { withAccount } from './account-path.ts';
import { admit, isForged } from '../admit.ts';
import { readJsonBody } from '../json-body.ts';
import { checkPreconditions } from './body.ts';
import type { RestDenial } from '../http-denial.ts';
import { configurationRoutes } from './configuration-routes.ts';
import { denyPolicyRoutes } from './deny-policy-routes.ts';
import { historyRoutes } from './history-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { refusal } from './needs.ts';
import { organizationRoutes } from './organization-routes.ts';
import { permissionRoutes } from './permission-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import { poolRoutes } from './pool-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { answerPush, isPush, type PushDeps } from './push-route.ts';
import { readQuery } from './query.ts';
import { quotaInfoRoutes } from './quota-info-routes.ts';
import { quotaPreferenceRoutes } from './quota-preference-routes.ts';
import { renderDenial, renderJson } from '../google-status.ts';
import { rehearsalRoutes } from './rehearsal-routes.ts';
import { roleRoutes } from './role-routes.ts';
import { serviceAccountRoutes } from './service-account-routes.ts';
import { findRoute, type Route } from './table.ts';
import { targetRoutes } from './target-routes.ts';
import { usageRoutes } from './usage-routes.ts';
import { troubleshootRoutes } from './troubleshoot-routes.ts';

interface IamAdminDeps {
  readonly admin: AdminPort;
  readonly publicOrigin: string;
  readonly authenticate: AuthenticateAdmin;
  readonly push: PushDeps;
  readonly troubleshoot: Troubleshoot;
}

type Routes = Hono<{ Variables: { requestId: string } }>;

/** Every route below `/v1/` and `/v2/`, but the one that no administrator may use. */
export function iamAdminRoutes(deps: IamAdminDeps): { readonly v1: readonly Route[]; readonly v2: readonly Route[] } {
  const v1: readonly Route[] = [
    ...organizationRoutes(deps),
    ...projectRoutes(deps),
    ...poolRoutes(deps),
    ...targetRoutes(deps),
    ...serviceAccountRoutes(deps),
    ...roleRoutes(deps),
    ...policyRoutes(deps),
    ...permissionRoutes(deps),
    ...keyRoutes(deps),
    ...historyRoutes(deps),
    ...configurationRoutes(deps),
    ...quotaInfoRoutes(deps),
    ...quotaPreferenceRoutes(deps),
    ...rehearsalRoutes(deps),
    ...usageRoutes(deps, deps.push.nowMs),
    ...troubleshootRoutes(deps, deps.troubleshoot),
  ];
  return { v1, v2: denyPolicyRoutes(deps) };
}

export function createIamAdminRoutes(deps: IamAdminDeps): Routes {
  const { v1, v2 } = iamAdminRoutes(deps);
  const app: Routes = newRoutes();
  app.all('*', async (context) => {
    const request = context.req.raw;
    const { pathname } = new URL(request.url);
    const isV2 = pathname.startsWith('/v2/');
    const path = pathname.replace(/^\/v[12]\//, '');
    const answer =
      !isV2 && isPush(path)
        ? await answerPush(request, path, context.get('requestId'), deps.push)
        : await answerTo(request, path, isV2 ? v2 : v1, context.get('requestId'));
    return answer.ok ? renderJson(answer.value) : renderDenial(answer.error);
  });
  return app;

  /** Nothing is told to strangers, not even which paths exist: authentication comes before everything. */
  async function answerTo(
    request: Request,
    path: string,
    known: readonly Route[],
    requestId: string,
  ): Promise<Result<JsonObject, RestDenial>> {
    const admitted = await admit(request, requestId, deps.authenticate);
    if (!admitted.ok) return admitted;
    const caller = admitted.value;
    if (isForged(request, caller, deps.publicOrigin)) return err({ tag: 'cross_site' });
    const match = findRoute(known, request.method, path);
    if (!match.ok) return match;
    const { route } = match.value;
    const found = await withAccount(match.value.params, deps.admin);
    if (!found.ok) return found;
    const params = found.value;
    const param = (name: string): string => paramOf(params, name);
    const refused = await refusal(route.needs, param, caller, deps.admin);
    if (refused !== undefined) return err(refused);
    const preconditions = checkPreconditions(request);
    if (!preconditions.ok) return preconditions;
    const query = readQuery(new URL(request.url).searchParams, route.query ?? []);
    if (!query.ok) return query;
    const hasBody = route.method === 'POST' || route.method === 'PUT' || route.method === 'PATCH';
    const body = hasBody ? await readJsonBody(request) : ok({});
    if (!body.ok) return body;
    return route.handle({
      param,
      query: query.value,
      body: body.value,
      caller,
    });
  }
}

function paramOf(params: ReadonlyMap<string, string>, name: string): string {
  const value = params.get(name);
  if (value === undefined) throw new Error(`the path of this route has no {${name}}`);
  return value;
}

/** The administration over REST, mounted at `/v1` and, for deny policies, `/v2`: who asks, which route, which parameters, which body, then the handler. */
import { Hono } from 'hono';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { AdminPort } from '../../core/admin/port.ts';
import type { JsonObject } from '../../core/json.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Troubleshoot } from '../../core/troubleshoot.ts';
import { checkPreconditions, readJsonBody } from './body.ts';
import type { RestDenial } from './denial.ts';
import { denyPolicyRoutes } from './deny-policy-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import { poolRoutes } from './pool-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { answerPush, isPush, type PushDeps } from './push-route.ts';
import { readQuery } from './query.ts';
import { quotaInfoRoutes } from './quota-info-routes.ts';
import { quotaPreferenceRoutes } from './quota-preference-routes.ts';
import { renderDenial, renderJson } from './response.ts';
import { rehearsalRoutes } from './rehearsal-routes.ts';
import { roleRoutes } from './role-routes.ts';
import { findRoute, type Route } from './table.ts';
import { targetRoutes } from './target-routes.ts';
import { usageRoutes } from './usage-routes.ts';
import { troubleshootRoutes } from './troubleshoot-routes.ts';

/** Who is behind an `Authorization` header. */
export type AuthenticateAdmin = (authorization: string | undefined) => Promise<Result<{ actor: string }, AdminDenial>>;

interface IamAdminDeps {
  readonly admin: AdminPort;
  readonly publicOrigin: string;
  readonly authenticate: AuthenticateAdmin;
  readonly push: PushDeps;
  readonly troubleshoot: Troubleshoot;
}

type Routes = Hono<{ Variables: { requestId: string } }>;

export function createIamAdminRoutes(deps: IamAdminDeps): Routes {
  const routes: readonly Route[] = [
    ...projectRoutes(deps),
    ...poolRoutes(deps),
    ...targetRoutes(deps),
    ...roleRoutes(deps),
    ...policyRoutes(deps),
    ...keyRoutes(deps),
    ...quotaInfoRoutes(deps),
    ...quotaPreferenceRoutes(deps),
    ...rehearsalRoutes(deps),
    ...usageRoutes(deps, deps.push.nowMs),
    ...troubleshootRoutes(deps, deps.troubleshoot),
  ];
  const denyRoutes = denyPolicyRoutes(deps);
  const app: Routes = new Hono();
  app.all('*', async (context) => {
    const request = context.req.raw;
    const { pathname } = new URL(request.url);
    const isV2 = pathname.startsWith('/v2/');
    const path = pathname.replace(/^\/v[12]\//, '');
    const answer =
      !isV2 && isPush(path)
        ? await answerPush(request, path, context.get('requestId'), deps.push)
        : await answerTo(request, path, isV2 ? denyRoutes : routes);
    return answer.ok ? renderJson(answer.value) : renderDenial(answer.error);
  });
  return app;

  /** Nothing is told to strangers, not even which paths exist: authentication comes before everything. */
  async function answerTo(
    request: Request,
    path: string,
    known: readonly Route[],
  ): Promise<Result<JsonObject, RestDenial>> {
    const caller = await deps.authenticate(request.headers.get('authorization') ?? undefined);
    if (!caller.ok) return caller;
    const match = findRoute(known, request.method, path);
    if (!match.ok) return match;
    const { route, params } = match.value;
    const preconditions = checkPreconditions(request);
    if (!preconditions.ok) return preconditions;
    const query = readQuery(new URL(request.url).searchParams, route.query ?? []);
    if (!query.ok) return query;
    const hasBody = route.method === 'POST' || route.method === 'PUT' || route.method === 'PATCH';
    const body = hasBody ? await readJsonBody(request) : ok({});
    if (!body.ok) return body;
    return route.handle({
      param: (name) => paramOf(params, name),
      query: query.value,
      body: body.value,
      actor: caller.value.actor,
    });
  }
}

function paramOf(params: ReadonlyMap<string, string>, name: string): string {
  const value = params.get(name);
  if (value === undefined) throw new Error(`the path of this route has no {${name}}`);
  return value;
}

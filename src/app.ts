/** Every route of the broker over its ports: no bindings here, so tests build the same app with failing or lagging ports. */
import type { Hono } from 'hono';
import { newRoutes } from './protocols/routes.ts';
import type { AuthenticateAdmin } from './core/admin/authenticated.ts';
import type { AdminPort } from './core/admin/port.ts';
import type { AwsPorts } from './core/aws/ports.ts';
import type { ExchangePorts } from './core/ports.ts';
import type { MetricsPort } from './core/metrics.ts';
import type { ReadAsset } from './core/assets.ts';
import type { Sessions } from './core/admin/sessions.ts';
import { createPushKeys } from './core/push-keys.ts';
import { createTroubleshoot } from './core/troubleshoot.ts';
import { renderDenial, withRequestId } from './protocols/google-sts/response.ts';
import { createGoogleStsRoutes, createTokenEndpoint, type TokenEndpoint } from './protocols/google-sts/route.ts';
import type { CredentialPorts } from './core/credentials/ports.ts';
import type { DownscopePorts } from './core/token-care/downscope.ts';
import type { IntrospectPorts } from './core/token-care/introspect.ts';
import type { RevokePorts } from './core/token-care/revoke.ts';
import { createTokenCareRoutes } from './protocols/token-care/route.ts';
import type { DocumentPorts } from './protocols/iam-credentials/document-routes.ts';
import { createIamCredentialsRoutes } from './protocols/iam-credentials/route.ts';
import { createDashboardRoutes } from './dashboard/routes.tsx';
import { errorOfDenial, internalFailure } from './protocols/aws-sts/errors.ts';
import { renderError as renderAwsError } from './protocols/aws-sts/response.ts';
import { AWS_VERIFY_PATH, createAwsVerifyRoutes } from './protocols/aws-sts/verify-route.ts';
import { AWS_STS_PATHS, createAwsStsRoutes } from './protocols/aws-sts/route.ts';
import { createHealthRoutes } from './protocols/health/route.ts';
import { createMetricsRoutes, METRICS_PATH } from './protocols/iam-admin/metrics-route.ts';
import { renderDenial as renderAdminDenial, renderFault as renderAdminFault } from './protocols/google-status.ts';
import { createIamAdminRoutes } from './protocols/iam-admin/route.ts';
import { createConfigurationSchemaRoutes } from './protocols/configuration-schema/route.ts';
import { createOpenApiRoutes } from './protocols/openapi/route.ts';
import { decodeUtf8, readBody } from './protocols/read-body.ts';
import { createWellKnownRoutes, type WellKnownPorts } from './protocols/well-known/route.ts';

export interface AppPorts {
  readonly exchange: ExchangePorts;
  readonly wellKnown: WellKnownPorts;
  readonly credentials: CredentialPorts;
  readonly tokenCare: DownscopePorts & Omit<RevokePorts & IntrospectPorts, 'admin'>;
  readonly accountDocuments: DocumentPorts;
  readonly aws: Omit<AwsPorts, 'exchange'>;
  /** A host that is AWS's door and nothing else. */
  readonly awsStsHost?: string | undefined;
  readonly admin: AdminPort;
  readonly metrics: MetricsPort;
  readonly authenticateAdmin: AuthenticateAdmin;
  readonly sessions: Sessions;
  readonly readAsset: ReadAsset;
  readonly notReadyReason: () => Promise<string | undefined>;
  readonly newRequestId: () => string;
  /** A fault of ours, for the operator: never its message, which may quote a token. */
  readonly reportFault: (requestId: string, fault: unknown) => void;
}

type Routes = Hono<{ Variables: { requestId: string } }>;

export type App = Pick<Routes, 'fetch'>;

/** The routes are put together when something asks for one: an isolate that starts with a token, or to say that it lives, does not wait for them. */
export function createApp(ports: AppPorts): App {
  const token = createTokenEndpoint(ports.exchange, ports.tokenCare);
  let health: Routes | undefined;
  let routes: Routes | undefined;
  return {
    fetch(request, env, context) {
      const { method, url } = request;
      if (isExchange(method, url)) return answerExchange(request, url);
      if (isAtPath(url, '/healthz') || isAtPath(url, '/readyz')) {
        health ??= accountable(ports).route('/', healthRoutes(ports));
        return health.fetch(request, env, context);
      }
      routes ??= createRoutes(ports, token);
      return routes.fetch(request, env, context);
    },
  };

  /** As the router would answer it, by the same endpoint and without the way there, which would take a tenth of all the time. */
  function answerExchange(request: Request, url: string): Promise<Response> {
    const requestId = ports.newRequestId();
    return token(request, requestId, 'POST', url).catch((fault: unknown) => {
      ports.reportFault(requestId, fault);
      const denial = { tag: 'internal', fault: fault instanceof Error ? fault.name : 'unknown' } as const;
      return withRequestId(renderDenial(denial), requestId);
    });
  }
}

/** A fault of ours is told to the operator, and its caller hears that there was one, in his own dialect. */
function accountable(ports: AppPorts): Routes {
  const app = base(ports.newRequestId);
  app.onError((fault, context) => {
    ports.reportFault(context.get('requestId'), fault);
    if (isAdministration(context.req.path)) return renderAdminFault();
    if (AWS_STS_PATHS.includes(context.req.path)) return renderAwsError(internalFailure, context.get('requestId'));
    return renderDenial({ tag: 'internal', fault: fault.name });
  });
  return app;
}

function healthRoutes({ notReadyReason, exchange }: AppPorts): Hono {
  return createHealthRoutes(notReadyReason, () => exchange.nowMs());
}

/** All of them, those that are answered without the router too. Exported for the test that none is missing from the document of the API. */
export function createRoutes(
  ports: AppPorts,
  token: TokenEndpoint = createTokenEndpoint(ports.exchange, ports.tokenCare),
): Routes {
  const app = accountable(ports);
  app.route('/', healthRoutes(ports));
  app.route('/', createGoogleStsRoutes(token, ports.exchange));
  app.route('/', createAwsStsRoutes({ ...ports.aws, exchange: ports.exchange }, ports.awsStsHost));
  app.route('/', createAwsVerifyRoutes({ ...ports.aws, exchange: ports.exchange }, ports.authenticateAdmin));
  app.route('/', createWellKnownRoutes(ports.wellKnown));
  app.route('/', createOpenApiRoutes(ports.readAsset));
  app.route('/', createConfigurationSchemaRoutes(ports.readAsset));
  app.route(
    '/',
    createMetricsRoutes({
      admin: ports.admin,
      authenticate: ports.authenticateAdmin,
      metrics: ports.metrics,
      nowMs: () => ports.exchange.nowMs(),
    }),
  );
  // Before the administration, which takes every path below /v1.
  app.route(
    '/',
    createIamCredentialsRoutes({
      credentials: ports.credentials,
      documents: ports.accountDocuments,
      authenticate: ports.authenticateAdmin,
    }),
  );
  app.route(
    '/',
    createTokenCareRoutes({
      ports: { ...ports.tokenCare, admin: ports.admin },
      publicOrigin: ports.exchange.publicOrigin,
      authenticate: ports.authenticateAdmin,
    }),
  );
  const administration = createIamAdminRoutes({
    admin: ports.admin,
    publicOrigin: ports.exchange.publicOrigin,
    authenticate: ports.authenticateAdmin,
    push: {
      pushKeys: createPushKeys(ports.exchange, ports.admin),
      nowMs: () => ports.exchange.nowMs(),
      recordPush: (event) => ports.exchange.recordPush(event),
    },
    troubleshoot: createTroubleshoot(ports.exchange, ports.admin),
  });
  app.route('/v1', administration);
  app.route('/v2', administration);
  app.route(
    '/',
    createDashboardRoutes({
      publicOrigin: ports.exchange.publicOrigin,
      authenticate: ports.authenticateAdmin,
      sessions: ports.sessions,
      readAsset: ports.readAsset,
      nowMs: () => ports.exchange.nowMs(),
      readText: async (request, maxBytes) => {
        const bytes = await readBody(request, maxBytes);
        return typeof bytes === 'string' ? undefined : decodeUtf8(bytes);
      },
      ask: createInside(administration, ports.reportFault),
    }),
  );
  return app;
}

/** The token endpoint, spelt plainly; every other spelling, method and query is for the router, which ends at the same one. */
function isExchange(method: string, url: string): boolean {
  return method === 'POST' && isAtPath(url, '/v1/token');
}

function isAtPath(url: string, path: string): boolean {
  return url.endsWith(path) && url.indexOf('/', ORIGIN_BEGINS_AT) === url.length - path.length;
}

/** After `http://`, and not before the end of `https://`. */
const ORIGIN_BEGINS_AT = 'https://'.length;

/** The administration for requests that never were on a wire: the same routes, under the id of the request that led to them. */
function createInside(
  administration: Routes,
  reportFault: AppPorts['reportFault'],
): (request: Request, requestId: string) => Promise<Response> {
  return async (request, requestId) => {
    const inside = base(() => requestId);
    inside.route('/v1', administration);
    inside.onError((fault) => {
      reportFault(requestId, fault);
      return renderAdminFault();
    });
    return inside.fetch(request);
  };
}

/** A broker without its settings: it lives, is not ready, says why, and mints nothing. */
export function createUnconfiguredApp(reason: string, newRequestId: () => string): App {
  const app = base(newRequestId);
  app.route(
    '/',
    createHealthRoutes(async () => reason),
  );
  app.all('*', (context) => {
    const denial = { tag: 'unavailable', dependency: 'settings' } as const;
    if (isAdministration(context.req.path)) return renderAdminDenial({ ...denial, description: reason });
    if (AWS_STS_PATHS.includes(context.req.path)) {
      return renderAwsError(errorOfDenial(denial), context.get('requestId'));
    }
    return renderDenial(denial);
  });
  return app;
}

function base(newRequestId: () => string): Routes {
  const app: Routes = newRoutes();
  app.use(async (context, next) => {
    context.set('requestId', newRequestId());
    await next();
    withRequestId(context.res, context.get('requestId'));
  });
  app.notFound(() => notFound());
  return app;
}

function isAdministration(path: string): boolean {
  if (path === METRICS_PATH || path === AWS_VERIFY_PATH || path.startsWith('/v2/')) return true;
  return path.startsWith('/v1/') && path !== '/v1/token' && !path.startsWith('/v1/token/');
}

function notFound(): Response {
  const body = { error: 'invalid_request', error_description: 'There is nothing at this path.' };
  return Response.json(body, { status: 404, headers: { 'Cache-Control': 'no-store' } });
}

/** Every route of the broker over its ports: no bindings here, so tests build the same app with failing or lagging ports. */
import { Hono } from 'hono';
import type { AuthenticateAdmin } from './core/admin/authenticated.ts';
import type { AdminPort } from './core/admin/port.ts';
import type { ExchangePorts } from './core/ports.ts';
import type { MetricsPort } from './core/metrics.ts';
import { createPushKeys } from './core/push-keys.ts';
import { createTroubleshoot } from './core/troubleshoot.ts';
import { renderDenial } from './protocols/google-sts/response.ts';
import { createGoogleStsRoutes } from './protocols/google-sts/route.ts';
import { createHealthRoutes } from './protocols/health/route.ts';
import { createMetricsRoutes, METRICS_PATH } from './protocols/iam-admin/metrics-route.ts';
import { renderDenial as renderAdminDenial, renderFault as renderAdminFault } from './protocols/iam-admin/response.ts';
import { createIamAdminRoutes } from './protocols/iam-admin/route.ts';
import { createConfigurationSchemaRoutes } from './protocols/configuration-schema/route.ts';
import { createOpenApiRoutes } from './protocols/openapi/route.ts';
import { createWellKnownRoutes, type WellKnownPorts } from './protocols/well-known/route.ts';

export interface AppPorts {
  readonly exchange: ExchangePorts;
  readonly wellKnown: WellKnownPorts;
  readonly admin: AdminPort;
  readonly metrics: MetricsPort;
  readonly authenticateAdmin: AuthenticateAdmin;
  readonly notReadyReason: () => Promise<string | undefined>;
  readonly newRequestId: () => string;
  /** A fault of ours, for the operator: never its message, which may quote a token. */
  readonly reportFault: (requestId: string, fault: unknown) => void;
}

type App = Hono<{ Variables: { requestId: string } }>;

export function createApp(ports: AppPorts): App {
  const app = base(ports.newRequestId);
  app.route(
    '/',
    createHealthRoutes(ports.notReadyReason, () => ports.exchange.nowMs()),
  );
  app.route('/', createGoogleStsRoutes(ports.exchange));
  app.route('/', createWellKnownRoutes(ports.wellKnown));
  app.route('/', createOpenApiRoutes());
  app.route('/', createConfigurationSchemaRoutes());
  app.route(
    '/',
    createMetricsRoutes({
      admin: ports.admin,
      authenticate: ports.authenticateAdmin,
      metrics: ports.metrics,
      nowMs: () => ports.exchange.nowMs(),
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
  app.onError((fault, context) => {
    ports.reportFault(context.get('requestId'), fault);
    if (isAdministration(context.req.path)) return renderAdminFault();
    return renderDenial({ tag: 'internal', fault: fault.name });
  });
  return app;
}

/** A broker without its settings: it lives, is not ready, says why, and mints nothing. */
export function createUnconfiguredApp(reason: string, newRequestId: () => string): App {
  const app = base(newRequestId);
  app.route(
    '/',
    createHealthRoutes(async () => reason),
  );
  app.all('*', (context) =>
    isAdministration(context.req.path)
      ? renderAdminDenial({ tag: 'unavailable', dependency: 'settings', description: reason })
      : renderDenial({ tag: 'unavailable', dependency: 'settings' }),
  );
  return app;
}

function base(newRequestId: () => string): App {
  const app: App = new Hono();
  app.use(async (context, next) => {
    context.set('requestId', newRequestId());
    await next();
    context.res.headers.set('X-Request-Id', context.get('requestId'));
    context.res.headers.set('X-Content-Type-Options', 'nosniff');
  });
  app.notFound(() => notFound());
  return app;
}

function isAdministration(path: string): boolean {
  if (path === METRICS_PATH || path.startsWith('/v2/')) return true;
  return path.startsWith('/v1/') && path !== '/v1/token' && !path.startsWith('/v1/token/');
}

function notFound(): Response {
  const body = { error: 'invalid_request', error_description: 'There is nothing at this path.' };
  return Response.json(body, { status: 404, headers: { 'Cache-Control': 'no-store' } });
}

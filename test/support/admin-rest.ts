/** The administration over REST, as app.ts mounts it, on a memory store with one known token. */
import { Hono } from 'hono';
import type { MetricsPort } from '../../src/core/metrics.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { PushKeys } from '../../src/core/push-keys.ts';
import { err, ok } from '../../src/core/result.ts';
import { createTroubleshoot, type TroubleshootPorts } from '../../src/core/troubleshoot.ts';
import { createMetricsRoutes } from '../../src/protocols/iam-admin/metrics-route.ts';
import { createIamAdminRoutes, iamAdminRoutes } from '../../src/protocols/iam-admin/route.ts';
import { createMemoryAdmin, type MemoryAdmin } from './memory-admin.ts';

export const TOKEN = 'test-only-admin-token-0123456789abcdef';

/** A JSON answer, loosely typed: tests look into it with matchers. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface AdminRest {
  readonly admin: MemoryAdmin;
  /** `bearer`: the bootstrap token, or `user:EMAIL` for whom that user is. */
  readonly call: (method: string, path: string, body?: unknown, bearer?: string) => Promise<Answered>;
  readonly send: (path: string, init: RequestInit) => Promise<Response>;
}

export function createAdminRest(changes: Partial<MemoryAdmin> = {}, pushKeys: PushKeys = nobodyPushes): AdminRest {
  const admin: MemoryAdmin = { ...createMemoryAdmin(), ...changes };
  const routes = createIamAdminRoutes(depsOver(admin, pushKeys));
  const metrics = createMetricsRoutes({ ...depsOver(admin, pushKeys), metrics: NO_FIGURES, nowMs: () => 0 });
  const app = new Hono<{ Variables: { requestId: string } }>()
    .route('/', metrics)
    .route('/v1', routes)
    .route('/v2', routes);
  const send = async (path: string, init: RequestInit) => app.request(`https://sts.example.com${path}`, init);
  return {
    admin,
    send,
    call: async (method, path, body, bearer = TOKEN) => {
      const headers: Record<string, string> = { authorization: `Bearer ${bearer}` };
      if (body !== undefined) headers['content-type'] = 'application/json';
      const response = await send(path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
      const answered: Answered['body'] = isJson ? JSON.parse(text) : {};
      return { status: response.status, headers: response.headers, body: answered };
    },
  };
}

/** What a scrape reads is tested in `test/exchange`; here only who may scrape. */
const NO_FIGURES: MetricsPort = {
  visible: async () => ok({ projects: [], isCut: false }),
  read: async () => [],
};

function depsOver(admin: MemoryAdmin, pushKeys: PushKeys): Parameters<typeof createIamAdminRoutes>[0] {
  return {
    admin,
    publicOrigin: 'https://sts.example.com',
    push: { pushKeys, nowMs: () => 0, recordPush: () => undefined },
    troubleshoot: createTroubleshoot(NO_KEYS, admin),
    authenticate: async ({ authorization }) => {
      if (authorization === undefined) return err({ tag: 'unauthenticated' });
      if (authorization === `Bearer ${TOKEN}`) return ok({ name: 'bootstrap', identity: { kind: 'bootstrap' } });
      const email = /^Bearer user:(.+)$/.exec(authorization)?.[1];
      if (email === undefined) return err({ tag: 'bad_credentials' });
      return ok({ name: `user:${email}`, identity: { kind: 'user', email } });
    },
  };
}

/** Every route that there is. */
export function routesOf(): ReturnType<typeof iamAdminRoutes> {
  return iamAdminRoutes(depsOver(createMemoryAdmin(), nobodyPushes));
}

/** Names alone are explained here; tokens in `test/exchange`. */
const NO_KEYS: TroubleshootPorts = {
  publicOrigin: 'https://sts.example.com',
  nowMs: () => Date.UTC(2026, 5, 1),
  compiler: createPolicyCompiler(10),
  discoveredKeys: async () => ok([]),
  verifySignature: async () => false,
  reviewToken: async () => ok(undefined),
};

const nobodyPushes: PushKeys = async () => err({ tag: 'bad_credentials' });

/** One project, `demo`, number 100000000001. */
export async function withDemo(changes: Partial<MemoryAdmin> = {}, pushKeys?: PushKeys): Promise<AdminRest> {
  const rest = createAdminRest(changes, pushKeys);
  const made = await rest.call('POST', '/v1/projects', { projectId: 'demo', projectNumber: '100000000001' });
  if (made.status !== 200) throw new Error(JSON.stringify(made.body));
  return rest;
}

/** The BadRequest detail's field paths. */
export function badFields(answered: Answered): readonly string[] {
  const { error } = answered.body as {
    error: { details?: readonly { fieldViolations?: readonly { field: string }[] }[] };
  };
  return (error.details ?? []).flatMap((detail) => (detail.fieldViolations ?? []).map(({ field }) => field));
}

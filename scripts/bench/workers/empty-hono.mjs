/** The least that a Worker of this kind can be at start-up: a route by Hono, and the CEL engine imported, with nothing done by it yet. */
import { celEnv, parse, plan } from '@bufbuild/cel';
import { DurableObject } from 'cloudflare:workers';
import { Hono } from 'hono';

const app = new Hono();
app.get('/healthz', (context) => context.text('ok'));
app.get('/cel', (context) => context.json({ kind: typeof plan(celEnv(), parse('1 + 1').expr)({}) }));

export default app;

/** Empty ones in the place of the broker's, so that it can be started in the same configuration. */
export class Registry extends DurableObject {}
export class Quota extends DurableObject {}
export class KeyRing extends DurableObject {}
export class IssuerKeys extends DurableObject {}

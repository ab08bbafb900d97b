/** /healthz: the Worker runs. /readyz: it could exchange a token, or says what is missing. No project is needed for either. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';

/** `notReadyReason` is undefined where everything that an exchange needs has answered. */
export function createHealthRoutes(notReadyReason: () => Promise<string | undefined>, nowMs?: () => number): Hono {
  return newRoutes()
    .get('/healthz', () => answer(undefined, nowMs))
    .get('/readyz', async () => answer(await notReadyReason(), nowMs));
}

function answer(reason: string | undefined, nowMs: (() => number) | undefined): Response {
  // Which hour tokens are held against: not every runtime says it by itself (RFC 9110 §6.6.1), and a wrong clock is hard to see otherwise.
  const date: Record<string, string> = nowMs === undefined ? {} : { Date: new Date(nowMs()).toUTCString() };
  const headers = { 'Cache-Control': 'no-store', ...date };
  return reason === undefined
    ? Response.json({ status: 'ok' }, { headers })
    : Response.json({ status: 'unavailable', reason }, { status: 503, headers });
}

/** /healthz: the Worker runs. /readyz: it could exchange a token, or says what is missing. No project is needed for either. */
import { Hono } from 'hono';

/** `reason` is undefined where everything that an exchange needs has answered. */
export function createHealthRoutes(notReadyReason: () => Promise<string | undefined>): Hono {
  return new Hono().get('/healthz', () => answer(undefined)).get('/readyz', async () => answer(await notReadyReason()));
}

function answer(reason: string | undefined): Response {
  const headers = { 'Cache-Control': 'no-store' };
  return reason === undefined
    ? Response.json({ status: 'ok' }, { headers })
    : Response.json({ status: 'unavailable', reason }, { status: 503, headers });
}

/** `GET /openapi.json`: what the API is, made from its schemas when the broker is built. It says nothing of any project, so everybody may read it. */
import { Hono } from 'hono';
import { DOCUMENT, ETAG } from './document.ts';

export const OPENAPI_PATH = '/openapi.json';

const CACHE_CONTROL = 'public, max-age=300';

export function createOpenApiRoutes(): Hono {
  const routes = new Hono();
  routes.all(OPENAPI_PATH, (context) => {
    const { method } = context.req;
    if (method !== 'GET' && method !== 'HEAD') return notAllowed();
    const headers = { 'Cache-Control': CACHE_CONTROL, ETag: ETAG };
    const known = context.req
      .header('if-none-match')
      ?.split(',')
      .some((one) => one.trim().replace(/^W\//, '') === ETAG);
    if (known === true) return new Response(null, { status: 304, headers });
    return new Response(DOCUMENT, { headers: { ...headers, 'Content-Type': 'application/json' } });
  });
  return routes;
}

function notAllowed(): Response {
  const body = { error: 'invalid_request', error_description: 'This document is only read.' };
  return Response.json(body, { status: 405, headers: { Allow: 'GET, HEAD', 'Cache-Control': 'no-store' } });
}

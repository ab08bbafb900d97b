/** `GET /configuration.schema.json`: what the files of `edge-sts apply` may say, for editors. Made when the broker is built, so everybody may read it. */
import { Hono } from 'hono';
import { SCHEMA, SCHEMA_ETAG } from './document.ts';

export const CONFIGURATION_SCHEMA_PATH = '/configuration.schema.json';

export function createConfigurationSchemaRoutes(): Hono {
  const routes = new Hono();
  routes.all(CONFIGURATION_SCHEMA_PATH, (context) => {
    const { method } = context.req;
    if (method !== 'GET' && method !== 'HEAD') {
      const body = { error: 'invalid_request', error_description: 'This document is only read.' };
      return Response.json(body, { status: 405, headers: { Allow: 'GET, HEAD', 'Cache-Control': 'no-store' } });
    }
    const headers = { 'Cache-Control': 'public, max-age=300', ETag: SCHEMA_ETAG };
    if (context.req.header('if-none-match') === SCHEMA_ETAG) return new Response(null, { status: 304, headers });
    return new Response(SCHEMA, { headers: { ...headers, 'Content-Type': 'application/schema+json' } });
  });
  return routes;
}

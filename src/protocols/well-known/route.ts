/** Discovery and JWKS of each pool's issuer: public, cacheable for five minutes, readable from any web page; nothing else here is. */
import { Hono } from 'hono';
import type { Denial } from '../../core/denial.ts';
import type { Result } from '../../core/result.ts';
import { discoveryDocument, issuerOf, type PublishedJwk } from './documents.ts';

export interface WellKnownPorts {
  readonly publicOrigin: string;
  poolExists(projectNumber: string, poolId: string): Promise<Result<boolean, Denial>>;
  /** undefined: no such project. */
  publishedKeys(projectNumber: string): Promise<Result<{ readonly keys: readonly PublishedJwk[] } | undefined, Denial>>;
}

/** Not `no-store`: AWS refuses issuers whose keys cannot be cached. Not longer: an emergency rotation must be over in five minutes. */
const CACHE_CONTROL = 'public, max-age=300';
const METHODS = 'GET, HEAD, OPTIONS';

type Render = (issuer: string, keys: readonly PublishedJwk[]) => { readonly body: object; readonly type: string };

export function createWellKnownRoutes(ports: WellKnownPorts): Hono {
  const discovery: Render = (issuer, keys) => ({
    body: discoveryDocument(ports.publicOrigin, issuer, keys),
    type: 'application/json',
  });
  const jwks: Render = (_issuer, keys) => ({ body: { keys }, type: 'application/jwk-set+json' });
  const routes = new Hono();
  serve('/:projectNumber{[1-9][0-9]{5,18}}/:poolId/.well-known/openid-configuration', discovery);
  serve('/.well-known/oauth-authorization-server/:projectNumber{[1-9][0-9]{5,18}}/:poolId', discovery);
  serve('/:projectNumber{[1-9][0-9]{5,18}}/:poolId/jwks', jwks);
  return routes;

  function serve(path: string, render: Render): void {
    routes.all(path, async (context) => {
      const { method } = context.req;
      if (method === 'OPTIONS') return preflight();
      if (method !== 'GET' && method !== 'HEAD') return fault(405, 'This document is only read.', { Allow: METHODS });
      const { projectNumber, poolId }: Record<string, string | undefined> = context.req.param();
      if (projectNumber === undefined || poolId === undefined) return notFound();
      const exists = await ports.poolExists(projectNumber, poolId);
      if (!exists.ok) return unavailable();
      if (!exists.value) return notFound();
      const published = await ports.publishedKeys(projectNumber);
      if (!published.ok) return unavailable();
      if (published.value === undefined) return notFound();
      const { body, type } = render(issuerOf(ports.publicOrigin, projectNumber, poolId), published.value.keys);
      return document(JSON.stringify(body), type, context.req.header('if-none-match'));
    });
  }
}

async function document(body: string, type: string, ifNoneMatch: string | undefined): Promise<Response> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body));
  const etag = `"${[...new Uint8Array(digest).slice(0, 12)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}"`;
  const headers = { 'Cache-Control': CACHE_CONTROL, 'Access-Control-Allow-Origin': '*', ETag: etag };
  const known = ifNoneMatch?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag) ?? false;
  if (known) return new Response(null, { status: 304, headers });
  return new Response(body, { headers: { ...headers, 'Content-Type': type } });
}

function preflight(): Response {
  const headers = {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Max-Age': '86400',
  };
  return new Response(null, { status: 204, headers });
}

function unavailable(): Response {
  return fault(503, 'This document cannot be made right now.', { 'Retry-After': '1' });
}

function notFound(): Response {
  return fault(404, 'There is no such issuer.');
}

function fault(status: number, description: string, headers: Readonly<Record<string, string>> = {}): Response {
  const error = status === 503 ? 'temporarily_unavailable' : 'invalid_request';
  return Response.json(
    { error, error_description: description },
    { status, headers: { 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*', ...headers } },
  );
}

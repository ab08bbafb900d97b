/** `GET /openapi.json`: what the API is, made from its schemas when the broker is built. It says nothing of any project, so everybody may read it. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { ReadAsset } from '../../core/assets.ts';

export const OPENAPI_PATH = '/openapi.json';

const CACHE_CONTROL = 'public, max-age=300';

interface Document {
  readonly text: string;
  readonly etag: string;
}

export function createOpenApiRoutes(readAsset: ReadAsset): Hono {
  const routes = newRoutes();
  let known: Document | undefined;

  routes.all(OPENAPI_PATH, async (context) => {
    const { method } = context.req;
    if (method !== 'GET' && method !== 'HEAD')
      return refused(405, 'This document is only read.', { Allow: 'GET, HEAD' });
    // Two requests at once read it twice, for one may not wait for what another has begun.
    known ??= await read();
    if (known === undefined) return refused(503, 'This document is not at hand here.');
    const { text, etag } = known;
    const headers = { 'Cache-Control': CACHE_CONTROL, ETag: etag };
    const isKnown = context.req
      .header('if-none-match')
      ?.split(',')
      .some((one) => one.trim().replace(/^W\//, '') === etag);
    if (isKnown === true) return new Response(null, { status: 304, headers });
    return new Response(text, { headers: { ...headers, 'Content-Type': 'application/json' } });
  });
  return routes;

  async function read(): Promise<Document | undefined> {
    const text = await readAsset('openapi.json');
    return text === undefined ? undefined : { text, etag: await etagOf(text) };
  }
}

async function etagOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const hex = Array.from(new Uint8Array(hash).slice(0, 12), (byte) => byte.toString(16).padStart(2, '0'));
  return `"${hex.join('')}"`;
}

function refused(status: number, description: string, more: Readonly<Record<string, string>> = {}): Response {
  const body = {
    error: status === 503 ? 'temporarily_unavailable' : 'invalid_request',
    error_description: description,
  };
  return Response.json(body, { status, headers: { ...more, 'Cache-Control': 'no-store' } });
}

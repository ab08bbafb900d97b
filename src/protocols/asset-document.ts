/** A document that was made when the broker was built and is the same for everybody: read once from the assets, told apart by its hash. */
import type { Hono } from 'hono';
import type { ReadAsset } from '../core/assets.ts';
import { newRoutes } from './routes.ts';

const CACHE_CONTROL = 'public, max-age=300';

interface Document {
  readonly text: string;
  readonly etag: string;
}

/** `asset`: its name in the folder of assets. Where there is no such folder the answer is 503. */
export function assetDocumentRoutes(path: string, asset: string, contentType: string, readAsset: ReadAsset): Hono {
  const routes = newRoutes();
  let known: Document | undefined;

  routes.all(path, async (context) => {
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
    return new Response(text, { headers: { ...headers, 'Content-Type': contentType } });
  });
  return routes;

  async function read(): Promise<Document | undefined> {
    const text = await readAsset(asset);
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

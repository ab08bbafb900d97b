/** A document that anybody may read: cacheable for five minutes, readable from any web page, and nothing else here is. */
import type { Denial } from '../core/denial.ts';
import type { Result } from '../core/result.ts';

/** Not `no-store`: AWS refuses issuers whose keys cannot be cached. Not longer: an emergency rotation must be over in five minutes. */
const CACHE_CONTROL = 'public, max-age=300';
const METHODS = 'GET, HEAD, OPTIONS';

export interface PublicDocument {
  readonly body: object;
  readonly type: string;
}

/** `make` answers undefined where there is no such thing. */
export async function servePublicDocument(
  { method, headers }: Request,
  make: () => Promise<Result<PublicDocument | undefined, Denial>>,
): Promise<Response> {
  if (method === 'OPTIONS') return preflight();
  if (method !== 'GET' && method !== 'HEAD') return fault(405, 'This document is only read.', { Allow: METHODS });
  const made = await make();
  if (!made.ok) return fault(503, 'This document cannot be made right now.', { 'Retry-After': '1' });
  if (made.value === undefined) return fault(404, 'There is no such issuer.');
  return document(JSON.stringify(made.value.body), made.value.type, headers.get('if-none-match') ?? undefined);
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

function fault(status: number, description: string, headers: Readonly<Record<string, string>> = {}): Response {
  const error = status === 503 ? 'temporarily_unavailable' : 'invalid_request';
  return Response.json(
    { error, error_description: description },
    { status, headers: { 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*', ...headers } },
  );
}

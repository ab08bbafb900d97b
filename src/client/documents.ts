/** The broker's public documents: whether it is ready, and what it publishes about an issuer of its own. */
import { ask, type ClientOptions, type Reply } from './http.ts';

export interface Readiness {
  readonly ready: boolean;
  /** What is missing, where something is. */
  readonly reason?: string;
  /** The broker's clock, to the second; undefined where something in between took the header. */
  readonly dateMs?: number;
}

interface Discovery {
  readonly issuer: string;
  readonly jwks_uri: string;
}

/** Throws what `fetch` throws; undefined where something else than a broker answers. */
export async function readiness({
  origin,
  fetch,
}: Pick<ClientOptions, 'origin' | 'fetch'>): Promise<Readiness | undefined> {
  const response = await fetch(`${origin}/readyz`, { method: 'GET', headers: { accept: 'application/json' } });
  const { status, reason } = parse(await response.text());
  const dateMs = Date.parse(response.headers.get('date') ?? '');
  const date = Number.isNaN(dateMs) ? {} : { dateMs };
  if (response.status === 200 && status === 'ok') return { ready: true, ...date };
  if (response.status !== 503 || typeof reason !== 'string') return undefined;
  return { ready: false, reason, ...date };
}

/**
 * The keys that an issuer of this broker publishes. Only of this broker: a token's own `iss` must not choose where we look, so what does
 * not lie below `origin` is refused before anything is asked, and so is a `jwks_uri` elsewhere.
 */
export async function publishedKeys(
  { origin, fetch }: Pick<ClientOptions, 'origin' | 'fetch'>,
  issuer: string,
): Promise<Reply<{ readonly keys: readonly unknown[] }>> {
  if (!issuer.startsWith(`${origin}/`)) return foreign(`the issuer is not below ${origin}`);
  const path = issuer.slice(origin.length);
  const discovery = await ask<Discovery>({ origin, fetch }, 'GET', `${path}/.well-known/openid-configuration`, {});
  if (!discovery.ok) return discovery;
  const { issuer: said, jwks_uri: jwksUri } = discovery.value;
  if (said !== issuer) return foreign('the discovery document names another issuer');
  if (typeof jwksUri !== 'string' || !jwksUri.startsWith(`${origin}/`)) return foreign('the keys lie elsewhere');
  return ask({ origin, fetch }, 'GET', jwksUri.slice(origin.length), {});
}

function foreign(message: string): Reply<never> {
  return { ok: false, error: { status: 0, code: 'FOREIGN_ISSUER', message }, requestId: '' };
}

function parse(text: string): { readonly status?: unknown; readonly reason?: unknown } {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null ? document : {};
  } catch {
    return {};
  }
}

/** Discovery and JWKS of each pool's issuer. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { Denial } from '../../core/denial.ts';
import { ok, type Result } from '../../core/result.ts';
import { type PublicDocument, servePublicDocument } from '../public-document.ts';
import { discoveryDocument, issuerOf, type PublishedJwk } from './documents.ts';

export interface WellKnownPorts {
  readonly publicOrigin: string;
  poolExists(projectNumber: string, poolId: string): Promise<Result<boolean, Denial>>;
  /** undefined: no such project. */
  publishedKeys(projectNumber: string): Promise<Result<{ readonly keys: readonly PublishedJwk[] } | undefined, Denial>>;
}

type Render = (issuer: string, keys: readonly PublishedJwk[]) => PublicDocument;

export function createWellKnownRoutes(ports: WellKnownPorts): Hono {
  const discovery: Render = (issuer, keys) => ({
    body: discoveryDocument(ports.publicOrigin, issuer, keys),
    type: 'application/json',
  });
  const jwks: Render = (_issuer, keys) => ({ body: { keys }, type: 'application/jwk-set+json' });
  const routes = newRoutes();
  serve('/:projectNumber{[1-9][0-9]{5,18}}/:poolId/.well-known/openid-configuration', discovery);
  serve('/.well-known/oauth-authorization-server/:projectNumber{[1-9][0-9]{5,18}}/:poolId', discovery);
  serve('/:projectNumber{[1-9][0-9]{5,18}}/:poolId/jwks', jwks);
  return routes;

  function serve(path: string, render: Render): void {
    routes.all(path, async (context) => {
      const { projectNumber, poolId }: Record<string, string | undefined> = context.req.param();
      return servePublicDocument(context.req.raw, async () => {
        if (projectNumber === undefined || poolId === undefined) return ok(undefined);
        const exists = await ports.poolExists(projectNumber, poolId);
        if (!exists.ok || !exists.value) return exists.ok ? ok(undefined) : exists;
        const published = await ports.publishedKeys(projectNumber);
        if (!published.ok || published.value === undefined) return published.ok ? ok(undefined) : published;
        return ok(render(issuerOf(ports.publicOrigin, projectNumber, poolId), published.value.keys));
      });
    });
  }
}

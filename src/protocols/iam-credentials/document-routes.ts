/** What relying parties verify a service account's tokens and signatures by: the issuer PUBLIC_ORIGIN/PROJECT_NUMBER, and one account's own keys. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { Denial } from '../../core/denial.ts';
import { ok, type Result } from '../../core/result.ts';
import { accountIssuer } from '../../core/service-account-claims.ts';
import { type PublicDocument, servePublicDocument } from '../public-document.ts';

/** The public half of a key, exactly as it is published. */
interface PublishedJwk {
  readonly kid: string;
  readonly alg: string;
}

type Published = Promise<Result<{ readonly keys: readonly PublishedJwk[] } | undefined, Denial>>;

export interface DocumentPorts {
  readonly publicOrigin: string;
  /** Of all service accounts of a project; undefined: it never had one, or is gone. */
  issuerKeys(projectNumber: string): Published;
  /** Of what one account signed at will; undefined: there is no such account. */
  accountKeys(email: string): Published;
}

const JWKS_TYPE = 'application/jwk-set+json';

export function documentRoutes(ports: DocumentPorts): Hono {
  const routes = newRoutes();
  const number = ':projectNumber{[1-9][0-9]{5,18}}';
  serve(`/${number}/.well-known/openid-configuration`, discovery);
  serve(`/.well-known/oauth-authorization-server/${number}`, discovery);
  serve(`/${number}/jwks`, (_issuer, keys) => ({ body: { keys }, type: JWKS_TYPE }));
  routes.all('/v1/metadata/jwk/:account', (context) =>
    servePublicDocument(context.req.raw, async () => {
      const published = await ports.accountKeys(context.req.param('account').toLowerCase());
      if (!published.ok || published.value === undefined) return published.ok ? ok(undefined) : published;
      return ok({ body: { keys: published.value.keys }, type: JWKS_TYPE });
    }),
  );
  return routes;

  function serve(path: string, render: (issuer: string, keys: readonly PublishedJwk[]) => PublicDocument): void {
    routes.all(path, (context) =>
      servePublicDocument(context.req.raw, async () => {
        const { projectNumber = '' }: Record<string, string | undefined> = context.req.param();
        const published = await ports.issuerKeys(projectNumber);
        if (!published.ok || published.value === undefined) return published.ok ? ok(undefined) : published;
        return ok(render(accountIssuer(ports.publicOrigin, projectNumber), published.value.keys));
      }),
    );
  }
}

/** The members that AWS, Google and Entra look for (WIRE.md H.2). */
function discovery(issuer: string, keys: readonly PublishedJwk[]): PublicDocument {
  const body = {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.alg))].toSorted(),
    claims_supported: ['iss', 'sub', 'aud', 'azp', 'exp', 'iat', 'jti', 'email', 'email_verified', 'act', 'scope'],
  };
  return { body, type: 'application/json' };
}

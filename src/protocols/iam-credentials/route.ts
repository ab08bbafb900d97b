/** IAM Credentials v1: access tokens, ID tokens and signatures of service accounts, and the documents that relying parties verify them by. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { AuthenticateAdmin } from '../../core/admin/authenticated.ts';
import { generate } from '../../core/credentials/generate.ts';
import type { CredentialPorts } from '../../core/credentials/ports.ts';
import { admit, isForged } from '../admit.ts';
import { readJsonBody } from '../json-body.ts';
import { documentRoutes, type DocumentPorts } from './document-routes.ts';
import { type CredentialPath, parseCall, parsePath } from './request.ts';
import { renderCredentialDenial, renderGenerated } from './response.ts';

interface IamCredentialsDeps {
  readonly credentials: CredentialPorts;
  readonly documents: DocumentPorts;
  readonly authenticate: AuthenticateAdmin;
}

type Routes = Hono<{ Variables: { requestId: string } }>;

export function createIamCredentialsRoutes(deps: IamCredentialsDeps): Routes {
  const routes: Routes = newRoutes();
  routes.route('/', documentRoutes(deps.documents));
  routes.all('/v1/projects/:project/serviceAccounts/:call', async (context, next) => {
    const { pathname } = new URL(context.req.url);
    const path = parsePath(pathname);
    if (path === undefined) {
      await next();
      return undefined;
    }
    return answer(context.req.raw, path, context.get('requestId'));
  });
  return routes;

  /** Nothing is told to strangers, not even that the method is wrong. */
  async function answer(request: Request, path: CredentialPath, requestId: string): Promise<Response> {
    const caller = await admit(request, requestId, deps.authenticate);
    if (!caller.ok) return renderCredentialDenial(caller.error);
    if (request.method !== 'POST') return renderCredentialDenial({ tag: 'method_not_allowed', allow: ['POST'] });
    if (isForged(request, caller.value, deps.credentials.publicOrigin))
      return renderCredentialDenial({ tag: 'cross_site' });
    const body = await readJsonBody(request);
    if (!body.ok) return renderCredentialDenial(body.error);
    const asked = parseCall(path, body.value);
    if (!asked.ok) return renderCredentialDenial(asked.error);
    const generated = await generate({ requestId, caller: caller.value, ...asked.value }, deps.credentials);
    return generated.ok ? renderGenerated(generated.value) : renderCredentialDenial(generated.error);
  }
}

/** The care of tokens that are out: introspection (RFC 7662), revocation (RFC 7009), and tokeninfo for whoever holds one. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { AuthenticateAdmin } from '../../core/admin/authenticated.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { introspect, type IntrospectPorts } from '../../core/token-care/introspect.ts';
import { revoke, type RevokePorts } from '../../core/token-care/revoke.ts';
import { admit, isForged } from '../admit.ts';
import { decodeUtf8, readBody } from '../read-body.ts';
import { type Parameters, readFormParameters, readJsonParameters, readRevocation, readToken } from './request.ts';
import {
  type Dialect,
  type Refusal,
  renderIntrospected,
  renderRefusal,
  renderRevoked,
  renderTokenInfo,
} from './response.ts';

export interface TokenCareDeps {
  readonly ports: IntrospectPorts & RevokePorts;
  readonly publicOrigin: string;
  readonly authenticate: AuthenticateAdmin;
}

type Routes = Hono<{ Variables: { requestId: string } }>;

const MAX_BODY_BYTES = 65_536;

export function createTokenCareRoutes({ ports, publicOrigin, authenticate }: TokenCareDeps): Routes {
  const routes: Routes = newRoutes();
  routes.all('/v1/introspect', (context) => answered(() => look(context.req.raw, context.get('requestId'))));
  routes.all('/v1/revoke', (context) => answered(() => end(context.req.raw, context.get('requestId'))));
  for (const path of ['/v1/tokeninfo', '/tokeninfo']) {
    routes.all(path, (context) => answered(() => tell(context.req.raw)));
  }
  return routes;

  async function look(request: Request, requestId: string): Promise<Result<Response, Refusal>> {
    const posted = onlyPosted(request);
    if (!posted.ok) return posted;
    const caller = await admit(request, requestId, authenticate);
    if (!caller.ok) return caller;
    const read = await readParameters(request);
    if (!read.ok) return read;
    const token = readToken(read.value.parameters);
    if (!token.ok) return malformed(token.error);
    const found = await introspect({ requestId, caller: caller.value, token: token.value }, ports);
    return found.ok ? ok(renderIntrospected(found.value, read.value.dialect)) : found;
  }

  /** Whoever shows nothing but the token is its holder (RFC 7009 §2.1: a public client). */
  async function end(request: Request, requestId: string): Promise<Result<Response, Refusal>> {
    const posted = onlyPosted(request);
    if (!posted.ok) return posted;
    const caller = await admit(request, requestId, authenticate);
    if (!caller.ok && caller.error.tag !== 'unauthenticated') return caller;
    if (caller.ok && isForged(request, caller.value, publicOrigin)) return err({ tag: 'bad_credentials' });
    const read = await readParameters(request);
    if (!read.ok) return read;
    const wanted = readRevocation(read.value.parameters, Math.floor(ports.nowMs() / 1_000));
    if (!wanted.ok) return malformed(wanted.error);
    const input = { requestId, caller: caller.ok ? caller.value : undefined, request: wanted.value };
    const done = await revoke(input, ports);
    return done.ok ? ok(renderRevoked()) : done;
  }

  /** In a header or a body, never in a URL, where every log on the way would keep it. */
  async function tell(request: Request): Promise<Result<Response, Refusal>> {
    if (request.method !== 'GET' && request.method !== 'POST') {
      return err({ tag: 'method_not_allowed', allow: 'GET, POST' });
    }
    if (new URL(request.url).search !== '') return malformed('a token must not stand in the query string');
    const token = await shownToken(request);
    if (!token.ok) return token;
    const verified = await ports.verifyOwn(token.value);
    if (!verified.ok) return verified;
    const own = verified.value;
    if (own === undefined) return err({ tag: 'not_a_token' });
    const stands = await ports.stands(own.holder);
    if (!stands.ok) return stands;
    return stands.value ? ok(renderTokenInfo(own, Math.floor(ports.nowMs() / 1_000))) : err({ tag: 'not_a_token' });
  }
}

async function shownToken(request: Request): Promise<Result<string, Refusal>> {
  const [, bearer] = /^Bearer +([^ ]+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  if (bearer !== undefined) return ok(bearer);
  if (request.method !== 'POST') return malformed('a token is wanted, as a bearer token');
  const read = await readParameters(request);
  if (!read.ok) return read;
  const token = readToken(read.value.parameters, 'access_token');
  return token.ok ? token : malformed(token.error);
}

function onlyPosted(request: Request): Result<void, Refusal> {
  if (request.method !== 'POST') return err({ tag: 'method_not_allowed', allow: 'POST' });
  return new URL(request.url).search === '' ? ok(undefined) : malformed('nothing must stand in the query string');
}

interface Read {
  readonly parameters: Parameters;
  readonly dialect: Dialect;
}

async function readParameters(request: Request): Promise<Result<Read, Refusal>> {
  const mediaType = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  const dialect = mediaType === 'application/json' ? 'json' : 'form';
  if (dialect === 'form' && mediaType !== 'application/x-www-form-urlencoded') {
    return err({ tag: 'unsupported_media_type' });
  }
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === 'too_large') return err({ tag: 'body_too_large' });
  const text = body === 'broken' ? undefined : decodeUtf8(body);
  if (text === undefined) return malformed('the body is cut off, or no UTF-8');
  const parameters = dialect === 'json' ? readJsonParameters(text) : readFormParameters(text);
  return parameters.ok ? ok({ parameters: parameters.value, dialect }) : malformed(parameters.error);
}

function malformed(problem: string): Result<never, Refusal> {
  return err({ tag: 'malformed_request', problem });
}

async function answered(answer: () => Promise<Result<Response, Refusal>>): Promise<Response> {
  const done = await answer();
  return done.ok ? done.value : renderRefusal(done.error);
}

/** What is said of a token, and what is refused: JSON as OAuth has it (RFC 7662, RFC 7009, RFC 6749 §5.2), whoever asks. */
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { Denial } from '../../core/denial.ts';
import type { OwnToken } from '../../core/own-token.ts';
import { toldOf } from '../../core/token-care/introspect.ts';

/** RFC 7662 has numbers; Google's JSON has 64 bits in strings. Who asks in JSON speaks Google's. */
export type Dialect = 'form' | 'json';

export function renderIntrospected(token: OwnToken | undefined, dialect: Dialect): Response {
  if (token === undefined) return json(200, { active: false });
  const { exp, iat, nbf, ...told } = toldOf(token);
  const time = (seconds: number): number | string => (dialect === 'json' ? String(seconds) : seconds);
  return json(200, {
    active: true,
    ...told,
    token_type: 'Bearer',
    exp: time(exp),
    ...(iat === undefined ? {} : { iat: time(iat) }),
    ...(nbf === undefined ? {} : { nbf: time(nbf) }),
  });
}

export function renderRevoked(): Response {
  return json(200, {});
}

/** As Google's tokeninfo: numbers in strings, `scope` always there. */
export function renderTokenInfo(token: OwnToken, nowSeconds: number): Response {
  const { client_id: azp = '', aud = '', sub, scope = '', exp, username } = toldOf(token);
  const { holder } = token;
  return json(200, {
    azp,
    aud,
    sub,
    scope,
    exp: String(exp),
    expires_in: String(Math.max(0, exp - nowSeconds)),
    ...(holder.kind === 'serviceAccount' ? { email: holder.email, email_verified: 'true' } : {}),
    username,
    access_type: 'online',
  });
}

export type Refusal =
  | AdminDenial
  | Denial
  | { readonly tag: 'malformed_request'; readonly problem: string }
  | { readonly tag: 'not_a_token' }
  | { readonly tag: 'method_not_allowed'; readonly allow: string }
  | { readonly tag: 'unsupported_media_type' }
  | { readonly tag: 'body_too_large' };

export function renderRefusal(refusal: Refusal): Response {
  switch (refusal.tag) {
    case 'malformed_request':
      return error(400, 'invalid_request', `The request is malformed: ${refusal.problem}.`);
    case 'invalid_argument': {
      const [first] = refusal.violations;
      return error(400, 'invalid_request', `Invalid value for "${first?.field ?? ''}": ${first?.description ?? ''}.`);
    }
    case 'not_a_token':
      return error(400, 'invalid_token', 'Invalid Value');
    case 'unauthenticated':
      return error(401, 'invalid_client', 'A bearer token is needed.', { 'WWW-Authenticate': 'Bearer' });
    case 'bad_credentials':
      return error(401, 'invalid_client', 'The bearer token is not good.', {
        'WWW-Authenticate': 'Bearer error="invalid_token"',
      });
    case 'permission_denied':
      return error(403, 'access_denied', `This takes ${refusal.permission} on ${refusal.resource}.`);
    case 'not_found':
      return error(404, 'invalid_request', `There is no ${refusal.resource}.`);
    case 'limit_reached':
    case 'failed_precondition':
      return error(429, 'slow_down', refusal.description, { 'Retry-After': '60' });
    case 'method_not_allowed':
      return error(405, 'invalid_request', `This takes ${refusal.allow} only.`, { Allow: refusal.allow });
    case 'unsupported_media_type':
      return error(415, 'invalid_request', 'Send application/x-www-form-urlencoded or application/json.');
    case 'body_too_large':
      return error(413, 'invalid_request', 'The request body is larger than 64 KiB.');
    case 'unavailable':
    case 'not_in_force_yet':
      return error(503, 'temporarily_unavailable', 'The service cannot answer right now. Please retry.', {
        'Retry-After': '1',
      });
    default:
      return error(500, 'server_error', 'Internal error. The request id names it to the operator.');
  }
}

function error(
  status: number,
  code: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return json(status, { error: code, error_description: description }, headers);
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(body, { status, headers: { 'Cache-Control': 'no-store', Pragma: 'no-cache', ...headers } });
}

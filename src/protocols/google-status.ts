/** A refusal as google.rpc.Status (WIRE.md A.10), for every dialect that speaks it: total over every reason there is. */
import type { FieldViolation } from '../core/admin/denial.ts';
import type { JsonObject } from '../core/json.ts';
import type { RestDenial } from './http-denial.ts';

export function renderDenial(denial: RestDenial): Response {
  const { code, status, message, details = [], headers = {} } = statusOf(denial);
  const error = { code, message, status, ...(details.length > 0 ? { details } : {}) };
  return renderJson({ error }, code, headers);
}

export function renderJson(body: JsonObject, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  // Configuration is nobody's business on the way: no cache may keep it.
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } });
}

/** For bugs: nothing of the fault is told. */
export function renderFault(): Response {
  return renderJson({ error: { code: 500, message: 'Internal error encountered.', status: 'INTERNAL' } }, 500);
}

interface Status {
  readonly code: number;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly JsonObject[];
  readonly headers?: Readonly<Record<string, string>>;
}

function statusOf(denial: RestDenial): Status {
  switch (denial.tag) {
    case 'invalid_argument':
      return invalidArgument(denial.violations);
    case 'failed_precondition':
      return { code: 400, status: 'FAILED_PRECONDITION', message: denial.description };
    case 'limit_reached':
      return { code: 429, status: 'RESOURCE_EXHAUSTED', message: denial.description };
    case 'malformed_json':
      return invalidRequest(400, `Invalid JSON payload received: ${denial.problem}.`);
    case 'unauthenticated':
      return {
        code: 401,
        status: 'UNAUTHENTICATED',
        message: 'Request is missing required authentication credential. Expected an OAuth 2 access token.',
        details: [errorInfo('CREDENTIALS_MISSING', {})],
        headers: { 'www-authenticate': 'Bearer' },
      };
    case 'bad_credentials':
      return {
        code: 401,
        status: 'UNAUTHENTICATED',
        message: 'Request had invalid authentication credentials. Expected an OAuth 2 access token.',
        details: [errorInfo('ACCESS_TOKEN_TYPE_UNSUPPORTED', {})],
        headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      };
    case 'permission_denied':
      return {
        code: 403,
        status: 'PERMISSION_DENIED',
        message: `Permission '${denial.permission}' denied on resource '${denial.resource}' (or it may not exist).`,
        details: [errorInfo('IAM_PERMISSION_DENIED', { permission: denial.permission, resource: denial.resource })],
      };
    case 'cross_site':
      return { code: 403, status: 'PERMISSION_DENIED', message: 'Cross-site requests may not change anything.' };
    case 'not_found':
      return { code: 404, status: 'NOT_FOUND', message: `Requested entity was not found: ${denial.resource}` };
    case 'unknown_path':
      return {
        code: 404,
        status: 'NOT_FOUND',
        message: `The requested URL was not found on this server.${hintOf(denial)}`,
      };
    case 'method_not_allowed':
      return {
        code: 405,
        status: 'UNIMPLEMENTED',
        message: `This path takes ${denial.allow.join(', ')} only.`,
        headers: { allow: denial.allow.join(', ') },
      };
    case 'already_exists':
      return { code: 409, status: 'ALREADY_EXISTS', message: `Requested entity already exists: ${denial.resource}` };
    case 'etag_mismatch':
      return {
        code: 409,
        status: 'ABORTED',
        message: `There were concurrent changes of ${denial.resource}. Please retry the whole read-modify-write.`,
      };
    case 'too_many_failures':
      return {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        message: 'Too many failed attempts from this address.',
        headers: { 'retry-after': String(denial.retryAfterSeconds) },
      };
    case 'body_too_large':
      return invalidRequest(413, `The request body is larger than ${denial.maxBytes} bytes.`);
    case 'unsupported_media_type':
      return invalidRequest(415, 'The request body must be application/json in UTF-8, without content encoding.');
    case 'not_in_force_yet':
      return {
        code: 503,
        status: 'UNAVAILABLE',
        message: `The change of ${denial.resource} is saved, but not yet in force everywhere. It will be; do not repeat it.`,
        details: [errorInfo('SAVED_NOT_YET_IN_FORCE', { resource: denial.resource })],
      };
    case 'unavailable':
      return {
        code: 503,
        status: 'UNAVAILABLE',
        message: denial.description,
        details: [errorInfo('DEPENDENCY_UNAVAILABLE', { dependency: denial.dependency })],
        headers: { 'retry-after': '1' },
      };
  }
}

function hintOf({ hint }: Extract<RestDenial, { readonly tag: 'unknown_path' }>): string {
  return hint === undefined ? '' : ` Nearly the same is /v1/${hint}.`;
}

/** A document of a megabyte can be wrong in thousands of places; whoever mends a file wants all that are his. */
const MAX_LISTED_VIOLATIONS = 100;

function invalidArgument(violations: readonly FieldViolation[]): Status {
  const listed = violations.slice(0, MAX_LISTED_VIOLATIONS);
  const fieldViolations = listed.map(({ field, description }) => ({ field, description }));
  const [first, ...others] = violations;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return {
    code: 400,
    status: 'INVALID_ARGUMENT',
    message:
      first === undefined ? 'Invalid argument.' : `Invalid value at '${first.field}': ${first.description}${more}`,
    details: [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations }],
  };
}

function invalidRequest(code: number, message: string): Status {
  return { code, status: 'INVALID_ARGUMENT', message };
}

function errorInfo(reason: string, metadata: Readonly<Record<string, string>>): JsonObject {
  return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'iam.googleapis.com', metadata };
}

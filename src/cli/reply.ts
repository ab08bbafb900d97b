/** A refusal of the broker in words (google.rpc.Status, RFC 6749 errors): what, where, and what to do about it. */
import { isResource } from '../client/administration.ts';
import type { ApiError, Reply } from '../client/http.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { CliFault } from './fault.ts';

/** The answer; a refusal ends the command. `doing` says what was tried, e.g. `get projects/demo`. */
export function answered<T>(doing: string, reply: Reply<T>): T {
  if (reply.ok) return reply.value;
  throw faultOf(doing, reply.error, reply.requestId);
}

export function faultOf(doing: string, error: ApiError, requestId: string): CliFault {
  const { status, code, message } = error;
  const lines = [...violations(error), ...advice(error), ...(requestId === '' ? [] : [`request id: ${requestId}`])];
  return new CliFault(
    exitCodeOf(error),
    `${doing}: ${code === 'UNKNOWN' ? `HTTP ${status}` : code}: ${message}`,
    lines,
  );
}

function exitCodeOf({ status, code }: ApiError): ExitCode {
  if (status === 404) return EXIT.notFound;
  if (status >= 500 || status === 429 || code === 'UNAVAILABLE') return EXIT.unavailable;
  return EXIT.refused;
}

/** google.rpc.BadRequest: each field that is wrong. The first one stands in the message already. */
function violations({ details = [], message }: ApiError): readonly string[] {
  return details
    .filter(isResource)
    .flatMap(({ fieldViolations }) => (Array.isArray(fieldViolations) ? fieldViolations.filter(isResource) : []))
    .filter(({ description }) => !message.includes(textOf(description)))
    .map(({ field, description }) => `${textOf(field)}: ${textOf(description)}`);
}

function advice({ status, code }: ApiError): readonly string[] {
  if (status === 401) return ['Log in first: edge-sts login URL (or set EDGE_STS_TOKEN, or --token-file).'];
  if (status === 403) return ['Which roles you have: edge-sts whoami'];
  if (code === 'ABORTED') return ['Somebody changed it meanwhile: read it again, then repeat.'];
  if (status >= 300 && status < 400)
    return ['Something in front of the broker redirects; a token follows no redirect.'];
  return [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

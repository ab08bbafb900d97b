/** A request of AWS's query protocol (WIRE.md F.1): a form that is posted, or a query string that is got. Each parameter once, wherever it stands. Pure. */
import { err, ok, type Result } from '../../core/result.ts';
import { awsError, type AwsError } from './errors.ts';

export interface QueryRequest {
  readonly action: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const VERSION = '2011-06-15';
const FORM = 'application/x-www-form-urlencoded';
const MAX_PARAMETERS = 100;

export interface Sent {
  readonly method: string;
  readonly mediaType: string;
  /** Without the question mark. */
  readonly query: string;
  readonly body: string;
}

export function parseQueryRequest({ method, mediaType, query, body }: Sent): Result<QueryRequest, AwsError> {
  if (method !== 'POST' && method !== 'GET') return err(awsError(405, 'InvalidAction', 'Only GET and POST are taken'));
  const inQuery = pairsOf(query).filter(([name]) => !isOfSignature(name));
  if (method === 'POST' && inQuery.length > 0) {
    // Two readers would take it from two places.
    return err(invalid('With POST the parameters stand in the body, none in the query string'));
  }
  if (method === 'GET' && body !== '')
    return err(invalid('With GET the parameters stand in the query string, none in a body'));
  if (method === 'POST' && mediaType.split(';')[0]?.trim().toLowerCase() !== FORM) {
    return err(invalid(`The body must be ${FORM}`));
  }
  return fromPairs(method === 'POST' ? pairsOf(body) : inQuery);
}

function fromPairs(pairs: readonly (readonly [string, string])[]): Result<QueryRequest, AwsError> {
  if (pairs.length > MAX_PARAMETERS) return err(invalid(`There are more than ${MAX_PARAMETERS} parameters`));
  const parameters = new Map<string, string>();
  for (const [name, value] of pairs) {
    // Two parsers may pick different ones (CVE-2022-2385).
    if (parameters.has(name)) return err(invalid('A parameter stands in it more than once'));
    if (value.includes('\u{fffd}') || name.includes('\u{fffd}')) return err(invalid('A parameter is not UTF-8'));
    parameters.set(name, value);
  }
  const action = parameters.get('Action');
  if (action === undefined || action === '')
    return err(awsError(400, 'MissingParameter', 'The request must contain the parameter Action'));
  if (parameters.get('Version') !== VERSION) {
    return err(awsError(400, 'InvalidAction', `Version must be ${VERSION}`));
  }
  return ok({ action, parameters });
}

/** As the URL standard reads them: the signature is over the bytes, so nothing here can change what was signed. */
function pairsOf(text: string): readonly (readonly [string, string])[] {
  return text === '' ? [] : [...new URLSearchParams(text)];
}

function isOfSignature(name: string): boolean {
  return name.startsWith('X-Amz-');
}

function invalid(message: string): AwsError {
  return awsError(400, 'InvalidParameterValue', message);
}

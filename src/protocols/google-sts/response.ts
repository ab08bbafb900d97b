/** What the caller of POST /v1/token hears (WIRE.md A.5, A.6; CONTRACT "Exchange"). Callers learn that, operators learn why. Pure. */
import type { Check, Denial } from '../../core/denial.ts';
import type { Issued } from '../../core/exchange.ts';
import { quotaHeaders } from './quota-headers.ts';

/** Refusals that exist before there is an exchange: the request was not one. */
export type RequestFault =
  | { readonly tag: 'not_found' }
  | { readonly tag: 'method_not_allowed' }
  | { readonly tag: 'unsupported_media_type' }
  | { readonly tag: 'body_too_large' };

interface OAuthError {
  readonly status: 400 | 404 | 405 | 413 | 415 | 429 | 500 | 503;
  readonly error: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `limitPerMinute`: of the project, where the caller may know it. */
export function renderIssued(
  issued: Issued,
  requestedTokenType: string,
  requestId: string,
  limitPerMinute?: number,
): Response {
  const { accessToken, expiresInSeconds, scopes } = issued;
  // Put together by hand, for it is on the way of every exchange: a compact JWS, a URN of `request.ts` and a number hold nothing that JSON escapes.
  const scope = scopes.length > 0 ? `,"scope":${JSON.stringify(scopes.join(' '))}` : '';
  const body = `{"access_token":"${accessToken}","issued_token_type":"${requestedTokenType}","token_type":"Bearer","expires_in":${expiresInSeconds}${scope}}`;
  return new Response(body, { headers: issuedHeaders(requestId, limitPerMinute) });
}

/**
 * Made once and copied into each answer: written out anew, headers would cost more than everything else about it. `nosniff`, which other answers
 * have, is not here: no browser takes the answer to a POST, of this type and not to be stored, for a script or a style, and each header is 1 % of
 * an exchange.
 */
const ISSUED_HEADERS = new Headers({
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
});
let policyPerMinute: number | undefined;

/** Only until the next answer is made. */
function issuedHeaders(requestId: string, limitPerMinute: number | undefined): Headers {
  if (limitPerMinute === undefined || limitPerMinute !== policyPerMinute) {
    for (const [name, value] of Object.entries(quotaHeaders(limitPerMinute))) ISSUED_HEADERS.set(name, value);
    policyPerMinute = limitPerMinute;
  }
  ISSUED_HEADERS.set('X-Request-Id', requestId);
  return ISSUED_HEADERS;
}

/** Always JSON with a string `error`: Java's client casts it and would die of anything else (WIRE.md A.6). */
export function renderDenial(denial: Denial | RequestFault, limitPerMinute?: number): Response {
  const { status, error, description, headers } = wordsFor(denial);
  const quota = quotaHeaders(limitPerMinute, denial.tag === 'over_quota' ? denial : undefined);
  return json(status, { error, error_description: description }, { ...quota, ...headers });
}

/** What every answer of the broker says, whatever it is; this one is changed, and given back. */
export function withRequestId(answer: Response, requestId: string): Response {
  answer.headers.set('X-Request-Id', requestId);
  answer.headers.set('X-Content-Type-Options', 'nosniff');
  return answer;
}

const INVALID_TARGET =
  'The target service indicated by the "audience" or "resource" parameter is invalid: it does not exist, is disabled or deleted, or nothing is granted on it.';
const INVALID_GRANT = 'The subject token could not be verified.';
const EXPIRED = 'The subject token has expired or is about to.';
const AUDIENCE = 'The audience of the subject token does not match the expected audience of the provider.';
const LEGACY =
  'The subject token is a long-lived ServiceAccount token. Mount a projected token with an audience and expirationSeconds of at most a day instead.';
const REJECTED = 'The given credential is rejected by the attribute condition or by policy.';
const QUOTA =
  'The request was throttled due to rate limit: token exchanges per minute. Please retry after the time in Retry-After.';

/** A new reason to refuse does not compile until it has words here. */
function wordsFor(denial: Denial | RequestFault): OAuthError {
  switch (denial.tag) {
    case 'malformed':
      return refused('invalid_request', `Invalid value for "${denial.parameter}": ${denial.problem}.`);
    case 'unsupported_grant_type':
      return refused('unsupported_grant_type', 'grant_type must be urn:ietf:params:oauth:grant-type:token-exchange.');
    case 'invalid_scope':
      return refused('invalid_scope', 'The scope parameter is malformed.');
    case 'unknown_provider':
    case 'disabled':
    case 'unknown_target':
    case 'not_granted':
      return refused('invalid_target', INVALID_TARGET);
    case 'unverified':
      return refused('invalid_grant', wordsForCheck(denial.check));
    case 'subject_too_long':
      return refused('invalid_request', 'The size of mapped attribute google.subject exceeds the 127 bytes limit.');
    case 'denied_uid':
    case 'condition_false':
    case 'condition_error':
    case 'denied_by_policy':
      return refused('unauthorized_client', REJECTED);
    case 'over_quota':
      return {
        status: 429,
        error: 'quota_exceeded',
        description: denial.limitPerMinute === 0 ? CLOSED : QUOTA,
        headers: retryAfter(denial.retryAfterSeconds),
      };
    case 'too_many_failures':
      return {
        status: 429,
        error: 'slow_down',
        description: 'Too many failed requests from this address.',
        headers: retryAfter(denial.retryAfterSeconds),
      };
    case 'token_too_large':
      return refused('invalid_request', 'The token that would be issued is larger than 8 KiB.');
    case 'unavailable':
      return {
        status: 503,
        error: 'temporarily_unavailable',
        description: 'The service cannot answer right now. Please retry.',
        headers: retryAfter(1),
      };
    case 'internal':
      return {
        status: 500,
        error: 'server_error',
        description: 'Internal error. The request id names it to the operator.',
      };
    case 'not_found':
      return { status: 404, error: 'invalid_request', description: 'There is nothing at this path.' };
    case 'method_not_allowed':
      return {
        status: 405,
        error: 'invalid_request',
        description: 'The token endpoint takes POST only.',
        headers: { Allow: 'POST' },
      };
    case 'unsupported_media_type':
      return {
        status: 415,
        error: 'invalid_request',
        description: 'Send application/x-www-form-urlencoded or application/json.',
      };
    case 'body_too_large':
      return { status: 413, error: 'invalid_request', description: 'The request body is larger than 64 KiB.' };
  }
}

/** Only who was verified, and may have what he asks for, hears that: it is no secret from him that he is shut out. */
const CLOSED =
  'No token exchanges are granted: a limit of this project or caller is 0. Retrying does not help until an administrator raises it.';

/** One text for every way to fail verification, so that probing teaches nothing; three kinds have a way out to name. */
function wordsForCheck(check: Check): string {
  if (check === 'expired') return EXPIRED;
  if (check === 'audience') return AUDIENCE;
  return check === 'legacy_token' || check === 'one_year_token' ? LEGACY : INVALID_GRANT;
}

function refused(error: string, description: string): OAuthError {
  return { status: 400, error, description };
}

function retryAfter(seconds: number): Record<string, string> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) };
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>>): Response {
  return Response.json(body, { status, headers: { 'Cache-Control': 'no-store', Pragma: 'no-cache', ...headers } });
}

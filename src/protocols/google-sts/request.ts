/** POST /v1/token, read: form or JSON → ExchangeInput (WIRE.md A.2, A.3; RFC 8693 §2.1). Pure. */
import { type AccessBoundary, parseAccessBoundary } from '../../core/access-boundary.ts';
import type { Denial } from '../../core/denial.ts';
import { HotMap } from '../../core/hot-map.ts';
import { ownCopy } from '../../core/in-one-piece.ts';
import { isJsonObject, parseStrictJson } from '../../core/json.ts';
import { IAM_PREFIX, parseProviderName, type ProviderName } from '../../core/names.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { readForm } from './form.ts';

/** What the parameters say; the route adds where they came from. */
export type TokenRequest = ExchangeRequest | DownscopeRequest;

/** A token of ours, to be narrowed (WIRE.md A.8). */
export interface DownscopeRequest {
  readonly kind: 'downscope';
  readonly subjectToken: string;
  readonly boundary: AccessBoundary;
  readonly requestedTokenType: string;
}

export interface ExchangeRequest {
  readonly kind: 'exchange';
  /** A signed question to AWS (WIRE.md A.4.1). */
  readonly isAws?: true;
  readonly subjectToken: string;
  readonly provider: ProviderName | undefined;
  readonly resource: string | undefined;
  readonly scopes: readonly string[];
  /** Echoed as `issued_token_type`. */
  readonly requestedTokenType: string;
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const AWS_TOKEN_TYPE = 'urn:ietf:params:aws:token-type:aws4_request';
const SUBJECT_TOKEN_TYPES = [`${TOKEN_TYPE}jwt`, `${TOKEN_TYPE}id_token`, AWS_TOKEN_TYPE];
const REQUESTED_TOKEN_TYPES = [`${TOKEN_TYPE}access_token`, `${TOKEN_TYPE}jwt`, `${TOKEN_TYPE}id_token`];
const MAX_SUBJECT_TOKEN_BYTES = 16_384;
const MAX_AUDIENCE_CHARACTERS = 512;
const MAX_RESOURCE_CHARACTERS = 2_048;
const MAX_SCOPE_CHARACTERS = 4_096;
const SCOPE_TOKEN = /^[\u0021\u0023-\u005b\u005d-\u007e]+$/;

/** The parameters that mean something here, by their form spelling; all others are ignored, as Google does. */
const KNOWN = [
  'grant_type',
  'audience',
  'scope',
  'requested_token_type',
  'subject_token',
  'subject_token_type',
  'options',
  'resource',
  'actor_token',
  'actor_token_type',
] as const;
type Known = (typeof KNOWN)[number];
/** What came in a body is not yet one of the program's own names: looked up by it, each would be searched for among all of them. */
const KNOWN_NAMES: ReadonlyMap<string, Known> = new Map(KNOWN.map((name) => [name, name]));
type Parameters = Partial<Record<Known, string>>;

/** Query parameters that carry a credential: a token in a URL stands in every log on its way. Under any other name it is known by its look. */
const CREDENTIALS_IN_QUERY = new Set([
  'access_token',
  'oauth_token',
  'id_token',
  'token',
  'client_secret',
  'assertion',
  'client_assertion',
]);
/** A target's uri is written down where none has it; one that carries a token must not get that far. */
const CARRIES_JWT = /eyJ[A-Za-z0-9_-]{8}/;
const LOOKS_LIKE_JWT = /^\s*[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/;

/** `query`: what stands in the URL, if anything does. */
export function parseForm(body: string, query?: URLSearchParams): Result<TokenRequest, Denial> {
  return checkQuery(query) ?? requestAround(body) ?? fromForm(readForm(body));
}

/** By everything but the token: a workload asks for the same again and again. Nothing of a token is kept. */
const knownRequests = new HotMap<ExchangeRequest>(5_000);
const MAX_KNOWN_CHARACTERS = 1_024;

/**
 * The request, where it is known but for its token; undefined where it must be read. What stands around the first `subject_token` is read the
 * same way whatever the token is, as long as that is spelt without escapes: no parameter can come out of it, or vanish in it.
 */
function requestAround(body: string): Result<TokenRequest, Denial> | undefined {
  const from = body.startsWith(TOKEN_PARAMETER) ? TOKEN_PARAMETER.length : afterSeparator(body);
  if (from === undefined) return undefined;
  const end = body.indexOf('&', from);
  const to = end < 0 ? body.length : end;
  const spelt = body.slice(from, to);
  const subjectToken = spelt.trim();
  const isPlain = !spelt.includes('%') && !spelt.includes('+');
  if (!isPlain || subjectToken === '' || subjectToken.length > MAX_SUBJECT_TOKEN_BYTES) return undefined;
  const around = body.slice(0, from) + body.slice(to);
  const known = knownRequests.get(around);
  if (known !== undefined) return ok({ ...known, subjectToken });
  const read = fromForm(readForm(body));
  if (read.ok && read.value.kind === 'exchange' && around.length <= MAX_KNOWN_CHARACTERS) {
    knownRequests.set(around, kept(read.value));
  }
  return read;
}

/** The name of the provider is a copy already. */
function kept({ resource, scopes, requestedTokenType, ...rest }: ExchangeRequest): ExchangeRequest {
  return {
    ...rest,
    subjectToken: '',
    resource: resource === undefined ? undefined : ownCopy(resource),
    scopes: scopes.map(ownCopy),
    requestedTokenType: ownCopy(requestedTokenType),
  };
}

const TOKEN_PARAMETER = 'subject_token=';

function afterSeparator(body: string): number | undefined {
  const at = body.indexOf(`&${TOKEN_PARAMETER}`);
  return at < 0 ? undefined : at + 1 + TOKEN_PARAMETER.length;
}

export function parseJson(body: string, query?: URLSearchParams): Result<TokenRequest, Denial> {
  return checkQuery(query) ?? fromJson(body);
}

function checkQuery(query?: URLSearchParams): Result<never, Denial> | undefined {
  for (const [given, value] of query ?? []) {
    const name = [given.toLowerCase(), snake(given)].find(
      (one) => KNOWN_NAMES.has(one) || CREDENTIALS_IN_QUERY.has(one),
    );
    if (name !== undefined) return malformed(name, 'must not stand in the query string');
    if (LOOKS_LIKE_JWT.test(value)) return malformed('query', 'must not carry a token');
  }
  return undefined;
}

/** An empty parameter counts as absent (RFC 6749 §3.2), a repeated one is refused: two parsers may pick different ones. */
function fromForm(form: ReturnType<typeof readForm>): Result<TokenRequest, Denial> {
  const given: Parameters = {};
  let repeated: Known[] | undefined;
  for (const [said, value] of form) {
    const name = KNOWN_NAMES.get(said);
    if (name === undefined) continue;
    if (given[name] !== undefined) (repeated ??= []).push(name);
    given[name] = value;
  }
  const parameters: Parameters = {};
  for (const name of KNOWN) {
    if (repeated?.includes(name) === true) return malformed(name, 'stands more than once');
    const value = given[name];
    // What stands in place of bytes that are no UTF-8: nobody meant that.
    if (value?.includes('\u{fffd}') === true) return malformed(name, 'is not UTF-8');
    if (value !== undefined && value !== '') parameters[name] = value;
  }
  return fromParameters(parameters);
}

/** camelCase as Google's JSON has it, snake_case as GDCH clients send it; both spellings of one parameter are a repetition. */
function fromJson(body: string): Result<TokenRequest, Denial> {
  const document = parseStrictJson(body);
  if (!document.ok) return malformed('body', `is ${document.error}`);
  if (!isJsonObject(document.value)) return malformed('body', 'is not a JSON object');
  const parameters: Parameters = {};
  const seen = new Set<string>();
  for (const [member, value] of Object.entries(document.value)) {
    const name = KNOWN_NAMES.get(snake(member));
    if (name === undefined) continue;
    if (seen.has(name)) return malformed(name, 'stands more than once');
    seen.add(name);
    if (value === null || value === '') continue;
    if (typeof value !== 'string') return malformed(name, 'is not a string');
    parameters[name] = value;
  }
  return fromParameters(parameters);
}

function fromParameters(given: Parameters): Result<TokenRequest, Denial> {
  if (given.grant_type === undefined) return malformed('grant_type', 'is missing');
  if (given.grant_type !== GRANT_TYPE) return err({ tag: 'unsupported_grant_type' });
  if (given.actor_token !== undefined || given.actor_token_type !== undefined) {
    return malformed('actor_token', 'is not supported');
  }
  const requestedTokenType = given.requested_token_type ?? `${TOKEN_TYPE}access_token`;
  if (!REQUESTED_TOKEN_TYPES.includes(requestedTokenType)) return malformed('requested_token_type', 'is not supported');
  if (given.subject_token_type === undefined) return malformed('subject_token_type', 'is missing');
  if (given.subject_token_type === `${TOKEN_TYPE}access_token`) return fromAccessToken(given, requestedTokenType);
  if (!SUBJECT_TOKEN_TYPES.includes(given.subject_token_type))
    return malformed('subject_token_type', 'is not supported');
  const subjectToken = readSubjectToken(given);
  if (!subjectToken.ok) return subjectToken;
  const provider = parseAudience(given.audience);
  if (!provider.ok) return provider;
  const scopes = parseScope(given.scope);
  if (!scopes.ok) return scopes;
  if ((given.resource?.length ?? 0) > MAX_RESOURCE_CHARACTERS) return malformed('resource', 'is too long');
  if (CARRIES_JWT.test(given.resource ?? '')) return malformed('resource', 'must not carry a token');
  const fault = checkOptions(given.options);
  if (fault !== undefined) return fault;
  return ok({
    kind: 'exchange',
    ...(given.subject_token_type === AWS_TOKEN_TYPE ? { isAws: true as const } : {}),
    subjectToken: subjectToken.value,
    provider: provider.value,
    resource: given.resource,
    scopes: scopes.value,
    requestedTokenType,
  });
}

/** Those that have the shape; whether there is such a provider is not known here. */
const knownAudiences = new HotMap<Result<ProviderName, never>>(5_000);
/** Whose it is and how long it lives stands in the token; all that may be asked for is less. */
function fromAccessToken(given: Parameters, requestedTokenType: string): Result<TokenRequest, Denial> {
  const subjectToken = readSubjectToken(given);
  if (!subjectToken.ok) return subjectToken;
  if (requestedTokenType !== `${TOKEN_TYPE}access_token`) {
    return malformed('requested_token_type', 'must be that of an access token');
  }
  const beside = (['audience', 'scope', 'resource'] as const).find((name) => given[name] !== undefined);
  if (beside !== undefined) return malformed(beside, 'is not taken with an access token');
  if (given.options === undefined) return malformed('options', 'must have an accessBoundary');
  const document = parseOptions(given.options);
  if (!document.ok || !isJsonObject(document.value)) return malformed('options', 'is not a JSON object');
  const boundary = parseAccessBoundary(document.value['accessBoundary']);
  if (!boundary.ok) return malformed('options', `accessBoundary ${boundary.error}`);
  return ok({ kind: 'downscope', subjectToken: subjectToken.value, boundary: boundary.value, requestedTokenType });
}

/** Token files end in a newline more often than not, and Google's clients send it along (WIRE.md A.11). */
function readSubjectToken(given: Parameters): Result<string, Denial> {
  const subjectToken = given.subject_token?.trim() ?? '';
  if (subjectToken === '') return malformed('subject_token', 'is missing');
  return subjectToken.length > MAX_SUBJECT_TOKEN_BYTES
    ? malformed('subject_token', 'is longer than 16 KiB')
    : ok(subjectToken);
}

/** `//iam.googleapis.com/projects/N/…/providers/Q` in every universe; that the provider exists is not asked here. */
function parseAudience(audience: string | undefined): Result<ProviderName | undefined, Denial> {
  if (audience === undefined) return ok(undefined);
  const known = knownAudiences.get(audience);
  if (known !== undefined) return known;
  const name =
    audience.length <= MAX_AUDIENCE_CHARACTERS && audience.startsWith(IAM_PREFIX)
      ? parseProviderName(audience.slice(IAM_PREFIX.length))
      : undefined;
  if (name !== undefined) {
    const read = ok(name);
    knownAudiences.set(audience, read);
    return read;
  }
  return malformed(
    'audience',
    'must be //iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER',
  );
}

function parseScope(scope: string | undefined): Result<readonly string[], Denial> {
  if (scope === undefined) return ok([]);
  const tokens = scope.split(' ').filter((token) => token !== '');
  if (scope.length > MAX_SCOPE_CHARACTERS || !tokens.every((token) => SCOPE_TOKEN.test(token))) {
    return err({ tag: 'invalid_scope' });
  }
  return ok([...new Set(tokens)]);
}

/**
 * `options` is JSON in a string; Python's client percent-encodes it once more (WIRE.md A.2). What would narrow the token
 * and is not understood here is refused: ignoring a boundary would hand out more than was asked for.
 */
function checkOptions(options: string | undefined): Result<never, Denial> | undefined {
  if (options === undefined) return undefined;
  const document = parseOptions(options);
  if (!document.ok || !isJsonObject(document.value)) return malformed('options', 'is not a JSON object');
  if (Object.hasOwn(document.value, 'accessBoundary'))
    return malformed('options', 'accessBoundary is taken with an access token of this broker only');
  return undefined;
}

function parseOptions(options: string): ReturnType<typeof parseStrictJson> {
  const plain = parseStrictJson(options);
  if (plain.ok) return plain;
  try {
    return parseStrictJson(decodeURIComponent(options));
  } catch {
    return plain;
  }
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function malformed(parameter: string, problem: string): Result<never, Denial> {
  return err({ tag: 'malformed', parameter, problem });
}

/** Introspection and revocation, read: a form as the RFCs have it, or JSON as Google has it, with either spelling of a name. Pure. */
import { readTime } from '../../core/admin/fields.ts';
import { isJsonObject, parseStrictJson } from '../../core/json.ts';
import { isProjectId, isProjectNumber } from '../../core/names.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { RevokeRequest } from '../../core/token-care/revoke.ts';

/** Why a request was none, in words for `error_description`. */
export type Malformed = string;

export type Parameters = ReadonlyMap<string, string>;

/** Each once: two parsers may pick different ones. Unknown ones are ignored. */
export function readFormParameters(body: string): Result<Parameters, Malformed> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (parameters.has(name)) return err(`"${name.slice(0, 64)}" stands more than once`);
    parameters.set(name, value);
  }
  return ok(parameters);
}

export function readJsonParameters(body: string): Result<Parameters, Malformed> {
  const document = parseStrictJson(body);
  if (!document.ok) return err(`the body is ${document.error}`);
  if (!isJsonObject(document.value)) return err('the body is not a JSON object');
  const parameters = new Map<string, string>();
  for (const [spelled, value] of Object.entries(document.value)) {
    const name = spelled.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (parameters.has(name)) return err(`"${name.slice(0, 64)}" stands more than once`);
    if (value === null) continue;
    if (typeof value !== 'string') return err(`"${name.slice(0, 64)}" is not a string`);
    parameters.set(name, value);
  }
  return ok(parameters);
}

const MAX_TOKEN_CHARACTERS = 16_384;

/** Token files end in a newline more often than not. */
export function readToken(parameters: Parameters, name = 'token'): Result<string, Malformed> {
  const token = parameters.get(name)?.trim() ?? '';
  if (token === '') return err(`"${name}" is missing`);
  return token.length > MAX_TOKEN_CHARACTERS ? err(`"${name}" is longer than 16 KiB`) : ok(token);
}

const TOKEN_ID = /^[\u0021-\u007e]{1,128}$/;

/** Exactly one of `token`, `token_id` and `principal`. */
export function readRevocation(parameters: Parameters, nowSeconds: number): Result<RevokeRequest, Malformed> {
  const named = ['token', 'token_id', 'principal'].filter((name) => parameters.has(name));
  if (named.length !== 1) return err('exactly one of "token", "token_id" and "principal" is wanted');
  if (named[0] === 'token') {
    const token = readToken(parameters);
    return token.ok ? ok({ kind: 'token', token: token.value }) : token;
  }
  if (named[0] === 'token_id') {
    const tokenId = parameters.get('token_id') ?? '';
    const project = (parameters.get('project') ?? '').replace(/^projects\//, '');
    if (!TOKEN_ID.test(tokenId)) return err('"token_id" is not the jti of a token');
    if (!isProjectId(project) && !isProjectNumber(project)) return err('"project" must name the project of the token');
    return ok({ kind: 'tokenId', tokenId, project });
  }
  const before = parameters.get('before');
  // A token made within this second is older than the one who asks; seconds are all that a token says.
  const beforeSeconds = before === undefined ? nowSeconds + 1 : Math.ceil(readTime(before));
  if (Number.isNaN(beforeSeconds)) return err('"before" must be a time (RFC 3339)');
  return ok({ kind: 'principal', principal: parameters.get('principal') ?? '', beforeSeconds });
}

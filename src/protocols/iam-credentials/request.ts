/** A call of IAM Credentials, read: path and body → what is asked for which account (WIRE.md D). Pure. Unknown members are ignored: Google's own clients send some. */
import { type AdminDenial, type FieldViolation, invalid } from '../../core/admin/denial.ts';
import type { CredentialInput, CredentialRequest } from '../../core/credentials/generate.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '../../core/json.ts';
import { isUniqueId, parseServiceAccountEmail, projectOfUniqueId } from '../../core/names.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { CLOUD_PLATFORM } from '../../core/scopes.ts';

export type Method = CredentialRequest['method'];
export type Asked = Pick<CredentialInput, 'delegates' | 'account' | 'request'>;

const METHODS: readonly Method[] = ['generateAccessToken', 'generateIdToken', 'signJwt', 'signBlob'];
const PATH = /^\/v1\/projects\/([^/]+)\/serviceAccounts\/([^/:]+):([A-Za-z]+)$/;

export interface CredentialPath {
  readonly project: string;
  readonly account: string;
  readonly method: Method;
}

/** Undefined for every other path: what else there is of service accounts is administration. */
export function parsePath(pathname: string): CredentialPath | undefined {
  // A client may write the @ and the colon either way.
  const [, project = '', rawAccount = '', verb] = PATH.exec(pathname.replace(/%3[aA](?=[A-Za-z]+$)/, ':')) ?? [];
  const method = METHODS.find((one) => one === verb);
  if (method === undefined) return undefined;
  try {
    return { project, account: decodeURIComponent(rawAccount).toLowerCase(), method };
  } catch {
    return undefined;
  }
}

export function parseCall({ project, account, method }: CredentialPath, body: JsonObject): Result<Asked, AdminDenial> {
  // As at Google: the account says which project, and a wrong one beside it would only mislead.
  if (project !== '-') return err(invalid('name', 'must begin with projects/-/serviceAccounts/'));
  const delegates = delegatesIn(body['delegates']);
  if (!delegates.ok) return delegates;
  const request = READERS[method](body);
  return request.ok ? ok({ account, delegates: delegates.value, request: request.value }) : request;
}

type Reader = (body: JsonObject) => Result<CredentialRequest, AdminDenial>;

const READERS: Readonly<Record<Method, Reader>> = {
  generateAccessToken(body) {
    const scopes = scopesIn(body['scope']);
    if (!scopes.ok) return scopes;
    const lifetimeSeconds = lifetimeIn(body['lifetime']);
    if (!lifetimeSeconds.ok) return lifetimeSeconds;
    return ok({ method: 'generateAccessToken', scopes: scopes.value, lifetimeSeconds: lifetimeSeconds.value });
  },
  generateIdToken(body) {
    const { audience } = body;
    if (typeof audience !== 'string' || audience === '') return err(invalid('audience', 'is required, as a string'));
    if (audience.length > MAX_AUDIENCE) return err(invalid('audience', `longer than ${MAX_AUDIENCE} characters`));
    const includeEmail = flagIn(body, 'includeEmail');
    if (!includeEmail.ok) return includeEmail;
    const useEmailAzp = flagIn(body, 'useEmailAzp');
    if (!useEmailAzp.ok) return useEmailAzp;
    return ok({
      method: 'generateIdToken',
      audience,
      includeEmail: includeEmail.value,
      useEmailAzp: useEmailAzp.value,
    });
  },
  signJwt({ payload }) {
    if (typeof payload !== 'string' || payload === '') return err(invalid('payload', 'is required: JSON in a string'));
    if (payload.length > MAX_JWT_PAYLOAD) return err(invalid('payload', `longer than ${MAX_JWT_PAYLOAD} characters`));
    const claims = parseStrictJson(payload);
    if (!claims.ok) return err(invalid('payload', `is ${claims.error}`));
    if (!isJsonObject(claims.value)) return err(invalid('payload', 'is not a JSON object of claims'));
    return ok({ method: 'signJwt', claims: claims.value });
  },
  signBlob({ payload }) {
    const bytes = typeof payload === 'string' ? bytesOf(payload) : undefined;
    if (bytes === undefined) return err(invalid('payload', 'is required: bytes in base64'));
    return ok({ method: 'signBlob', bytes });
  },
};

const MAX_AUDIENCE = 2_048;
const MAX_JWT_PAYLOAD = 16_384;
const MAX_DELEGATES = 4;
const DELEGATE = /^projects\/-\/serviceAccounts\/([^/]+)$/;

/** Absent, null and empty are the same: each of Google's clients has its own way to name none. */
function delegatesIn(given: JsonValue | undefined): Result<readonly string[], AdminDenial> {
  if (given === undefined || given === null) return ok([]);
  if (!Array.isArray(given)) return err(invalid('delegates', 'must be a list'));
  if (given.length > MAX_DELEGATES) return err(invalid('delegates', `holds more than ${MAX_DELEGATES} delegates`));
  const names = given.map((one) => {
    const name = typeof one === 'string' ? DELEGATE.exec(one)?.[1]?.toLowerCase() : undefined;
    return name !== undefined && isAccount(name) ? name : undefined;
  });
  const violations = names.flatMap((name, index): readonly FieldViolation[] =>
    name === undefined
      ? [
          {
            field: `delegates[${index}]`,
            description: 'must be projects/-/serviceAccounts/ and an address or unique id',
          },
        ]
      : [],
  );
  if (violations.length > 0) return err({ tag: 'invalid_argument', violations });
  return ok(names.filter((name) => name !== undefined));
}

function isAccount(text: string): boolean {
  return isUniqueId(text) ? projectOfUniqueId(text) !== undefined : parseServiceAccountEmail(text) !== undefined;
}

const MAX_SCOPES = 100;
const MAX_SCOPE = 256;
/** RFC 6749 §3.3. */
const SCOPE_TOKEN = /^[\u0021\u0023-\u005b\u005d-\u007e]+$/;

function scopesIn(given: JsonValue | undefined): Result<readonly string[], AdminDenial> {
  if (!Array.isArray(given) || given.length === 0) return err(invalid('scope', 'is required: a list of at least one'));
  if (given.length > MAX_SCOPES) return err(invalid('scope', `holds more than ${MAX_SCOPES} scopes`));
  // A single empty one is what a client sends that was told of none.
  if (given.length === 1 && given[0] === '') return ok([CLOUD_PLATFORM]);
  const bad = given.findIndex(
    (scope) => typeof scope !== 'string' || scope.length > MAX_SCOPE || !SCOPE_TOKEN.test(scope),
  );
  if (bad >= 0) return err(invalid(`scope[${bad}]`, 'is not a scope (RFC 6749 §3.3)'));
  return ok([...new Set(given.filter((scope) => typeof scope === 'string'))]);
}

/** What a fraction says is below what a token can: it counts for nothing. */
const DURATION = /^([0-9]{1,9})(?:\.[0-9]{1,9})?s$/;

function lifetimeIn(given: JsonValue | undefined): Result<number | undefined, AdminDenial> {
  if (given === undefined || given === null || given === '') return ok(undefined);
  const [, seconds] = typeof given === 'string' ? (DURATION.exec(given) ?? []) : [];
  if (seconds === undefined) return err(invalid('lifetime', 'must be a duration as a string, such as "3600s"'));
  return Number(seconds) > 0 ? ok(Number(seconds)) : err(invalid('lifetime', 'must be at least a second'));
}

function flagIn(body: JsonObject, name: string): Result<boolean, AdminDenial> {
  const given = body[name] ?? false;
  return typeof given === 'boolean' ? ok(given) : err(invalid(name, 'must be true or false'));
}

/** Both alphabets, with or without padding, as JSON's mapping of bytes has it. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  if (!BASE64.test(base64)) return undefined;
  try {
    const bytes = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

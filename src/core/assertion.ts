/** A subject token before anything in it is a fact: shape only. Nothing here chooses where we look or whom we call. */
import { binaryOfBase64Url, isBase64Url } from './base64url.ts';
import { type Check, type Denial, unverified } from './denial.ts';
import { HotMap } from './hot-map.ts';
import { isJsonObject, type JsonObject, parseStrictJsonBytes } from './json.ts';
import { err, ok, type Result } from './result.ts';

export interface UnverifiedAssertion {
  /** Compact JWS, canonical to the last bit. */
  readonly token: string;
  /** What is signed: the token without its last part. */
  readonly signedText: string;
  /** Canonical base64url: decoded where it is checked. */
  readonly signature: string;
  readonly header: { readonly alg: string; readonly kid: string; readonly typ?: string };
  readonly claims: JsonObject;
}

/** Whoever posts a token may read these members; `x5t` and `x5t#S256` come from GitHub and Entra and are never read. */
const TOLERATED_HEADER_MEMBERS = new Set(['alg', 'kid', 'typ', 'x5t', 'x5t#S256']);
const MAX_KID_CHARACTERS = 256;

/** What a workload brings. Only `JWT` or nothing: an ID token for logout, a DPoP proof or our own `at+jwt` is none of its credentials (RFC 8725 §3.11). */
export function parseAssertion(token: string): Result<UnverifiedAssertion, Denial> {
  const parsed = parseJwt(token);
  if (!parsed.ok) return parsed;
  const { typ } = parsed.value.header;
  return typ === undefined || typ.toUpperCase() === 'JWT' ? parsed : refuse('header_typ');
}

/**
 * Parses a compact JWS (RFC 7515 §7.1) of any `typ`, which is for the caller to judge. Header members that we do not use are refused, not
 * ignored: `jwk`, `jku`, `x5c` would bring a key along, `crit`, `b64`, `zip` would change what is signed, `enc` makes it something else.
 */
export function parseJwt(token: string): Result<UnverifiedAssertion, Denial> {
  // Two dots only, found without splitting: a megabyte of dots must cost nothing (CVE-2025-30204).
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (first <= 0 || second <= first + 1 || token.includes('.', second + 1)) return refuse('token_format');
  const [headerPart, payloadPart] = [token.slice(0, first), token.slice(first + 1, second)];
  const signature = token.slice(second + 1);
  const known = knownHeaders.get(headerPart);
  // One that is known was looked at before.
  if (known === undefined && !isBase64Url(headerPart)) return refuse('token_format');
  const payload = binaryOfBase64Url(payloadPart);
  if (payload === undefined || !isBase64Url(signature)) return refuse('token_format');
  const used = known ?? headerOf(headerPart);
  if (!used.ok) return refuse(used.error);
  const claims = objectOf(payload);
  if (claims === undefined) return refuse('payload_json');
  return ok({ token, signedText: token.slice(0, second), signature, header: used.value, claims });
}

/** Of the claims' JSON. */
export function claimsBytes({ signedText }: Pick<UnverifiedAssertion, 'signedText'>): number {
  return Math.floor(((signedText.length - signedText.indexOf('.') - 1) * 3) / 4);
}

/** By their text: what a key signs has one header, all the time. It says nothing of whoever sends it. */
const knownHeaders = new HotMap<ReturnType<typeof headerOf>>(5_000);
const MAX_KNOWN_HEADER_CHARACTERS = 512;

function headerOf(part: string): Result<UnverifiedAssertion['header'], Check> {
  const binary = binaryOfBase64Url(part);
  const header = binary === undefined ? undefined : objectOf(binary);
  if (header === undefined) return err('header_json');
  const used = readHeader(header);
  if (used.ok && part.length <= MAX_KNOWN_HEADER_CHARACTERS) knownHeaders.set(part, used);
  return used;
}

function readHeader(header: JsonObject): Result<UnverifiedAssertion['header'], Check> {
  if (Object.keys(header).some((member) => !TOLERATED_HEADER_MEMBERS.has(member))) return err('header_member');
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string') return err('header_alg');
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_CHARACTERS) return err('header_kid');
  if (typ === undefined) return ok({ alg, kid });
  return typeof typ === 'string' ? ok({ alg, kid, typ }) : err('header_typ');
}

function objectOf(binary: string): JsonObject | undefined {
  const value = parseStrictJsonBytes(binary);
  return value.ok && isJsonObject(value.value) ? value.value : undefined;
}

function refuse(check: Check): Result<never, Denial> {
  return err(unverified(check));
}

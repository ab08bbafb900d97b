/** The canonical request and the string to sign of Signature Version 4: one text for what was signed. Pure; hashes are handed in. */
import { err, ok, type Result } from '../../result.ts';
import { headerValues, type SignedParts } from './parts.ts';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
export const SIGNATURE_PARAMETER = 'X-Amz-Signature';

export interface Scope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export interface CanonicalOptions {
  /** S3 signs paths as they are; everybody else normalizes dot segments and encodes what came once more. */
  readonly isPathAsIs?: boolean;
  readonly isNormalized?: boolean;
}

/** The canonical request, or which of its parts cannot be made one. */
export function canonicalRequest(
  parts: SignedParts,
  signedHeaders: readonly string[],
  { isPathAsIs = false, isNormalized = true }: CanonicalOptions = {},
): Result<string, string> {
  const query = canonicalQuery(parts.query);
  if (!query.ok) return query;
  const lines: string[] = [];
  for (const name of signedHeaders) {
    const value = canonicalHeader(parts, name);
    if (value === undefined) return err(`the header ${name} is signed and did not come`);
    lines.push(`${name}:${value}\n`);
  }
  const path = isPathAsIs ? parts.path : encodePath(isNormalized ? normalized(parts.path) : parts.path);
  return ok([parts.method, path, query.value, lines.join(''), signedHeaders.join(';'), parts.bodySha256].join('\n'));
}

export function stringToSign(timestamp: string, scope: Scope, canonicalRequestSha256: string): string {
  return [ALGORITHM, timestamp, scopeText(scope), canonicalRequestSha256].join('\n');
}

function scopeText({ date, region, service }: Scope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

/** Blanks at the ends go, blanks in a row become one; a name that came several times is one list. */
function canonicalHeader(parts: SignedParts, name: string): string | undefined {
  const values = headerValues(parts, name);
  // The runtime need not hand on the length of a body that came in pieces; what came is what counts.
  if (values.length === 0 && name === 'content-length') return String(parts.bodyBytes);
  if (values.length === 0) return undefined;
  return values.map((value) => value.replaceAll(/^ +| +$/g, '').replaceAll(/ {2,}/g, ' ')).join(',');
}

/** Names and values decoded, in pairs, in the order in which they came; undefined where a percent sign begins no byte of UTF-8. */
export function queryPairs(query: string): readonly (readonly [string, string])[] | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decoded(pair.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return pairs;
}

/**
 * A query that is spelt otherwise than it is signed: `%2f` for `%2F`, `%41` for `A`, a plus sign that one reader takes for a blank. Whoever
 * holds a signed link must have one text of it and no other.
 */
export function isRespelt(query: string): boolean {
  return query.split('&').some((pair) => {
    const equals = pair.indexOf('=');
    const texts = equals < 0 ? [pair] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return pair === '' ? query !== '' : texts.some((text) => encodeOf(text) !== text);
  });
}

/** A path that is signed as if it were another one: dot segments and empty ones are gone from what is signed. */
export function isPathNormal(path: string): boolean {
  return path.startsWith('/') && normalized(path) === path;
}

function canonicalQuery(query: string): Result<string, string> {
  const pairs = queryPairs(query);
  if (pairs === undefined) return err('the query holds a percent sign that begins no byte of UTF-8');
  const encoded: (readonly [string, string])[] = [];
  for (const [name, value] of pairs) {
    if (name !== SIGNATURE_PARAMETER) encoded.push([encode(name), encode(value)]);
  }
  return ok(
    encoded
      .toSorted(([aName, aValue], [bName, bValue]) => compare(aName, bName) || compare(aValue, bValue))
      .map(([name, value]) => `${name}=${value}`)
      .join('&'),
  );
}

/** Encoded text is ASCII: its order by code unit is its order by byte. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** RFC 3986 §5.2.4, and empty segments go as well. */
function normalized(path: string): string {
  const out: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') out.pop();
    else if (segment !== '' && segment !== '.') out.push(segment);
  }
  const isFolder = out.length > 0 && /\/(?:\.{1,2})?$/.test(path);
  return `/${out.join('/')}${isFolder ? '/' : ''}`;
}

function encodePath(path: string): string {
  return path.split('/').map(encode).join('/');
}

/** All but the unreserved characters of RFC 3986 §2.3, in capitals. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function encodeOf(text: string): string | undefined {
  const plain = decoded(text);
  return plain === undefined ? undefined : encode(plain);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

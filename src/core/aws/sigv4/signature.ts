/** What a request says about its own signature, in its `Authorization` header or in its query: read strictly, and believed in nothing yet. */
import { err, ok, type Result } from '../../result.ts';
import { ALGORITHM, queryPairs, type Scope, SIGNATURE_PARAMETER } from './canonical.ts';
import { headerValues, type SignedParts } from './parts.ts';

export interface Signature {
  readonly accessKeyId: string;
  readonly scope: Scope;
  /** Lower case, sorted, none twice, `host` among them. */
  readonly signedHeaders: readonly string[];
  readonly hex: string;
  /** As it is signed, `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  readonly signedAtSeconds: number;
  /** Presigned: good for so long after it was signed. */
  readonly expiresInSeconds?: number;
  readonly sessionToken?: string;
}

export type SignatureFault =
  /** The request is not signed. */
  | { readonly tag: 'missing' }
  | { readonly tag: 'incomplete'; readonly problem: string }
  /** Too old, too far ahead, or presigned for too long. */
  | { readonly tag: 'time'; readonly problem: string }
  | { readonly tag: 'mismatch'; readonly problem: string };

/** More are no request that anybody makes, and each costs a look through all headers. */
const MAX_SIGNED_HEADERS = 64;
const FIELDS = /^Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([^,\s]+)$/;
const CREDENTIAL = /^(\w{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9.-]{1,64})\/aws4_request$/;
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const TIMESTAMP = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;
const HEX = /^[0-9a-f]{64}$/;

export function readSignature(parts: SignedParts): Result<Signature, SignatureFault> {
  const authorization = headerValues(parts, 'authorization');
  const pairs = queryPairs(parts.query);
  if (pairs === undefined) return incomplete('the query holds a percent sign that begins no byte of UTF-8');
  const isPresigned = pairs.some(([name]) => name === SIGNATURE_PARAMETER || name === 'X-Amz-Credential');
  // Two signatures are two stories: which one was verified must not depend on who reads.
  if (isPresigned && authorization.length > 0) return incomplete('it is signed in a header and in the query');
  if (isPresigned) return fromQuery(pairs);
  const [header] = authorization;
  if (header === undefined) return err({ tag: 'missing' });
  if (authorization.length > 1) return incomplete('it has more than one Authorization header');
  return fromHeader(parts, header);
}

function fromHeader(parts: SignedParts, header: string): Result<Signature, SignatureFault> {
  if (!header.startsWith(`${ALGORITHM} `)) return incomplete(`Authorization must begin with ${ALGORITHM}`);
  const fields = FIELDS.exec(header.slice(ALGORITHM.length + 1));
  if (fields === null)
    return incomplete('Authorization must be Credential=…, SignedHeaders=…, Signature=…, in this order');
  const [, credential = '', signedHeaders = '', hex = ''] = fields;
  const timestamp = single(headerValues(parts, 'x-amz-date'));
  if (timestamp === undefined) return incomplete('X-Amz-Date must stand in it once');
  const tokens = headerValues(parts, 'x-amz-security-token');
  if (tokens.length > 1) return incomplete('X-Amz-Security-Token stands in it more than once');
  return signature({ credential, signedHeaders, hex, timestamp, sessionToken: tokens[0] });
}

const PRESIGNED = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  SIGNATURE_PARAMETER,
];

function fromQuery(pairs: readonly (readonly [string, string])[]): Result<Signature, SignatureFault> {
  const given = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (!name.toLowerCase().startsWith('x-amz-')) continue;
    if (given.has(name)) return incomplete(`${name} stands in the query more than once`);
    given.set(name, value);
  }
  const absent = PRESIGNED.find((name) => !given.has(name));
  if (absent !== undefined) return incomplete(`${absent} must stand in the query`);
  if (given.get('X-Amz-Algorithm') !== ALGORITHM) return incomplete(`X-Amz-Algorithm must be ${ALGORITHM}`);
  const expires = given.get('X-Amz-Expires') ?? '';
  if (!/^[1-9]\d{0,5}$/.test(expires)) return incomplete('X-Amz-Expires must be a whole number of seconds');
  return signature({
    credential: given.get('X-Amz-Credential') ?? '',
    signedHeaders: given.get('X-Amz-SignedHeaders') ?? '',
    hex: given.get(SIGNATURE_PARAMETER) ?? '',
    timestamp: given.get('X-Amz-Date') ?? '',
    sessionToken: given.get('X-Amz-Security-Token'),
    expiresInSeconds: Number(expires),
  });
}

function signature(read: {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly hex: string;
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  readonly expiresInSeconds?: number;
}): Result<Signature, SignatureFault> {
  const credential = CREDENTIAL.exec(read.credential);
  if (credential === null) return incomplete('Credential must be ACCESS_KEY_ID/YYYYMMDD/REGION/SERVICE/aws4_request');
  const [, accessKeyId = '', date = '', region = '', service = ''] = credential;
  const signedAtSeconds = secondsOf(read.timestamp);
  if (signedAtSeconds === undefined) return incomplete('X-Amz-Date must be YYYYMMDDTHHMMSSZ');
  if (!read.timestamp.startsWith(date)) return incomplete("the date of Credential is not X-Amz-Date's");
  if (!HEX.test(read.hex)) return incomplete('Signature must be 64 hex digits');
  const signedHeaders = read.signedHeaders.split(';');
  const fault = faultOfNames(signedHeaders);
  if (fault !== undefined) return incomplete(fault);
  return ok({
    accessKeyId,
    scope: { date, region, service },
    signedHeaders,
    hex: read.hex,
    timestamp: read.timestamp,
    signedAtSeconds,
    ...(read.sessionToken === undefined ? {} : { sessionToken: read.sessionToken }),
    ...(read.expiresInSeconds === undefined ? {} : { expiresInSeconds: read.expiresInSeconds }),
  });
}

/** Exactly as they are signed: another order or other letters would be another text for the same signature. */
function faultOfNames(names: readonly string[]): string | undefined {
  if (names.length > MAX_SIGNED_HEADERS) return `SignedHeaders has more than ${MAX_SIGNED_HEADERS} names`;
  if (!names.every((name, at) => HEADER_NAME.test(name) && (at === 0 || (names[at - 1] ?? '') < name))) {
    return 'SignedHeaders must be header names in lower case, sorted, none twice';
  }
  // A request signed for another host must not be good here (and one for us not elsewhere).
  return names.includes('host') ? undefined : 'host must be among SignedHeaders';
}

function secondsOf(timestamp: string): number | undefined {
  const [, year, month, day, hour, minute, second] = TIMESTAMP.exec(timestamp) ?? [];
  if (second === undefined) return undefined;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(text);
  // The 31st of February is no day, whatever a lenient reader makes of it.
  return Number.isNaN(ms) || new Date(ms).toISOString() !== text ? undefined : ms / 1_000;
}

function single(values: readonly string[]): string | undefined {
  return values.length === 1 ? values[0] : undefined;
}

function incomplete(problem: string): Result<never, SignatureFault> {
  return err({ tag: 'incomplete', problem });
}

/**
 * `aws4_request` subject tokens (WIRE.md A.4.1): a question to AWS STS, signed by whoever wants to be known and asked by us. Only shape here, and
 * the one thing that the token must not choose: whom we call. The hosts are AWS's own, and nothing else of the URL is used.
 */
import { type Denial, unverified } from '../denial.ts';
import { isJsonObject, type JsonValue, parseStrictJson } from '../json.ts';
import { err, ok, type Result } from '../result.ts';

export interface AwsRequest {
  /** One of AWS's. */
  readonly host: string;
  /** Names in small letters, each once; what signs the request among them. */
  readonly headers: ReadonlyMap<string, string>;
  /** The provider that it is meant for, with or without `https:`. */
  readonly targetResource: string;
  readonly requestTimeSeconds: number;
}

/** Everything but the host, which is in the token's URL: what was signed must be this, or AWS refuses it. */
export const AWS_QUESTION = '/?Action=GetCallerIdentity&Version=2011-06-15';

/** In either order; signed, they are sorted. */
const QUESTIONS = [AWS_QUESTION.slice(1), '?Version=2011-06-15&Action=GetCallerIdentity'];

const REGION = '[a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}';
const HOSTS = [
  /^sts\.amazonaws\.com$/,
  new RegExp(`^sts(?:-fips)?\\.${REGION}\\.amazonaws\\.com$`),
  new RegExp(`^sts\\.${REGION}\\.amazonaws\\.com\\.cn$`),
  new RegExp(`^sts(?:-fips)?\\.${REGION}\\.api\\.aws$`),
];

const REQUIRED = ['authorization', 'x-amz-date', 'host', 'x-goog-cloud-target-resource'] as const;
/** What a signer may have signed; anything else could make an answer of AWS's mean something else. */
const HEADER =
  /^(authorization|host|accept|content-type|content-length|x-amz-[a-z0-9-]{1,64}|x-goog-cloud-target-resource)$/;
const HEADER_VALUE = /^[\u0020-\u007e]{1,4096}$/;
const MAX_HEADERS = 20;

export function parseAwsRequest(token: string): Result<AwsRequest, Denial> {
  const text = decoded(token);
  const document = text === undefined ? undefined : parseStrictJson(text);
  if (document?.ok !== true || !isJsonObject(document.value)) return refuse('token_format');
  const { url, method, headers: listed } = document.value;
  const host = typeof url === 'string' ? hostOf(url) : undefined;
  const headers = headersIn(listed);
  if (method !== 'POST' || host === undefined || headers === undefined) return refuse('token_format');
  if (REQUIRED.some((name) => !headers.has(name)) || headers.get('host') !== host) return refuse('token_format');
  const requestTimeSeconds = timeOf(headers.get('x-amz-date') ?? '');
  if (requestTimeSeconds === undefined) return refuse('time_claims');
  const targetResource = headers.get('x-goog-cloud-target-resource') ?? '';
  return ok({ host, headers, targetResource, requestTimeSeconds });
}

/** Once percent-encoded beyond what the form was; Go and Java write a blank as a plus. */
function decoded(token: string): string | undefined {
  if (token.startsWith('{')) return token;
  try {
    return decodeURIComponent(token.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** The host of a URL that asks this question and nothing else. */
function hostOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === '';
  if (!isPlain || url.hash !== '' || url.pathname !== '/') return undefined;
  if (!QUESTIONS.includes(url.search)) return undefined;
  return HOSTS.some((host) => host.test(url.hostname)) ? url.hostname : undefined;
}

/** `[{key, value}]`; a name in any case, and once: two parsers may take different ones of two. */
function headersIn(listed: JsonValue | undefined): ReadonlyMap<string, string> | undefined {
  if (!Array.isArray(listed) || listed.length > MAX_HEADERS) return undefined;
  const headers = new Map<string, string>();
  for (const header of listed) {
    if (!isJsonObject(header)) return undefined;
    const { key, value } = header;
    if (typeof key !== 'string' || typeof value !== 'string') return undefined;
    const name = key.toLowerCase();
    if (!HEADER.test(name) || !HEADER_VALUE.test(value) || headers.has(name)) return undefined;
    headers.set(name, value);
  }
  return headers;
}

const AMZ_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

function timeOf(text: string): number | undefined {
  const [, year, month, day, hour, minute, second] = AMZ_DATE.exec(text) ?? [];
  if (year === undefined) return undefined;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms / 1_000;
}

function refuse(check: 'token_format' | 'time_claims'): Result<never, Denial> {
  return err(unverified(check));
}

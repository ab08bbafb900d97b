/**
 * Which URLs may be fetched at all, decided from their text: issuers and their `jwks_uri`. Administrators write the first, issuers the
 * second, and either may try to make us ask our neighbours instead (SSRF: SECURITY.md T6; CVE-2025-52477, CVE-2026-32301, CVE-2026-41413).
 */
import { err, ok, type Result } from './result.ts';

export interface FetchRules {
  /** Development only: `http://` to a loopback address, any port. */
  readonly loopbackAllowed: boolean;
  /** Host, with its port where it has one, of PUBLIC_ORIGIN: what asks itself for keys waits for itself. */
  readonly ownHost: string;
}

/** An issuer, as OpenID Connect Discovery wants it: no query. The error completes a sentence that begins with the URL's name. */
export function checkFetchUrl(text: string, rules: FetchRules): Result<URL, string> {
  return text.includes('?') ? err('must not have a query') : checkUrl(text, rules);
}

/** An issuer may point only at itself or at a host that the administrator named. */
export function jwksUriAllowed(
  jwksUri: string,
  issuerUri: string,
  allowedJwksHosts: readonly string[],
  rules: FetchRules,
): Result<URL, string> {
  const url = checkUrl(jwksUri, rules);
  if (!url.ok || isJwksHost(jwksUri, issuerUri, allowedJwksHosts)) return url;
  return err("is on another host than the issuer's, and allowedJwksHosts does not name it");
}

/** The part of the rule that may change under keys that are already here. Of two URLs that once passed. */
export function isJwksHost(jwksUri: string, issuerUri: string, allowedJwksHosts: readonly string[]): boolean {
  if (!URL.canParse(jwksUri) || !URL.canParse(issuerUri)) return false;
  const { hostname } = new URL(jwksUri);
  return hostname === new URL(issuerUri).hostname || allowedJwksHosts.includes(hostname);
}

/** Why a host is never asked, or undefined; also for the entries of `allowedJwksHosts`, which have no scheme and no port. */
export function hostFault(host: string): string | undefined {
  const labels = host.split('.');
  // WHATWG URL reads every spelling of an IPv4 address (decimal, hex, octal, short) and writes it as four numbers.
  if (host.includes('[') || host.includes(':') || NUMERIC.test(labels.at(-1) ?? '')) {
    return 'must have a host name, not an IP address';
  }
  if (host.endsWith('.')) return 'must have a host without a dot at its end';
  if (host.length > MAX_HOST || !labels.every((label) => LABEL.test(label))) {
    return 'must have a host of letters, digits and hyphens';
  }
  // Names that only look like another one are for people to be fooled by; such an issuer's keys can be uploaded.
  if (labels.some((label) => label.startsWith('xn--'))) return 'must not have an internationalised host name';
  if (labels.length < 2) return 'must have a host with a domain: a bare name is a neighbour';
  const suffix = PRIVATE_SUFFIXES.find((ending) => host.endsWith(ending));
  return suffix === undefined ? undefined : `must not have a host under "${suffix}", which no public name is`;
}

const MAX_URL = 2_000;
const MAX_HOST = 253;
/** No control character, no space, nothing that only looks like an ASCII letter. */
const PRINTABLE = /^[\u0021-\u007e]+$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NUMERIC = /^(?:[0-9]+|0x[0-9a-f]*)$/i;
/** Encoded dots, slashes, backslashes, percents and control characters: a second reader would see another path. */
const HIDDEN = /%(?:2e|2f|5c|25|[01][0-9a-f]|7f)/i;
const PRIVATE_SUFFIXES = [
  '.local',
  '.localhost',
  '.internal',
  '.svc',
  '.home.arpa',
  '.onion',
  '.lan',
  '.home',
  '.corp',
  '.intranet',
  '.private',
  // Completed by a cluster's search domains, or answered by a mesh or a resolver of its own.
  '.cluster',
  '.default',
  '.consul',
  '.mesh',
  '.localdomain',
  // Reserved for what is no public service (RFC 2606, RFC 6761), and names that are addresses backwards.
  '.test',
  '.invalid',
  '.arpa',
];

function checkUrl(text: string, rules: FetchRules): Result<URL, string> {
  if (text.length > MAX_URL) return err(`is longer than ${MAX_URL} characters`);
  if (!PRINTABLE.test(text) || text.includes('\\') || !URL.canParse(text)) return err('is not a URL');
  const url = new URL(text);
  const loopback = rules.loopbackAllowed && text.startsWith('http://') && LOOPBACK.test(url.hostname);
  if (!text.startsWith('https://') && !loopback) return err('must begin with https://');
  if (text.includes('#')) return err('must not have a fragment');
  const rest = text.slice(text.indexOf('://') + 3);
  const [authority = ''] = rest.split(/[/?]/);
  if (authority.includes('@')) return err('must not hold a user name or password');
  if (!loopback && url.port !== '') return err('must not name a port other than 443');
  const fault = loopback ? undefined : hostFault(url.hostname);
  if (fault !== undefined) return err(fault);
  if (isOwn(url, rules, loopback)) return err('is this broker itself');
  // A path parameter behind dots is a step upwards to some servers, and to others a name.
  if (url.pathname.includes('//') || url.pathname.includes('.;') || HIDDEN.test(rest))
    return err('must have a plain path');
  // Whatever the parser had to repair was written for two readers: upper case, `..`, octal numbers, encoded hosts, an empty port.
  return isNormal(text, authority, url) ? ok(url) : err('must be written in its normal form');
}

const LOOPBACK = /^(?:localhost|\[::1\]|127(?:\.[0-9]{1,3}){3})$/;

/** On loopback all spellings of a host are one machine, so that there the port tells. */
function isOwn(url: URL, rules: FetchRules, loopback: boolean): boolean {
  if (!loopback || !rules.ownHost.includes(':')) return url.host === rules.ownHost;
  return rules.ownHost.endsWith(`:${url.port}`);
}

function isNormal(text: string, authority: string, url: URL): boolean {
  const withoutPort = authority.endsWith(':443') ? text.replace(authority, authority.slice(0, -4)) : text;
  return url.href === withoutPort || url.href === `${withoutPort}/`;
}

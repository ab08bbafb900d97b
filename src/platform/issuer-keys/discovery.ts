/** Discovery, then keys: both documents fetched within bounds and judged before anything of them is believed. */
import { checkFetchUrl, type FetchRules, jwksUriAllowed } from '../../core/issuer-url.ts';
import { readPublishedJwks } from '../../core/jwks-document.ts';
import { isJsonObject, parseStrictJson } from '../../core/json.ts';
import type { PublicJwk } from '../../core/resources.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type Fetch, fetchDocument } from '../bounded-fetch.ts';
import { thumbprintOf } from '../thumbprint.ts';
import type { DiscoveryProvider } from './discovered.ts';
import { maxAgeSeconds } from './timing.ts';

export interface FetchedKeySet {
  readonly jwksUri: string;
  readonly keys: readonly PublicJwk[];
  readonly warnings: readonly string[];
  readonly maxAgeSeconds: number;
}

/** The issuer's keys of now, or the sentence that tells the operator why there are none. Nothing of a token ever comes here. */
export async function discoverKeys(
  provider: DiscoveryProvider,
  rules: FetchRules,
  fetcher: Fetch,
): Promise<Result<FetchedKeySet, string>> {
  const { issuerUri, allowedJwksHosts } = provider;
  const issuer = checkFetchUrl(issuerUri, rules);
  if (!issuer.ok) return err(`issuerUri ${issuer.error}`);
  const discovery = await fetchDocument(fetcher, new URL(`${issuerUri.replace(/\/$/, '')}${WELL_KNOWN}`));
  if (!discovery.ok) return err(`The discovery document ${discovery.error}.`);
  const jwksUri = readJwksUri(discovery.value.text, issuerUri);
  if (!jwksUri.ok) return err(`The discovery document ${jwksUri.error}.`);
  const url = jwksUriAllowed(jwksUri.value, issuerUri, allowedJwksHosts, rules);
  if (!url.ok) return err(`The jwks_uri of the discovery document ${url.error}.`);
  const jwks = await fetchDocument(fetcher, url.value);
  if (!jwks.ok) return err(`The JWKS ${jwks.error}.`);
  const keySet = readPublishedJwks(jwks.value.text);
  if (!keySet.ok) return err(`The JWKS is refused: ${tellable(keySet.error).join('; ')}.`);
  return ok({
    jwksUri: jwksUri.value,
    keys: keySet.value.keys.map((key) => ({ ...key, thumbprint: thumbprintOf(key) })),
    warnings: tellable(keySet.value.warnings),
    maxAgeSeconds: maxAgeSeconds(jwks.value.cacheControl),
  });
}

const WELL_KNOWN = '/.well-known/openid-configuration';

/** The issuer named there must be the one that was asked, byte for byte: a document that was copied speaks for another. */
function readJwksUri(text: string, issuerUri: string): Result<string, string> {
  const json = parseStrictJson(text);
  if (!json.ok) return err(`is refused: ${json.error}`);
  if (!isJsonObject(json.value)) return err('is not a JSON object');
  const { issuer, jwks_uri: jwksUri } = json.value;
  if (issuer !== issuerUri) return err('names another issuer than issuerUri');
  return typeof jwksUri === 'string' ? ok(jwksUri) : err('has no "jwks_uri"');
}

const MAX_SENTENCES = 20;
const MAX_SENTENCE = 300;
const UNPRINTABLE = /[^\u0020-\u007e]/gu;

/** The judge quotes kids and types, which the issuer chose: short and printable, for they end on an operator's screen. */
function tellable(sentences: readonly string[]): readonly string[] {
  const told = sentences.slice(0, MAX_SENTENCES).map((sentence) => {
    const printable = sentence.replace(UNPRINTABLE, '?');
    return printable.length > MAX_SENTENCE ? `${printable.slice(0, MAX_SENTENCE)} …` : printable;
  });
  const more = sentences.length - told.length;
  return more > 0 ? [...told, `and ${more} more`] : told;
}

/**
 * `user:EMAIL` through Cloudflare Access: its JWT (`Cf-Access-Jwt-Assertion`), verified with the team's own keys for the one application
 * that is configured. Without configuration the header counts for nothing: anybody can send it where Access does not stand in front.
 */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import type { AuthenticatedAdmin } from '../../core/admin/authenticated.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import { isJsonObject, parseStrictJson } from '../../core/json.ts';
import { parseMember } from '../../core/members.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type Fetch, fetchDocument } from '../bounded-fetch.ts';
import type { AccessSettings } from '../settings.ts';

interface AccessOptions extends AccessSettings {
  readonly fetch: Fetch;
  readonly nowMs: () => number;
}

/** Cloudflare rotates these keys every six weeks, and publishes the next one before it signs. */
const KEYS_LIVE_MS = 3_600_000;
/** A stranger's made-up `kid` makes us ask no more often than this. */
const ASK_AGAIN_AFTER_MS = 30_000;
const MAX_ASSERTION_CHARACTERS = 16_384;

type Keys = ReturnType<typeof createLocalJWKSet>;

export function createAccessAuthenticator(
  options: AccessOptions,
): (assertion: string) => Promise<Result<AuthenticatedAdmin, AdminDenial>> {
  const { teamDomain, audience, nowMs } = options;
  const issuer = `https://${teamDomain}`;
  let known: { readonly keys: Keys; readonly fetchedAtMs: number } | undefined;
  let askedAtMs = -Infinity;
  let failedAtMs = -Infinity;

  return async (assertion) => {
    if (assertion.length > MAX_ASSERTION_CHARACTERS) return err({ tag: 'bad_credentials' });
    const keys = fresh() ?? (await firstKeys());
    if (keys === undefined) return err(away);
    const email = (await emailIn(assertion, keys)) ?? (await emailOnNewKeys(assertion, keys));
    if (email === undefined) return err({ tag: 'bad_credentials' });
    return ok({ name: `user:${email}`, identity: { kind: 'user', email } });
  };

  function fresh(): Keys | undefined {
    return known !== undefined && nowMs() - known.fetchedAtMs < KEYS_LIVE_MS ? known.keys : undefined;
  }

  /** Each request asks for itself, for one may not wait for what another has begun; a team that failed is left alone for a while. */
  async function firstKeys(): Promise<Keys | undefined> {
    if (nowMs() - failedAtMs >= ASK_AGAIN_AFTER_MS) await fetchKeys();
    return fresh();
  }

  /** A key that came since is looked for once in a while. */
  async function emailOnNewKeys(assertion: string, keys: Keys): Promise<string | undefined> {
    if (nowMs() - askedAtMs < ASK_AGAIN_AFTER_MS) return undefined;
    await fetchKeys();
    const newest = fresh();
    return newest === undefined || newest === keys ? undefined : emailIn(assertion, newest);
  }

  async function fetchKeys(): Promise<void> {
    askedAtMs = nowMs();
    const document = await fetchDocument(options.fetch, new URL(`${issuer}/cdn-cgi/access/certs`));
    const keys = document.ok ? keySetIn(document.value.text) : undefined;
    if (keys === undefined) failedAtMs = nowMs();
    else known = { keys: createLocalJWKSet(keys), fetchedAtMs: nowMs() };
  }

  async function emailIn(assertion: string, keys: Keys): Promise<string | undefined> {
    try {
      const { payload } = await jwtVerify(assertion, keys, {
        issuer,
        audience,
        algorithms: ['RS256', 'ES256'],
        requiredClaims: ['exp', 'iat'],
        currentDate: new Date(nowMs()),
      });
      const { email, type } = payload;
      // A service token of Access has no address; one that names an organisation is none of a person's.
      if (type !== undefined && type !== 'app') return undefined;
      // Before it is lowered: U+212A, the sign of Kelvin, would become the letter k, and its bearer somebody else.
      if (typeof email !== 'string' || !/^[\x21-\x7e]+$/.test(email)) return undefined;
      const lowered = email.toLowerCase();
      const member = parseMember(`user:${lowered}`);
      return member.ok && member.value.kind === 'user' ? lowered : undefined;
    } catch {
      return undefined;
    }
  }
}

function keySetIn(text: string): JSONWebKeySet | undefined {
  const json = parseStrictJson(text);
  if (!json.ok || !isJsonObject(json.value)) return undefined;
  const { keys } = json.value;
  if (!Array.isArray(keys) || keys.length > 20) return undefined;
  return {
    keys: keys
      .filter(isJsonObject)
      .flatMap((key) => (typeof key['kty'] === 'string' ? [{ ...key, kty: key['kty'] }] : [])),
  };
}

const away: AdminDenial = {
  tag: 'unavailable',
  dependency: 'access_keys',
  description: 'The keys of Cloudflare Access could not be fetched. Try again.',
};

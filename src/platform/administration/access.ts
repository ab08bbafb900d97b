/**
 * `user:EMAIL` through Cloudflare Access: its JWT (`Cf-Access-Jwt-Assertion`), verified with the team's own keys for the one application
 * that is configured. Without configuration the header counts for nothing: anybody can send it where Access does not stand in front.
 */
import type { AuthenticatedAdmin } from '../../core/admin/authenticated.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { BareJwk } from '../../core/admin/jwks.ts';
import { parseAssertion, type UnverifiedAssertion } from '../../core/assertion.ts';
import { isJsonObject, type JsonObject, parseStrictJson } from '../../core/json.ts';
import { readPublishedJwks } from '../../core/jwks-document.ts';
import { parseMember } from '../../core/members.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { VerifySignature } from '../../core/verify.ts';
import { verifyJwt } from '../../core/verify-jwt.ts';
import { type Fetch, fetchDocument } from '../bounded-fetch.ts';
import type { AccessSettings } from '../settings.ts';

interface AccessOptions extends AccessSettings {
  readonly fetch: Fetch;
  readonly verifySignature: VerifySignature;
  readonly nowMs: () => number;
}

/** Cloudflare rotates these keys every six weeks, and publishes the next one before it signs. */
const KEYS_LIVE_MS = 3_600_000;
/** A stranger's made-up `kid` makes us ask no more often than this. */
const ASK_AGAIN_AFTER_MS = 30_000;
const MAX_ASSERTION_CHARACTERS = 16_384;
/** It publishes two. */
const MAX_KEYS = 20;

type Keys = readonly BareJwk[];

export function createAccessAuthenticator(
  options: AccessOptions,
): (assertion: string) => Promise<Result<AuthenticatedAdmin, AdminDenial>> {
  const { teamDomain, audience, verifySignature, nowMs } = options;
  const issuer = `https://${teamDomain}`;
  const expected = { issuer, audience, required: ['iat'] } as const;
  let known: { readonly keys: Keys; readonly fetchedAtMs: number } | undefined;
  let askedAtMs = -Infinity;
  let failedAtMs = -Infinity;

  return async (assertion) => {
    const jwt = assertion.length <= MAX_ASSERTION_CHARACTERS ? parseAssertion(assertion) : undefined;
    if (jwt?.ok !== true) return err({ tag: 'bad_credentials' });
    const keys = fresh() ?? (await firstKeys());
    if (keys === undefined) return err(away);
    const email = (await emailIn(jwt.value, keys)) ?? (await emailOnNewKeys(jwt.value, keys));
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
  async function emailOnNewKeys(jwt: UnverifiedAssertion, keys: Keys): Promise<string | undefined> {
    if (nowMs() - askedAtMs < ASK_AGAIN_AFTER_MS) return undefined;
    await fetchKeys();
    const newest = fresh();
    return newest === undefined || newest === keys ? undefined : emailIn(jwt, newest);
  }

  async function fetchKeys(): Promise<void> {
    askedAtMs = nowMs();
    const document = await fetchDocument(options.fetch, new URL(`${issuer}/cdn-cgi/access/certs`));
    const keys = document.ok ? keySetIn(document.value.text) : undefined;
    if (keys === undefined) failedAtMs = nowMs();
    else known = { keys, fetchedAtMs: nowMs() };
  }

  async function emailIn(jwt: UnverifiedAssertion, keys: Keys): Promise<string | undefined> {
    const claims = await verifyJwt(jwt, keys, expected, verifySignature, nowMs());
    if (claims === undefined) return undefined;
    const { email, type } = claims;
    // A service token of Access has no address; one that names an organisation is none of a person's.
    if (type !== undefined && type !== 'app') return undefined;
    // Before it is lowered: U+212A, the sign of Kelvin, would become the letter k, and its bearer somebody else.
    if (typeof email !== 'string' || !/^[\x21-\x7e]+$/.test(email)) return undefined;
    const lowered = email.toLowerCase();
    const member = parseMember(`user:${lowered}`);
    return member.ok && member.value.kind === 'user' ? lowered : undefined;
  }
}

/** Judged like those of any issuer. */
function keySetIn(text: string): Keys | undefined {
  const json = parseStrictJson(text);
  const entries = json.ok && isJsonObject(json.value) ? json.value['keys'] : undefined;
  if (!Array.isArray(entries) || entries.length > MAX_KEYS) return undefined;
  const all = entries.filter(isJsonObject);
  // Before any is left out: of two keys with one name neither is used, be one of them for something else.
  const usable = all.filter(
    (key) => isToVerify(key) && all.every((other) => other === key || other['kid'] !== key['kid']),
  );
  const judged = readPublishedJwks(JSON.stringify({ keys: usable }));
  return judged.ok ? judged.value.keys : undefined;
}

/** RFC 7517 §4.3: a key that says what it is for is used for nothing else; a public key that signs is none. */
function isToVerify({ key_ops: operations, ext }: JsonObject): boolean {
  if (ext !== undefined && typeof ext !== 'boolean') return false;
  return operations === undefined || JSON.stringify(operations) === '["verify"]';
}

const away: AdminDenial = {
  tag: 'unavailable',
  dependency: 'access_keys',
  description: 'The keys of Cloudflare Access could not be fetched. Try again.',
};

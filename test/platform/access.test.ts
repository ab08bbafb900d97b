/** Users through Cloudflare Access: its token, verified with the team's own keys for one application. A team server with real keys stands in for Cloudflare. */
import { beforeEach, describe, expect, it } from 'vitest';
import { err, ok } from '../../src/core/result.ts';
import { createAccessAuthenticator } from '../../src/platform/administration/access.ts';
import { createAdminAuthenticator } from '../../src/platform/administration/authenticate.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';
import { readSettings } from '../../src/platform/settings.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';

const TEAM = 'acme.cloudflareaccess.com';
const AUDIENCE = 'a'.repeat(64);
const START_MS = Date.UTC(2026, 5, 1);

let nowMs = START_MS;
let team: Issuer;
let published: () => Response | Promise<Response>;
let asked: string[];
let signIn: ReturnType<typeof createAccessAuthenticator>;

const jwks = (...issuers: Issuer[]): string =>
  JSON.stringify({ keys: issuers.map(({ publicJwk }) => publicJwk), public_cert: {} });

beforeEach(async () => {
  nowMs = START_MS;
  team = await createIssuer('RS256');
  published = () => new Response(jwks(team));
  asked = [];
  signIn = createAccessAuthenticator({
    teamDomain: TEAM,
    audience: AUDIENCE,
    verifySignature: createSignatureVerifier(),
    nowMs: () => nowMs,
    fetch: async (url) => {
      asked.push(url);
      return published();
    },
  });
});

/** As Access writes them for an application. */
const claims = (changes: object = {}): object => {
  const iat = Math.floor(nowMs / 1_000);
  const times = { iat, nbf: iat, exp: iat + 60 };
  return {
    aud: [AUDIENCE],
    email: 'Ada@Example.com',
    iss: `https://${TEAM}`,
    ...times,
    type: 'app',
    sub: 'u-1',
    ...changes,
  };
};

const BAD = err({ tag: 'bad_credentials' } as const);
const ADA = ok({ name: 'user:ada@example.com', identity: { kind: 'user', email: 'ada@example.com' } });

describe('an assertion of Access', () => {
  it('is the user that it names, in small letters', async () => {
    expect(await signIn(await team.sign(claims()))).toEqual(ADA);
    expect(asked).toEqual([`https://${TEAM}/cdn-cgi/access/certs`]);
  });

  it.each<[string, object]>([
    ['another application', { aud: ['b'.repeat(64)] }],
    ['no application', { aud: undefined }],
    ['another team', { iss: 'https://evil.cloudflareaccess.com' }],
    ['the past', { exp: START_MS / 1_000 - 1 }],
    ['for ever', { exp: undefined }],
    ['nobody', { email: undefined }],
    ['an empty address', { email: '' }],
    ['what is no address', { email: 'ada' }],
    ['two addresses', { email: ['ada@example.com'] }],
    ['an address with a line break', { email: 'ada@example.com\nx@example.com' }],
    ['a whole organisation', { type: 'org' }],
    ['times that are none', { exp: 1e20 }],
    ['a time that is yet to come', { nbf: START_MS / 1_000 + 1 }],
    ['no time at all', { iat: undefined }],
  ])('for %s is nobody', async (_what, changes) => {
    expect(await signIn(await team.sign(claims(changes)))).toEqual(BAD);
  });

  it('is nobody where small letters would make his address somebody else’s', async () => {
    expect(await signIn(await team.sign(claims({ email: '\u212Aarl@example.com' })))).toEqual(BAD);
    expect(await signIn(await team.sign(claims({ email: 'Karl@example.com' })))).toMatchObject({ ok: true });
  });

  it('is nobody when another key signed it, a key is in its header, or nothing signed it', async () => {
    const stranger = await createIssuer('RS256', team.kid);
    expect(await signIn(await stranger.sign(claims()))).toEqual(BAD);
    expect(await signIn(await stranger.sign(claims(), { jwk: stranger.publicJwk }))).toEqual(BAD);
    const [, payload = ''] = (await team.sign(claims())).split('.');
    expect(await signIn(`${btoa('{"alg":"none"}')}.${payload}.`)).toEqual(BAD);
    expect(await signIn('x'.repeat(20_000))).toEqual(BAD);
    expect(await signIn(await team.sign(claims(), { typ: 'at+jwt' }))).toEqual(BAD);
  });

  it('is nobody when it is signed with the public key as a secret', async () => {
    const input = [{ alg: 'HS256', kid: team.kid }, claims()]
      .map((part) => btoa(JSON.stringify(part)).replaceAll('=', ''))
      .join('.');
    const secret = new TextEncoder().encode(JSON.stringify(team.publicJwk));
    const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(input)));
    expect(await signIn(`${input}.${btoa(String.fromCharCode(...mac)).replaceAll('=', '')}`)).toEqual(BAD);
  });
});

describe('the keys of the team', () => {
  it('are kept for an hour, and asked for again when a new one signs, but not at every stranger’s word', async () => {
    await signIn(await team.sign(claims()));
    const next = await createIssuer('ES256');
    expect(await signIn(await next.sign(claims()))).toEqual(BAD);
    published = () => new Response(jwks(team, next));
    expect(await signIn(await next.sign(claims()))).toEqual(BAD);
    expect(asked).toHaveLength(1);
    nowMs += 30_000;
    expect(await signIn(await next.sign(claims()))).toEqual(ADA);
    expect(asked).toHaveLength(2);
    for (let times = 0; times < 5; times += 1) await signIn(await (await createIssuer('ES256')).sign(claims()));
    expect(asked).toHaveLength(2);
    nowMs += 3_600_000;
    expect(await signIn(await next.sign(claims()))).toEqual(ADA);
    expect(asked).toHaveLength(3);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['does not answer', () => Promise.reject(new Error('away'))],
    [
      'sends one elsewhere',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example.com' } }),
    ],
    ['answers a page', () => new Response('<html></html>', { headers: { 'content-type': 'text/html' } })],
    ['answers without end', () => new Response('x'.repeat(300_000))],
    ['answers no keys', () => new Response('{"keys":1}')],
  ])('cannot be had: who %s lets nobody in', async (_what, answer) => {
    published = answer;
    expect(await signIn(await team.sign(claims()))).toMatchObject({
      error: { tag: 'unavailable', dependency: 'access_keys' },
    });
  });

  it.each<[string, () => readonly object[]]>([
    ['is for encryption', () => [{ ...team.publicJwk, use: 'enc' }]],
    ['is for signing, not for verifying', () => [{ ...team.publicJwk, key_ops: ['sign'] }]],
    ['is for another algorithm', () => [{ ...team.publicJwk, alg: 'RS512' }]],
    ['has a namesake', () => [team.publicJwk, { ...team.publicJwk, use: 'enc' }]],
    ['shows its private half', () => [{ ...team.publicJwk, d: 'AQAB' }]],
    ['is RSA with the exponent 3', () => [{ ...team.publicJwk, e: 'Aw' }]],
    ['is a secret that all know', () => [{ kty: 'oct', kid: team.kid, k: 'AAAA' }]],
  ])('verify nobody where one %s, be its signature true', async (_what, keys) => {
    const other = await createIssuer('ES256');
    published = () => Response.json({ keys: [...keys(), other.publicJwk] });
    expect((await signIn(await team.sign(claims()))).ok).toBe(false);
  });

  it('still let a person in by the good key beside one that is for something else', async () => {
    const other = await createIssuer('ES256');
    published = () => Response.json({ keys: [{ ...other.publicJwk, key_ops: ['sign'] }, team.publicJwk, 'x'] });
    expect(await signIn(await team.sign(claims()))).toEqual(ADA);
  });

  it('are not used beyond their hour when the team is away', async () => {
    await signIn(await team.sign(claims()));
    published = () => Promise.reject(new Error('away'));
    nowMs += 3_600_000;
    expect(await signIn(await team.sign(claims()))).toMatchObject({ error: { tag: 'unavailable' } });
  });
});

describe('the door', () => {
  const federated = async () => BAD;
  const bootstrap = async () => undefined;

  it('does not know the header where Access is not configured', async () => {
    const door = createAdminAuthenticator({ bootstrap, federated });
    const accessAssertion = await team.sign(claims());
    expect(await door({ authorization: undefined, accessAssertion })).toEqual(err({ tag: 'unauthenticated' }));
  });

  it('does not let the header make a bad token good', async () => {
    const door = createAdminAuthenticator({ bootstrap, federated, access: signIn });
    const accessAssertion = await team.sign(claims());
    expect(await door({ authorization: 'Bearer nonsense', accessAssertion })).toEqual(BAD);
    expect(await door({ authorization: undefined, accessAssertion })).toEqual(ADA);
  });

  it.each([
    { ACCESS_TEAM_DOMAIN: TEAM },
    { ACCESS_AUDIENCE: AUDIENCE },
    { ACCESS_TEAM_DOMAIN: `https://${TEAM}`, ACCESS_AUDIENCE: AUDIENCE },
    { ACCESS_TEAM_DOMAIN: 'evil.example.com', ACCESS_AUDIENCE: AUDIENCE },
    { ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUDIENCE: 'short' },
  ])('is not opened by half a configuration: %j', (variables) => {
    expect(readSettings({ PUBLIC_ORIGIN: 'https://sts.example.com', ...variables }).ok).toBe(false);
  });
});

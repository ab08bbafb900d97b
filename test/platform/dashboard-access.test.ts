/** Signing in through Cloudflare Access: the session is Access's word at each request, and nothing without it. Its real verifier, a team with real keys. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createDashboardRoutes } from '../../src/dashboard/routes.tsx';
import { err } from '../../src/core/result.ts';
import { createAccessAuthenticator } from '../../src/platform/administration/access.ts';
import { createAdminAuthenticator } from '../../src/platform/administration/authenticate.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';
import { createMemorySessions } from '../support/memory-sessions.ts';

const ORIGIN = 'https://sts.example.com';
const TEAM = 'acme.cloudflareaccess.com';
const AUDIENCE = 'a'.repeat(64);
const OURS = { origin: ORIGIN, 'sec-fetch-site': 'same-origin' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

let nowMs = Date.UTC(2026, 5, 1);
let team: Issuer;
let app: ReturnType<typeof createDashboardRoutes>;
let asked: Request[];

beforeEach(async () => {
  team = await createIssuer('RS256');
  asked = [];
  app = createDashboardRoutes({
    publicOrigin: ORIGIN,
    authenticate: createAdminAuthenticator({
      bootstrap: async () => undefined,
      federated: async () => err({ tag: 'bad_credentials' }),
      access: createAccessAuthenticator({
        teamDomain: TEAM,
        audience: AUDIENCE,
        verifySignature: createSignatureVerifier(),
        nowMs: () => nowMs,
        fetch: async () => Response.json({ keys: [team.publicJwk] }),
      }),
    }),
    sessions: createMemorySessions(() => nowMs),
    readAsset: async () => undefined,
    nowMs: () => nowMs,
    readText: async (request) => request.text(),
    ask: async (request) => {
      asked.push(request);
      return Response.json({ permissions: ['sts.signingKeys.list', 'sts.signingKeys.rotate'], keys: [] });
    },
  });
});

/** As Access adds it to each request of whoever it let through. */
async function header(email: string, issuedSecondsAgo = 0): Promise<Record<string, string>> {
  const iat = Math.floor(nowMs / 1_000) - issuedSecondsAgo;
  const claims = { aud: [AUDIENCE], email, iss: `https://${TEAM}`, iat, nbf: iat, exp: iat + 86_400, type: 'app' };
  return { 'cf-access-jwt-assertion': await team.sign(claims) };
}

const ask = async (
  path: string,
  headers: Record<string, string>,
  fields?: Record<string, string>,
): Promise<Response> => {
  const body = fields === undefined ? {} : { method: 'POST', body: new URLSearchParams(fields).toString() };
  return app.request(`${ORIGIN}/dashboard${path}`, { headers, ...body });
};

async function signIn(email: string, issuedSecondsAgo = 0): Promise<string> {
  const headers = { ...OURS, ...FORM, ...(await header(email, issuedSecondsAgo)) };
  const answer = await ask('/sign-in', headers, { with: 'access' });
  expect(answer.status).toBe(303);
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

describe('Cloudflare Access', () => {
  it('says who it is, and asks for one press of a button: a page elsewhere cannot sign anybody in', async () => {
    const ada = await header('ada@example.com');
    const page = await (await ask('/sign-in', ada)).text();
    expect(page).toContain('user:ada@example.com');
    const evil = { ...ada, ...FORM, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await ask('/sign-in', evil, { with: 'access' })).status).toBe(403);
    expect((await ask('/sign-in', { ...OURS, ...FORM }, { with: 'access' })).status).toBe(401);
    expect((await ask('', ada)).status).toBe(401);
  });

  it('is heard at each request: without its word, or with its word for somebody else, the session is over', async () => {
    const cookie = await signIn('ada@example.com');
    expect((await ask('', { cookie, ...(await header('Ada@Example.com')) })).status).toBe(200);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every((request) => request.headers.has('cf-access-jwt-assertion'))).toBe(true);
    expect((await ask('', { cookie, ...(await header('mallory@example.com')) })).status).toBe(401);
    expect((await ask('', { cookie, ...(await header('ada@example.com')) })).status).toBe(401);
    const again = await signIn('ada@example.com');
    expect((await ask('', { cookie: again })).status).toBe(401);
  });

  it('counts as a fresh proof by when it issued its word, not by when a button was pressed', async () => {
    const rotated = async (issuedSecondsAgo: number): Promise<number> => {
      const cookie = await signIn('ada@example.com', issuedSecondsAgo);
      const headers = { cookie, ...(await header('ada@example.com', issuedSecondsAgo)) };
      const page = await (await ask('/projects/p/keys', headers)).text();
      const formToken = /name="formToken" value="([0-9a-f]+)"/.exec(page)?.[1] ?? '';
      return (await ask('/projects/p/keys/rotate', { ...headers, ...OURS, ...FORM }, { formToken })).status;
    };
    expect(await rotated(60)).toBe(303);
    expect(await rotated(600)).toBe(401);
    expect(asked.filter(({ url }) => url.endsWith(':rotate')).length).toBe(1);
  });

  it('is no fresh proof by being shown again: a session that was left open proves nothing with an old word', async () => {
    const cookie = await signIn('ada@example.com', 600);
    const proved = async (issuedSecondsAgo: number): Promise<Response> => {
      const headers = { cookie, ...(await header('ada@example.com', issuedSecondsAgo)) };
      const page = await (await ask('/prove', headers)).text();
      const formToken = /name="formToken" value="([0-9a-f]+)"/.exec(page)?.[1] ?? '';
      return ask('/prove', { ...headers, ...OURS, ...FORM }, { formToken, with: 'access', next: '/dashboard/x' });
    };
    const stale = await proved(600);
    expect(stale.status).toBe(401);
    expect(stale.headers.get('set-cookie')).toBeNull();
    const fresh = await proved(10);
    expect({ status: fresh.status, location: fresh.headers.get('location') }).toEqual({
      status: 303,
      location: '/dashboard/x',
    });
  });
});

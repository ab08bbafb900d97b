/** What another site, another session, an old page or a planted cookie can do at the dashboard: nothing (SECURITY.md T16). Real parts, HTTP in and out. */
import { env, exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
// oxlint-disable-next-line import/default -- its text, which Vite makes the default export
import routes from '../../src/dashboard/routes.tsx?raw';
import {
  addCluster,
  addTarget,
  type Cluster,
  createProject,
  must,
  ORIGIN,
  type TestProject,
} from '../support/broker.ts';
import { newTab, OWN_FORM, SESSION_COOKIE, signIn, type Shown } from '../support/dashboard.ts';

let project: TestProject;
let cluster: Cluster;
let thumbprint = '';

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  await addTarget(project);
  await must('POST', `/v1/projects/${project.id}/locations/global/quotaPreferences?quotaPreferenceId=more`, {
    service: 'sts',
    quotaId: 'TokenExchangeRequestsPerMinutePerProject',
    quotaConfig: { preferredValue: '12000' },
    justification: 'more',
  });
  const provider = await must('GET', `/v1/${cluster.name}`);
  [thumbprint = ''] = (provider['keys'] as { thumbprints: string[] }).thumbprints;
});

const under = (path: string): string => `/projects/${project.id}/${path}`;

/** Every form there is, filled so that it would do something. */
const forms = (): readonly (readonly [path: string, fields: Record<string, string>])[] => [
  [under('quota'), { name: cluster.name, perMinute: '10' }],
  [under('requests'), { preferredValue: '7000', justification: 'x', id: 'other' }],
  [under('requests/more/review'), { verdict: 'approve', grantedValue: '9000' }],
  [under('requests/more/withdraw'), { etag: '' }],
  [under(`clusters/${cluster.pool}/${cluster.providerId}/distrust`), { thumbprint }],
  [under('policy/rehearse'), { policy: '{"bindings":[]}' }],
  [under('policy/set'), { policy: '{"bindings":[]}' }],
  [under('keys/rotate'), { alg: 'ES256' }],
  [under('history/1/restore'), { how: 'restore' }],
  ['/sign-out', {}],
  ['/prove', { token: 'x' }],
];

/** All that a form could have changed. */
async function state(): Promise<string> {
  const paths = ['', '/signingKeys', '/locations/global/quotaPreferences', '/history'];
  const answers = await Promise.all([
    ...paths.map((path) => must('GET', `/v1/projects/${project.id}${path}`)),
    must('GET', `/v1/${cluster.name}`),
  ]);
  return JSON.stringify(answers);
}

describe('forms', () => {
  it('are all of them here: there is no other POST in the routes', async () => {
    const posts = [...routes.matchAll(/\b(?:post|dangerous)\(\s*'/g)].length;
    expect(posts).toBe(forms().length);
    expect([...routes.matchAll(/app\.post\(`\$\{BASE\}\/sign-in`/g)].length).toBe(1);
  });

  it.each<[name: string, headers: Record<string, string>]>([
    ['another origin', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another origin, from an old browser', { origin: 'https://evil.example' }],
    ['a neighbour below the same domain', { origin: 'https://evil.sts.example.com', 'sec-fetch-site': 'same-site' }],
    ['the same host without encryption', { origin: ORIGIN.replace('https:', 'http:'), 'sec-fetch-site': 'cross-site' }],
    ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['another origin that says same-origin', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }],
    ['our origin, said to be a neighbour', { origin: ORIGIN, 'sec-fetch-site': 'same-site' }],
    ['our origin, said to be cross-site', { origin: ORIGIN, 'sec-fetch-site': 'cross-site' }],
    ['nothing that a browser sends', {}],
  ])('CSRF: a form from %s is refused, even with the right token', async (_name, headers) => {
    const tab = await signIn();
    const formToken = await tab.formToken();
    const before = await state();
    for (const [path, fields] of forms()) {
      expect((await tab.post(path, { ...fields, formToken }, headers)).status, path).toBe(403);
    }
    expect((await newTab().post('/sign-in', { token: 'x' }, headers)).status).toBe(403);
    expect(await state()).toBe(before);
    expect((await tab.get('')).status).toBe(200);
  });

  it('CSRF: a form without the token of this session, or with that of another, is refused', async () => {
    const [tab, other] = await Promise.all([signIn(), signIn()]);
    const before = await state();
    for (const formToken of ['', 'x', await other.formToken(), `${await tab.formToken()}0`]) {
      for (const [path, fields] of forms()) {
        const answer = await tab.post(path, { ...fields, formToken });
        expect(answer.status, path).toBe(403);
        expect(answer.html).toContain('Nothing was changed');
      }
    }
    expect(await state()).toBe(before);
  });

  it.each(['text/plain', 'application/json', 'multipart/form-data; boundary=x', ''])(
    'a form of the media type %s is not read',
    async (type) => {
      const tab = await signIn();
      const formToken = await tab.formToken();
      const before = await state();
      for (const [path, fields] of forms()) {
        const headers = { ...OWN_FORM, 'content-type': type };
        expect((await tab.post(path, { ...fields, formToken }, headers)).status, path).toBe(400);
      }
      expect(await state()).toBe(before);
    },
  );

  it('no GET changes anything: every form is refused as one', async () => {
    const tab = await signIn();
    const before = await state();
    for (const [path, fields] of forms()) {
      await tab.get(`${path}?${new URLSearchParams({ ...fields, formToken: await tab.formToken() }).toString()}`);
    }
    expect(await state()).toBe(before);
    expect((await tab.get('')).status).toBe(200);
  });

  it('REST takes no session for a credential', async () => {
    const tab = await signIn();
    const headers = { cookie: `${SESSION_COOKIE}=${tab.cookie}`, ...OWN_FORM };
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await exports.default.fetch(new Request(`${ORIGIN}/v1/projects`, { method, headers }));
      expect(answer.status).toBe(401);
    }
  });
});

describe('headers', () => {
  const expectHeld = ({ headers }: Shown, path: string): void => {
    const policy = headers.get('content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]) {
      expect(policy, path).toContain(part);
    }
    expect(policy, path).not.toMatch(/unsafe|data:|https?:|\*/);
    expect(policy, path).toContain("require-trusted-types-for 'script'");
    expect(headers.get('x-frame-options'), path).toBe('DENY');
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('referrer-policy'), path).toBe('same-origin');
    expect(headers.get('cross-origin-opener-policy'), path).toBe('same-origin');
    expect(headers.get('cross-origin-resource-policy'), path).toBe('same-origin');
    expect(headers.get('access-control-allow-origin'), path).toBeNull();
    if (!path.includes('/assets/')) expect(headers.get('cache-control'), path).toBe('no-store');
  };

  it('clickjacking: every answer forbids frames and whatever is not its own, refusals and redirects too', async () => {
    const tab = await signIn();
    const home = await tab.get('');
    const assets = [...home.html.matchAll(/"\/dashboard(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(new Set(assets).size).toBe(3);
    const pages =
      'quota requests requests/more requests/none activity activity.csv clusters policy policy/explain policy/rehearse keys history history/1 nothing';
    const paths = ['', '/sign-in', '/signed-out', '/prove', '/none', `/projects/${project.id}`, ...assets];
    for (const path of [...paths, ...pages.split(' ').map(under)]) expectHeld(await tab.get(path), path);
    for (const path of ['', '/projects/nobody/quota', under('quota')]) expectHeld(await newTab().get(path), path);
    for (const [path, fields] of forms().filter(([one]) => one !== '/sign-out')) {
      expectHeld(await tab.post(path, { ...fields, formToken: 'x' }), path);
      expectHeld(await tab.post(path, fields, { origin: 'https://evil.example' }), path);
    }
    expectHeld(await tab.post('/sign-out'), '/sign-out');
  });

  it('pages hold nothing inline that would run, and nothing from elsewhere', async () => {
    const tab = await signIn();
    for (const path of ['', under('quota'), under('keys'), under('policy/rehearse')]) {
      const { html } = await tab.get(path);
      expect(html).not.toMatch(/<script(?![^>]* src="\/dashboard\/assets\/)/);
      expect(html).not.toMatch(/ on[a-z]+=| style=|javascript:|<iframe|<base/i);
      expect([...html.matchAll(/(?:src|href|action)="(?!\/dashboard|\?|#)([^"]*)"/g)].map((match) => match[1])).toEqual(
        [],
      );
    }
  });
});

describe('sessions', () => {
  it('fixation: a cookie that was there before signing in is not the one that is signed in', async () => {
    const planted = 'A'.repeat(43);
    const victim = newTab(undefined, planted);
    await victim.post('/sign-in', { token: 'x' });
    await victim.post('/sign-in', { token: env.EDGE_STS_ADMIN_TOKEN ?? '', formToken: '' });
    expect(victim.cookie).not.toBe(planted);
    expect((await victim.get('')).status).toBe(200);
    expect((await newTab(undefined, planted).get('')).status).toBe(401);
    // One that was a session, as an attacker has one, is over once its bearer signs in as somebody else.
    const attacker = await signIn();
    const shared = newTab(undefined, attacker.cookie);
    await shared.post('/sign-in', { token: env.EDGE_STS_ADMIN_TOKEN ?? '', formToken: '' });
    expect((await attacker.get('')).status).toBe(401);
  });

  it('the cookie is HttpOnly, Secure, of this host alone, and goes with no request from elsewhere', async () => {
    const tab = newTab();
    const answer = await tab.post('/sign-in', { token: env.EDGE_STS_ADMIN_TOKEN ?? '' });
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-edge-sts=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/),
    ]);
  });

  it('signing out ends the session at the server: a copy of the cookie is good for nothing', async () => {
    const tab = await signIn();
    const copy = newTab(undefined, tab.cookie);
    const formToken = await tab.formToken();
    expect((await tab.post('/sign-out')).headers.get('location')).toBe('/dashboard/signed-out');
    expect(tab.cookie).toBe('');
    const before = await state();
    expect((await copy.get(under('quota'))).status).toBe(401);
    for (const [path, fields] of forms()) expect((await copy.post(path, { ...fields, formToken })).status).toBe(401);
    expect(await state()).toBe(before);
  });

  it('two tabs of one session do not get in each other’s way; a stale one says that nothing was changed', async () => {
    const one = await signIn();
    const other = newTab(undefined, one.cookie);
    const formToken = await other.formToken();
    const wish = { preferredValue: '9000', justification: 'x' };
    expect((await one.post(under('requests/more/withdraw'), { etag: '', formToken })).status).toBe(303);
    expect(
      (await other.post(under('requests'), { ...wish, id: `two-${formToken.slice(0, 8)}`, formToken })).status,
    ).toBe(303);
    // The person signs in anew in one of them; what the other shows is of a session that is over.
    await one.post('/sign-in', { token: env.EDGE_STS_ADMIN_TOKEN ?? '', formToken: '' });
    other.cookie = one.cookie;
    const stale = await other.post(under('requests'), { ...wish, id: 'stale', formToken });
    expect([stale.status, stale.html.includes('out of date')]).toEqual([403, true]);
  });

  it('a page that somebody else changed meanwhile decides nothing: the etag of what was looked at goes along', async () => {
    const [tab, preferences] = [await signIn(), `/v1/projects/${project.id}/locations/global/quotaPreferences`];
    const all = (await must('GET', preferences))['quotaPreferences'] as { name: string; state: string }[];
    const pending =
      all
        .find((one) => one.state === 'PENDING')
        ?.name.split('/')
        .at(-1) ?? '';
    const page = await tab.get(under(`requests/${pending}`));
    const etag = /name="etag" value="([^"]+)"/.exec(page.html)?.[1]?.replaceAll('&#x2F;', '/') ?? '';
    await must('PATCH', `${preferences}/${pending}?updateMask=quotaConfig.preferredValue`, {
      quotaConfig: { preferredValue: '600000' },
    });
    const answer = await tab.post(under(`requests/${pending}/review`), { verdict: 'approve', etag });
    expect([answer.status, answer.html.includes('concurrent changes')]).toEqual([409, true]);
  });
});

describe('where one is led on to', () => {
  const elsewhere = [
    'https://evil.example/dashboard/x',
    '//evil.example/dashboard/x',
    '/\\evil.example/dashboard/x',
    '/dashboard//evil.example',
    '/dashboard/../../evil',
    '/dashboard/\t//evil.example',
    '/dashboard@evil.example',
    'javascript:alert(1)//dashboard/',
    '/dashboard/%2e%2e/%2e%2e/v1/projects',
    'dashboard/x',
    `/dashboard/${'x'.repeat(3_000)}`,
    '/dashboard/\r\nSet-Cookie: a=b',
    '/dashboard/sign-out',
  ];
  it.each(elsewhere)('open redirect: not to %j', async (next) => {
    const answer = await newTab().post('/sign-in', { token: env.EDGE_STS_ADMIN_TOKEN ?? '', next });
    const to = new URL(answer.headers.get('location') ?? '', ORIGIN);
    expect(answer.status).toBe(303);
    expect([to.origin, to.pathname === '/dashboard' || to.pathname.startsWith('/dashboard/')]).toEqual([ORIGIN, true]);
    expect(to.pathname.startsWith('/dashboard/sign')).toBe(false);
    expect(answer.headers.getSetCookie().length).toBe(1);
    const shown = await newTab().get(`/sign-in?next=${encodeURIComponent(next)}`);
    const kept = /name="next" value="([^"]*)"/.exec(shown.html)?.[1] ?? 'none';
    expect(kept.startsWith('/dashboard')).toBe(true);
  });

  it('a page of ours is come back to after signing in, with what was asked of it', async () => {
    const next = `/dashboard${under('quota')}?range=90d&by=principal`;
    const answer = await newTab().post('/sign-in', { token: env.EDGE_STS_ADMIN_TOKEN ?? '', next });
    expect(answer.headers.get('location')).toBe(next);
  });

  it('a link from another site comes without the cookie and is asked for once more, from here', async () => {
    const cross = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const first = await newTab().get(`${under('quota')}?by=principal&range="><script>`, cross);
    expect(first.html).toMatch(/http-equiv="refresh" content="0;url=\/dashboard\/projects\/[^"<>]*"/);
    expect((await newTab().get(under('quota'), { ...cross, 'sec-fetch-site': 'same-origin' })).status).toBe(401);
  });
});

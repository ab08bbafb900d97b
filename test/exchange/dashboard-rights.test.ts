/** What a person sees and may do at the dashboard is what the policies say at that very request: of one project, of none, and no longer. Real parts. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SESSION_IDLE_MS, SESSION_LIFE_MS } from '../../src/core/admin/sessions.ts';
import { DIRECTORY_NAME } from '../../src/platform/object-names.ts';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addTarget,
  type Cluster,
  createProject,
  exchange,
  type Fetch,
  member,
  must,
  setPolicy,
  type TestProject,
} from '../support/broker.ts';
import { formTokenIn, newTab, type Shown, signIn, type Tab } from '../support/dashboard.ts';

let own: TestProject;
let foreign: TestProject;
let cluster: Cluster;
let foreignCluster: Cluster;

beforeAll(async () => {
  [own, foreign] = await Promise.all([createProject(), createProject()]);
  [cluster, foreignCluster] = [await addCluster(own), await addCluster(foreign)];
  await addTarget(foreign);
  await must('POST', `/v1/projects/${own.id}/locations/global/quotaPreferences?quotaPreferenceId=more`, {
    service: 'sts',
    quotaId: 'TokenExchangeRequestsPerMinutePerProject',
    quotaConfig: { preferredValue: '12000' },
    justification: 'more',
  });
});
afterEach(() => vi.useRealTimers());

const who = (): string => member(own, cluster.pool, 'subject/ns/shop/sa/checkout');
const give = (roles: readonly string[]): Promise<void> =>
  setPolicy(
    `/v1/projects/${own.id}`,
    roles.map((role) => ({ role, members: [who()] })),
  );
const ownToken = async (): Promise<string> => String((await exchange(cluster)).body['access_token']);
const comeIn = async (roles: readonly string[]): Promise<Tab> => {
  await give(roles);
  return signIn(await ownToken());
};

const PAGES =
  'quota requests activity activity.csv clusters policy policy/explain policy/rehearse keys history history/1 history/compare?from=1';

describe('a viewer of one project', () => {
  it('sees that project and nothing of another, however it is asked for', async () => {
    const tab = await comeIn(['roles/iam.securityReviewer']);
    const home = await tab.get('');
    expect(home.html).toContain(own.id);
    expect(home.html).not.toContain(foreign.id);
    expect(home.html).not.toContain(foreign.number);
    const secrets = [foreign.number, foreignCluster.providerId, foreignCluster.clusterUri];
    for (const page of [...PAGES.split(' '), `clusters/${foreignCluster.pool}/${foreignCluster.providerId}`]) {
      const answer = await tab.get(`/projects/${foreign.id}/${page}`);
      expect(answer.status, page).toBe(403);
      for (const secret of secrets.filter((one) => !page.includes(one)))
        expect(answer.html, page).not.toContain(secret);
      // What is not there looks the same.
      const nowhere = await tab.get(`/projects/nowhere-at-all/${page}`);
      const alike = ({ html }: Shown): string =>
        html
          .replaceAll(foreign.id, 'P')
          .replaceAll('nowhere-at-all', 'P')
          .replaceAll(/name="formToken" value="[0-9a-f]+"/g, '');
      expect(alike(answer), page).toBe(alike(nowhere));
    }
  });

  it('finds no button that would be refused, and each is refused when it is forged', async () => {
    const tab = await comeIn(['roles/iam.securityReviewer']);
    const pages = await Promise.all(
      [
        'quota',
        'requests',
        'requests/more',
        `clusters/${cluster.pool}/${cluster.providerId}`,
        'policy',
        'policy/rehearse',
        'keys',
        'history/1',
      ].map((page) => tab.get(`/projects/${own.id}/${page}`)),
    );
    const actions = pages.flatMap(({ html }) =>
      [...html.matchAll(/<form method="post"(?: action="([^"]*)")?/g)].map((match) => match[1]),
    );
    // Signing out, and rehearsing, which changes nothing and which a reviewer may.
    expect(new Set(actions)).toEqual(new Set(['/dashboard/sign-out', `/dashboard/projects/${own.id}/policy/rehearse`]));
    const provider = await must('GET', `/v1/${cluster.name}`);
    const [thumbprint = ''] = (provider['keys'] as { thumbprints: string[] }).thumbprints;
    const forged: readonly (readonly [string, Record<string, string>])[] = [
      ['quota', { name: cluster.name, perMinute: '10' }],
      ['requests', { preferredValue: '7000', justification: 'x', id: 'forged' }],
      ['requests/more/review', { verdict: 'approve', grantedValue: '9000' }],
      ['requests/more/withdraw', { etag: '' }],
      [`clusters/${cluster.pool}/${cluster.providerId}/distrust`, { thumbprint }],
      ['policy/set', { policy: '{"bindings":[]}' }],
      ['keys/rotate', { alg: 'ES256' }],
      ['history/1/restore', { how: 'restore' }],
    ];
    const before = await must('GET', `/v1/projects/${own.id}/history`);
    for (const [path, fields] of forged) {
      const answer = await tab.post(`/projects/${own.id}/${path}`, fields);
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.html, path).toMatch(/Permission .{0,10}[a-zA-Z.]+.{0,10} denied/);
    }
    expect(await must('GET', `/v1/projects/${own.id}/history`)).toEqual(before);
  });

  it('finds the buttons of what he may do, and no more', async () => {
    const tab = await comeIn(['roles/cloudquotas.admin']);
    const wish = await tab.get(`/projects/${own.id}/requests/more`);
    expect(wish.html).toContain('Withdraw the request');
    // To review counts on the organization alone: an owner of a project does not grant himself what his neighbours pay for.
    expect(wish.html).not.toContain('Refuse');
    const tabs = [
      ...(await tab.get(`/projects/${own.id}/quota`)).html.matchAll(/<a href="\/dashboard\/projects\/[^/]+\/(\w+)"/g),
    ];
    expect(tabs.map((match) => match[1])).toEqual(['quota', 'requests']);
  });

  it('who may nothing is told what to ask for, and sees no project', async () => {
    const tab = await comeIn([]);
    const home = await tab.get('');
    expect([home.status, home.html.includes('No project is shown to you')]).toEqual([200, true]);
    expect((await tab.get(`/projects/${own.id}/quota`)).status).toBe(403);
  });
});

describe('a session has no power of its own', () => {
  it('a right that is taken away is gone at the next request', async () => {
    const tab = await comeIn(['roles/iam.securityReviewer']);
    expect((await tab.get(`/projects/${own.id}/keys`)).status).toBe(200);
    await give([]);
    expect((await tab.get(`/projects/${own.id}/keys`)).status).toBe(403);
  });

  it('a bootstrap token that is retired ends its sessions at the next request, and so does one that was exchanged for another', async () => {
    const token = `test-only-${crypto.randomUUID()}-${crypto.randomUUID()}`;
    const withToken = (secret: string): Fetch => {
      const app = createBroker({ ...env, EDGE_STS_ADMIN_TOKEN: secret });
      return async (request) => app.fetch(request);
    };
    const tab = await signIn(token, withToken(token));
    expect((await tab.get('')).status).toBe(200);
    expect((await newTab(withToken(`${token}2`), tab.cookie).get('')).status).toBe(401);

    const again = await signIn(token, withToken(token));
    await must('POST', '/v1/organizations/1:setIamPolicy', {
      policy: { bindings: [{ role: 'roles/owner', members: [who()] }] },
    });
    const owner = { authorization: `Bearer ${await ownToken()}`, 'content-type': 'application/json' };
    const fetch = withToken(token);
    await fetch(new Request('https://sts.example.com/v1/projects', { headers: owner }));
    const retired = await fetch(
      new Request('https://sts.example.com/v1/organizations/1:retireBootstrapToken', {
        method: 'POST',
        headers: owner,
        body: '{}',
      }),
    );
    expect(retired.status).toBe(200);
    expect((await again.get('')).status).toBe(401);
    expect((await again.post('/sign-out', { formToken: 'x' })).status).toBe(401);
    await must('POST', '/v1/organizations/1:setIamPolicy', { policy: { bindings: [] } });
  });

  it('a federated session ends with its token', async () => {
    const tab = await comeIn(['roles/iam.securityReviewer']);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
    expect((await tab.get('')).status).toBe(401);
  });

  it('a workload that is shut out loses its session at the next request', async () => {
    const tab = await comeIn(['roles/iam.securityReviewer']);
    // The pool's: a provider that is disabled lets nobody in any more, and leaves its tokens their life.
    const [pool] = cluster.name.split('/providers/');
    await must('PATCH', `/v1/${pool}?updateMask=disabled`, { disabled: true });
    expect((await tab.get('')).status).toBe(401);
    await must('PATCH', `/v1/${pool}?updateMask=disabled`, { disabled: false });
  });
});

describe('time', () => {
  const later = (ms: number): void => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });

  it('a session that nobody uses is over after half an hour, and a page that asks by itself does not keep it', async () => {
    const tab = await signIn();
    for (let at = 0; at < 5; at += 1) {
      later(SESSION_IDLE_MS / 5);
      await tab.get('', { 'x-live': '1' });
    }
    later(1_000);
    expect((await tab.get('')).status).toBe(401);
  });

  it('a session that is used is over after eight hours all the same', async () => {
    const tab = await signIn();
    for (let atMs = 0; atMs < SESSION_LIFE_MS - SESSION_IDLE_MS; atMs += SESSION_IDLE_MS / 2) {
      expect((await tab.get('')).status).toBe(200);
      later(SESSION_IDLE_MS / 2);
    }
    later(SESSION_IDLE_MS / 2);
    await tab.get('');
    later(SESSION_IDLE_MS / 2);
    expect((await tab.get('')).status).toBe(401);
  });

  it('what is dangerous asks for the credential again, does nothing meanwhile, and takes that of nobody else', async () => {
    const tab = await signIn();
    later(6 * 60_000);
    const rotate = `/projects/${own.id}/keys/rotate`;
    const from = `/dashboard/projects/${own.id}/keys`;
    const before = await must('GET', `/v1/projects/${own.id}/signingKeys`);
    const asked = await tab.post(rotate, { alg: 'ES256', from });
    expect([asked.status, asked.html.includes('Confirm that it is you')]).toEqual([401, true]);
    expect(await must('GET', `/v1/projects/${own.id}/signingKeys`)).toEqual(before);
    const earlier = tab.cookie;
    for (const token of ['', 'nonsense', await ownToken()])
      expect((await tab.post('/prove', { token, next: from })).status).toBeGreaterThanOrEqual(400);
    expect((await tab.post(rotate, { alg: 'ES256', from })).status).toBe(401);
    const proved = await tab.post('/prove', { token: env.EDGE_STS_ADMIN_TOKEN ?? '', next: from });
    expect(proved.headers.get('location')).toBe(from);
    // Whoever had the cookie before has not got the one that was made fresh.
    expect(tab.cookie).not.toBe(earlier);
    expect((await newTab(undefined, earlier).get('')).status).toBe(401);
    expect((await tab.post(rotate, { alg: 'ES256', from })).status).toBe(303);
  });

  it('to look, to ask for more and to rehearse needs no fresh proof', async () => {
    const tab = await signIn();
    later(6 * 60_000);
    expect((await tab.post(`/projects/${own.id}/policy/rehearse`, { policy: '{"bindings":[]}' })).status).toBe(200);
  });
});

describe('what is kept of a session', () => {
  it('opens nobody’s credential: neither token nor secret stands in the storage, and a row moved to another id is none', async () => {
    const token = env.EDGE_STS_ADMIN_TOKEN ?? '';
    const [tab, other] = [await signIn(), await signIn()];
    const rows = await runInDurableObject(env.REGISTRY.getByName(DIRECTORY_NAME), (_instance, state) =>
      state.storage.sql.exec<{ id: string; sealed: string }>('SELECT * FROM sessions').toArray(),
    );
    const all = JSON.stringify(rows);
    expect(rows.length).toBeGreaterThan(1);
    for (const secret of [token, btoa(token), tab.cookie, other.cookie, formTokenIn((await tab.get('')).html)]) {
      expect(all.includes(secret)).toBe(false);
    }
    await runInDurableObject(env.REGISTRY.getByName(DIRECTORY_NAME), async (_instance, state) => {
      const id = async (cookie: string): Promise<string> => {
        const secret = Uint8Array.from(atob(cookie.replaceAll('-', '+').replaceAll('_', '/')), (one) =>
          one.charCodeAt(0),
        );
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', secret));
        return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
      };
      state.storage.sql.exec(
        'UPDATE sessions SET sealed = (SELECT sealed FROM sessions WHERE id = ?) WHERE id = ?',
        await id(tab.cookie),
        await id(other.cookie),
      );
    });
    expect((await tab.get('')).status).toBe(200);
    expect((await other.get('')).status).toBe(401);
  });

  it('one person has twenty at most: the one that was idle for longest makes room', async () => {
    const first = await signIn();
    for (let at = 0; at < 20; at += 1) await signIn();
    expect((await first.get('')).status).toBe(401);
  });

  it.each(['', 'x', 'A'.repeat(43), `${'A'.repeat(42)}=`, '%00', 'A'.repeat(10_000)])(
    'a cookie that was never given out is none: %#',
    async (cookie) => {
      expect((await newTab(undefined, cookie).get('')).status).toBe(401);
    },
  );
});

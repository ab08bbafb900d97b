/** Pushed keys through the front door: rotation of a cluster that nobody can reach, and everything a thief or a neighbour would try. */
import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { projectRegistryName } from '../../src/platform/object-names.ts';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  admin,
  type Answer,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  type Fetch,
  member,
  must,
  postToken,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { laggingKv } from '../support/faulty-bindings.ts';
import { createIssuer, type Issuer, workloadClaims, type WorkloadOptions } from '../support/issuer.ts';
import { AGENT, agentOf, allowPushes, poolOf, push as pushTo, pushToken as tokenOf } from '../support/pushes.ts';

let project: TestProject;
let cluster: Cluster;
const pool = (): string => poolOf(cluster);
const allow = (...members: readonly string[]): Promise<void> => allowPushes(cluster, ...members);
const pushToken = (change: Partial<WorkloadOptions> = {}, issuer: Issuer = cluster.issuer): Promise<string> =>
  tokenOf(cluster, change, issuer);
const push = (issuers: readonly Issuer[], token?: string, fetch?: Fetch): Promise<Answer> =>
  pushTo(cluster, issuers, token, fetch);

beforeEach(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  await allow(agentOf(project, cluster));
});

/** An exchange by a workload whose token `issuer` has signed. */
async function ask(issuer: Issuer, fetch?: Fetch): Promise<Answer> {
  const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` });
  return postToken(tokenForm(cluster.audience, await issuer.sign(claims)), {}, fetch);
}

const shownKeys = async (): Promise<{ readonly kids: string[]; readonly thumbprints: string[] }> =>
  (await must('GET', `/v1/${cluster.name}`))['keys'] as { kids: string[]; thumbprints: string[] };

async function thumbprintOf(issuer: Issuer): Promise<string> {
  const { kids, thumbprints } = await shownKeys();
  return thumbprints[kids.indexOf(issuer.kid)] ?? 'none';
}

const distrust = (thumbprint: string): Promise<unknown> =>
  must('POST', `/v1/${cluster.name}:distrustKey`, { thumbprint });

describe('rotation', () => {
  it('is followed: a new key verifies after the push, an old one is dropped with it', async () => {
    const next = await createIssuer();
    expect((await ask(next)).status).toBe(400);
    const both = await push([cluster.issuer, next]);
    expect(both.body).toMatchObject({
      name: cluster.name,
      keys: { source: 'pushed', kids: [cluster.issuer.kid, next.kid] },
    });
    for (const issuer of [cluster.issuer, next]) expect((await ask(issuer)).status).toBe(200);
    expect((await push([next], await pushToken({}, next))).status).toBe(200);
    expect((await ask(next)).status).toBe(200);
    expect((await ask(cluster.issuer)).body['error']).toBe('invalid_grant');
    expect((await push([cluster.issuer, next])).status).toBe(401);
  });

  it('is heard of by every isolate at its next exchange, although KV never catches up', async () => {
    const bound = { ...env, CACHE: laggingKv(env.CACHE) };
    const broker = createBroker(bound);
    const edge: Fetch = async (request) => broker.fetch(request, bound);
    const next = await createIssuer();
    expect((await ask(cluster.issuer, edge)).status).toBe(200);
    expect((await push([cluster.issuer, next])).status).toBe(200);
    expect((await ask(next, edge)).status).toBe(200);
    expect((await push([next], await pushToken({}, next), edge)).status).toBe(200);
    expect((await ask(cluster.issuer, edge)).status).toBe(400);
  });

  it('needs a key that is trusted now', async () => {
    const [next, other] = [await createIssuer(), await createIssuer()];
    const refused = await push([next, other]);
    expect(refused.body).toMatchObject({ error: { status: 'INVALID_ARGUMENT' } });
    expect((await ask(next)).status).toBe(400);
    expect((await ask(cluster.issuer)).status).toBe(200);
  });

  it('may have new keys wait: nothing verifies before its time', async () => {
    await must('PATCH', `/v1/${cluster.name}?updateMask=newKeyHold`, { newKeyHold: '3600s' });
    const next = await createIssuer();
    const audit = captureAudit();
    expect((await push([cluster.issuer, next])).status).toBe(200);
    const early = await ask(next);
    expect(early.body['error']).toBe('invalid_grant');
    expect(await audit.lineFor(early)).toMatchObject({ check: 'key_on_hold' });
    expect((await push([next])).status).toBe(400);
    expect((await push([cluster.issuer, next], await pushToken({}, next))).status).toBe(401);
    expect((await ask(cluster.issuer)).status).toBe(200);
  });

  it('that stopped ends in 503 once the set is too old, and an upload mends it', async () => {
    expect((await push([cluster.issuer])).status).toBe(200);
    await ageKeys();
    const late = await ask(cluster.issuer);
    expect(late).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect((await push([cluster.issuer])).status).toBe(503);
    const { jwksJson } = cluster.issuer;
    await must('PATCH', `/v1/${cluster.name}?updateMask=kubernetes.jwksJson`, { kubernetes: { jwksJson } });
    expect((await ask(cluster.issuer)).status).toBe(200);
    expect((await must('GET', `/v1/${cluster.name}`))['keySource']).toBe('uploaded');
    expect((await push([cluster.issuer])).status).toBe(200);
  });
});

/** As if the week were over: the row in the Registry, and with a patch everybody hears of it. */
async function ageKeys(): Promise<void> {
  const registry = env.REGISTRY.getByName(projectRegistryName(project.number));
  await runInDurableObject(registry, (_, state) => {
    state.storage.sql.exec(
      `UPDATE resources SET body = json_set(body, '$.keysExpireAtSeconds', ?) WHERE kind = 'provider' AND id = ?`,
      Math.floor(Date.now() / 1_000) - 1,
      cluster.providerId,
    );
  });
  await must('PATCH', `/v1/${cluster.name}?updateMask=description`, { description: 'aged' });
}

describe('who may not push', () => {
  it('an exchange token never pushes, a push token never exchanges', async () => {
    for (const audience of [cluster.audience, `https:${cluster.audience}`]) {
      expect((await push([cluster.issuer], await pushToken({ audience }))).status).toBe(401);
    }
    const both = [`https:${cluster.audience}`, `https:${cluster.audience}:pushKeys`];
    expect((await push([cluster.issuer], await pushToken({ audience: both }))).status).toBe(401);
    expect((await exchange(cluster, undefined, await pushToken())).body['error']).toBe('invalid_grant');
  });

  it('a push token of another provider, although the keys are the same', async () => {
    const twin = await addCluster(project, { issuer: cluster.issuer });
    const audience = `https:${twin.audience}:pushKeys`;
    expect((await push([cluster.issuer], await pushToken({ audience }))).status).toBe(401);
  });

  it('a token of the broker, an administrator, and garbage: one text for all', async () => {
    const minted = await exchange(cluster);
    const tokens = [String(minted.body['access_token']), env.EDGE_STS_ADMIN_TOKEN ?? '', 'a.b.c', 'x'.repeat(20_000)];
    const answers = await Promise.all(tokens.map((token) => push([cluster.issuer], token)));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it('a pod without the permission', async () => {
    const refused = await push([cluster.issuer], await pushToken({ serviceAccount: 'checkout', uid: 'other-uid' }));
    expect(refused).toMatchObject({ status: 403, body: { error: { status: 'PERMISSION_DENIED' } } });
    expect((await shownKeys()).kids).toEqual([cluster.issuer.kid]);
  });

  it('a principalSet, a namespace and a whole cluster; but the uid of exactly this ServiceAccount', async () => {
    const set = (selector: string): string => member(project, cluster.pool, selector, 'principalSet');
    await allow(set('*'), set('namespace/kube-system'), set(`kubernetes.cluster/${cluster.clusterUri}`));
    expect((await push([cluster.issuer])).status).toBe(403);
    await allow(member(project, cluster.pool, 'kubernetes.serviceaccount.uid/agent-uid'));
    expect((await push([cluster.issuer])).status).toBe(200);
  });

  it('nobody twice by one token', async () => {
    const token = await pushToken();
    expect((await push([cluster.issuer], token)).status).toBe(200);
    const next = await createIssuer();
    expect((await push([cluster.issuer, next], token)).status).toBe(401);
    expect((await ask(next)).status).toBe(400);
    const many = await pushToken();
    const answers = await Promise.all(Array.from({ length: 5 }, () => push([cluster.issuer], many)));
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
  });

  it('nobody without a jti', async () => {
    const audience = `https:${cluster.audience}:pushKeys`;
    const { jti: _jti, ...claims } = workloadClaims({ issuerUri: cluster.issuerUri, audience, ...AGENT });
    expect((await push([cluster.issuer], await cluster.issuer.sign(claims))).status).toBe(401);
  });

  it('nobody by a disabled provider, and an agent whose uid is denied', async () => {
    await must('PATCH', `/v1/${cluster.name}?updateMask=disabled`, { disabled: true });
    expect((await push([cluster.issuer])).status).toBe(401);
    await must('PATCH', `/v1/${cluster.name}?updateMask=disabled`, { disabled: false });
    await must('POST', `/v1/${pool()}:denyUids`, { uids: ['agent-uid'], until: inSeconds(600) });
    expect((await push([cluster.issuer])).status).toBe(403);
  });
});

describe('a thief with an old key', () => {
  it('is shut out at once by its thumbprint, although KV lags, and comes back by no way', async () => {
    const bound = { ...env, CACHE: laggingKv(env.CACHE) };
    const broker = createBroker(bound);
    const edge: Fetch = async (request) => broker.fetch(request, bound);
    const stolen = cluster.issuer;
    const next = await createIssuer();
    expect((await push([stolen, next])).status).toBe(200);
    expect((await ask(stolen, edge)).status).toBe(200);
    const kept = await pushToken({}, stolen);
    await distrust(await thumbprintOf(stolen));
    expect((await ask(stolen, edge)).body['error']).toBe('invalid_grant');
    expect((await ask(next, edge)).status).toBe(200);
    // By push: with the key itself, and smuggled in by an agent under another name.
    expect((await push([stolen, next], kept, edge)).status).toBe(401);
    const renamed = { ...stolen, kid: 'innocent', publicJwk: { ...stolen.publicJwk, kid: 'innocent' } };
    const smuggled = await push([next, renamed], await pushToken({}, next));
    expect(smuggled.body).toMatchObject({ error: { status: 'INVALID_ARGUMENT' } });
    // By PATCH.
    const jwksJson = JSON.stringify({ keys: [next.publicJwk, renamed.publicJwk] });
    const patched = await admin('PATCH', `/v1/${cluster.name}?updateMask=jwksJson`, { kubernetes: { jwksJson } });
    expect(patched.status).toBe(400);
    expect((await ask(stolen, edge)).status).toBe(400);
  });

  it('leaves a line for whoever watches, and no token in any', async () => {
    const log = vi.spyOn(console, 'log');
    const token = await pushToken();
    const next = await createIssuer();
    await push([cluster.issuer, next], token);
    await push([cluster.issuer, next], token);
    const lines = log.mock.calls.map(([line]) => String(line));
    const alerts = lines.filter((line) => line.includes('issuer_keys_changed') && line.includes(cluster.name));
    expect(alerts.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({
        event: 'alert',
        project: project.number,
        pool: cluster.pool,
        provider: cluster.name,
        addedThumbprints: [await thumbprintOf(next)],
        removedThumbprints: [],
        actor: member(project, cluster.pool, 'subject/ns/kube-system/sa/key-agent'),
      }),
    ]);
    expect(lines.some((line) => line.includes('eyJ'))).toBe(false);
  });
});

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();

describe('denied uids', () => {
  const deny = (uid: string, until: string): Promise<unknown> =>
    must('POST', `/v1/${pool()}:denyUids`, { uids: [uid], until });
  const workload = {
    ServiceAccount: '7c1b4f2e-0000-4000-8000-000000000001',
    pod: '11110000-0000-4000-8000-000000000002',
    node: '5f0a0000-0000-4000-8000-000000000009',
  };

  it.each(Object.entries(workload))(
    'of a %s are refused at once, and let in when they are lifted',
    async (_what, uid) => {
      const bound = { ...env, CACHE: laggingKv(env.CACHE) };
      const broker = createBroker(bound);
      const edge: Fetch = async (request) => broker.fetch(request, bound);
      const audit = captureAudit();
      expect((await ask(cluster.issuer, edge)).status).toBe(200);
      await deny(uid, inSeconds(600));
      const refused = await ask(cluster.issuer, edge);
      expect(refused.status).toBe(400);
      expect(await audit.lineFor(refused)).toMatchObject({ reason: 'denied_uid', check: uid });
      await deny(uid, inSeconds(-1));
      expect((await ask(cluster.issuer, edge)).status).toBe(200);
    },
  );

  it('come back by themselves at their time', async () => {
    await deny(workload.pod, inSeconds(2));
    expect((await ask(cluster.issuer)).status).toBe(400);
    await expect.poll(async () => (await ask(cluster.issuer)).status, { timeout: 10_000, interval: 250 }).toBe(200);
  });
});

/** Configuration decides the next exchange, although KV still serves the old snapshot; what breaks in between heals by itself ("Done when" 7). */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  admin,
  administerThrough,
  type Answer,
  call,
  type Cluster,
  createProject,
  type Fetch,
  member,
  must,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { createIssuer } from '../support/issuer.ts';
import { aheadClock } from '../support/clock.ts';
import { away, countingKv, countingObjects, laggingKv, throwingKv } from '../support/faulty-bindings.ts';

/** Another isolate with bindings of its own, and a memory of its own. */
function isolate(bindings: Partial<Env> = {}): Fetch {
  const bound: Env = { ...env, ...bindings };
  const broker = createBroker(bound);
  return async (request) => broker.fetch(request, bound);
}

let project: TestProject;
let cluster: Cluster;
let target: TestTarget;
let role: string;

beforeEach(async () => {
  administerThrough();
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
  role = await addRole(project);
});

const everyone = (): string => member(project, cluster.pool, '*', 'principalSet');
const bind = (): Promise<void> => setPolicy(target.path, [{ role, members: [everyone()] }]);
const unbind = (): Promise<void> => setPolicy(target.path, []);
const setDisabled = (disabled: boolean): Promise<unknown> =>
  must('PATCH', `/v1/${cluster.name}?updateMask=disabled`, { disabled });

/** An exchange for the target, or with null for the broker itself. */
async function ask(fetch: Fetch, resource: string | null = target.uri): Promise<Answer> {
  return postToken(tokenForm(cluster.audience, await cluster.token(), { resource: resource ?? undefined }), {}, fetch);
}

describe('a crowd that comes right after a change, to an isolate whose KV lags', () => {
  /** All at once: most of them find every budget for questions empty. */
  const crowd = async (edge: Fetch, of: Cluster, resource: string | undefined): Promise<readonly string[]> => {
    const forms = await Promise.all(
      Array.from({ length: 150 }, async () => tokenForm(of.audience, await of.token(), { resource })),
    );
    const answers = await Promise.all(forms.map((form) => postToken(form, {}, edge)));
    return [...new Set(answers.map(({ status, body }) => JSON.stringify([status, body['error']])))];
  };

  it('is let in by a binding, all of it', async () => {
    const edge = isolate({ CACHE: laggingKv(env.CACHE) });
    expect((await ask(edge)).status).toBe(400);
    await bind();
    expect(await crowd(edge, cluster, target.uri)).toEqual(['[200,null]']);
  });

  it('is let in by a new provider, all of it', async () => {
    const edge = isolate({ CACHE: laggingKv(env.CACHE) });
    expect((await ask(edge, null)).status).toBe(200);
    const added = await addCluster(project);
    expect(await crowd(edge, added, undefined)).toEqual(['[200,null]']);
  });

  it('is let in to a new project, all of it', async () => {
    const edge = isolate({ CACHE: laggingKv(env.CACHE) });
    const added = await addCluster(await createProject());
    expect(await crowd(edge, added, undefined)).toEqual(['[200,null]']);
  });
});

describe.each([
  ['with KV as it is here', (): Fetch => isolate()],
  ['with a KV that never catches up', (): Fetch => isolate({ CACHE: laggingKv(env.CACHE) })],
  ['with a KV that throws', (): Fetch => isolate({ CACHE: throwingKv(env.CACHE) })],
])('%s, the next exchange is decided by', (_which, start) => {
  it('a binding that is added, removed, added', async () => {
    const edge = start();
    administerThrough(edge);
    for (let round = 0; round < 3; round++) {
      expect((await ask(edge)).status).toBe(400);
      await bind();
      expect((await ask(edge)).status).toBe(200);
      await unbind();
    }
    expect((await ask(edge)).status).toBe(400);
  });

  it('a provider that is disabled and enabled', async () => {
    const edge = start();
    administerThrough(edge);
    expect((await ask(edge, null)).status).toBe(200);
    await setDisabled(true);
    expect((await ask(edge, null)).status).toBe(400);
    await setDisabled(false);
    expect((await ask(edge, null)).status).toBe(200);
  });

  it('a pool that is disabled', async () => {
    const edge = start();
    administerThrough(edge);
    const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
    expect((await ask(edge, null)).status).toBe(200);
    await must('PATCH', `${pools}/${cluster.pool}?updateMask=disabled`, { disabled: true });
    expect((await ask(edge, null)).body['error']).toBe('invalid_target');
    await must('PATCH', `${pools}/${cluster.pool}?updateMask=disabled`, { disabled: false });
    expect((await ask(edge, null)).status).toBe(200);
  });

  it('a pool and a provider that are deleted and undeleted', async () => {
    const edge = start();
    administerThrough(edge);
    const pools = `projects/${project.number}/locations/global/workloadIdentityPools`;
    await must('POST', `/v1/${pools}?workloadIdentityPoolId=my-pool`, {});
    cluster = await addCluster(project, { pool: 'my-pool' });
    for (const name of [`${pools}/my-pool`, cluster.name]) {
      expect((await ask(edge, null)).status).toBe(200);
      await must('DELETE', `/v1/${name}`);
      expect((await ask(edge, null)).body['error']).toBe('invalid_target');
      await must('POST', `/v1/${name}:undelete`);
      expect((await ask(edge, null)).status).toBe(200);
    }
  });

  it('keys that are replaced: the old ones are dead, the new ones live', async () => {
    const edge = start();
    administerThrough(edge);
    const next = await createIssuer();
    const nextToken = async (): Promise<string> => {
      const claims = JSON.parse(
        atob(((await cluster.token()).split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')),
      ) as object;
      return next.sign(claims);
    };
    expect((await postToken(tokenForm(cluster.audience, await nextToken()), {}, edge)).status).toBe(400);
    expect((await ask(edge, null)).status).toBe(200);
    await must('PATCH', `/v1/${cluster.name}?updateMask=kubernetes.jwksJson`, {
      kubernetes: { jwksJson: next.jwksJson },
    });
    expect((await postToken(tokenForm(cluster.audience, await nextToken()), {}, edge)).status).toBe(200);
    expect((await ask(edge, null)).body['error']).toBe('invalid_grant');
  });

  it('an attribute condition, a role, a target that change', async () => {
    const edge = start();
    administerThrough(edge);
    await bind();
    expect((await ask(edge)).status).toBe(200);
    await must('PATCH', `/v1/${cluster.name}?updateMask=attributeCondition`, {
      attributeCondition: 'google.subject == "x"',
    });
    expect((await ask(edge)).body['error']).toBe('unauthorized_client');
    await must('PATCH', `/v1/${cluster.name}?updateMask=attributeCondition`, { attributeCondition: '' });
    expect((await ask(edge)).status).toBe(200);
    await must('PATCH', `/v1/${role}?updateMask=includedPermissions`, { includedPermissions: ['iam.roles.get'] });
    expect((await ask(edge)).body['error']).toBe('invalid_target');
    await must('PATCH', `/v1/${role}?updateMask=includedPermissions`, { includedPermissions: ['storage.objects.get'] });
    expect((await ask(edge)).status).toBe(200);
    await must('DELETE', target.path);
    expect((await ask(edge)).body['error']).toBe('invalid_target');
  });

  it('a provider and a project that did not exist a moment ago', async () => {
    const edge = start();
    administerThrough(edge);
    const fresh = await createProject();
    const name = `projects/${fresh.number}/locations/global/workloadIdentityPools/${fresh.builtInPool}/providers/late-cluster`;
    const post = async (): Promise<Answer> =>
      postToken(
        tokenForm(`//iam.googleapis.com/${name}`, await cluster.token({ audience: `//iam.googleapis.com/${name}` })),
        {},
        edge,
      );
    expect((await post()).body['error']).toBe('invalid_target');
    await must(
      'POST',
      `/v1/projects/${fresh.number}/locations/global/workloadIdentityPools/${fresh.builtInPool}/providers?workloadIdentityPoolProviderId=late-cluster`,
      {
        kubernetes: {
          clusterUri: 'https://late.example.com',
          issuerUri: cluster.issuerUri,
          jwksJson: cluster.issuer.jwksJson,
        },
      },
    );
    expect((await post()).status).toBe(200);
  });
});

describe('one isolate changes, another decides', () => {
  const clock = { ahead: (_ms: number): void => undefined, restore: (): void => undefined };
  beforeEach(() => void Object.assign(clock, aheadClock()));
  afterEach(() => clock.restore());

  it('an isolate that lives on a lease follows a disable by another within 10 s, although its KV lags', async () => {
    const counted = countingObjects(env.QUOTA);
    const busy = isolate({ CACHE: laggingKv(env.CACHE), QUOTA: counted.namespace });
    const another = isolate({ CACHE: laggingKv(env.CACHE) });
    // A little apart, so that its rate is one that a lease of many is given for.
    for (let i = 0; i < 20; i++) {
      expect((await ask(busy, null)).status).toBe(200);
      clock.ahead(100);
    }
    const calls = counted.calls();
    administerThrough(another);
    await setDisabled(true);
    expect((await ask(another, null)).status).toBe(400);
    // It does not know yet, for it has a lease: otherwise this would show nothing.
    expect((await ask(busy, null)).status).toBe(200);
    expect(counted.calls()).toBe(calls);
    let sinceMs = 0;
    let status = 200;
    while (status === 200 && sinceMs < 20_000) {
      clock.ahead(250);
      sinceMs += 250;
      ({ status } = await ask(busy, null));
    }
    expect(status).toBe(400);
    expect(sinceMs).toBeLessThanOrEqual(10_000);
    await setDisabled(false);
    expect((await ask(busy, null)).status).toBe(200);
  });

  it('an isolate that lives on a lease follows a deletion by another within 10 s, although its KV lags', async () => {
    const busy = isolate({ CACHE: laggingKv(env.CACHE) });
    for (let i = 0; i < 20; i++) {
      expect((await ask(busy, null)).status).toBe(200);
      clock.ahead(100);
    }
    administerThrough(isolate({ CACHE: laggingKv(env.CACHE) }));
    await must('DELETE', `/v1/${cluster.name}`);
    clock.ahead(10_000);
    expect((await ask(busy, null)).body['error']).toBe('invalid_target');
    await must('POST', `/v1/${cluster.name}:undelete`);
    expect((await ask(busy, null)).status).toBe(200);
  });

  it('an isolate that exchanges seldom follows it at its next exchange', async () => {
    const edges = [isolate({ CACHE: laggingKv(env.CACHE) }), isolate({ CACHE: laggingKv(env.CACHE) })];
    for (const edge of edges) expect((await ask(edge, null)).status).toBe(200);
    await setDisabled(true);
    for (const edge of edges) expect((await ask(edge, null)).status).toBe(400);
  });

  it('a steady isolate reads KV no more', async () => {
    const counting = countingKv(env.CACHE);
    const edge = isolate({ CACHE: counting.kv });
    await bind();
    expect((await ask(edge)).status).toBe(200);
    const before = counting.reads();
    expect(before).toBeGreaterThan(0);
    expect((await ask(edge)).status).toBe(200);
    expect(counting.reads()).toBe(before);
  });
});

describe('etags', () => {
  it('two writers with one etag: exactly one wins', async () => {
    await bind();
    const current = (await must('POST', `${target.path}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } }))[
      'etag'
    ];
    const write = (): Promise<Answer> =>
      admin('POST', `${target.path}:setIamPolicy`, {
        policy: { etag: current, bindings: [{ role, members: [everyone()] }] },
      });
    const answers = await Promise.all([write(), write(), write(), write()]);
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409]);
    expect(answers.find((answer) => answer.status === 409)?.body).toMatchObject({ error: { status: 'ABORTED' } });
  });
});

describe('closed, never open', () => {
  it('quota away: 503 with Retry-After', async () => {
    const answer = await ask(isolate({ QUOTA: away(env.QUOTA) }), null);
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({
      status: 503,
      error: 'temporarily_unavailable',
    });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('configuration away and KV lost: 503; the keys away: 503', async () => {
    const lost = isolate({ CACHE: throwingKv(env.CACHE), REGISTRY: away(env.REGISTRY) });
    expect((await ask(lost, null)).body['error']).toBe('temporarily_unavailable');
    const keyless = isolate({ KEY_RING: away(env.KEY_RING) });
    expect((await ask(keyless, null)).body['error']).toBe('temporarily_unavailable');
  });

  it.each([
    [{ PUBLIC_ORIGIN: '' }, 'PUBLIC_ORIGIN'],
    [{ PUBLIC_ORIGIN: 'http://sts.example.com' }, 'https'],
    [{ PUBLIC_ORIGIN: 'https://sts.example.com/' }, 'origin only'],
    [{ EDGE_STS_KEK: '' }, 'EDGE_STS_KEK'],
    [{ EDGE_STS_KEK: 'c2hvcnQ=' }, '32 bytes'],
    [{ EDGE_STS_ADMIN_TOKEN: 'short' }, 'EDGE_STS_ADMIN_TOKEN'],
    [{ EDGE_STS_ADMIN_TOKEN: `${'x'.repeat(40)}\n` }, 'EDGE_STS_ADMIN_TOKEN'],
    [{ EDGE_STS_DEVELOPMENT: 'true' }, 'loopback'],
  ])('%j: not ready, says why, mints nothing', async (change, reason) => {
    const edge = isolate(change);
    const ready = await call('/readyz', {}, edge);
    expect(ready.status).toBe(503);
    expect(String(ready.body['reason'])).toContain(reason);
    expect((await call('/healthz', {}, edge)).status).toBe(200);
    expect((await ask(edge, null)).status).toBe(503);
  });

  it('ready with no project at all', async () => {
    expect((await call('/readyz')).body).toEqual({ status: 'ok' });
  });
});

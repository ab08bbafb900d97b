/** What strangers may make us do to others: next to nothing (SECURITY.md T10; LESSONS.md §6, 32). */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { createBroker } from '../../src/worker.ts';
import { countingObjects, away } from '../support/faulty-bindings.ts';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  call,
  captureAudit,
  type Cluster,
  createProject,
  type Fetch,
  member,
  postToken,
  setPolicy,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { createIssuer } from '../support/issuer.ts';
import { unreachable } from '../support/unreachable.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
});

function isolate(bindings: Partial<Env> = {}): Fetch {
  const bound: Env = { ...env, ...bindings };
  const broker = createBroker(bound);
  return async (request) => broker.fetch(request, bound);
}

const GARBAGE = 'eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.e30';

describe('guesses', () => {
  it('at pools, providers and key sets of a known project reach its objects only so often', async () => {
    const [registry, quota] = [countingObjects(env.REGISTRY), countingObjects(env.QUOTA)];
    const edge = isolate({ REGISTRY: registry.namespace, QUOTA: quota.namespace });
    expect((await postToken(tokenForm(cluster.audience, await cluster.token()), {}, edge)).status).toBe(200);
    for (let guess = 0; guess < 150; guess++) {
      const audience = `//iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/pool-${guess}/providers/prov-${guess}`;
      const headers = { 'cf-connecting-ip': `192.0.2.${guess}` };
      expect((await postToken(tokenForm(audience, GARBAGE), headers, edge)).body['error']).toBe('invalid_target');
      expect((await call(`/${project.number}/guess-${guess}/jwks`, {}, edge)).status).toBe(404);
    }
    expect(registry.names()).toContain(`project/${project.number}`);
    expect(registry.calls()).toBeLessThan(100);
    expect(quota.calls()).toBeLessThan(60);
    expect((await postToken(tokenForm(cluster.audience, await cluster.token()), {}, edge)).status).toBe(200);
  });

  it('at projects wake no object of their own', async () => {
    const [registry, quota, rings] = [
      countingObjects(env.REGISTRY),
      countingObjects(env.QUOTA),
      countingObjects(env.KEY_RING),
    ];
    const edge = isolate({ REGISTRY: registry.namespace, QUOTA: quota.namespace, KEY_RING: rings.namespace });
    for (const number of [
      'ping',
      'abc',
      '0',
      '12345',
      '__proto__',
      ...Array.from({ length: 100 }, (_, at) => `9999000${1000 + at}`),
    ]) {
      const audience = `//iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/pool/providers/prov`;
      expect((await postToken(tokenForm(audience, GARBAGE), {}, edge)).body['error']).toBe('invalid_target');
      expect((await call(`/${number}/pool/jwks`, {}, edge)).status).toBe(404);
    }
    expect(quota.names()).toEqual([]);
    expect(rings.names()).toEqual([]);
    expect(registry.names()).toEqual(['directory']);
    expect(registry.calls()).toBeLessThan(60);
  });
});

describe('a flood of forged tokens', () => {
  it('does not delay what an administrator has just granted', async () => {
    const edge = isolate();
    const [target, role, forger] = [
      await addTarget(project),
      await addRole(project),
      await createIssuer('ES256', cluster.issuer.kid),
    ];
    const ask = async (): Promise<Answer> =>
      postToken(tokenForm(cluster.audience, await cluster.token(), { resource: target.uri }), {}, edge);
    for (let round = 0; round < 80; round++) {
      const forged = await forger.sign({ iss: cluster.issuerUri, aud: `https:${cluster.audience}` });
      expect((await postToken(tokenForm(cluster.audience, forged), {}, edge)).status).toBe(400);
    }
    for (let round = 0; round < 60; round++) expect((await ask()).status).toBe(400);
    await setPolicy(target.path, [{ role, members: [member(project, cluster.pool, '*', 'principalSet')] }]);
    expect((await ask()).status).toBe(200);
  });
});

describe('faults of ours', () => {
  it('503 leaves its line, with the dependency that was away', async () => {
    const answer = await postToken(
      tokenForm(cluster.audience, await cluster.token()),
      {},
      isolate({ QUOTA: away(env.QUOTA) }),
    );
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({
      status: 503,
      error: 'temporarily_unavailable',
    });
    expect(await audit.lineFor(answer)).toMatchObject({ reason: 'unavailable', check: 'quota' });
  });

  it('500 is JSON, tells nothing, and leaves its line with the kind of fault', async () => {
    const secret = 'the message of the exception';
    const audited: string[] = [];
    const broken = createApp({
      ...unreachable(),
      exchange: {
        ...unreachable().exchange,
        openConfig: () => {
          throw new TypeError(secret);
        },
        record: (event) => void audited.push(JSON.stringify(event)),
      },
    });
    const form = tokenForm(cluster.audience, await cluster.token());
    const answer = await postToken(form, {}, async (request) => broker(request));
    expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status: 500, error: 'server_error' });
    expect(answer.text).not.toContain(secret);
    expect(audited).toHaveLength(1);
    expect(audited[0]).toContain('"reason":"internal","check":"TypeError"');
    expect(audited[0]).not.toContain(secret);

    async function broker(request: Request): Promise<Response> {
      return broken.fetch(request);
    }
  });
});

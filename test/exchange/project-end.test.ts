/** The end of a project that was lived in: every object's storage and every KV key is walked, and nothing of it is there that anybody could use. */
import { env } from 'cloudflare:workers';
import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { issuerKeysName } from '../../src/platform/issuer-keys/discovered.ts';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { DIRECTORY_NAME, projectRegistryName } from '../../src/platform/object-names.ts';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  call,
  type Cluster,
  createProject,
  exchange,
  member,
  must,
  postToken,
  setPolicy,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { aheadClock } from '../support/clock.ts';
import { createIssuer } from '../support/issuer.ts';

const DAY_MS = 86_400_000;
const NAMESPACES = { REGISTRY: env.REGISTRY, KEY_RING: env.KEY_RING, QUOTA: env.QUOTA, ISSUER_KEYS: env.ISSUER_KEYS };

const clock = { ahead: (_ms: number): void => undefined, restore: (): void => undefined };
beforeEach(() => void Object.assign(clock, aheadClock()));
afterEach(() => clock.restore());

/** What an object holds, as one text: its alarm, its tables with their rows, and what is stored by key. */
async function contents(stub: DurableObjectStub): Promise<string> {
  return runInDurableObject(stub, async (_, { storage }) => {
    const alarm = await storage.getAlarm();
    const byKey = [...(await storage.list())];
    const tables = [...storage.sql.exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`)]
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('_cf_') && !name.startsWith('sqlite_'));
    const rows = tables.map((table) => [table, [...storage.sql.exec(`SELECT * FROM ${table}`)]]);
    return JSON.stringify({ alarm, byKey, rows });
  });
}

/** By namespace and name, every object that is not empty and tells of this project, or is called after it. */
async function objectsOf({ number, id }: TestProject): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [space, namespace] of Object.entries(NAMESPACES)) {
    for (const objectId of await listDurableObjectIds(namespace as DurableObjectNamespace)) {
      const stub = (namespace as DurableObjectNamespace).get(objectId);
      const [name, held] = await runInDurableObject(stub, (_, { id: own }) => own.name ?? '').then(
        async (own) => [own, await contents(stub)] as const,
      );
      const isEmpty = held === '{"alarm":null,"byKey":[],"rows":[]}';
      const tells = [number, id].some((text) => name.includes(text) || held.includes(text));
      if (!isEmpty && tells) found.push(`${space} ${name}`);
    }
  }
  return found.toSorted();
}

async function kvKeysOf({ number, id }: TestProject): Promise<readonly string[]> {
  const { keys } = await env.CACHE.list();
  return keys.map(({ name }) => name).filter((name) => name.includes(number) || name.includes(id));
}

/** A provider whose keys are discovered, and an issuer behind it. */
async function addDiscovered(project: TestProject): Promise<Cluster> {
  const issuer = await createIssuer();
  const issuerUri = `https://${crypto.randomUUID().slice(0, 8)}.issuer.example`;
  const cluster = await addCluster(project, { issuer, issuerUri, pool: 'my-pool' });
  const object = env.ISSUER_KEYS.getByName(
    issuerKeysName({ projectNumber: project.number, poolId: 'my-pool', providerId: cluster.providerId }),
  );
  await runInDurableObject(object, (instance: IssuerKeys) => {
    instance.fetcher = async (url) =>
      url.endsWith('/jwks')
        ? new Response(issuer.jwksJson, { headers: { 'content-type': 'application/json' } })
        : Response.json({ issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` });
  });
  // Without the uploaded ones they are discovered.
  await must('PATCH', `/v1/${cluster.name}?updateMask=kubernetes.jwksJson`, { kubernetes: {} });
  await object.refresh();
  return cluster;
}

/** More records in KV than one go takes away. */
const TARGETS = 33;

it('leaves nothing in any object or in KV that anybody could use, and what is out is good for nothing here', async () => {
  const project = await createProject();
  const path = `/v1/projects/${project.number}`;
  await must('POST', `${path}/locations/global/workloadIdentityPools?workloadIdentityPoolId=my-pool`, {});
  const [uploaded, discovered] = [await addCluster(project), await addDiscovered(project)];
  const once = await addCluster(project, { extra: { singleUse: true, maxTokenLifetime: '600s' } });
  const targets = [];
  for (let n = 0; n < TARGETS; n++) targets.push(await addTarget(project));
  const role = await addRole(project);
  const [target] = targets;
  if (target === undefined) throw new Error('no target');
  const everybody = member(project, project.builtInPool, '*', 'principalSet');
  await setPolicy(target.path, [{ role, members: [everybody] }]);
  await setPolicy(path, [{ role: 'roles/owner', members: [everybody] }]);
  const denials = `/v2/policies/${encodeURIComponent(`cloudresourcemanager.googleapis.com/projects/${project.id}`)}/denypolicies`;
  const denyRule = { deniedPrincipals: [everybody], deniedPermissions: ['storage.objects.delete'] };
  await must('POST', `${denials}?policyId=no-deleting`, { rules: [{ denyRule }] });
  // A raise that would end on the day of the project's own end, so that there is something else to do by the clock.
  const wish = {
    service: 'sts',
    quotaId: 'TokenExchangeRequestsPerMinutePerProject',
    quotaConfig: { preferredValue: '12000' },
    justification: 'growth',
    expireTime: new Date(Date.now() + 30 * DAY_MS - 1_000).toISOString(),
  };
  await must('POST', `${path}/locations/global/quotaPreferences?quotaPreferenceId=more`, wish);
  await must('POST', `${path}/locations/global/quotaPreferences/more:approve`, {});
  expect((await exchange(uploaded, target.uri)).status).toBe(200);
  expect((await exchange(discovered)).status).toBe(200);
  expect((await exchange(once, undefined, await once.token({ lifetimeSeconds: 600 }))).status).toBe(200);
  const owner = { headers: { authorization: `Bearer ${String((await exchange(uploaded)).body['access_token'])}` } };
  expect((await call(path, owner)).status).toBe(200);

  const names = [
    `ISSUER_KEYS ${project.number}/my-pool/${discovered.providerId}`,
    `KEY_RING ${project.number}`,
    `QUOTA ${project.number}`,
    `REGISTRY ${DIRECTORY_NAME}`,
    `REGISTRY ${projectRegistryName(project.number)}`,
  ];
  await expect.poll(() => objectsOf(project), { timeout: 15_000 }).toEqual(names);
  await expect.poll(async () => (await kvKeysOf(project)).length, { timeout: 15_000 }).toBeGreaterThan(TARGETS);

  await must('DELETE', path);
  expect((await call(path, owner)).status).toBe(401);
  expect((await exchange(uploaded)).body['error']).toBe('invalid_target');
  clock.ahead(30 * DAY_MS + 1_000);
  const registry = env.REGISTRY.getByName(projectRegistryName(project.number));
  await expect
    .poll(
      async () => {
        await runDurableObjectAlarm(registry);
        return objectsOf(project);
      },
      { timeout: 30_000 },
    )
    .toEqual([`REGISTRY ${DIRECTORY_NAME}`]);
  // What says "gone" lies there until KV lets go of it; nobody is let in by it.
  for (const key of await kvKeysOf(project)) {
    expect(key).toMatch(/^pool:/);
    expect(await env.CACHE.get(key)).toContain('null');
  }
  const bound: Env = { ...env };
  const elsewhere = createBroker(bound);
  for (const cluster of [uploaded, discovered, once]) {
    const token = await cluster.token({ lifetimeSeconds: 600 });
    const refused = await postToken(tokenForm(cluster.audience, token), {}, async (request) =>
      elsewhere.fetch(request, bound),
    );
    expect(refused.body['error']).toBe('invalid_target');
    // Here, where more is remembered of it, it may be taken for something that is away.
    expect((await exchange(cluster, target.uri, token)).status).not.toBe(200);
  }
  expect((await call(`/${project.number}/${project.builtInPool}/jwks`)).status).toBe(404);
  expect((await call(path, owner)).status).toBe(401);
  // Nor did any of these questions make anything again.
  expect(await objectsOf(project)).toEqual([`REGISTRY ${DIRECTORY_NAME}`]);
  expect((await kvKeysOf(project)).filter((key) => !key.startsWith('pool:'))).toEqual([]);
}, 90_000);

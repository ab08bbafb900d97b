/** The bootstrap token is retired once somebody else administers; it is dead at the next request, in every isolate, and stays so. Over HTTP. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DIRECTORY_NAME } from '../../src/platform/object-names.ts';
import type { Registry } from '../../src/platform/registry/object.ts';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  call,
  type Cluster,
  createProject,
  type Fetch,
  member,
  must,
  postToken,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';

const RETIRE = '/v1/organizations/1:retireBootstrapToken';

/** A broker of its own, with a secret of its own, over the state that all share. */
function brokerWith(token: string): {
  readonly fetch: Fetch;
  readonly knock: (path?: string, method?: string) => Promise<number>;
} {
  const app = createBroker({ ...env, EDGE_STS_ADMIN_TOKEN: token });
  const fetch: Fetch = async (request) => app.fetch(request);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return {
    fetch,
    knock: async (path = '/v1/projects', method = 'GET') => (await call(path, { method, headers }, fetch)).status,
  };
}

const newToken = (): string => `test-only-${crypto.randomUUID()}-${crypto.randomUUID()}`;

let project: TestProject;
let cluster: Cluster;
const owner = (): string => member(project, cluster.pool, 'subject/ns/shop/sa/checkout');
const organization = (bindings: readonly object[]) =>
  must('POST', '/v1/organizations/1:setIamPolicy', { policy: { bindings } });
const directory = () => env.REGISTRY.getByName(DIRECTORY_NAME);
const hoursLater = (hours: number) =>
  runInDurableObject(directory(), (instance: Registry) => {
    instance.clock = () => Date.now() + hours * 3_600_000;
  });

async function signIn(): Promise<Record<string, string>> {
  const answer = await postToken(tokenForm(cluster.audience, await cluster.token()));
  return { authorization: `Bearer ${String(answer.body['access_token'])}`, 'content-type': 'application/json' };
}

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
});

beforeEach(async () => {
  await organization([]);
  await runInDurableObject(directory(), (instance: Registry, state) => {
    instance.clock = () => Date.now();
    state.storage.sql.exec('DELETE FROM owner_sign_ins');
  });
});

describe('retiring the bootstrap token', () => {
  it('is refused while nobody else could administer', async () => {
    const broker = brokerWith(newToken());
    expect(await broker.knock(RETIRE, 'POST')).toBe(400);
    await organization([{ role: 'roles/owner', members: [owner()] }]);
    // To be named is not to have been here.
    const answer = await call(RETIRE, { method: 'POST', headers: bearer(env.EDGE_STS_ADMIN_TOKEN ?? '') });
    expect(answer.body).toMatchObject({ error: { status: 'FAILED_PRECONDITION' } });
    expect(await broker.knock()).toBe(200);
  });

  it('is refused when the other owner was here an hour ago, is none any more, or is shut out', async () => {
    await organization([{ role: 'roles/owner', members: [owner()] }]);
    expect((await call('/v1/projects', { headers: await signIn() })).status).toBe(200);
    const broker = brokerWith(newToken());
    await hoursLater(1.01);
    expect(await broker.knock(RETIRE, 'POST')).toBe(400);
    await hoursLater(0);
    const pool = `/v1/projects/${project.number}/locations/global/workloadIdentityPools/${cluster.pool}`;
    await must('PATCH', pool, { disabled: true });
    expect(await broker.knock(RETIRE, 'POST')).toBe(400);
    await must('PATCH', pool, { disabled: false });
    await organization([{ role: 'roles/iam.securityReviewer', members: [owner()] }]);
    expect(await broker.knock(RETIRE, 'POST')).toBe(400);
    await organization([{ role: 'roles/owner', members: [owner()] }]);
    expect(await broker.knock(RETIRE, 'POST')).toBe(200);
    expect(await broker.knock()).toBe(401);
  });

  it('is done by the owner himself, and by nobody less', async () => {
    const broker = brokerWith(newToken());
    const headers = await signIn();
    const retire = () => call(RETIRE, { method: 'POST', headers }, broker.fetch);
    expect((await retire()).status).toBe(403);
    await organization([{ role: 'roles/resourcemanager.projectIamAdmin', members: [owner()] }]);
    expect((await retire()).status).toBe(403);
    await organization([{ role: 'roles/owner', members: [owner()] }]);
    expect((await retire()).status).toBe(200);
    expect(await broker.knock()).toBe(401);
    expect((await call('/v1/projects', { headers }, broker.fetch)).status).toBe(200);
  });

  it('kills it in every isolate at the next request, and for good; a new value of the secret is a new token', async () => {
    await organization([{ role: 'roles/owner', members: [owner()] }]);
    await call('/v1/projects', { headers: await signIn() });
    const token = newToken();
    const [one, other] = [brokerWith(token), brokerWith(token)];
    expect([await one.knock(), await other.knock()]).toEqual([200, 200]);
    expect(await one.knock(RETIRE, 'POST')).toBe(200);
    expect([await one.knock(), await other.knock()]).toEqual([401, 401]);
    await evictDurableObject(directory());
    expect(await other.knock()).toBe(401);
    expect(await brokerWith(token).knock()).toBe(401);
    expect(await brokerWith(newToken()).knock()).toBe(200);
  });

  it('keeps nothing that is good for anything', async () => {
    await organization([{ role: 'roles/owner', members: [owner()] }]);
    await call('/v1/projects', { headers: await signIn() });
    const token = newToken();
    await brokerWith(token).knock(RETIRE, 'POST');
    const rows = await runInDurableObject(directory(), (_instance, state) =>
      state.storage.sql.exec('SELECT * FROM retired_tokens').toArray(),
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token.slice(10, 46));
  });
});

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
}

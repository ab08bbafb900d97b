/** Deleted and disabled pools and providers through the front door: nobody is let in, nothing is told, and what comes back is no more than what went. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  admin,
  call,
  claimsOf,
  type Cluster,
  createProject,
  exchange,
  type Fetch,
  member,
  must,
  postToken,
  setPolicy,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { aheadClock } from '../support/clock.ts';
import { away } from '../support/faulty-bindings.ts';
import { createIssuer } from '../support/issuer.ts';

const DAY_MS = 86_400_000;

let project: TestProject;
let pools: string;
let cluster: Cluster;

beforeEach(async () => {
  project = await createProject();
  pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
  await must('POST', `${pools}?workloadIdentityPoolId=my-pool`, {});
  cluster = await addCluster(project, { pool: 'my-pool' });
});

/** The same request at a name that never was. */
async function stranger(audience: string) {
  return postToken(tokenForm(audience, await cluster.token()));
}

const documents = (): readonly string[] => [
  `/${project.number}/my-pool/.well-known/openid-configuration`,
  `/${project.number}/my-pool/jwks`,
  `/.well-known/oauth-authorization-server/${project.number}/my-pool`,
];

async function statusesOfDocuments(): Promise<readonly number[]> {
  return Promise.all(documents().map(async (path) => (await call(path)).status));
}

describe('a deleted project', () => {
  it('lets nobody in from the next exchange on, by any of its pools, and shows no documents; undeleted it does as before', async () => {
    const other = await addCluster(project);
    expect((await exchange(cluster)).status).toBe(200);
    await must('DELETE', `/v1/projects/${project.number}`);
    for (const one of [cluster, other]) {
      const refused = await exchange(one);
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    }
    const refused = await exchange(cluster);
    expect(refused.text).toBe((await stranger(cluster.audience.replace(project.number, '999999999999'))).text);
    expect(await statusesOfDocuments()).toEqual([404, 404, 404]);
    expect((await admin('GET', '/v1/projects?pageSize=1000')).text).not.toContain(project.number);
    expect((await admin('GET', '/v1/projects?pageSize=1000&showDeleted=true')).text).toContain(project.number);
    expect((await admin('GET', `/v1/projects/${project.number}`)).body).toMatchObject({ state: 'DELETE_REQUESTED' });
    await must('POST', `/v1/projects/${project.number}:undelete`, {});
    expect((await exchange(cluster)).status).toBe(200);
    expect(await statusesOfDocuments()).toEqual([200, 200, 200]);
  });

  it('has no keys rotated: nothing of it changes but by its undeletion', async () => {
    await must('DELETE', `/v1/projects/${project.number}`);
    const keys = `/v1/projects/${project.number}/signingKeys`;
    const before = await must('GET', keys);
    for (const emergency of [false, true]) {
      const answer = await admin('POST', `${keys}:rotate`, { emergency });
      expect(answer).toMatchObject({ status: 400, body: { error: { status: 'FAILED_PRECONDITION' } } });
    }
    expect(await must('GET', keys)).toEqual(before);
  });

  it('lets nobody in either in an isolate that lives on a lease from before', async () => {
    const bound: Env = { ...env };
    const elsewhere = createBroker(bound);
    const through: Fetch = async (request) => elsewhere.fetch(request, bound);
    const status = async (): Promise<number> =>
      (await postToken(tokenForm(cluster.audience, await cluster.token()), {}, through)).status;
    expect(await status()).toBe(200);
    await must('DELETE', `/v1/projects/${project.number}`);
    await expect.poll(status, { timeout: 15_000 }).toBe(400);
  });
});

describe('a deleted pool', () => {
  it('lets nobody in from the next exchange on, and looks like one that never was; undeleted it lets in as before', async () => {
    expect((await exchange(cluster)).status).toBe(200);
    await must('DELETE', `${pools}/my-pool`);
    const refused = await exchange(cluster);
    const unknown = await stranger(cluster.audience.replace('my-pool', 'no-pool'));
    expect(refused.status).toBe(400);
    expect(refused.body['error']).toBe('invalid_target');
    expect(refused.text).toBe(unknown.text);
    await must('POST', `${pools}/my-pool:undelete`, {});
    const again = await exchange(cluster);
    expect(again.status).toBe(200);
    expect(claimsOf(again)['sub']).toBe('ns/shop/sa/checkout');
  });

  it('has no documents: who trusts its issuer learns of no keys any more', async () => {
    expect(await statusesOfDocuments()).toEqual([200, 200, 200]);
    await must('DELETE', `${pools}/my-pool`);
    expect(await statusesOfDocuments()).toEqual([404, 404, 404]);
    const [gone, never] = await Promise.all([
      call(`/${project.number}/my-pool/jwks`),
      call(`/${project.number}/no-pool/jwks`),
    ]);
    expect(gone.text).toBe(never.text);
    await must('POST', `${pools}/my-pool:undelete`, {});
    expect(await statusesOfDocuments()).toEqual([200, 200, 200]);
  });

  it('has none in an isolate either that mints nothing for the project and remembers the pool', async () => {
    const bound: Env = { ...env };
    const elsewhere = createBroker(bound);
    const read: Fetch = async (request) => elsewhere.fetch(request, bound);
    const jwks = async (): Promise<number> => (await call(`/${project.number}/my-pool/jwks`, {}, read)).status;
    expect(await jwks()).toBe(200);
    await must('DELETE', `${pools}/my-pool`);
    expect(await jwks()).toBe(404);
  });

  it('keeps them for readers while nobody answers who could know of a deletion', async () => {
    const reads: Env = { ...env };
    const elsewhere = createBroker(reads);
    const path = `/${project.number}/my-pool/jwks`;
    expect((await call(path, {}, async (request) => elsewhere.fetch(request, reads))).status).toBe(200);
    const bound: Env = { ...env, QUOTA: away(env.QUOTA) };
    const alone = createBroker(bound);
    const read: Fetch = async (request) => alone.fetch(request, bound);
    await expect.poll(async () => (await call(path, {}, read)).status).toBe(200);
  });

  it('leaves the other pools of the project alone', async () => {
    const other = await addCluster(project);
    await must('DELETE', `${pools}/my-pool`);
    expect((await exchange(other)).status).toBe(200);
  });
});

describe('a disabled pool', () => {
  it('lets nobody in, and keeps its documents: it may be enabled again, and its tokens end by themselves', async () => {
    await must('PATCH', `${pools}/my-pool?updateMask=disabled`, { disabled: true });
    expect((await exchange(cluster)).body['error']).toBe('invalid_target');
    expect(await statusesOfDocuments()).toEqual([200, 200, 200]);
  });
});

describe('a deleted provider', () => {
  it('lets nobody in, and looks like one that never was; its pool goes on', async () => {
    const other = await addCluster(project, { pool: 'my-pool' });
    expect((await exchange(cluster)).status).toBe(200);
    await must('DELETE', `/v1/${cluster.name}`);
    const refused = await exchange(cluster);
    const unknown = await stranger(cluster.audience.replace(cluster.providerId, 'no-provider'));
    expect(refused.status).toBe(400);
    expect(refused.body['error']).toBe('invalid_target');
    expect(refused.text).toBe(unknown.text);
    expect((await exchange(other)).status).toBe(200);
    expect(await statusesOfDocuments()).toEqual([200, 200, 200]);
    await must('POST', `/v1/${cluster.name}:undelete`, {});
    expect((await exchange(cluster)).status).toBe(200);
  });

  it('comes back without the key that was distrusted meanwhile', async () => {
    const kept = await admin('GET', `/v1/${cluster.name}`);
    const { thumbprints } = kept.body['keys'] as { thumbprints: readonly string[] };
    await must('DELETE', `/v1/${cluster.name}`);
    await must('POST', `/v1/${cluster.name}:distrustKey`, { thumbprint: thumbprints[0] });
    expect((await admin('GET', `/v1/${cluster.name}`)).body['state']).toBe('DELETED');
    await must('POST', `/v1/${cluster.name}:undelete`, {});
    expect((await exchange(cluster)).body['error']).toBe('invalid_grant');
  });

  it('remembers the tokens that were used: none is taken a second time after it came back', async () => {
    const once = await addCluster(project, {
      pool: 'my-pool',
      extra: { singleUse: true, maxTokenLifetime: '600s' },
    });
    const token = await once.token({ lifetimeSeconds: 600 });
    expect((await exchange(once, undefined, token)).status).toBe(200);
    await must('DELETE', `/v1/${once.name}`);
    await must('POST', `/v1/${once.name}:undelete`, {});
    await must('DELETE', `${pools}/my-pool`);
    await must('POST', `${pools}/my-pool:undelete`, {});
    expect((await exchange(once, undefined, token)).body['error']).toBe('invalid_grant');
    expect((await exchange(once, undefined, await once.token({ lifetimeSeconds: 600 }))).status).toBe(200);
  });

  it('takes no pushed keys, and says no more to who tries than a provider that never was', async () => {
    const push = async (name: string) =>
      call(`/v1/${name}:pushKeys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await cluster.token()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ jwksJson: cluster.issuer.jwksJson }),
      });
    await must('DELETE', `/v1/${cluster.name}`);
    const refused = await push(cluster.name);
    const unknown = await push(cluster.name.replace(cluster.providerId, 'no-provider'));
    expect(refused.status).toBe(unknown.status);
    expect(refused.text).toBe(unknown.text);
  });
});

describe('after thirty days', () => {
  const clock = { ahead: (_ms: number): void => undefined, restore: (): void => undefined };
  beforeEach(() => void Object.assign(clock, aheadClock()));
  afterEach(() => clock.restore());

  it('a pool of that name is another pool: what was bound to the principals of the first is not theirs', async () => {
    const target = await addTarget(project);
    const role = await addRole(project);
    const checkout = member(project, 'my-pool', 'subject/ns/shop/sa/checkout');
    await setPolicy(target.path, [{ role, members: [checkout] }]);
    expect((await exchange(cluster, target.uri)).status).toBe(200);
    await must('DELETE', `${pools}/my-pool`);
    expect((await admin('POST', `${pools}?workloadIdentityPoolId=my-pool`, {})).status).toBe(409);
    clock.ahead(30 * DAY_MS + 1_000);
    expect((await admin('GET', `${pools}/my-pool`)).status).toBe(404);
    await must('POST', `${pools}?workloadIdentityPoolId=my-pool`, {});
    const impostor = await addCluster(project, { pool: 'my-pool', issuer: await createIssuer() });
    const own = await exchange(impostor);
    expect(claimsOf(own)['principal']).toBe(checkout);
    expect((await exchange(impostor, target.uri)).body['error']).toBe('invalid_target');
    const policy = await must('POST', `${target.path}:getIamPolicy`, {});
    expect(policy['bindings']).toEqual([{ role, members: [`deleted:${checkout}`] }]);
    // The old provider did not come along with the name.
    expect((await exchange(cluster)).body['error']).toBe('invalid_target');
  });
});

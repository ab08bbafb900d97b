/** Remembered exchanges and rehearsals through the front door: who appears, what it costs, and what a proposed policy would have changed. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  admin,
  type Answer,
  call,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  type Fetch,
  member,
  must,
  postToken,
  setPolicy,
  type TestBinding,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { countingObjects } from '../support/faulty-bindings.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;
let target: TestTarget;
let reader: string;

beforeEach(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
  reader = await addRole(project);
});

type Body = Record<string, unknown>;

const path = (): string => `/v1/projects/${project.number}`;
const who = (selector: string, kind?: string): string => member(project, project.builtInPool, selector, kind);
const checkout = (): string => who('subject/ns/shop/sa/checkout');
const targetName = (): string => target.path.replace('/v1/', '');
const idOf = (answer: Answer): string => answer.headers.get('x-request-id') ?? 'none';

async function recent(query = ''): Promise<readonly Body[]> {
  const { recentExchanges } = await must('GET', `${path()}/recentExchanges${query}`);
  return recentExchanges as readonly Body[];
}

/** Waits for what no question takes along: at most a second. */
async function recorded(answer: Answer): Promise<Body> {
  const find = async (): Promise<Body | undefined> =>
    (await recent('?view=FULL&pageSize=1000')).find((one) => one['requestId'] === idOf(answer));
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return (await find()) ?? {};
}

describe('an exchange is remembered', () => {
  it('when it is granted: who, for what, with which roles, and nothing of the token', async () => {
    await setPolicy(target.path, [{ role: reader, members: [checkout()] }]);
    const token = await cluster.token();
    const answer = await exchange(cluster, target.uri, token);
    expect(answer.status).toBe(200);
    const line = await audit.lineFor(answer);
    // The permit's own question brought it: it is there at once.
    const [basic, ...more] = await recent();
    expect(more).toEqual([]);
    expect(basic).toEqual({
      requestId: idOf(answer),
      time: line['time'],
      outcome: 'granted',
      reason: 'granted',
      provider: cluster.name,
      principal: checkout(),
      target: targetName(),
      roles: [reader],
    });
    const [full] = await recent('?view=FULL');
    expect(full).toMatchObject({
      ...basic,
      groups: [],
      attributes: {},
      kubernetes: { namespace: 'shop', serviceaccount: { name: 'checkout' }, cluster: cluster.clusterUri },
      claims: { iss: cluster.issuerUri },
    });
    const said = JSON.stringify(full);
    for (const part of [...token.split('.'), String(answer.body['access_token']), String(line['subjectTokenSha256'])]) {
      expect(said).not.toContain(part);
    }
  });

  it('for the broker itself, without a target', async () => {
    const answer = await exchange(cluster);
    expect(answer.status).toBe(200);
    const record = await recorded(answer);
    expect(record).toMatchObject({ outcome: 'granted', roles: [] });
    expect(record).not.toHaveProperty('target');
  });

  it('when policy refuses it, with the reason and the target; also one of a target that there is none of', async () => {
    const refused = await exchange(cluster, target.uri);
    expect(await recorded(refused)).toMatchObject({
      outcome: 'refused',
      reason: 'not_granted',
      check: expect.stringContaining('no binding'),
      principal: checkout(),
      target: targetName(),
    });
    const nowhere = await exchange(cluster, 'https://nowhere.example.com');
    const record = await recorded(nowhere);
    expect(record).toMatchObject({ outcome: 'refused', reason: 'unknown_target' });
    // What stood in `resource` is kept no more than in the audit line.
    expect(JSON.stringify(record)).not.toContain('nowhere');
  });

  it('once, by how it ended: over quota is said after it was said to be granted', async () => {
    await setPolicy(target.path, [{ role: reader, members: [checkout()] }]);
    await must('PATCH', `${path()}?updateMask=tokenExchangesPerMinute`, { tokenExchangesPerMinute: 0 });
    const answer = await exchange(cluster, target.uri);
    expect(answer.status).toBe(429);
    await expect
      .poll(async () => (await recent()).map(({ outcome, reason }) => [outcome, reason]), { timeout: 10_000 })
      .toEqual([['refused', 'over_quota']]);
    expect(await recorded(answer)).toMatchObject({ target: targetName() });
  });

  it('without claims that are too large to keep', async () => {
    const claims = { ...workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }) };
    const answer = await exchange(
      cluster,
      undefined,
      await cluster.issuer.sign({ ...claims, much: 'x'.repeat(2_048) }),
    );
    expect(answer.status).toBe(200);
    const record = await recorded(answer);
    expect(record).toHaveProperty('kubernetes');
    expect(record).not.toHaveProperty('claims');
  });
});

describe('nothing is remembered', () => {
  it('of strangers: what does not verify never comes to the ring', async () => {
    const other = await createIssuer();
    const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` });
    const garbage = [
      'x.y.z',
      await other.sign(claims),
      await cluster.issuer.sign({ ...claims, exp: 1_000_000_000 }),
      await cluster.issuer.sign({ ...claims, aud: 'somebody-else' }),
    ];
    for (const token of garbage) expect((await exchange(cluster, target.uri, token)).status).toBe(400);
    await must('PATCH', `/v1/${cluster.name}?updateMask=disabled`, { disabled: true });
    expect((await exchange(cluster, target.uri)).status).not.toBe(200);
    await must('PATCH', `/v1/${cluster.name}?updateMask=disabled`, { disabled: false });
    const honest = await exchange(cluster);
    expect((await recent()).map(({ requestId }) => requestId)).toEqual([idOf(honest)]);
  });

  it('where the project says so; what was there is shown no more', async () => {
    await exchange(cluster);
    expect(await recent()).toHaveLength(1);
    const patched = await must('PATCH', `${path()}?updateMask=recentExchangesRetention`, {
      recentExchangesRetention: '0s',
    });
    expect(patched['recentExchangesRetention']).toBe('0s');
    expect(await recent()).toEqual([]);
    expect((await exchange(cluster)).status).toBe(200);
    await must('PATCH', `${path()}?updateMask=recentExchangesRetention`, { recentExchangesRetention: '3600s' });
    expect(await recent()).toEqual([]);
    const kept = await exchange(cluster);
    await recorded(kept);
    expect((await recent()).map(({ requestId }) => requestId)).toEqual([idOf(kept)]);
  });

  it('in KV or in the log beyond the audit line', async () => {
    const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` });
    const mark = `mark-${crypto.randomUUID()}`;
    const answer = await exchange(cluster, undefined, await cluster.issuer.sign({ ...claims, mark }));
    expect(JSON.stringify(await recorded(answer))).toContain(mark);
    await audit.lineFor(answer);
    expect(audit.all().filter((line) => line.includes(mark))).toEqual([]);
    const { keys } = await env.CACHE.list();
    const texts = await Promise.all(keys.map(({ name }) => env.CACHE.get(name)));
    expect(texts.filter((text) => text?.includes(mark) === true || text?.includes(idOf(answer)) === true)).toEqual([]);
  });
});

describe('a workload without any right', () => {
  it('that asks over and over pushes nobody out of what is remembered, nor out of what is rehearsed', async () => {
    await setPolicy(target.path, [{ role: reader, members: [checkout()] }]);
    const granted = await exchange(cluster, target.uri);
    const idle = await cluster.token({ namespace: 'idle' });
    const tries = 60;
    for (let n = 0; n < tries; n++) expect((await exchange(cluster, target.uri, idle)).status).toBe(400);
    const list = () => must('GET', `${path()}/recentExchanges?pageSize=1000`);
    await expect.poll(async () => (await list())['droppedCount'], { timeout: 10_000 }).toBe(tries - 20);
    const records = (await list())['recentExchanges'] as readonly Body[];
    expect(records.filter(({ outcome }) => outcome === 'refused')).toHaveLength(20);
    expect(records.map(({ requestId }) => requestId)).toContain(idOf(granted));
    expect(await must('POST', `${target.path}:simulate`, { policy: { bindings: [] } })).toMatchObject({
      resultsSummary: { logCount: 21, differenceCount: 1, droppedCount: 40 },
      results: [{ accessChange: 'ACCESS_REVOKED' }],
    });
  });
});

describe('the price', () => {
  it('of a granted exchange is no call of its own: what no question takes along is sent together', async () => {
    const counted = countingObjects(env.QUOTA);
    const bound: Env = { ...env, QUOTA: counted.namespace };
    const broker = createBroker(bound);
    const edge: Fetch = async (request) => broker.fetch(request, bound);
    const ask = async (): Promise<Answer> => postToken(tokenForm(cluster.audience, await cluster.token()), {}, edge);
    expect((await ask()).status).toBe(200);
    const before = counted.calls();
    for (let round = 0; round < 10; round++) expect((await ask()).status).toBe(200);
    await expect.poll(async () => (await recent()).length, { timeout: 20_000 }).toBe(11);
    expect(counted.calls() - before).toBeLessThan(5);
  });
});

describe('the list', () => {
  it('is read page by page, newest first, and by administrators only', async () => {
    const answers: Answer[] = [];
    for (let round = 0; round < 5; round++) answers.push(await exchange(cluster));
    await Promise.all(answers.map(recorded));
    const ids = answers.map(idOf).toReversed();
    const seen: unknown[] = [];
    let pageToken = '';
    do {
      const page = await must('GET', `${path()}/recentExchanges?pageSize=2&pageToken=${pageToken}`);
      seen.push(...(page['recentExchanges'] as readonly Body[]).map(({ requestId }) => requestId));
      pageToken = typeof page['nextPageToken'] === 'string' ? page['nextPageToken'] : '';
    } while (pageToken !== '');
    expect(seen).toEqual(ids);
    expect((await call(`${path()}/recentExchanges`)).status).toBe(401);
    for (const query of ['view=ALL', 'pageToken=eA', 'pageSize=x', 'filter=x']) {
      expect((await admin('GET', `${path()}/recentExchanges?${query}`)).status).toBe(400);
    }
    expect((await admin('GET', '/v1/projects/999999999999/recentExchanges')).status).toBe(404);
  });
});

describe(':simulate', () => {
  const simulate = async (resource: string, bindings: readonly TestBinding[]): Promise<Body> =>
    must('POST', `${resource}:simulate`, { policy: { version: 3, bindings } });
  const shop = (more: object = {}) => cluster.token({ ...more });

  it('lists who would gain and lose what, and changes nothing', async () => {
    const writer = await addRole(project, ['storage.objects.create']);
    await setPolicy(target.path, [{ role: reader, members: [checkout()] }]);
    const before = await must('POST', `${target.path}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } });
    const granted = [await exchange(cluster, target.uri), await exchange(cluster, target.uri)];
    const refused = await exchange(cluster, target.uri, await shop({ namespace: 'bank', serviceAccount: 'teller' }));
    expect([...granted, refused].map(({ status }) => status)).toEqual([200, 200, 400]);
    await recorded(refused);

    expect(await simulate(target.path, [{ role: reader, members: [checkout()] }])).toMatchObject({
      resultsSummary: { logCount: 3, unchangedCount: 3, differenceCount: 0, errorCount: 0 },
      results: [],
    });
    const teller = who('subject/ns/bank/sa/teller');
    const told = await simulate(target.path, [
      { role: writer, members: [teller] },
      {
        role: reader,
        members: [checkout()],
        condition: { expression: 'request.time < timestamp("2020-01-01T00:00:00Z")' },
      },
    ]);
    const times = await Promise.all(granted.map(async (answer) => (await recorded(answer))['time']));
    const tuple = (principal: string) => ({ principal, fullResourceName: targetName() });
    expect(told).toMatchObject({
      resultsSummary: { logCount: 3, unchangedCount: 0, differenceCount: 3, errorCount: 0, oldestTime: times[0] },
      results: [
        {
          accessTuple: tuple(teller),
          accessChange: 'ACCESS_GAINED',
          rolesGained: [writer],
          rolesLost: [],
          exchanges: 1,
        },
        {
          accessTuple: tuple(checkout()),
          accessChange: 'ACCESS_REVOKED',
          rolesGained: [],
          rolesLost: [reader],
          exchanges: 2,
          firstSeenTime: times[0],
          lastSeenTime: times[1],
        },
      ],
    });
    expect(await simulate(path(), [{ role: writer, members: [who('namespace/shop', 'principalSet')] }])).toMatchObject({
      resultsSummary: { logCount: 3, unchangedCount: 1, differenceCount: 2 },
      results: [
        { accessTuple: tuple(checkout()), accessChange: 'ROLES_CHANGED', rolesGained: [writer], rolesLost: [] },
      ],
    });
    expect(await must('POST', `${target.path}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } })).toEqual(
      before,
    );
    // And it is what happens: the proposal, set, does what was foretold.
    await setPolicy(target.path, [{ role: writer, members: [teller] }]);
    expect((await exchange(cluster, target.uri)).status).toBe(400);
    const now = await exchange(cluster, target.uri, await shop({ namespace: 'bank', serviceAccount: 'teller' }));
    expect(now.status).toBe(200);
  });

  it('looks at the target that is meant, and at none that is gone', async () => {
    const other = await addTarget(project);
    await exchange(cluster, other.uri);
    const refused = await exchange(cluster, target.uri);
    await recorded(refused);
    const all = [{ role: reader, members: [who('*', 'principalSet')] }];
    expect(await simulate(target.path, all)).toMatchObject({ resultsSummary: { logCount: 1, differenceCount: 1 } });
    expect(await simulate(path(), all)).toMatchObject({ resultsSummary: { logCount: 2, differenceCount: 2 } });
    await must('DELETE', other.path);
    expect(await simulate(path(), all)).toMatchObject({ resultsSummary: { logCount: 1 } });
  });

  it('lets deny rules win over the proposal too', async () => {
    await setPolicy(target.path, [{ role: reader, members: [checkout()] }]);
    const parent = `/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F${project.number}/denypolicies`;
    const denyRule = {
      deniedPrincipals: [who('namespace/shop', 'principalSet')],
      deniedPermissions: ['storage.googleapis.com/objects.get'],
    };
    await must('POST', `${parent}?policyId=no-reading`, { rules: [{ denyRule }] });
    const refused = await exchange(cluster, target.uri);
    expect(await recorded(refused)).toMatchObject({ reason: 'denied_by_policy', target: targetName() });
    const summary = { logCount: 1, unchangedCount: 1, differenceCount: 0 };
    expect(await simulate(target.path, [])).toMatchObject({ resultsSummary: summary });
    const creator = await addRole(project, ['storage.objects.create']);
    expect(await simulate(target.path, [{ role: creator, members: [checkout()] }])).toMatchObject({
      results: [{ accessChange: 'ACCESS_GAINED', rolesGained: [creator], rolesLost: [] }],
    });
  });

  it('says that it cannot be told where a condition asks for claims that were too large to keep', async () => {
    const claims = { ...workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }) };
    await exchange(cluster, target.uri, await cluster.issuer.sign({ ...claims, team: 'a', much: 'x'.repeat(2_048) }));
    const kept = await exchange(cluster, target.uri, await cluster.issuer.sign({ ...claims, team: 'a' }));
    await recorded(kept);
    const expression = 'request.workload.claims.team == "a"';
    expect(
      await simulate(target.path, [{ role: reader, members: [checkout()], condition: { expression } }]),
    ).toMatchObject({
      resultsSummary: { logCount: 2, differenceCount: 1, errorCount: 1 },
      results: [{ accessChange: 'ACCESS_GAINED' }, { accessChange: 'UNKNOWN_CHANGE', rolesGained: [], rolesLost: [] }],
    });
  });

  it('refuses what setIamPolicy refuses, in the same words, and no etag', async () => {
    for (const policy of [
      { bindings: [{ role: 'roles/nobody', members: [checkout()] }] },
      { bindings: [{ role: reader, members: ['allUsers'] }] },
      { version: 1, bindings: [{ role: reader, members: [checkout()], condition: { expression: 'true' } }] },
      {
        version: 3,
        bindings: [{ role: reader, members: [checkout()], condition: { expression: 'resource.tipe == 1' } }],
      },
      { unknown: 1 },
    ]) {
      const simulated = await admin('POST', `${target.path}:simulate`, { policy });
      const set = await admin('POST', `${target.path}:setIamPolicy`, { policy });
      expect(simulated.status).toBe(400);
      expect(simulated.text).toBe(set.text);
    }
    await must('POST', `${target.path}:simulate`, { policy: { etag: 'BwXh', bindings: [] } });
    expect((await admin('POST', `${target.path}:simulate`, {})).status).toBe(400);
  });

  it('is on projects and targets only, for administrators only', async () => {
    const body = { policy: { bindings: [] } };
    const pool = `${path()}/locations/global/workloadIdentityPools/${project.builtInPool}`;
    for (const resource of ['/v1/organizations/1', pool, `/v1/${cluster.name}`, `${path()}/targets/none`]) {
      expect((await admin('POST', `${resource}:simulate`, body)).status).toBe(404);
    }
    expect((await call(`${path()}:simulate`, { method: 'POST', body: JSON.stringify(body) })).status).toBe(401);
  });
});

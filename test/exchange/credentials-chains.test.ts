/** Chains of delegates: every hop must be let on by itself, scopes only shrink, and the token says who acted for whom. */
import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  accessToken,
  addAccount,
  bind,
  brokerToken,
  CREATOR,
  impersonate,
  SCOPE,
  type TestAccount,
  USER,
  workloadMember,
} from '../support/accounts.ts';
import { addCluster, type Cluster, createProject, must, type TestProject } from '../support/broker.ts';

let project: TestProject;
let elsewhere: TestProject;
let cluster: Cluster;
let federated: string;
let first: TestAccount;
let second: TestAccount;
let last: TestAccount;

const nameOf = ({ email }: TestAccount): string => `projects/-/serviceAccounts/${email}`;
const memberOf = ({ email }: TestAccount): string => `serviceAccount:${email}`;

/** From the workload over two accounts, one of them another project's, to the last. */
async function bindAll(): Promise<void> {
  await bind(first, { role: CREATOR, members: [workloadMember(cluster)] });
  await bind(second, { role: CREATOR, members: [memberOf(first)] });
  await bind(last, { role: CREATOR, members: [memberOf(second)] });
}

beforeAll(async () => {
  project = await createProject();
  elsewhere = await createProject();
  cluster = await addCluster(project);
  first = await addAccount(project, 'first');
  second = await addAccount(elsewhere, 'second');
  last = await addAccount(project, 'last-one');
  federated = await brokerToken(cluster);
  await bindAll();
});

describe('a chain', () => {
  it('leads over accounts of other projects, and its token says who acted for whom', async () => {
    const answer = await impersonate(last, federated, 'generateAccessToken', {
      delegates: [nameOf(first), nameOf(second)],
    });
    expect(answer.status).toBe(200);
    expect(decodeJwt(String(answer.body['accessToken']))).toMatchObject({
      sub: last.uniqueId,
      act: { sub: memberOf(second), act: { sub: memberOf(first), act: { sub: workloadMember(cluster) } } },
    });
  });

  it('by unique ids is the same', async () => {
    const delegates = [first, second].map(({ uniqueId }) => `projects/-/serviceAccounts/${uniqueId}`);
    expect((await impersonate(last, federated, 'signBlob', { delegates })).status).toBe(200);
  });

  it.each([
    ['no delegates', () => []],
    ['the first alone', () => [first]],
    ['the second alone', () => [second]],
    ['another order', () => [second, first]],
  ])('has no short cut: %s', async (_what, delegates) => {
    const answer = await impersonate(last, federated, 'generateAccessToken', { delegates: delegates().map(nameOf) });
    expect(answer.status).toBe(403);
  });

  it.each([
    ['first', () => first],
    ['second', () => second],
    ['last', () => last],
  ])('breaks at whichever hop is not allowed any more: %s', async (_which, hop) => {
    const delegates = [nameOf(first), nameOf(second)];
    await bind(hop());
    expect((await impersonate(last, federated, 'generateAccessToken', { delegates })).status).toBe(403);
    await bindAll();
    expect((await impersonate(last, federated, 'generateAccessToken', { delegates })).status).toBe(200);
  });

  it('breaks where a delegate may not hand on, though he may be impersonated', async () => {
    await bind(first, { role: USER, members: [workloadMember(cluster)] });
    const delegates = [nameOf(first), nameOf(second)];
    expect((await impersonate(first, federated)).status).toBe(200);
    const answer = await impersonate(last, federated, 'generateAccessToken', { delegates });
    expect(answer.body).toMatchObject({
      error: { code: 403, details: [{ metadata: { permission: 'iam.serviceAccounts.implicitDelegation' } }] },
    });
    await bindAll();
  });

  it('breaks where a delegate is disabled', async () => {
    const delegates = [nameOf(first), nameOf(second)];
    await must('POST', `${second.path}:disable`, {});
    expect((await impersonate(last, federated, 'generateAccessToken', { delegates })).status).toBe(400);
    await must('POST', `${second.path}:enable`, {});
    expect((await impersonate(last, federated, 'generateAccessToken', { delegates })).status).toBe(200);
  });

  it('ends with the shortest condition on the way', async () => {
    // Conditions are looked at by whole seconds.
    const end = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 120_000).toISOString();
    const condition = { expression: `request.time < timestamp('${end}')`, title: 'soon over' };
    await bind(second, { role: CREATOR, members: [memberOf(first)], condition });
    const answer = await impersonate(last, federated, 'generateAccessToken', {
      delegates: [nameOf(first), nameOf(second)],
    });
    const { accessToken: token, expireTime } = answer.body as Record<string, string>;
    expect(Date.parse(expireTime ?? '')).toBeLessThanOrEqual(Date.parse(end));
    expect(Date.parse(expireTime ?? '')).toBeGreaterThan(Date.now() + 100_000);
    expect(decodeJwt(token ?? '').exp).toBe(Date.parse(expireTime ?? '') / 1_000);
    await bindAll();
  });
});

describe('from token to token', () => {
  it('it goes on as it does in one chain, and says so', async () => {
    await bind(last, { role: CREATOR, members: [memberOf(first)] });
    const token = await accessToken(first, federated);
    expect(decodeJwt(await accessToken(last, token))).toMatchObject({
      act: { sub: memberOf(first), act: { sub: workloadMember(cluster) } },
    });
    await bindAll();
  });

  it('scopes only shrink', async () => {
    await bind(last, { role: CREATOR, members: [memberOf(first)] });
    const iam = 'https://www.googleapis.com/auth/iam';
    const token = await accessToken(first, federated, { scope: [iam, 'orders.read'] });
    const ask = async (...scope: string[]): Promise<number> =>
      (await impersonate(last, token, 'generateAccessToken', { scope })).status;
    expect([await ask('orders.read'), await ask(iam), await ask('orders.write'), await ask(SCOPE)]).toEqual([
      200, 200, 403, 403,
    ]);
    await bindAll();
  });

  it('whatever was named in it, an account that was made anew is not the one of before', async () => {
    const gone = await addAccount(project, 'gone-soon');
    await bind(gone, { role: CREATOR, members: [workloadMember(cluster)] });
    const token = await accessToken(gone, federated);
    await bind(last, { role: CREATOR, members: [memberOf(gone)] });
    expect((await impersonate(last, token)).status).toBe(200);
    await must('DELETE', gone.path);
    expect((await impersonate(last, token)).status).toBe(401);
    await bindAll();
  });
});

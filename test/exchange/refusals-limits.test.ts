/** CONTRACT's exchange table, 429: the project's quota, and addresses that keep failing. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  type Answer,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  must,
  postToken,
  tokenForm,
} from '../support/broker.ts';
import { expectRefusal } from './refusals-support.ts';

const audit = captureAudit();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await addCluster(await createProject());
});

describe('429', () => {
  it('over quota, with Retry-After, and room at once when the limit is raised', async () => {
    const small = await createProject();
    const mine = await addCluster(small);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 2,
    });
    expect((await exchange(mine)).status).toBe(200);
    expect((await exchange(mine)).status).toBe(200);
    const answer = await exchange(mine);
    await expectRefusal(audit, answer, 429, 'quota_exceeded', 'over_quota');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 3,
    });
    expect((await exchange(mine)).status).toBe(200);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 0,
    });
    expect((await exchange(mine)).status).toBe(429);
    await must('PATCH', `/v1/${mine.name}?updateMask=disabled`, { disabled: true });
    await expectRefusal(audit, await exchange(mine), 400, 'invalid_target', 'disabled');
  });

  it('refused exchanges cost no quota', async () => {
    const small = await createProject();
    const mine = await addCluster(small);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 1,
    });
    for (let round = 0; round < 5; round++) expect((await exchange(mine, undefined, 'a.b.c')).status).toBe(400);
    expect((await exchange(mine, 'https://nowhere.example.com')).status).toBe(400);
    expect((await exchange(mine)).status).toBe(200);
    expect((await exchange(mine)).status).toBe(429);
  });

  it('too many failures from one address slow that address down, and nobody else', async () => {
    const from = (address: string, token: string): Promise<Answer> =>
      postToken(tokenForm(cluster.audience, token), { 'cf-connecting-ip': address });
    let answer = await from('192.0.2.1', 'a.b.c');
    for (let round = 0; round < 700 && answer.status === 400; round++) answer = await from('192.0.2.1', 'a.b.c');
    await expectRefusal(audit, answer, 429, 'slow_down', 'too_many_failures');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    // Behind one address there may be a whole cluster: only failures are slowed down.
    expect((await from('192.0.2.1', await cluster.token())).status).toBe(200);
    expect((await from('192.0.2.2', 'a.b.c')).status).toBe(400);
  });
});

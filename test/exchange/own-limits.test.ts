/** Own limits through the front door: one provider or principal at its cap leaves the others untouched, and never lives on the project's lease. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  administerThrough,
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
import { silenceableObjects } from '../support/faulty-bindings.ts';

const audit = captureAudit();
let project: TestProject;
let capped: Cluster;
let free: Cluster;

beforeEach(async () => {
  administerThrough();
  project = await createProject();
  capped = await addCluster(project);
  free = await addCluster(project);
});

const setOwnLimits = (ownLimits: readonly object[]): Promise<unknown> =>
  must('PATCH', `/v1/projects/${project.number}?updateMask=ownLimits`, { ownLimits });

async function statuses(count: number, ask: () => Promise<Answer>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await ask()).status);
  return all;
}

describe('a provider at its cap', () => {
  it('is refused with 429, and the other providers are untouched', async () => {
    await setOwnLimits([{ provider: capped.name, tokenExchangesPerMinute: 2 }]);
    expect(await statuses(2, () => exchange(capped))).toEqual([200, 200]);
    const refused = await exchange(capped);
    expect(refused.status).toBe(429);
    expect(refused.body['error']).toBe('quota_exceeded');
    expect(refused.headers.get('ratelimit-policy')).toBe('"project";q=6000;w=60, "provider";q=2;w=60');
    expect(refused.headers.get('ratelimit')).toBe(`"provider";r=0;t=${refused.headers.get('retry-after')}`);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30);
    expect(await audit.lineFor(refused)).toMatchObject({ reason: 'over_quota', check: 'provider limit' });
    // From what the isolate remembers: the same.
    expect((await exchange(capped)).headers.get('ratelimit-policy')).toContain('"provider";q=2;w=60');
    expect((await exchange(free)).headers.get('ratelimit-policy')).toBe('"project";q=6000;w=60');
    expect(await statuses(30, () => exchange(free))).toEqual(Array.from({ length: 30 }, () => 200));
    expect((await exchange(capped)).status).toBe(429);
    await setOwnLimits([]);
    expect((await exchange(capped)).status).toBe(200);
  });

  it('says the project where it is the project that is full', async () => {
    await setOwnLimits([{ provider: capped.name, tokenExchangesPerMinute: 20 }]);
    await must('PATCH', `/v1/projects/${project.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 0,
    });
    const refused = await exchange(capped);
    expect(refused.headers.get('ratelimit')).toMatch(/^"project";r=0;t=\d+$/);
    expect(await audit.lineFor(refused)).toMatchObject({
      reason: 'over_quota',
      check: 'project limit, which is 0: closed',
    });
  });

  it.each([0, 1])('that is closed says so, and one of %i does not', async (tokenExchangesPerMinute) => {
    await setOwnLimits([{ provider: capped.name, tokenExchangesPerMinute }]);
    await statuses(tokenExchangesPerMinute, () => exchange(capped));
    const isClosed = tokenExchangesPerMinute === 0;
    for (const refused of [await exchange(capped), await exchange(capped)]) {
      expect(String(refused.body['error_description']).includes('Retrying does not help')).toBe(isClosed);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await audit.lineFor(refused))?.['check']).toBe(
        isClosed ? 'provider limit, which is 0: closed' : 'provider limit',
      );
    }
  });
});

describe('a principal at its cap', () => {
  it('is refused, and its neighbours of the same cluster are not', async () => {
    const principal = member(project, capped.pool, 'subject/ns/shop/sa/checkout');
    await setOwnLimits([{ principal, tokenExchangesPerMinute: 1 }]);
    expect(await statuses(2, () => exchange(capped))).toEqual([200, 429]);
    const refused = await exchange(capped);
    expect(await audit.lineFor(refused)).toMatchObject({ check: 'principal limit', principal });
    // Of the same name in another cluster of the pool: the same principal.
    expect((await exchange(free)).status).toBe(429);
    const neighbour = async (): Promise<Answer> =>
      exchange(capped, undefined, await capped.token({ serviceAccount: 'cart' }));
    expect(await statuses(5, neighbour)).toEqual([200, 200, 200, 200, 200]);
  });
});

describe('whoever has a limit of his own', () => {
  it('asks for each exchange, also in an isolate that holds a lease for the others', async () => {
    const quota = silenceableObjects(env.QUOTA);
    const bound: Env = { ...env, QUOTA: quota.namespace };
    const broker = createBroker(bound);
    const edge: Fetch = async (request) => broker.fetch(request, bound);
    const ask = async (cluster: Cluster): Promise<Answer> =>
      postToken(tokenForm(cluster.audience, await cluster.token()), {}, edge);
    administerThrough(edge);
    await setOwnLimits([{ provider: capped.name, tokenExchangesPerMinute: 5 }]);
    await statuses(40, () => ask(free));
    const before = quota.calls('spend');
    expect(before).toBeLessThan(20);
    expect(await statuses(6, () => ask(capped))).toEqual([200, 200, 200, 200, 200, 429]);
    expect(quota.calls('spend') - before).toBe(6);
    // A limit that is set now takes effect here at the next exchange, whatever lease is held.
    await setOwnLimits([{ provider: free.name, tokenExchangesPerMinute: 1 }]);
    expect(await statuses(2, () => ask(free))).toEqual([200, 429]);
  });
});

/** An exchange that finds a lease and a current snapshot in its isolate asks nobody, and a renewal goes beside it: counted, through the front door. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  type Cluster,
  createProject,
  type Fetch,
  member,
  ORIGIN,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { aheadClock } from '../support/clock.ts';
import { countingKv, silenceableObjects } from '../support/faulty-bindings.ts';

let project: TestProject;
let cluster: Cluster;
let target: TestTarget;
let clock: ReturnType<typeof aheadClock>;

beforeEach(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
  const members = [member(project, cluster.pool, '*', 'principalSet')];
  await setPolicy(target.path, [{ role: await addRole(project), members }]);
  clock = aheadClock();
});
afterEach(() => {
  clock.restore();
  vi.restoreAllMocks();
});

/** An isolate of which everything that leaves it is counted. */
function countedIsolate() {
  const cache = countingKv(env.CACHE);
  const quota = silenceableObjects(env.QUOTA);
  const others = [
    silenceableObjects(env.REGISTRY),
    silenceableObjects(env.KEY_RING),
    silenceableObjects(env.ISSUER_KEYS),
  ];
  const [registry, keyRing, issuerKeys] = others;
  const bound = {
    ...env,
    CACHE: cache.kv,
    QUOTA: quota.namespace,
    REGISTRY: registry?.namespace,
    KEY_RING: keyRing?.namespace,
    ISSUER_KEYS: issuerKeys?.namespace,
  } as Env;
  const broker = createBroker(bound);
  const edge: Fetch = async (request) => broker.fetch(request, bound);
  const form = async () => tokenForm(cluster.audience, await cluster.token(), { resource: target.uri });
  return {
    ask: async (): Promise<Answer> => postToken(await form(), {}, edge),
    request: async () => new Request(`${ORIGIN}/v1/token`, { method: 'POST', body: new URLSearchParams(await form()) }),
    fetch: edge,
    quota,
    elsewhere: () => cache.reads() + others.reduce((sum, one) => sum + one.calls(), 0),
    silenceAll: () => {
      quota.silence();
      for (const one of others) one.silence();
    },
  };
}

const EXCHANGES = 8;

/** From here on; what it answers is how often each was called since. */
function countWork() {
  const { subtle } = crypto;
  const calls = {
    verify: vi.spyOn(subtle, 'verify'),
    sign: vi.spyOn(subtle, 'sign'),
    digest: vi.spyOn(subtle, 'digest'),
    importKey: vi.spyOn(subtle, 'importKey'),
    deriveBits: vi.spyOn(subtle, 'deriveBits'),
    decrypt: vi.spyOn(subtle, 'decrypt'),
    parse: vi.spyOn(JSON, 'parse'),
    stringify: vi.spyOn(JSON, 'stringify'),
    fetch: vi.spyOn(globalThis, 'fetch'),
  };
  return (): Record<string, number> =>
    Object.fromEntries(Object.entries(calls).map(([name, spy]) => [name, spy.mock.calls.length]));
}

describe('a busy isolate', () => {
  it('exchanges without a KV read, a fetch or an object call, and its renewals keep nobody waiting', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    const isolate = countedIsolate();
    for (let i = 0; i < 40; i++) {
      expect((await isolate.ask()).status).toBe(200);
      clock.ahead(50);
    }
    const before = { elsewhere: isolate.elsewhere(), spend: isolate.quota.calls('spend') };
    expect(before.elsewhere).toBeGreaterThan(0);
    expect(before.spend).toBeGreaterThan(0);
    expect(before.spend).toBeLessThan(10);

    // From here on nobody answers: who waited for anybody would wait for ever.
    isolate.silenceAll();
    let onTheLease = 0;
    while (isolate.quota.calls('spend') === before.spend) {
      expect((await isolate.ask()).status).toBe(200);
      onTheLease += 1;
    }
    expect(onTheLease).toBeGreaterThan(3);
    // The renewal has left by now, beside an exchange that was answered; those after it still have their permits.
    expect((await isolate.ask()).status).toBe(200);
    expect(isolate.quota.calls('spend')).toBe(before.spend + 1);
    expect(isolate.elsewhere()).toBe(before.elsewhere);
    expect(fetched).not.toHaveBeenCalled();
  });

  it('verifies once, signs once, hashes once, reads one text of JSON, writes five and imports no key', async () => {
    const isolate = countedIsolate();
    for (let i = 0; i < 40; i++) {
      expect((await isolate.ask()).status).toBe(200);
      clock.ahead(50);
    }
    // Made before anything is counted: signing them is the test's work.
    const requests: Request[] = [];
    for (let i = 0; i < EXCHANGES; i++) requests.push(await isolate.request());
    const counted = countWork();
    const objects = isolate.quota.calls('spend') + isolate.elsewhere();
    for (const request of requests) expect((await isolate.fetch(request)).status).toBe(200);
    const asked = isolate.quota.calls('spend') + isolate.elsewhere() - objects;
    expect(counted()).toEqual({
      verify: EXCHANGES,
      sign: EXCHANGES,
      digest: EXCHANGES,
      importKey: 0,
      deriveBits: 0,
      decrypt: 0,
      // The subject token's claims; its header is known.
      parse: EXCHANGES,
      // Its claims once more, to see that they were spelt plainly; whose texts to look for; the token's claims, the answer, the audit line.
      stringify: 5 * EXCHANGES,
      fetch: 0,
    });
    expect(asked).toBeLessThanOrEqual(1);
  });

  it('is closed once its lease is used up and nobody answers: 503 with Retry-After', async () => {
    const isolate = countedIsolate();
    for (let i = 0; i < 20; i++) {
      expect((await isolate.ask()).status).toBe(200);
      clock.ahead(100);
    }
    isolate.silenceAll();
    clock.ahead(10_000);
    const refused = await isolate.ask();
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
  });
});

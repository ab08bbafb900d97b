/** Seeding the demo: it may break off after any call and be taken up again, and what an administrator wrote since stays. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type Client, type Fetch } from '../../src/client/client.ts';
import { startBroker, type Broker } from '../../src/local/broker.ts';
import { openCluster, type DemoCluster } from '../../src/local/demo/clusters.ts';
import { DEMO_POOL_PATH, DEMO_TARGET_URI, seed } from '../../src/local/demo/seed.ts';
import { signWorkloadToken } from '../../src/local/demo/workload-token.ts';

let broker: Broker;
let clusters: readonly DemoCluster[] = [];
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edge-sts-demo-'));
  clusters = [await openCluster(folder, 'a'), await openCluster(folder, 'b')];
  broker = await startBroker();
});
afterAll(async () => {
  await broker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function client(through: Fetch = fetch): Client {
  return createClient({ origin: broker.origin, token: broker.adminToken, fetch: through });
}

/** The network of a machine that is switched off after so many calls. */
function dyingAfter(calls: number): Fetch {
  let left = calls;
  return async (url, init) => {
    left -= 1;
    if (left < 0) throw new Error('switched off');
    return fetch(url, init);
  };
}

const ENOUGH_CALLS = 20;

test('taken up again after each call, it ends as if it had never broken off', async () => {
  let interruptions = 0;
  for (let calls = 1; calls < ENOUGH_CALLS; calls += 1) {
    const fault: unknown = await seed(client(dyingAfter(calls)), clusters).catch((thrown: unknown) => thrown);
    if (fault === undefined) break;
    expect(fault).toMatchObject({ message: 'switched off' });
    interruptions += 1;
  }
  expect(interruptions).toBeGreaterThanOrEqual(8);
  expect(await rolesOf(clusters[0])).toEqual([
    'projects/demo/roles/demo.objectReader',
    'projects/demo/roles/demo.statusReader',
  ]);
  // Same ServiceAccount, same principal, but the binding on the project is for the first cluster only.
  expect(await rolesOf(clusters[1])).toEqual(['projects/demo/roles/demo.objectReader']);
});

test('a policy that somebody has changed is left alone', async () => {
  const binding = {
    role: 'projects/demo/roles/demo.statusReader',
    members: [`principalSet://iam.googleapis.com/${DEMO_POOL_PATH}/*`],
  };
  const written = await client().setIamPolicy('projects/demo', { bindings: [binding] });
  expect(written.ok).toBe(true);
  await seed(client(), clusters);
  expect(await client().getIamPolicy('projects/demo')).toMatchObject({ ok: true, value: { bindings: [binding] } });
});

async function rolesOf(cluster: DemoCluster | undefined): Promise<unknown> {
  if (cluster === undefined) throw new Error('no such cluster');
  const audience = `//iam.googleapis.com/${DEMO_POOL_PATH}/providers/${cluster.providerId}`;
  const line = new Promise<string>((resolve) => void broker.onLine(resolve));
  const reply = await client().exchange({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience,
    resource: DEMO_TARGET_URI,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: await signWorkloadToken(cluster, `https:${audience}`, Math.floor(Date.now() / 1_000), 600),
  });
  expect(reply).toMatchObject({ ok: true });
  const { requestId, roles } = JSON.parse(await line) as { requestId?: unknown; roles?: unknown };
  expect(requestId).toBe(reply.requestId);
  return roles;
}

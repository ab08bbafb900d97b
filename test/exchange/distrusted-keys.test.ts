/** A thief whose key was distrusted does not come back through the issuer that still publishes it, nor by a change of where keys come from. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { issuerKeysName } from '../../src/platform/issuer-keys/discovered.ts';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  type Answer,
  captureAudit,
  type Cluster,
  createProject,
  type Fetch,
  must,
  postToken,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { laggingKv } from '../support/faulty-bindings.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';
import { claimsFor, expectUnverified } from './hostile-support.ts';

const audit = captureAudit();
let project: TestProject;
let stolen: Issuer;
let next: Issuer;
/** What the issuer publishes. */
let published: readonly object[] = [];

/** An issuer of its own for each test, so that no cool-down of one is in the way of another. */
let issuerUri = '';

beforeAll(async () => {
  // For good: an alarm that comes late asks no real host either.
  vi.stubGlobal('fetch', async (url: string) =>
    url.endsWith('/openid-configuration')
      ? Response.json({ issuer: issuerUri, jwks_uri: `${issuerUri}/jwks` })
      : Response.json({ keys: published }),
  );
  project = await createProject();
});

beforeEach(async () => {
  issuerUri = `https://issuer-${crypto.randomUUID().slice(0, 8)}.example.com`;
  [stolen, next] = [await createIssuer(), await createIssuer()];
  published = [stolen.publicJwk, next.publicJwk];
});

const kubernetes = (more: object = {}): object => ({
  kubernetes: { clusterUri: `https://clusters.example.com/${crypto.randomUUID()}`, issuerUri, ...more },
});

/** An isolate whose KV never catches up. */
function edgeThatLags(): Fetch {
  const bound = { ...env, CACHE: laggingKv(env.CACHE) };
  const broker = createBroker(bound);
  return async (request) => broker.fetch(request, bound);
}

const ask = async (cluster: Cluster, issuer: Issuer, edge: Fetch, kid = issuer.kid): Promise<Answer> =>
  postToken(tokenForm(cluster.audience, await issuer.sign(claimsFor(cluster), { kid })), {}, edge);

async function distrust(cluster: Cluster, issuer: Issuer): Promise<void> {
  const { keys } = await must('GET', `/v1/${cluster.name}`);
  const { kids, thumbprints } = keys as { kids: string[]; thumbprints: string[] };
  const thumbprint = thumbprints[kids.indexOf(issuer.kid)];
  expect(thumbprint).toBeDefined();
  await must('POST', `/v1/${cluster.name}:distrustKey`, { thumbprint });
}

/** The next look at an issuer is allowed 30 s after the last. */
async function coolDownIsOver(cluster: Cluster): Promise<void> {
  const name = issuerKeysName({ projectNumber: project.number, poolId: cluster.pool, providerId: cluster.providerId });
  await runInDurableObject(env.ISSUER_KEYS.getByName(name), (instance: IssuerKeys) => {
    instance.clock = () => Date.now() + 31_000;
  });
}

describe('a distrusted key', () => {
  it('is shut out at once where keys are discovered, though the issuer publishes it still', async () => {
    const cluster = await addCluster(project, { issuer: stolen, issuerUri, extra: kubernetes() });
    const edge = edgeThatLags();
    expect((await ask(cluster, stolen, edge)).status).toBe(200);
    await distrust(cluster, stolen);
    await expectUnverified(audit, await ask(cluster, stolen, edge), 'distrusted_key');
    await expectUnverified(audit, await ask(cluster, stolen, edgeThatLags()), 'distrusted_key');
    expect((await ask(cluster, next, edge)).status).toBe(200);
  });

  it('does not come back under another key id', async () => {
    const cluster = await addCluster(project, { issuer: stolen, issuerUri, extra: kubernetes() });
    expect((await ask(cluster, stolen, edgeThatLags())).status).toBe(200);
    await distrust(cluster, stolen);
    published = [{ ...stolen.publicJwk, kid: 'innocent' }, next.publicJwk];
    // Another issuer is looked at at once; its document is the same.
    issuerUri = `${issuerUri}/moved`;
    await must('PATCH', `/v1/${cluster.name}?updateMask=kubernetes.issuerUri`, { kubernetes: { issuerUri } });
    const moved = { ...cluster, issuerUri };
    await coolDownIsOver(cluster);
    const edge = edgeThatLags();
    expect((await ask(moved, next, edge)).status).toBe(200);
    await expectUnverified(audit, await ask(moved, stolen, edge, 'innocent'), 'distrusted_key');
  });

  it('does not come back by a change from upload to discovery', async () => {
    const jwksJson = JSON.stringify({ keys: published });
    const cluster = await addCluster(project, { issuer: stolen, issuerUri, extra: kubernetes({ jwksJson }) });
    await distrust(cluster, stolen);
    await must('PATCH', `/v1/${cluster.name}?updateMask=kubernetes.jwksJson`, { kubernetes: {} });
    const edge = edgeThatLags();
    expect((await ask(cluster, next, edge)).status).toBe(200);
    expect((await must('GET', `/v1/${cluster.name}`))['keySource']).toBe('discovery');
    await expectUnverified(audit, await ask(cluster, stolen, edge), 'distrusted_key');
  });

  it('is shut out of this provider alone: it is the provider’s own decision', async () => {
    const [one, other] = [
      await addCluster(project, { issuer: stolen, issuerUri, extra: kubernetes() }),
      await addCluster(project, { issuer: stolen, issuerUri, extra: kubernetes() }),
    ];
    const edge = edgeThatLags();
    expect((await ask(one, stolen, edge)).status).toBe(200);
    await distrust(one, stolen);
    await expectUnverified(audit, await ask(one, stolen, edge), 'distrusted_key');
    expect((await ask(other, stolen, edge)).status).toBe(200);
  });
});

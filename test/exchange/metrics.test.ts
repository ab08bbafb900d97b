/** `/metrics` through the front door: what the objects counted, for whoever may see it, within a bound, and nothing that is secret. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { createBroker } from '../../src/worker.ts';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import type { Quota } from '../../src/platform/quota/object.ts';
import {
  addCluster,
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
  setPolicy,
  type TestProject,
} from '../support/broker.ts';
import { away, countingObjects } from '../support/faulty-bindings.ts';
import { type ReadFamily, type ReadSample, readOpenMetrics } from '../support/openmetrics.ts';

const audit = captureAudit();

type Families = ReadonlyMap<string, ReadFamily>;

async function scrape(query = '', fetch?: Fetch): Promise<Families> {
  const answer = await admin('GET', `/metrics${query}`, undefined, fetch);
  if (answer.status !== 200) throw new Error(`/metrics${query}: ${answer.status} ${answer.text}`);
  return readOpenMetrics(answer.text);
}

function samplesOf(families: Families, name: string): readonly ReadSample[] {
  return families.get(name)?.samples ?? [];
}

/** By reason. */
function countsOf(families: Families, project: TestProject): Readonly<Record<string, number>> {
  const own = samplesOf(families, 'edge_sts_exchanges').filter(
    ({ name, labels }) => name === 'edge_sts_exchanges_total' && labels['project'] === project.id,
  );
  return Object.fromEntries(own.map(({ labels, value }) => [labels['reason'], value]));
}

/** The object writes what it counted at most every 15 s; here its clock says that they are over. */
async function settle(project: TestProject): Promise<void> {
  const stub = env.QUOTA.getByName(project.number);
  await runInDurableObject<Quota, void>(stub, (instance) => {
    instance.clock = () => Date.now() + 20_000;
  });
  await runDurableObjectAlarm(stub);
}

const reasonOf = ({ status, body }: Answer): unknown => [
  status,
  (body['error'] as { status?: string } | undefined)?.status,
];

async function as(token: string, query = ''): Promise<Answer> {
  return call(`/metrics${query}`, { headers: { authorization: `Bearer ${token}` } });
}

const POOL = (project: TestProject): string =>
  `/v1/projects/${project.number}/locations/global/workloadIdentityPools/${project.builtInPool}`;

describe('the figures', () => {
  let project: TestProject;
  let cluster: Cluster;

  beforeAll(async () => {
    project = await createProject();
    cluster = await addCluster(project);
  });

  it('count what the audit lines say, never go back, and begin when they say', async () => {
    const { uri } = await addTarget(project);
    const startedMs = Date.now();
    const answers: Answer[] = [];
    for (let round = 0; round < 5; round++) {
      answers.push(await exchange(cluster), await exchange(cluster, uri), await exchange(cluster, undefined, 'x.y.z'));
    }
    const lines = await Promise.all(answers.map((answer) => audit.lineFor(answer)));
    const said: Record<string, number> = {};
    for (const { reason } of lines) said[String(reason)] = (said[String(reason)] ?? 0) + 1;
    expect(said).toEqual({ granted: 5, not_granted: 5, unverified: 5 });
    await must('GET', `/v1/projects/${project.number}/usage`);
    await settle(project);
    const first = await scrape(`?project=${project.id}`);
    expect(countsOf(first, project)).toEqual(said);
    const created = samplesOf(first, 'edge_sts_exchanges').filter(({ name }) => name.endsWith('_created'));
    expect(created).toHaveLength(3);
    for (const { value } of created) {
      expect(value * 1_000).toBeGreaterThanOrEqual(startedMs);
      expect(value * 1_000).toBeLessThanOrEqual(Date.now() + 20_000);
    }
    // What is not on disk yet may be sent again after an abort: until it is, it does not show.
    await exchange(cluster);
    await must('GET', `/v1/projects/${project.number}/usage`);
    const between = countsOf(await scrape(`?project=${project.id}`), project);
    await abortAllDurableObjects();
    const after = countsOf(await scrape(`?project=${project.id}`), project);
    expect(after['granted']).toBeGreaterThanOrEqual(between['granted'] ?? 0);
    expect(after['granted']).toBeGreaterThanOrEqual(5);
  });

  it('say how it stands with quota, keys and epochs', async () => {
    await must('PATCH', `/v1/projects/${project.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 1_234,
    });
    await exchange(cluster);
    const families = await scrape(`?project=${project.number}`);
    const valueOf = (name: string): number | undefined => samplesOf(families, name)[0]?.value;
    expect(valueOf('edge_sts_quota_limit_per_minute')).toBe(1_234);
    expect(valueOf('edge_sts_quota_counted_permits')).toBeGreaterThan(0);
    expect(valueOf('edge_sts_configuration_epoch')).toBeGreaterThan(1);
    expect(valueOf('edge_sts_configuration_epoch')).toBe(valueOf('edge_sts_configuration_saved_epoch'));
    expect(valueOf('edge_sts_lost_exchanges')).toBe(0);
    expect(valueOf('edge_sts_key_ring_failures')).toBe(0);
    const { keys } = (await must('GET', `/v1/projects/${project.number}/signingKeys`)) as unknown as {
      keys: readonly { kid: string; alg: string; state: string }[];
    };
    const own = samplesOf(families, 'edge_sts_signing_key_age_seconds');
    expect(own.map(({ labels }) => labels)).toEqual(
      keys.map(({ kid, alg, state }) => ({ project: project.id, kid, alg, state })),
    );
    for (const { value } of own) expect(value).toBeLessThan(300);
    const ofKeys = samplesOf(families, 'edge_sts_issuer_keys');
    expect(ofKeys).toEqual([
      {
        name: 'edge_sts_issuer_keys',
        labels: { project: project.id, pool: cluster.pool, provider: cluster.providerId, source: 'uploaded' },
        value: 1,
      },
    ]);
    expect(valueOf('edge_sts_issuer_keys_age_seconds')).toBeLessThan(300);
  });

  it('show an issuer that does not answer', async () => {
    const own = await createProject();
    const keys = env.ISSUER_KEYS.getByName(`${own.number}/${own.builtInPool}/away`);
    await runInDurableObject<IssuerKeys, void>(keys, (instance) => {
      instance.fetcher = async () => {
        throw new TypeError('nobody answers');
      };
    });
    await must('POST', `${POOL(own)}/providers?workloadIdentityPoolProviderId=away`, {
      kubernetes: { clusterUri: 'https://clusters.example.com/away', issuerUri: 'https://issuer.example.com' },
    });
    const failures = async (): Promise<number | undefined> =>
      samplesOf(await scrape(`?project=${own.id}`), 'edge_sts_issuer_keys_failures')[0]?.value;
    await expect.poll(failures, { timeout: 10_000 }).toBeGreaterThan(0);
    const families = await scrape(`?project=${own.id}`);
    expect(samplesOf(families, 'edge_sts_issuer_keys')[0]).toMatchObject({ labels: { source: 'discovery' }, value: 0 });
    expect(families.has('edge_sts_issuer_keys_last_success_timestamp_seconds')).toBe(false);
  });

  it('hold no principal, no token and no secret', async () => {
    const token = await cluster.token();
    await exchange(cluster, undefined, token);
    await settle(project);
    const { text } = await admin('GET', `/metrics?project=${project.id}`);
    expect(text).toContain('reason="granted"');
    for (const secret of ['principal', '/sa/', 'eyJ', token.slice(-40), env.EDGE_STS_KEK, env.EDGE_STS_ADMIN_TOKEN]) {
      expect(text).not.toContain(secret);
    }
  });

  it('come in the older format for who prefers that', async () => {
    const headers = { authorization: `Bearer ${env.EDGE_STS_ADMIN_TOKEN ?? ''}`, accept: 'text/plain;version=0.0.4' };
    const answer = await call(`/metrics?project=${project.id}`, { headers });
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toContain(`# TYPE edge_sts_exchanges_total counter\n`);
    expect(answer.text).not.toContain('# EOF');
    const usual = await admin('GET', `/metrics?project=${project.id}`);
    expect(usual.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(usual.headers.get('cache-control')).toBe('no-store');
  });
});

describe('who may see them', () => {
  it('is who holds the right on the project, and he sees no other; a stranger is told nothing', async () => {
    const [mine, other] = [await createProject(), await createProject()];
    const cluster = await addCluster(mine);
    const named = (name: string): string => member(mine, mine.builtInPool, `subject/ns/watch/sa/${name}`);
    await setPolicy(`/v1/projects/${mine.number}`, [
      { role: 'roles/iam.securityReviewer', members: [named('reviewer')] },
      { role: 'roles/cloudquotas.admin', members: [named('quota')] },
    ]);
    const signIn = async (serviceAccount: string): Promise<string> => {
      const token = await cluster.token({ namespace: 'watch', serviceAccount });
      return String((await exchange(cluster, undefined, token)).body['access_token']);
    };
    const reviewer = await signIn('reviewer');
    const seen = await as(reviewer);
    expect(seen.status).toBe(200);
    const projects = samplesOf(readOpenMetrics(seen.text), 'edge_sts_quota_limit_per_minute');
    expect(projects.map(({ labels }) => labels['project'])).toEqual([mine.id]);
    expect((await as(reviewer, `?project=${mine.id}`)).status).toBe(200);
    const refused = await as(reviewer, `?project=${mine.id}&project=${other.id}`);
    expect(reasonOf(refused)).toEqual([403, 'PERMISSION_DENIED']);
    const unknown = await as(reviewer, '?project=there-is-none');
    expect(unknown.text.replaceAll('there-is-none', other.id)).toBe(refused.text);
    for (const query of ['', `?project=${mine.id}`]) {
      const answer = await as(await signIn('quota'), query);
      expect([reasonOf(answer), answer.text.includes('sts.metrics.get')]).toEqual([[403, 'PERMISSION_DENIED'], true]);
    }
    expect(reasonOf(await call('/metrics'))).toEqual([401, 'UNAUTHENTICATED']);
    expect(reasonOf(await as('nonsense'))).toEqual([401, 'UNAUTHENTICATED']);
  });

  it.each([
    ['another method', 'POST', '', 405],
    ['a misspelled parameter', 'GET', '?projects=x', 400],
    ['a project that is not there', 'GET', '?project=there-is-none', 404],
    ['a name that can be none', 'GET', '?project=%00', 404],
    ['too many projects', 'GET', `?${'project=x&'.repeat(51).slice(0, -1)}`, 400],
  ])('does not get by with %s', async (_what, method, query, status) => {
    expect((await admin(method, `/metrics${query}`)).status).toBe(status);
  });
});

describe('one scrape', () => {
  const broker = (changes: Partial<Env>): Fetch => {
    const app = createBroker({ ...env, ...changes });
    return async (request) => app.fetch(request);
  };

  it('reads at most fifty projects, at three calls each and two more, and says that there are others', async () => {
    for (let made = 0; made < 51; made += 10) {
      await Promise.all(Array.from({ length: 10 }, () => createProject()));
    }
    const registry = countingObjects(env.REGISTRY);
    const quota = countingObjects(env.QUOTA);
    const ring = countingObjects(env.KEY_RING);
    const families = await scrape(
      '',
      broker({ REGISTRY: registry.namespace, QUOTA: quota.namespace, KEY_RING: ring.namespace }),
    );
    expect(samplesOf(families, 'edge_sts_scrape_projects')[0]?.value).toBe(50);
    expect(samplesOf(families, 'edge_sts_scrape_cut').find(({ labels }) => labels['what'] === 'projects')?.value).toBe(
      1,
    );
    // Two of the directory: is the token retired, and which projects are there.
    expect([registry.calls(), quota.calls(), ring.calls()]).toEqual([52, 50, 50]);
  }, 60_000);

  it('tells what did not answer, and the rest', async () => {
    const project = await createProject();
    const families = await scrape(`?project=${project.id}`, broker({ QUOTA: away(env.QUOTA) }));
    const failed = samplesOf(families, 'edge_sts_scrape_failures').map(({ labels, value }) => [labels['part'], value]);
    expect(Object.fromEntries(failed)).toEqual({ registry: 0, quota: 1, key_ring: 0, issuer_keys: 0 });
    expect(families.has('edge_sts_quota_limit_per_minute')).toBe(false);
    expect(samplesOf(families, 'edge_sts_signing_key_age_seconds').length).toBeGreaterThan(0);
  });
});

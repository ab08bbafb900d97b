/** One id through everything: each answer of each door has one of its own, and each line that belongs to a request says it, whoever writes the line. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import { createFaultLog } from '../../src/platform/audit/log.ts';
import {
  addCluster,
  admin,
  type Answer,
  call,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  must,
  postToken,
  type TestProject,
} from '../support/broker.ts';
import { createIssuer } from '../support/issuer.ts';
import { agentOf, allowPushes, push } from '../support/pushes.ts';
import { unreachable } from '../support/unreachable.ts';

const audit = captureAudit();
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Line = Readonly<Record<string, unknown>>;
const lines = (): readonly Line[] => audit.all().map((line) => JSON.parse(line) as Line);
const idOf = ({ headers }: Answer): string => headers.get('x-request-id') ?? 'none';

async function alert(kind: string, project: TestProject): Promise<Line> {
  const find = (): Line | undefined =>
    lines().find((line) => line['kind'] === kind && line['project'] === project.number);
  await vi.waitFor(() => expect(find()).toBeDefined(), { timeout: 5_000 });
  return find() ?? {};
}

/** Of all tests. */
const seen: string[] = [];
afterEach(() => void seen.push(...audit.all()));

let project: TestProject;
let cluster: Cluster;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
});

describe('an answer', () => {
  it('of any door has an id of its own, whether it is good, refused, unknown or of another method', async () => {
    const { paths } = (await call('/openapi.json')).body as { paths: Record<string, Record<string, unknown>> };
    const names: Readonly<Record<string, string>> = {
      project: project.number,
      projectNumber: project.number,
      pool: cluster.pool,
      poolId: cluster.pool,
      provider: cluster.providerId,
      attachment: encodeURIComponent(`cloudresourcemanager.googleapis.com/projects/${project.number}`),
    };
    const asked = Object.keys(paths)
      .filter((path) => !path.includes(':retire') && !path.endsWith(':setIamPolicy'))
      .map((path) => path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => names[name] ?? 'none'));
    expect(asked.length).toBeGreaterThan(40);
    const answers: Answer[] = [];
    for (const path of [...asked, '/nothing', '/v1/token/nothing', '/v1/nothing', '/v2/nothing', '/']) {
      answers.push(await call(path), await call(path, { method: 'DELETE' }), await admin('GET', path));
    }
    answers.push(await exchange(cluster), await exchange(cluster, undefined, 'x.y.z'));
    const ids = answers.map(idOf);
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400, 401, 404, 405]));
  });

  it('never has the id that the caller sends', async () => {
    const answer = await postToken(new URLSearchParams(), { 'x-request-id': 'mine' });
    expect(idOf(answer)).toMatch(UUID);
  });
});

describe('a line', () => {
  it('of the alert that keys changed, which the Registry writes, has the id of the change', async () => {
    const own = await createProject();
    const { name } = await addCluster(own);
    const { jwksJson } = await createIssuer();
    const changed = await admin('PATCH', `/v1/${name}?updateMask=kubernetes.jwksJson`, { kubernetes: { jwksJson } });
    expect(changed.status).toBe(200);
    expect(await alert('issuer_keys_changed', own)).toMatchObject({ requestId: idOf(changed), actor: 'bootstrap' });
  });

  it('of a push, and of the alert it raises, has the id of the push', async () => {
    const own = await createProject();
    const pushing = await addCluster(own);
    await allowPushes(pushing, agentOf(own, pushing));
    const pushed = await push(pushing, [pushing.issuer, await createIssuer()]);
    expect(pushed.status).toBe(200);
    expect(await audit.lineFor(pushed)).toMatchObject({ requestId: idOf(pushed) });
    expect(await alert('issuer_keys_changed', own)).toMatchObject({ requestId: idOf(pushed) });
    expect(lines().filter(({ requestId }) => requestId === idOf(pushed))).toHaveLength(2);
  });

  it.each([
    ['its lease', undefined],
    ['a permit of its own', { ownLimits: true }],
  ])(
    'of the alert that quota runs out, which the Quota object writes, has the id of the exchange that asked for %s',
    async (_what, own) => {
      const small = await createProject();
      const busy = await addCluster(small);
      await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute,ownLimits`, {
        // Its first permit comes of a lease in any case: nothing is known of the project yet.
        tokenExchangesPerMinute: own === undefined ? 1 : 2,
        ownLimits: own === undefined ? [] : [{ provider: busy.name, tokenExchangesPerMinute: 5 }],
      });
      const answer = await exchange(busy);
      expect(answer.status).toBe(200);
      await alert('quota', small);
      // A burst passes several steps at once: each has its line.
      const all = lines().filter(({ kind, project: of }) => kind === 'quota' && of === small.number);
      expect(all.at(-1)).toMatchObject({ percent: 100 });
      for (const line of all) expect(line).toMatchObject({ requestId: idOf(answer) });
    },
  );

  it('of a fault of ours has the id and the time', async () => {
    const written: string[] = [];
    const app = createApp({
      ...unreachable(),
      newRequestId: () => 'the-request',
      reportFault: createFaultLog(
        (line) => written.push(line),
        () => Date.UTC(2026, 5, 1),
      ),
    });
    const answer = await app.fetch(new Request('https://sts.example.com/metrics'));
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([500, 'the-request']);
    expect(written.map((line) => JSON.parse(line) as Line)).toMatchObject([
      { event: 'fault', time: '2026-06-01T00:00:00.000Z', requestId: 'the-request', name: 'Error' },
    ]);
  });

  it('is one JSON object with what happened and when, whoever wrote it', () => {
    expect(seen.length).toBeGreaterThan(10);
    for (const line of seen) {
      expect(line).not.toContain('\n');
      const { event, time } = JSON.parse(line) as Line;
      expect(['exchange', 'pushKeys', 'alert', 'fault']).toContain(event);
      expect(new Date(String(time)).toISOString()).toBe(time);
    }
    expect(new Set(seen.map((line) => (JSON.parse(line) as Line)['event']))).toEqual(
      new Set(['exchange', 'pushKeys', 'alert']),
    );
  });
});

describe('the history', () => {
  it('names request and address of each change, as its answer and Cloudflare say them, whatever its sender says', async () => {
    const own = await createProject();
    const path = `/v1/projects/${own.number}`;
    const send = async (method: string, at: string, body: object) =>
      call(at, {
        method,
        headers: {
          authorization: `Bearer ${env.EDGE_STS_ADMIN_TOKEN ?? ''}`,
          'content-type': 'application/json',
          'cf-connecting-ip': '2001:db8::7',
          'x-request-id': 'forged',
          'x-forwarded-for': '203.0.113.99',
        },
        body: JSON.stringify(body),
      });
    const renamed = await send('PATCH', `${path}?updateMask=displayName`, { displayName: 'Named' });
    const rotated = await send('POST', `${path}/signingKeys:rotate`, { alg: 'ES256' });
    const bound = await send('POST', '/v1/organizations/1:setIamPolicy', {
      policy: { bindings: [{ role: 'roles/owner', members: ['user:ada@example.com'] }] },
    });
    for (const [answer, history, command] of [
      [renamed, path, 'project.patch'],
      [rotated, path, 'signingKeys.rotate'],
      [bound, '/v1/organizations/1', 'organization.policy.set'],
    ] as const) {
      expect(answer.status).toBe(200);
      const { entries } = (await must('GET', `${history}/history?pageSize=50`)) as unknown as {
        entries: readonly { command: string; requestId: string }[];
      };
      expect(entries.find(({ requestId }) => requestId === idOf(answer))).toMatchObject({
        actor: 'bootstrap',
        address: '2001:db8::7',
        command,
      });
    }
    await must('POST', '/v1/organizations/1:setIamPolicy', { policy: {} });
  });
});

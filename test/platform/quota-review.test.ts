/** A review with the real objects: what is granted is in force for the next exchange, and what was temporary ends by itself, whoever sleeps or is away. */
import { by } from '../support/callers.ts';
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Command, QuotaVerdict, QuotaWish } from '../../src/core/admin/commands.ts';
import { shardKey, type Project } from '../../src/core/resources.ts';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import type { Registry } from '../../src/platform/registry/object.ts';
import { addCluster, addTarget, createProject, exchange, must, type TestProject } from '../support/broker.ts';
import { fails, mendEnv, namespaceOf, provisioned, query, replaceEnv, tablesOf } from './registry-support.ts';

type Stub = DurableObjectStub<Registry>;

const QUOTA_ID = 'TokenExchangeRequestsPerMinutePerProject';
const HOUR_MS = 3_600_000;
/** Alarms come after up to a few seconds. */
const eventually = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 15_000 });

const ask = (preferenceId: string, preferredValue: number, more: QuotaWish = {}): Command => ({
  type: 'quotaPreference.ask',
  preferenceId,
  input: { quotaId: QUOTA_ID, service: 'sts', quotaConfig: { preferredValue }, justification: 'a rollout', ...more },
});
const approve = (preferenceId: string, verdict: QuotaVerdict = {}): Command => ({
  type: 'quotaPreference.approve',
  preferenceId,
  verdict,
});
const setLimit = (tokenExchangesPerMinute: number): Command => ({
  type: 'project.patch',
  input: { tokenExchangesPerMinute },
  mask: ['tokenExchangesPerMinute'],
});

async function doing(registry: Stub, command: Command, actor = 'test'): Promise<void> {
  const answer = await registry.apply(command, by(actor));
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
}

const quotaOf = (project: Project) => env.QUOTA.getByName(project.projectNumber);
const limitInForce = async (project: Project): Promise<number> => (await quotaOf(project).usage()).limitPerMinute;

async function rowOf(registry: Stub): Promise<Project> {
  const answer = await registry.read({ type: 'project.get' });
  if (!answer.ok || answer.value.kind !== 'project') throw new Error('no project');
  return answer.value.project;
}

async function stateOf(registry: Stub, preferenceId: string): Promise<string> {
  const answer = await registry.read({ type: 'quotaPreference.get', preferenceId });
  if (!answer.ok || answer.value.kind !== 'quotaPreference') throw new Error('no preference');
  return answer.value.preference.state;
}

/** A project of 10 a minute with a raise to 30, which ends in an hour. */
async function withRaise(): Promise<{ project: Project; registry: Stub; endMs: number }> {
  const { project, registry } = await provisioned();
  const endMs = Date.now() + HOUR_MS;
  await doing(registry, setLimit(10));
  await doing(registry, ask('burst', 30, { expireTime: new Date(endMs).toISOString() }), 'ada');
  await doing(registry, approve('burst'), 'bob');
  expect(await limitInForce(project)).toBe(30);
  return { project, registry, endMs };
}

/** From now on, until it is evicted. */
async function setClock(registry: Stub, nowMs: number): Promise<void> {
  await runInDurableObject<Registry, void>(registry, (instance) => {
    instance.clock = () => nowMs;
  });
}

describe('over REST, in front of the real objects', () => {
  it('ask, grant less, expire, refuse: each in force for the next exchange, and every step in the history', async () => {
    const project = await createProject();
    const cluster = await addCluster(project);
    const path = `/v1/projects/${project.number}`;
    const preferences = `${path}/locations/global/quotaPreferences`;
    const registry = env.REGISTRY.getByName(`project/${project.number}`);
    const statusOf = async (): Promise<number> => (await exchange(cluster)).status;
    const wish = (preferredValue: string) => ({
      service: 'sts',
      quotaId: QUOTA_ID,
      quotaConfig: { preferredValue },
      justification: 'a rollout',
    });

    await must('PATCH', `${path}?updateMask=tokenExchangesPerMinute`, { tokenExchangesPerMinute: 1 });
    expect([await statusOf(), await statusOf()]).toEqual([200, 429]);

    const expireTime = new Date(Date.now() + HOUR_MS).toISOString();
    await must('POST', `${preferences}?quotaPreferenceId=burst`, { ...wish('5'), expireTime });
    expect(await statusOf()).toBe(429);
    const granted = await must('POST', `${preferences}/burst:approve`, { grantedValue: '3', comment: 'to begin with' });
    expect(granted).toMatchObject({
      state: 'GRANTED_PARTIALLY',
      reconciling: false,
      expireTime,
      quotaConfig: { preferredValue: '5', grantedValue: '3', stateDetail: 'to begin with' },
    });
    expect(await must('GET', path)).toMatchObject({
      tokenExchangesPerMinute: 3,
      temporaryRaises: [{ quotaId: QUOTA_ID, value: 3, baseValue: 1, expireTime }],
    });
    expect([await statusOf(), await statusOf(), await statusOf()]).toEqual([200, 200, 429]);
    expect(await must('GET', `${path}/locations/global/services/sts/quotaInfos/${QUOTA_ID}`)).toMatchObject({
      dimensionsInfos: [{ details: { value: '3', baseValue: '1', expireTime } }],
      usage: { used: 3, remaining: 0 },
    });

    await setClock(registry, Date.parse(expireTime));
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    const ended = await must('GET', path);
    expect(ended).toMatchObject({ tokenExchangesPerMinute: 1 });
    expect(ended).not.toHaveProperty('temporaryRaises');
    expect(await statusOf()).toBe(429);
    expect(await must('GET', `${preferences}/burst?view=FULL`)).toMatchObject({
      state: 'EXPIRED',
      events: [
        { actor: 'bootstrap', state: 'PENDING', value: '5' },
        { actor: 'bootstrap', state: 'GRANTED_PARTIALLY', value: '3', comment: 'to begin with' },
        { actor: 'edge-sts', state: 'EXPIRED', value: '1' },
      ],
    });

    await must('POST', `${preferences}?quotaPreferenceId=more`, wish('600000'));
    await must('POST', `${preferences}/more:refuse`, { comment: 'use what you have' });
    expect(await statusOf()).toBe(429);

    await must('POST', `${preferences}?quotaPreferenceId=last`, wish('5'));
    await must('PATCH', `${preferences}/last`, { quotaConfig: { preferredValue: '4' } });
    await must('DELETE', `${preferences}/last`);
    await must('POST', `${preferences}?quotaPreferenceId=final`, wish('4'));
    await must('POST', `${preferences}/final:approve`, {});
    expect([await statusOf(), await statusOf()]).toEqual([200, 429]);

    const steps = await query<{ actor: string; command: string; resource: string }>(
      registry,
      "SELECT actor, command, resource FROM history WHERE resource LIKE 'quotaPreference/%' ORDER BY epoch, position",
    );
    expect(steps.map(({ actor, command, resource }) => `${actor} ${command} ${resource}`)).toEqual([
      'bootstrap quotaPreference.ask quotaPreference/burst',
      'bootstrap quotaPreference.approve quotaPreference/burst',
      'edge-sts quota.endRaises quotaPreference/burst',
      'bootstrap quotaPreference.ask quotaPreference/more',
      'bootstrap quotaPreference.refuse quotaPreference/more',
      'bootstrap quotaPreference.ask quotaPreference/last',
      'bootstrap quotaPreference.change quotaPreference/last',
      'bootstrap quotaPreference.withdraw quotaPreference/last',
      'bootstrap quotaPreference.ask quotaPreference/final',
      'bootstrap quotaPreference.approve quotaPreference/final',
    ]);
    const limits = await query<{ command: string; after: string }>(
      registry,
      "SELECT command, after FROM history WHERE resource = 'project' ORDER BY epoch",
    );
    const limitAfter = ({ command, after }: { command: string; after: string }): string =>
      `${command} ${(JSON.parse(after) as Project).tokenExchangesPerMinute}`;
    expect(limits.map(limitAfter)).toEqual([
      'project.create 6000',
      'project.patch 1',
      'quotaPreference.approve 3',
      'quota.endRaises 1',
      'quotaPreference.approve 4',
    ]);
  });

  it('of two who approve at once, one does', async () => {
    const project: TestProject = await createProject();
    const preferences = `/v1/projects/${project.number}/locations/global/quotaPreferences`;
    const body = { service: 'sts', quotaId: QUOTA_ID, quotaConfig: { preferredValue: 7_000 }, justification: 'x' };
    await must('POST', `${preferences}?quotaPreferenceId=more`, body);
    const approving = [7_001, 7_002, 7_003].map((grantedValue) =>
      must('POST', `${preferences}/more:approve`, { grantedValue }).then(
        () => grantedValue,
        () => 0,
      ),
    );
    const granted = (await Promise.all(approving)).filter((value) => value > 0);
    expect(granted).toHaveLength(1);
    expect(await must('GET', `/v1/projects/${project.number}`)).toMatchObject({ tokenExchangesPerMinute: granted[0] });
  });
});

describe('the end of a raise', () => {
  it('has an alarm of its own, which wakes the object by the clock alone', async () => {
    const { project, registry } = await provisioned();
    await doing(registry, setLimit(10));
    await doing(registry, ask('burst', 30));
    await doing(registry, approve('burst', { expireTime: new Date(Date.now() + 4_000).toISOString() }));
    expect(await limitInForce(project)).toBe(30);
    await evictDurableObject(registry);
    await eventually(() => limitInForce(project)).toBe(10);
    expect(await stateOf(registry, 'burst')).toBe('EXPIRED');
  });

  it('is what the alarm waits for once everything else is done', async () => {
    const { registry, endMs } = await withRaise();
    const alarm = () => runInDurableObject(registry, (_, state) => state.storage.getAlarm());
    await eventually(alarm).toBe(endMs);
  });

  it('comes where the object slept through it, and not before its time', async () => {
    const { project, registry, endMs } = await withRaise();
    await evictDurableObject(registry);
    await setClock(registry, endMs - 1);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await limitInForce(project)).toBe(30);
    await evictDurableObject(registry);
    await setClock(registry, endMs + 3 * HOUR_MS);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await limitInForce(project)).toBe(10);
    expect(await stateOf(registry, 'burst')).toBe('EXPIRED');
    expect((await rowOf(registry)).temporaryRaises).toBeUndefined();
    const [last] = await query(
      registry,
      "SELECT actor, command FROM history WHERE resource = 'project' ORDER BY epoch DESC",
    );
    expect(last).toEqual({ actor: 'edge-sts', command: 'quota.endRaises' });
  });

  it('has its alarm as well where nobody decided: the wish is over, and the next one may be asked', async () => {
    const { registry } = await provisioned();
    const endMs = Date.now() + HOUR_MS;
    await doing(registry, ask('burst', 30_000, { expireTime: new Date(endMs).toISOString() }));
    const alarm = () => runInDurableObject(registry, (_, state) => state.storage.getAlarm());
    await eventually(alarm).toBe(endMs);
    await setClock(registry, endMs);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await stateOf(registry, 'burst')).toBe('EXPIRED');
    expect(await query(registry, "SELECT 1 FROM faults WHERE what LIKE 'end raises%'")).toEqual([]);
    await doing(registry, ask('next', 40_000));
  });

  it('is saved while the quota object is away, and delivered when it is back', async () => {
    const { project, registry, endMs } = await withRaise();
    await setClock(registry, endMs);
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance: fails('unreachable') }) }));
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await rowOf(registry)).toMatchObject({ tokenExchangesPerMinute: 10 });
    expect(await limitInForce(project)).toBe(30);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(
      await query(registry, "SELECT 1 FROM history WHERE command = 'quota.endRaises' AND resource = 'project'"),
    ).toHaveLength(1);
    await mendEnv(registry);
    await setClock(registry, endMs + 60_000);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await limitInForce(project)).toBe(10);
  });

  it('waits for the right KEK: under a wrong one nothing is written, and the alarm neither throws nor spins', async () => {
    const { project, registry, endMs } = await withRaise();
    await setClock(registry, endMs);
    await replaceEnv(registry, () => ({ EDGE_STS_KEK: 'b3RoZXIta2VrLW90aGVyLWtlay1vdGhlci1rZWstMTI=' }));
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await rowOf(registry)).toMatchObject({ tokenExchangesPerMinute: 30 });
    expect(await query(registry, "SELECT 1 FROM faults WHERE what LIKE 'end raises%'")).toHaveLength(1);
    const alarm = await runInDurableObject(registry, (_, state) => state.storage.getAlarm());
    expect(alarm).toBeGreaterThanOrEqual(endMs + 5_000);
    await evictDurableObject(registry);
    await setClock(registry, endMs);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await limitInForce(project)).toBe(10);
  });
});

describe('own limits', () => {
  it('go to the quota object with the epoch and survive its sleep; the edge learns whose they are and not how much', async () => {
    const project = await createProject();
    const cluster = await addCluster(project);
    const registry = env.REGISTRY.getByName(`project/${project.number}`);
    const quota = env.QUOTA.getByName(project.number);
    const principal = `principal:${cluster.audience.replace(/\/providers\/.*/, '/subject/ns/shop/sa/checkout')}`;
    const ownLimits = [
      { provider: cluster.name, tokenExchangesPerMinute: 600 },
      { principal, tokenExchangesPerMinute: 60 },
    ];
    const path = `/v1/projects/${project.number}?updateMask=ownLimits`;
    expect(await must('PATCH', path, { ownLimits })).toMatchObject({ ownLimits });
    const kept = async (): Promise<unknown> =>
      runInDurableObject(quota, (_, state) =>
        state.storage.sql
          .exec<{ limits: string }>('SELECT limits FROM own_limits')
          .toArray()
          .map(({ limits }): unknown => JSON.parse(limits)),
      );
    const byKey = { [`provider:${cluster.name}`]: 600, [`principal:${principal}`]: 60 };
    expect(await kept()).toEqual([byKey]);
    await evictDurableObject(quota);
    // A change of something else does not lose them.
    await addTarget(project);
    expect(await kept()).toEqual([byKey]);

    const { value } = await registry.shard(shardKey.project(project.number));
    expect(value).toMatchObject({ ownLimitKeys: Object.keys(byKey) });
    expect(value).not.toHaveProperty('project.ownLimits');

    await must('PATCH', path, { ownLimits: [] });
    expect(await kept()).toEqual([{}]);
    expect((await registry.shard(shardKey.project(project.number))).value).not.toHaveProperty('ownLimitKeys');
    expect((await exchange(cluster)).status).toBe(200);
  });

  it('that cannot be read close the project: without them more would be let through than was promised', async () => {
    const { project } = await provisioned();
    const quota = quotaOf(project);
    await quota.advance({ changes: [{ epoch: 2, shards: [] }], limitPerMinute: 10, ownLimits: { 'provider:x': 1 } });
    const write = (limits: string) =>
      runInDurableObject(quota, (_, state) => {
        state.storage.sql.exec('UPDATE own_limits SET limits = ?', limits);
      });
    await write('["provider:x"]');
    await evictDurableObject(quota);
    const gate = createQuotaGate(env.QUOTA, () => Date.now());
    expect(await gate.spend(project.projectNumber)).toMatchObject({
      ok: false,
      error: { denial: { tag: 'unavailable' } },
    });
  });

  it('leave no row where there are none', async () => {
    const { project, registry } = await provisioned();
    await doing(registry, setLimit(10));
    const tables = await runInDurableObject(quotaOf(project), (_, state) =>
      state.storage.sql.exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE name = 'own_limits'`).toArray(),
    );
    expect(tables).toEqual([]);
  });
});

describe('a project from before there were reviews', () => {
  it('has none, is read without making a table, and takes the first', async () => {
    const { registry } = await provisioned();
    const list = { type: 'quotaPreference.list', page: { pageSize: 10, after: '' } } as const;
    expect(await registry.read(list)).toEqual({
      ok: true,
      value: { kind: 'quotaPreferences', preferences: [], next: '' },
    });
    expect(await tablesOf(registry)).not.toContain('quota_preferences');
    await doing(registry, ask('more', 7_000));
    expect(await registry.read(list)).toMatchObject({ ok: true, value: { preferences: [{ state: 'PENDING' }] } });
  });

  it('keeps at most a hundred wishes, those that count among them', async () => {
    const { registry } = await provisioned();
    await doing(registry, ask('kept', 7_000));
    await doing(registry, approve('kept'));
    for (let index = 0; index < 100; index++) {
      await doing(registry, ask(`w-${index}`, 8_000));
      await doing(registry, { type: 'quotaPreference.withdraw', preferenceId: `w-${index}` });
    }
    const rows = await query<{ id: string }>(registry, 'SELECT id FROM quota_preferences');
    expect(rows).toHaveLength(100);
    expect(await stateOf(registry, 'kept')).toBe('GRANTED');
    expect(rows.map(({ id }) => id)).not.toContain('w-0');
    const [gone] = await query(
      registry,
      "SELECT before, after FROM history WHERE resource = 'quotaPreference/w-0' ORDER BY epoch DESC",
    );
    expect(gone).toMatchObject({ before: expect.stringContaining('WITHDRAWN'), after: null });
  });
});

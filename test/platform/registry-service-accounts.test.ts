/** Service accounts in the Registry: rows with history, two records at the edge, and a project that is older than they are. */
import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/core/admin/commands.ts';
import { type ServiceAccount, shardKey } from '../../src/core/resources.ts';
import { ringOf } from '../../src/core/rings.ts';
import { credentialQuotaName } from '../../src/platform/object-names.ts';
import { by } from '../support/callers.ts';
import { eventually, inKv, provisioned, query, tablesOf } from './registry-support.ts';

const create = (accountId = 'robot'): Command => ({ type: 'serviceAccount.create', accountId, input: {} });
const KEPT_MS = 30 * 86_400_000;

type Registry = Awaited<ReturnType<typeof provisioned>>['registry'];

async function created(registry: Registry, accountId = 'robot'): Promise<ServiceAccount> {
  const answer = await registry.apply(create(accountId), by('test'));
  if (!answer.ok || answer.value.kind !== 'serviceAccount') throw new Error(JSON.stringify(answer));
  return answer.value.serviceAccount;
}

/** Once everything that was deleted is over. */
async function later(registry: Registry): Promise<void> {
  await runInDurableObject(registry, (instance) => {
    const nowMs = Date.now() + KEPT_MS + 1_000;
    Object.assign(instance, { clock: () => nowMs });
  });
}

const on = { kind: 'serviceAccount', accountId: 'robot' } as const;
const robot = (email: string): Command => ({
  type: 'policy.set',
  resource: { kind: 'project' },
  policy: { bindings: [{ role: 'roles/sts.targetViewer', members: [`serviceAccount:${email}`] }] },
});

describe('a service account', () => {
  it('lies at the edge under both its names, sealed, with its policy, and is named in the news', async () => {
    const { project, registry } = await provisioned();
    const account = await created(registry);
    const members = ['user:ada@example.com'];
    const policy = { bindings: [{ role: 'roles/iam.serviceAccountTokenCreator', members }] };
    await registry.apply({ type: 'policy.set', resource: on, policy }, by('test'));
    const keys = [account.accountId, account.uniqueId].map((id) => shardKey.serviceAccount(project.projectNumber, id));
    for (const key of keys) {
      expect(await registry.shard(key)).toMatchObject({
        epoch: 3,
        value: { serviceAccount: account, policy: { bindings: [{ members }] } },
      });
      await eventually(() => inKv(key)).toMatchObject({ epoch: 3, value: { serviceAccount: account } });
    }
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news.recent.at(-1)).toEqual({ epoch: 3, shards: keys });
    await registry.apply({ type: 'serviceAccount.delete', accountId: 'robot' }, by('test'));
    expect(await registry.shard(keys[0] ?? '')).toMatchObject({ value: null });
    expect(await registry.shard(keys[1] ?? '')).toMatchObject({ value: null });
  });

  it('stands in the history with who did what', async () => {
    const { registry } = await provisioned();
    await registry.apply(create(), by('ada'));
    await registry.apply({ type: 'serviceAccount.disable', accountId: 'robot' }, by('bob'));
    const rows = await query<Record<string, string | null>>(registry, 'SELECT * FROM history WHERE epoch > 1');
    expect(rows).toMatchObject([
      { actor: 'ada', command: 'serviceAccount.create', resource: 'serviceAccount/robot', before: null },
      { actor: 'bob', command: 'serviceAccount.disable', resource: 'serviceAccount/robot', before: rows[0]?.['after'] },
    ]);
  });

  it('is restored with its policy, and is not enabled by what was never done', async () => {
    const { registry } = await provisioned();
    await registry.apply(create(), by('test'));
    const shown = await query<{ sequence: number }>(registry, 'SELECT max(seq) AS sequence FROM history');
    await registry.apply({ type: 'serviceAccount.disable', accountId: 'robot' }, by('test'));
    await registry.apply({ type: 'serviceAccount.delete', accountId: 'robot' }, by('test'));
    const sequence = shown[0]?.sequence ?? 0;
    const restored = await registry.apply({ type: 'history.restore', sequence, validateOnly: false }, by('test'));
    expect(restored).toMatchObject({
      value: { steps: [{ action: 'UNDELETED' }, { action: 'CHANGED' }], left: [] },
    });
    const read = await registry.read({ type: 'serviceAccount.get', accountId: 'robot' });
    expect(read).toMatchObject({ value: { serviceAccount: { disabled: false } } });
  });

  it('is taken by a project from before there were any, and asking there makes no table', async () => {
    const { registry } = await provisioned();
    await registry.read({ type: 'serviceAccount.list', page: { after: '', pageSize: 10 } });
    await registry.read({ type: 'serviceAccount.find', emailOrUniqueId: 'robot@demo.iam.x' });
    await registry.read({ type: 'policy.get', resource: on });
    expect(await tablesOf(registry)).not.toContain('service_accounts');
    await created(registry);
    expect(await tablesOf(registry)).toContain('service_accounts');
  });

  it('is gone thirty days after it was deleted: its bindings are nobody’s, and the next of that name is another', async () => {
    const { registry } = await provisioned();
    const first = await created(registry);
    await registry.apply(robot(first.email), by('test'));
    const bindings = [{ role: 'roles/iam.serviceAccountTokenCreator', members: ['user:ada@example.com'] }];
    await registry.apply({ type: 'policy.set', resource: on, policy: { bindings } }, by('test'));
    await registry.apply({ type: 'serviceAccount.delete', accountId: 'robot' }, by('test'));
    expect(await registry.apply(create(), by('test'))).toMatchObject({ error: { tag: 'already_exists' } });
    await later(registry);
    await runDurableObjectAlarm(registry);
    expect(await registry.read({ type: 'policy.get', resource: { kind: 'project' } })).toMatchObject({
      value: {
        policy: { bindings: [{ members: [`deleted:serviceAccount:${first.email}?uid=${first.uniqueId}`] }] },
      },
    });
    const second = await created(registry);
    expect(second.email).toBe(first.email);
    expect(second.uniqueId).not.toBe(first.uniqueId);
    expect(await registry.read({ type: 'policy.get', resource: on })).toMatchObject({
      value: { policy: { bindings: [] } },
    });
  });

  it('takes its keys along when it is purged', async () => {
    const { project, registry } = await provisioned();
    const { uniqueId } = await created(registry);
    const name = ringOf.accountKeys(project.projectNumber, uniqueId);
    const ring = env.KEY_RING.getByName(name);
    expect(await ring.create(name)).toMatchObject({ ok: true });
    await registry.apply({ type: 'serviceAccount.delete', accountId: 'robot' }, by('test'));
    expect(await ring.signingKeys()).toBeDefined();
    await later(registry);
    await runDurableObjectAlarm(registry);
    await eventually(() => ring.signingKeys()).toBeUndefined();
  });

  it('leaves nothing when its project ends: no keys, no row, no count of its credentials', async () => {
    const { project, registry } = await provisioned();
    const { projectNumber } = project;
    const { uniqueId } = await created(registry);
    const names = [ringOf.accountTokens(projectNumber), ringOf.accountKeys(projectNumber, uniqueId)];
    for (const name of names) await env.KEY_RING.getByName(name).create(name);
    const quota = env.QUOTA.getByName(credentialQuotaName(projectNumber));
    expect((await quota.news()).epoch).toBeGreaterThan(0);
    await registry.apply({ type: 'project.delete' }, by('test'));
    await later(registry);
    await runDurableObjectAlarm(registry);
    for (const name of names) expect(await env.KEY_RING.getByName(name).signingKeys()).toBeUndefined();
    expect((await quota.news()).epoch).toBe(0);
    expect(await tablesOf(registry)).toEqual([]);
  });

  it('tells who counts credentials of its project, from the first account on, what the limit is and of each change', async () => {
    const { project, registry } = await provisioned();
    const quota = env.QUOTA.getByName(credentialQuotaName(project.projectNumber));
    expect((await quota.news()).epoch).toBe(0);
    await created(registry);
    expect((await quota.usage()).limitPerMinute).toBe(60_000);
    const input = { credentialGenerationsPerMinute: 5 };
    await registry.apply({ type: 'project.patch', input, mask: ['credentialGenerationsPerMinute'] }, by('test'));
    expect((await quota.usage()).limitPerMinute).toBe(5);
    const { epoch } = await env.QUOTA.getByName(project.projectNumber).news();
    expect((await quota.news()).epoch).toBe(epoch);
  });
});

/** Deleted pools and providers in the Registry: what the edge is told, what a restart finds, and the purge by alarm or by whoever comes first. */
import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/core/admin/commands.ts';
import { shardKey, type Project } from '../../src/core/resources.ts';
import type { Registry } from '../../src/platform/registry/object.ts';
import { CLUSTER } from '../support/admin-samples.ts';
import {
  epochInForce,
  eventually,
  inKv,
  provisioned,
  query,
  rename,
  replaceEnv,
  tablesOf,
} from './registry-support.ts';
import { by } from '../support/callers.ts';

type Stub = DurableObjectStub<Registry>;

const DAY_MS = 86_400_000;
const ID = { poolId: 'my-pool', providerId: 'provider-1' };
const createPool: Command = { type: 'pool.create', poolId: 'my-pool', input: {} };
const deletePool: Command = { type: 'pool.delete', poolId: 'my-pool' };
const undeletePool: Command = { type: 'pool.undelete', poolId: 'my-pool' };
const createProvider = (index = 1): Command => ({
  type: 'provider.create',
  poolId: 'my-pool',
  providerId: `provider-${index}`,
  input: { kubernetes: { ...CLUSTER.kubernetes, clusterUri: `https://clusters.example.com/${index}` } },
});
const deleteProvider: Command = { type: 'provider.delete', ...ID };

const later = (stub: Stub, days: number): Promise<void> =>
  runInDurableObject(stub, (instance: Registry) => {
    instance.clock = () => Date.now() + days * DAY_MS;
  });

async function must(stub: Stub, ...commands: readonly Command[]): Promise<void> {
  for (const command of commands) {
    const answer = await stub.apply(command, by('ada'));
    if (!answer.ok) throw new Error(`${command.type}: ${JSON.stringify(answer.error)}`);
  }
}

async function made(): Promise<{ project: Project; registry: Stub; poolKey: string; providerKey: string }> {
  const { project, registry } = await provisioned();
  await must(registry, createPool, createProvider());
  const poolKey = shardKey.pool(project.projectNumber, 'my-pool');
  return { project, registry, poolKey, providerKey: shardKey.provider(project.projectNumber, 'my-pool', 'provider-1') };
}

describe('a deleted pool', () => {
  it('is no pool to the edge, in the object as in KV, from the moment of the answer on; undeleted it is one again', async () => {
    const { project, registry, poolKey } = await made();
    await must(registry, deletePool);
    expect(await registry.shard(poolKey)).toEqual({ epoch: 4, value: null });
    expect(await epochInForce(project)).toBe(4);
    const news = await env.QUOTA.getByName(project.projectNumber).news();
    expect(news.recent.at(-1)).toEqual({ epoch: 4, shards: [poolKey] });
    await eventually(() => inKv(poolKey)).toEqual({ epoch: 4, value: null });
    await must(registry, undeletePool);
    await eventually(() => inKv(poolKey)).toMatchObject({ epoch: 5, value: { pool: { poolId: 'my-pool' } } });
    expect(JSON.stringify(await inKv(poolKey))).not.toContain('expireTime');
  });

  it('stands in the history as it went and as it came', async () => {
    const { registry } = await made();
    await must(registry, deletePool, undeletePool);
    const rows = await query<Record<string, string>>(registry, 'SELECT * FROM history WHERE epoch >= 4 ORDER BY epoch');
    expect(rows).toMatchObject([
      { actor: 'ada', command: 'pool.delete', resource: 'pool/my-pool' },
      { actor: 'ada', command: 'pool.undelete', resource: 'pool/my-pool' },
    ]);
    expect(JSON.parse(rows[0]?.['after'] ?? '')).toMatchObject({ expireTime: expect.any(String) });
    expect(rows[1]?.['before']).toBe(rows[0]?.['after']);
    expect(rows[1]?.['after']).not.toContain('expireTime');
  });

  it('is not looked for in a project that never deleted anything', async () => {
    const { registry } = await made();
    const indexes = () => query(registry, `SELECT 1 FROM sqlite_master WHERE name = 'resources_expire'`);
    await registry.read({ type: 'pool.list', page: { pageSize: 10, after: '', showDeleted: true } });
    expect(await indexes()).toEqual([]);
    await must(registry, deletePool);
    expect(await indexes()).toHaveLength(1);
  });

  it('is found by its index, however many rows there are', async () => {
    const { registry } = await made();
    await must(registry, deletePool);
    const plan = await query<{ detail: string }>(
      registry,
      `EXPLAIN QUERY PLAN SELECT min(json_extract(body, '$.expireTime')) FROM resources WHERE json_extract(body, '$.expireTime') IS NOT NULL`,
    );
    expect(plan.map(({ detail }) => detail).join('\n')).toContain('resources_expire');
  });
});

describe('the purge', () => {
  it('is done by the alarm, and leaves null in KV and no row', async () => {
    const { project, registry, poolKey, providerKey } = await made();
    await must(registry, deletePool);
    await eventually(() => inKv(poolKey)).toEqual({ epoch: 4, value: null });
    await later(registry, 30.001);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await query(registry, `SELECT 1 FROM resources WHERE kind = 'provider' OR id = 'my-pool'`)).toEqual([]);
    expect(await query(registry, 'SELECT 1 FROM operations')).toEqual([]);
    expect(await epochInForce(project)).toBe(5);
    await later(registry, 0);
    for (const key of [poolKey, providerKey]) {
      expect((await registry.shard(key)).value).toBeNull();
      await eventually(() => inKv(key)).toMatchObject({ value: null });
    }
  });

  it('is done by whoever reads or writes first, should the alarm be late', async () => {
    const { registry } = await made();
    await must(registry, deleteProvider, deletePool);
    await later(registry, 30.001);
    expect(await registry.read({ type: 'pool.get', poolId: 'my-pool' })).toMatchObject({
      ok: false,
      error: { tag: 'not_found' },
    });
    const again = await made();
    await must(again.registry, deletePool);
    await later(again.registry, 30.001);
    await must(again.registry, createPool);
    expect(await again.registry.read({ type: 'provider.get', ...ID })).toMatchObject({ ok: false });
  });

  it('is written down in the history, with what went', async () => {
    const { registry } = await made();
    await must(registry, deletePool);
    await later(registry, 30.001);
    await registry.read({ type: 'project.get' });
    const rows = await query<Record<string, string>>(
      registry,
      'SELECT actor, command, resource, after FROM history WHERE epoch = 5 ORDER BY position',
    );
    expect(rows).toEqual([
      { actor: 'edge-sts', command: 'purge', resource: 'provider/my-pool/provider-1', after: null },
      { actor: 'edge-sts', command: 'purge', resource: 'pool/my-pool', after: null },
    ]);
  });

  it('waits for the right EDGE_STS_KEK, and stops nobody from reading', async () => {
    const { registry } = await made();
    await must(registry, deletePool);
    await replaceEnv(registry, () => ({ EDGE_STS_KEK: 'b3RoZXItdGVzdC1rZWstb3RoZXItdGVzdC1rZWstMTI=' }));
    await later(registry, 30.001);
    expect(await registry.read({ type: 'pool.get', poolId: 'my-pool' })).toMatchObject({ ok: true });
    expect(await registry.apply(rename('New'), by('ada'))).toMatchObject({ ok: false });
    await replaceEnv(registry, () => ({}));
    await later(registry, 30.01);
    expect(await registry.apply(createPool, by('ada'))).toMatchObject({ ok: true });
  });

  it('of a pool with many clusters is done in steps, and ends', async () => {
    const { registry, providerKey } = await made();
    for (let index = 2; index <= 60; index++) await must(registry, createProvider(index));
    await must(registry, deletePool);
    const before = (await registry.shard(providerKey)).epoch;
    await later(registry, 30.001);
    expect(await registry.read({ type: 'pool.get', poolId: 'my-pool' })).toMatchObject({ ok: false });
    expect(await query(registry, `SELECT 1 FROM resources WHERE kind = 'provider'`)).toEqual([]);
    // Two steps, each with a gap, for more shards went than the news can name.
    expect((await registry.shard(providerKey)).epoch).toBe(before + 4);
  });
});

describe('operations', () => {
  it('are kept for a while: the last thousand, for thirty days', async () => {
    const { registry } = await made();
    const count = async (): Promise<unknown> => query(registry, 'SELECT count(*) AS count FROM operations');
    expect(await count()).toEqual([{ count: 2 }]);
    await runInDurableObject(registry, (_, state) => {
      for (let index = 0; index < 1_200; index++) {
        state.storage.sql.exec(
          `INSERT INTO operations (name, at_ms, answer) VALUES (?, ?, '{}')`,
          `old/${index}`,
          Date.now(),
        );
      }
    });
    await must(registry, deletePool);
    expect(await count()).toEqual([{ count: 1_000 }]);
    await later(registry, 31);
    await must(registry, { type: 'pool.create', poolId: 'other-pool', input: {} });
    expect(await count()).toEqual([{ count: 1 }]);
  });

  it('are asked about without making a table', async () => {
    const { registry } = await provisioned();
    const of = { kind: 'pool', poolId: 'no-pool' } as const;
    expect(await registry.read({ type: 'operation.get', of, operationId: '1' })).toMatchObject({ ok: false });
    expect(await tablesOf(registry)).not.toContain('operations');
  });
});

describe('the store', () => {
  it('lists in pages what a list in memory would, deleted or not, whatever was deleted between two pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (numbers, deletions, pageSize, showDeleted) => {
          const { registry } = await provisioned();
          const ids = numbers.map((number) => `pool-${String(number).padStart(2, '0')}`).toSorted();
          for (const poolId of ids) await must(registry, { type: 'pool.create', poolId, input: {} });
          const live = new Set(ids);
          const toDelete = deletions.map((index) => ids[index % ids.length] ?? '');
          const seen: string[] = [];
          const expectedIds: string[] = [];
          let after = 'demo.svc.id.goog';
          for (;;) {
            const page = { pageSize, after, showDeleted };
            const answer = await registry.read({ type: 'pool.list', page });
            if (!answer.ok || answer.value.kind !== 'pools') throw new Error('no pools');
            const { pools, next } = answer.value;
            seen.push(...pools.map(({ poolId }) => poolId));
            expectedIds.push(...ids.filter((id) => id > after && (showDeleted || live.has(id))).slice(0, pageSize));
            if (next === '') break;
            after = next;
            const poolId = toDelete.pop();
            if (poolId === undefined || !live.delete(poolId)) continue;
            await must(registry, { type: 'pool.delete', poolId });
          }
          expect(seen).toEqual(expectedIds);
          expect(new Set(seen).size).toBe(seen.length);
        },
      ),
      { numRuns: 12 },
    );
  });
});

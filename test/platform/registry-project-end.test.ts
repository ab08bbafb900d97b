/** The end of a project: let in by nobody at once, and after thirty days nothing is left in any object or in KV, and its name is nobody's again. */
import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/core/admin/commands.ts';
import { shardKey } from '../../src/core/resources.ts';
import { DIRECTORY_NAME, projectRegistryName } from '../../src/platform/object-names.ts';
import type { Registry } from '../../src/platform/registry/object.ts';
import { OIDC } from '../support/admin-samples.ts';
import { by } from '../support/callers.ts';
import {
  createTarget,
  epochInForce,
  eventually,
  fails,
  inKv,
  namespaceOf,
  query,
  replaceEnv,
  tablesOf,
} from './registry-support.ts';

type Stub = DurableObjectStub<Registry>;

const DAY_MS = 86_400_000;
const directory = () => env.REGISTRY.getByName(DIRECTORY_NAME);
const everything = { pageSize: 1_000, after: '' };

async function must(registry: Stub, ...commands: readonly Command[]): Promise<void> {
  for (const command of commands) {
    const answer = await registry.apply(command, by('ada'));
    if (!answer.ok) throw new Error(`${command.type}: ${JSON.stringify(answer.error)}`);
  }
}

const later = (registry: Stub, days: number): Promise<void> =>
  runInDurableObject(registry, (instance: Registry) => {
    instance.clock = () => Date.now() + days * DAY_MS;
  });

/** The end takes several goes, each an alarm. */
async function alarms(registry: Stub): Promise<void> {
  for (let n = 0; n < 4; n++) await runDurableObjectAlarm(registry);
}

/** A whole project with a pool, a provider and a target, as the directory makes it. */
async function made() {
  const projectId = `end-${crypto.randomUUID().slice(0, 8)}`;
  const created = await directory().createProject({ projectId }, by('ada'));
  if (!created.ok) throw new Error(JSON.stringify(created.error));
  const { projectNumber } = created.value;
  const registry = env.REGISTRY.getByName(projectRegistryName(projectNumber));
  await must(
    registry,
    { type: 'pool.create', poolId: 'my-pool', input: {} },
    { type: 'provider.create', poolId: 'my-pool', providerId: 'issuer-1', input: OIDC },
    createTarget('files'),
  );
  const keys = [
    shardKey.project(projectNumber),
    shardKey.pool(projectNumber, 'my-pool'),
    shardKey.provider(projectNumber, 'my-pool', 'issuer-1'),
    shardKey.target(projectNumber, 'files'),
  ];
  return { created: created.value, projectId, projectNumber, registry, keys };
}

describe('a deleted project', () => {
  it('has no pool at the edge from the answer on, and is found, to be given back', async () => {
    const { created, projectId, projectNumber, registry, keys } = await made();
    await must(registry, { type: 'project.delete' });
    expect(await registry.shard(keys[1] ?? '')).toMatchObject({ value: null });
    expect(await epochInForce(created)).toBe(5);
    expect((await env.QUOTA.getByName(projectNumber).news()).recent.at(-1)?.shards).toContain(keys[1]);
    expect(await directory().findProject(projectId)).toEqual({ projectId, projectNumber });
    await must(registry, { type: 'project.undelete' });
    expect(await registry.shard(keys[1] ?? '')).toMatchObject({ value: { pool: { poolId: 'my-pool' } } });
  });

  it('leaves nothing after thirty days: no rows, no keys, no quota, nothing in KV, and no free name', async () => {
    const { projectId, projectNumber, registry, keys } = await made();
    const inEdge = async (): Promise<number> =>
      (await Promise.all(keys.map((key) => inKv(key)))).filter((record) => (record?.value ?? null) !== null).length;
    await eventually(inEdge).toBe(keys.length);
    await must(registry, { type: 'project.delete' });
    await later(registry, 29.9);
    await alarms(registry);
    expect(await env.KEY_RING.getByName(projectNumber).signingKeys()).toBeDefined();
    await later(registry, 30.001);
    await alarms(registry);
    expect(await tablesOf(registry)).toEqual([]);
    // Of the pool a record that says it is gone, until KV lets go of it; of everything else not even that.
    expect(await inEdge()).toBe(0);
    for (const key of keys.filter((one) => !one.startsWith('pool:'))) expect(await env.CACHE.get(key)).toBeNull();
    const ring = env.KEY_RING.getByName(projectNumber);
    expect(await ring.signingKeys()).toBeUndefined();
    expect(await ring.publicKeys()).toBeUndefined();
    const quota = env.QUOTA.getByName(projectNumber);
    expect(await quota.news()).toMatchObject({ epoch: 0 });
    expect(await quota.usage()).toMatchObject({ countedPermits: 0 });
    for (const object of [registry, ring, quota]) {
      const rows = await runInDurableObject(object as Stub, async (_, { storage }) => [
        await storage.getAlarm(),
        storage.sql
          .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'")
          .toArray(),
      ]);
      expect(rows).toEqual([null, []]);
    }
    expect(await registry.read({ type: 'project.get' })).toMatchObject({ error: { tag: 'not_found' } });
    expect(await registry.apply({ type: 'project.undelete' }, by('ada'))).toMatchObject({
      error: { tag: 'not_found' },
    });
    expect(await directory().findProject(projectNumber)).toBeUndefined();
    expect(JSON.stringify(await directory().listProjects(everything))).not.toContain(projectNumber);
    for (const again of [{ projectId }, { projectId: `${projectId}x`, projectNumber }]) {
      expect(await directory().createProject(again, by('eve'))).toMatchObject({ error: { tag: 'already_exists' } });
    }
    const entries = await directory().history({ type: 'list', pageSize: 50, resource: `project/${projectNumber}` });
    expect(entries).toMatchObject({ value: { entries: [{ actor: 'edge-sts', command: 'project.purge' }, {}] } });
  });

  it('is ended by a later alarm where an object is away, and with a wrong KEK not at all', async () => {
    const { projectNumber, registry } = await made();
    await must(registry, { type: 'project.delete' });
    await later(registry, 31);
    await replaceEnv(registry, () => ({ EDGE_STS_KEK: 'b3RoZXItdGVzdC1rZWstb3RoZXItdGVzdC1rZWstMTI=' }));
    await alarms(registry);
    expect(await env.KEY_RING.getByName(projectNumber).signingKeys()).toBeDefined();
    expect(await directory().findProject(projectNumber)).toBeDefined();
    await later(registry, 32);
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ destroy: fails('away') }) }));
    await alarms(registry);
    expect(await query(registry, 'SELECT 1 FROM standing')).toHaveLength(1);
    await later(registry, 33);
    await replaceEnv(registry, () => ({}));
    await alarms(registry);
    expect(await tablesOf(registry)).toEqual([]);
  });
});

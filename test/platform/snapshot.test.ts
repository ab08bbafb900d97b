/** What an isolate believes: with news, never an old copy, whatever KV serves; without news, provisionally and cheaply. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { shardKey } from '../../src/core/resources.ts';
import type { Project } from '../../src/core/resources.ts';
import { ConfigUnavailable } from '../../src/core/ports.ts';
import { type ConfigReader, createConfigReader } from '../../src/platform/registry/snapshot.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { aProject, createTarget, inKv, provisioned, rename, withMethods } from './registry-support.ts';
import { by } from '../support/callers.ts';

const POOL = 'demo.svc.id.goog';

/** KV with a memory of its own: `freeze` keeps serving what was there, as a far location does for a minute. */
function laggingKv() {
  let frozen: Map<string, string | null> | undefined;
  const counts = { gets: 0 };
  const get = async (key: string): Promise<string | null> => {
    counts.gets += 1;
    if (frozen === undefined) return env.CACHE.get(key);
    const text = frozen.get(key) ?? (await env.CACHE.get(key));
    frozen.set(key, text);
    return text;
  };
  return {
    cache: withMethods(env.CACHE, { get }),
    counts,
    freeze: async (...keys: string[]) => {
      frozen = new Map();
      for (const key of keys) frozen.set(key, await env.CACHE.get(key));
    },
    serve: (key: string, text: string | null) => (frozen ??= new Map()).set(key, text),
  };
}

function countingRegistry() {
  const counts = { asked: 0 };
  const registry = withMethods(env.REGISTRY, {
    getByName: (name: string) => {
      counts.asked += 1;
      return env.REGISTRY.getByName(name);
    },
  });
  return { registry, counts };
}

function reader(change: Partial<Parameters<typeof createConfigReader>[0]> = {}): ConfigReader {
  const keks = readKeks(env);
  if (!keks.ok) throw new Error(keks.error);
  const usual = { cache: env.CACHE, registry: env.REGISTRY, keks: keks.value, nowMs: Date.now, maxEntries: 100 };
  return createConfigReader({ ...usual, ...change });
}

const tomorrow = () => Date.now() + 24 * 3_600_000;

const newsOf = (project: Project) => env.QUOTA.getByName(project.projectNumber).news();

async function kvHas(key: string, epoch: number): Promise<void> {
  const epochThere = async () => (await inKv(key))?.epoch ?? 0;
  await expect.poll(epochThere, { timeout: 15_000 }).toBeGreaterThanOrEqual(epoch);
}

/** A project with a target whose records are in KV. */
async function settled() {
  const { project, registry } = await provisioned();
  const { projectNumber } = project;
  await registry.apply(createTarget('files'), by('test'));
  await kvHas(shardKey.project(projectNumber), 2);
  await kvHas(shardKey.target(projectNumber, 'files'), 2);
  await kvHas(shardKey.pool(projectNumber, POOL), 1);
  return { project, projectNumber, registry };
}

const setTitle = (displayName: string) =>
  ({ type: 'target.patch', targetId: 'files', input: { displayName }, mask: ['displayName'] }) as const;

describe('without news', () => {
  it('a view is read from KV, and nobody else is asked', async () => {
    const { project, projectNumber } = await settled();
    const { registry, counts } = countingRegistry();
    const view = reader({ registry }).open(projectNumber);
    expect((await view.project())?.project.projectId).toBe('demo');
    expect((await view.target('files'))?.target.targetId).toBe('files');
    expect((await view.pool(POOL))?.pool.builtIn).toBe(true);
    expect(view.currentAt(await newsOf(project))).toBe(true);
    expect(counts.asked).toBe(0);
  });

  it("a stranger's guess costs one read of KV and is nothing", async () => {
    const { registry, counts } = countingRegistry();
    const kv = laggingKv();
    const { projectNumber } = aProject();
    const view = reader({ registry, cache: kv.cache }).open(projectNumber);
    expect(await view.provider(POOL, 'guess')).toBeUndefined();
    expect(kv.counts.gets).toBe(1);
    expect(counts.asked).toBe(0);
    expect(view.currentAt({ epoch: 0, recent: [] })).toBe(true);
    expect(view.currentAt({ epoch: 1, recent: [{ epoch: 1, shards: [] }] })).toBe(false);
  });

  it('what KV does not have yet is found in the next view, once there is news', async () => {
    const { project, projectNumber } = await settled();
    const config = reader({ cache: withMethods(env.CACHE, { get: async () => null }) });
    const first = config.open(projectNumber);
    expect(await first.target('files')).toBeUndefined();
    expect(first.currentAt(await newsOf(project))).toBe(false);
    expect((await config.open(projectNumber).target('files'))?.target.targetId).toBe('files');
  });

  it('a project that is made after it was found missing is found', async () => {
    const project = aProject();
    const config = reader();
    const first = config.open(project.projectNumber);
    expect(await first.project()).toBeUndefined();
    expect(first.currentAt(await newsOf(project))).toBe(true);
    const made = await env.REGISTRY.getByName(`project/${project.projectNumber}`).provision(project, by('test'));
    expect(made.ok).toBe(true);
    expect(first.currentAt(await newsOf(project))).toBe(false);
    expect(await config.open(project.projectNumber).project()).toBeDefined();
  });
});

describe('with news', () => {
  it('a lagging KV decides nothing: the view after the news is right', async () => {
    const { project, projectNumber, registry } = await settled();
    const kv = laggingKv();
    await kv.freeze(shardKey.target(projectNumber, 'files'), shardKey.project(projectNumber));
    const config = reader({ cache: kv.cache });
    const before = config.open(projectNumber);
    expect((await before.target('files'))?.target.displayName).toBe('');
    await registry.apply(setTitle('Files'), by('test'));
    await registry.apply(createTarget('mail'), by('test'));
    const news = await newsOf(project);
    expect(before.currentAt(news)).toBe(false);
    const after = config.open(projectNumber);
    expect((await after.target('files'))?.target.displayName).toBe('Files');
    expect((await after.project())?.targetIdByUri).toHaveProperty(['https://mail.example.com'], 'mail');
    expect((await after.target('mail'))?.target.targetId).toBe('mail');
    expect(after.currentAt(news)).toBe(true);
    await registry.apply({ type: 'target.delete', targetId: 'files' }, by('test'));
    expect(after.currentAt(await newsOf(project))).toBe(false);
    expect(await config.open(projectNumber).target('files')).toBeUndefined();
  });

  it('KV away altogether: the authority is read', async () => {
    const { project, projectNumber } = await settled();
    const cache = withMethods(env.CACHE, { get: () => Promise.reject(new Error('KV is away')) });
    const config = reader({ cache });
    config.learn(projectNumber, await newsOf(project));
    expect((await config.open(projectNumber).target('files'))?.target.targetId).toBe('files');
  });

  it('a change elsewhere costs this shard nothing, and its value stays the same object', async () => {
    const { project, projectNumber, registry } = await settled();
    const kv = laggingKv();
    const { registry: counted, counts } = countingRegistry();
    const config = reader({ cache: kv.cache, registry: counted });
    const before = await config.open(projectNumber).target('files');
    for (let n = 0; n < 70; n++) {
      await registry.apply(rename(`Name ${n}`), by('test'));
      config.learn(projectNumber, await newsOf(project));
      if (n % 10 === 0) expect(await config.open(projectNumber).target('files')).toBe(before);
    }
    expect(await config.open(projectNumber).target('files')).toBe(before);
    expect(kv.counts.gets).toBe(1);
    expect(counts.asked).toBe(0);
  });

  it('a long absence raises doubt, the authority ends it, and the same content stays the same object', async () => {
    const { project, projectNumber, registry } = await settled();
    const { registry: counted, counts } = countingRegistry();
    const config = reader({ registry: counted });
    const view = config.open(projectNumber);
    const before = await view.pool(POOL);
    for (let n = 0; n < 70; n++) await registry.apply(rename(`Name ${n}`), by('test'));
    expect(view.currentAt(await newsOf(project))).toBe(false);
    const after = config.open(projectNumber);
    expect(await after.pool(POOL)).toBe(before);
    expect(counts.asked).toBe(1);
    expect(after.currentAt(await newsOf(project))).toBe(true);
    await kvHas(shardKey.pool(projectNumber, POOL), 72);
  });

  it('news that come late or out of order take nothing back', async () => {
    const { project, projectNumber, registry } = await settled();
    const old = await newsOf(project);
    const config = reader();
    await registry.apply(setTitle('Files'), by('test'));
    config.learn(projectNumber, await newsOf(project));
    config.learn(projectNumber, old);
    const view = config.open(projectNumber);
    expect((await view.target('files'))?.target.displayName).toBe('Files');
    expect(view.currentAt(old)).toBe(true);
  });

  it('what is not there is asked for once, and believed until the news say otherwise', async () => {
    const { project, projectNumber, registry } = await settled();
    const { registry: counted, counts } = countingRegistry();
    const config = reader({ registry: counted });
    config.learn(projectNumber, await newsOf(project));
    expect(await config.open(projectNumber).target('mail')).toBeUndefined();
    expect(await config.open(projectNumber).target('mail')).toBeUndefined();
    expect(counts.asked).toBe(1);
    await registry.apply(createTarget('mail'), by('test'));
    config.learn(projectNumber, await newsOf(project));
    expect(await config.open(projectNumber).target('mail')).toBeDefined();
  });

  it('a crowd that asks at once for what is brand new finds it, all of it, by few questions', async () => {
    const { project, projectNumber, registry: real } = await settled();
    const { registry, counts } = countingRegistry();
    const config = reader({ cache: withMethods(env.CACHE, { get: async () => null }), registry });
    await real.apply(createTarget('fresh'), by('test'));
    config.learn(projectNumber, await newsOf(project));
    const crowd = await Promise.all(
      Array.from({ length: 200 }, async () => config.open(projectNumber).target('fresh')),
    );
    expect(new Set(crowd.map((one) => one?.target.targetId))).toEqual(new Set(['fresh']));
    expect(counts.asked).toBeLessThanOrEqual(60);
  });

  it('the authority away: unavailable, never an old answer', async () => {
    const { project, projectNumber, registry } = await settled();
    const kv = laggingKv();
    await kv.freeze(shardKey.target(projectNumber, 'files'));
    const away = withMethods(env.REGISTRY, {
      getByName: () => ({ shard: () => Promise.reject(new Error('away')) }),
    });
    const config = reader({ cache: kv.cache, registry: away });
    expect(await config.open(projectNumber).target('files')).toBeDefined();
    await registry.apply(setTitle('Files'), by('test'));
    config.learn(projectNumber, await newsOf(project));
    await expect(config.open(projectNumber).target('files')).rejects.toBeInstanceOf(ConfigUnavailable);
    await expect(config.open(projectNumber).target('none')).rejects.toBeInstanceOf(ConfigUnavailable);
  });

  it('an authority behind the news is not believed', async () => {
    const { project, projectNumber } = await settled();
    const { epoch } = await newsOf(project);
    const config = reader();
    config.learn(projectNumber, { epoch: epoch + 5, recent: [] });
    await expect(config.open(projectNumber).target('files')).rejects.toBeInstanceOf(ConfigUnavailable);
  });
});

describe('KV in bad hands', () => {
  it('a changed record, another one in its place, and garbage are as good as none', async () => {
    const { project, projectNumber, registry } = await settled();
    await registry.apply(createTarget('mail'), by('test'));
    const files = shardKey.target(projectNumber, 'files');
    const mail = shardKey.target(projectNumber, 'mail');
    await kvHas(mail, 3);
    const recordOfMail = await env.CACHE.get(mail);
    const forged = (await env.CACHE.get(files))?.replace('files.example.com', 'evil0.example.com') ?? '';
    expect(forged).toContain('evil0');
    for (const text of [forged, recordOfMail, '{"v":1}', '']) {
      const kv = laggingKv();
      kv.serve(files, text);
      const config = reader({ cache: kv.cache });
      expect(await config.open(projectNumber).target('files')).toBeUndefined();
      config.learn(projectNumber, await newsOf(project));
      expect((await config.open(projectNumber).target('files'))?.target.uri).toBe('https://files.example.com');
    }
  });

  it('an old record replayed is refused as soon as there is news', async () => {
    const { project, projectNumber, registry } = await settled();
    const files = shardKey.target(projectNumber, 'files');
    const old = await env.CACHE.get(files);
    await registry.apply(setTitle('Files'), by('test'));
    const kv = laggingKv();
    kv.serve(files, old);
    const config = reader({ cache: kv.cache });
    const view = config.open(projectNumber);
    expect((await view.target('files'))?.target.displayName).toBe('');
    expect(view.currentAt(await newsOf(project))).toBe(false);
    expect((await config.open(projectNumber).target('files'))?.target.displayName).toBe('Files');
  });

  it('a record past its time is not believed', async () => {
    const { projectNumber } = await settled();
    expect(await reader({ nowMs: tomorrow }).open(projectNumber).target('files')).toBeUndefined();
  });
});

describe('memory', () => {
  it('is bounded, and guesses push out guesses only', async () => {
    const { project, projectNumber } = await settled();
    const kv = laggingKv();
    const config = reader({ cache: kv.cache, maxEntries: 3 });
    config.learn(projectNumber, await newsOf(project));
    const known = await config.open(projectNumber).target('files');
    for (let n = 0; n < 10; n++) await config.open(projectNumber).provider(POOL, `guess-${n}`);
    for (let n = 0; n < 10; n++) config.learn(String(900_000 + n), { epoch: 0, recent: [] });
    const gets = kv.counts.gets;
    expect(await config.open(projectNumber).target('files')).toBe(known);
    expect(kv.counts.gets).toBe(gets);
    await config.open(projectNumber).provider(POOL, 'guess-0');
    expect(kv.counts.gets).toBe(gets + 1);
  });

  it('serves one view the same value twice, and asks once', async () => {
    const { projectNumber } = await settled();
    const kv = laggingKv();
    const view = reader({ cache: kv.cache }).open(projectNumber);
    expect(await view.target('files')).toBe(await view.target('files'));
    expect(kv.counts.gets).toBe(1);
  });
});

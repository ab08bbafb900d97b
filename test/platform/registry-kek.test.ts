/** One project's Registry under another KEK: nothing is written, nothing is overwritten, and a change of the KEK is taken over. */
import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { shardKey } from '../../src/core/resources.ts';
import { openRecord } from '../../src/platform/registry/record.ts';
import { macKeys } from '../../src/platform/sealed-record.ts';
import { readKeks } from '../../src/platform/settings.ts';
import {
  aProject,
  createRole,
  epochInForce,
  eventually,
  inKv,
  mendEnv,
  provisioned,
  query,
  registryOf,
  replaceEnv,
  tablesOf,
} from './registry-support.ts';
import { by } from '../support/callers.ts';

const OTHER_KEK = btoa('test-only-other-kek-0123456789ab');

describe('a wrong KEK', () => {
  it('refuses every write by name, and overwrites nothing, KV included', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    await eventually(() => inKv(key)).toMatchObject({ epoch: 1 });
    const before = await env.CACHE.get(key);
    await query(registry, 'UPDATE copies SET due_at_ms = 0');
    await replaceEnv(registry, () => ({ EDGE_STS_KEK: OTHER_KEK }));
    expect(await registry.ping()).toEqual({ kek: 'other' });
    const unavailable = { ok: false, error: { tag: 'unavailable', dependency: 'EDGE_STS_KEK' } };
    expect(await registry.apply(createRole, by('test'))).toMatchObject(unavailable);
    expect(await registry.provision(project, by('test'))).toMatchObject(unavailable);
    await registry.shard(key);
    await runDurableObjectAlarm(registry);
    expect(await env.CACHE.get(key)).toBe(before);
    expect(await epochInForce(project)).toBe(1);
    expect(await registry.read({ type: 'project.get' })).toMatchObject({ ok: true });
    await mendEnv(registry);
    expect(await registry.ping()).toEqual({ kek: 'current' });
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true });
  });

  it('a missing KEK makes nothing either', async () => {
    const project = aProject();
    const registry = registryOf(project);
    await replaceEnv(registry, () => ({ EDGE_STS_KEK: undefined }));
    expect(await registry.provision(project, by('test'))).toMatchObject({ ok: false, error: { tag: 'unavailable' } });
    expect(await tablesOf(registry)).toEqual([]);
  });

  it('a changed KEK is taken over while the previous one is named', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    await eventually(() => inKv(key)).toMatchObject({ epoch: 1 });
    const changed = { EDGE_STS_KEK: OTHER_KEK, EDGE_STS_KEK_PREVIOUS: env.EDGE_STS_KEK };
    await replaceEnv(registry, () => changed);
    expect(await registry.ping()).toEqual({ kek: 'previous' });
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true });
    expect(await registry.ping()).toEqual({ kek: 'current' });
    const keks = readKeks({ EDGE_STS_KEK: OTHER_KEK });
    if (!keks.ok) throw new Error(keks.error);
    const keys = await macKeys(keks.value);
    await eventually(async () => openRecord(keys, key, (await env.CACHE.get(key)) ?? '', Date.now())).toMatchObject({
      epoch: 2,
    });
  });
});

/** One project's Registry with its neighbours away, slow or behind, and through crashes at any step: nothing is lost, nothing is confirmed too early. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { AdvanceInput } from '../../src/core/quota/project.ts';
import { shardKey } from '../../src/core/resources.ts';
import {
  createRole,
  epochInForce,
  eventually,
  fails,
  getRole,
  inKv,
  mendEnv,
  namespaceOf,
  provisioned,
  query,
  registryOf,
  rename,
  replaceEnv,
  trap,
  withMethods,
} from './registry-support.ts';
import { by } from '../support/callers.ts';

describe('the quota object unreachable', () => {
  it('the change is saved, not confirmed, and put in force by the alarm', async () => {
    const { project, registry } = await provisioned();
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance: fails('unreachable') }) }));
    expect(await registry.apply(createRole, by('test'))).toEqual({
      ok: false,
      error: { tag: 'not_in_force_yet', resource: `projects/${project.projectNumber}` },
    });
    expect(await registry.read(getRole)).toMatchObject({ ok: true });
    expect(await epochInForce(project)).toBe(1);
    await mendEnv(registry);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await epochInForce(project)).toBe(2);
  });

  it('ten alarms fail, none throws, the eleventh delivers everything', async () => {
    const { project, registry } = await provisioned();
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance: fails('unreachable') }) }));
    await registry.apply(rename('One'), by('test'));
    await registry.apply(rename('Two'), by('test'));
    for (let n = 0; n < 10; n++) expect(await runDurableObjectAlarm(registry)).toBe(true);
    const faults = await query<{ what: string }>(registry, 'SELECT what FROM faults');
    expect(faults.length).toBeGreaterThanOrEqual(12);
    expect(faults[0]?.what).toBe('deliver: Error: unreachable');
    await mendEnv(registry);
    expect(await runDurableObjectAlarm(registry)).toBe(true);
    expect(await epochInForce(project)).toBe(3);
    await eventually(() => inKv(shardKey.project(project.projectNumber))).toMatchObject({ epoch: 3 });
  });

  it('is asked again after 1 s, 2 s, 4 s, and not for the copies that wait meanwhile', async () => {
    const { project, registry } = await provisioned();
    await eventually(() => inKv(shardKey.project(project.projectNumber))).toBeDefined();
    let calls = 0;
    const advance = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new Error('unreachable'));
    };
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance }) }));
    await registry.apply(createRole, by('test'));
    expect(calls).toBe(1);
    await scheduler.wait(8_500);
    expect(calls).toBeGreaterThanOrEqual(3);
    expect(calls).toBeLessThanOrEqual(5);
  });

  it('that hangs costs every writer one patience, however many they are', async () => {
    const { project, registry } = await provisioned();
    let calls = 0;
    const advance = (): Promise<never> => {
      calls += 1;
      return new Promise<never>(() => undefined);
    };
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance }) }));
    const started = Date.now();
    const answers = await Promise.all(['One', 'Two', 'Three'].map((name) => registry.apply(rename(name), by('test'))));
    expect(Date.now() - started).toBeLessThan(7_000);
    expect(answers.map((answer) => answer.ok || answer.error.tag)).toEqual(Array(3).fill('not_in_force_yet'));
    expect(calls).toBe(1);
    await mendEnv(registry);
    await runDurableObjectAlarm(registry);
    expect(await epochInForce(project)).toBe(4);
  });

  it('that is slow confirms a change only when that change has arrived', async () => {
    const { project, registry } = await provisioned();
    const arrived: number[] = [];
    const advance = async (input: AdvanceInput): Promise<number> => {
      await scheduler.wait(300);
      const epoch = await env.QUOTA.getByName(project.projectNumber).advance(input);
      arrived.push(epoch);
      return epoch;
    };
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance }) }));
    const first = registry.apply(rename('One'), by('test'));
    await scheduler.wait(100);
    const second = registry.apply(rename('Two'), by('test')).then((answer) => ({ answer, arrived: [...arrived] }));
    expect(await first).toMatchObject({ ok: true });
    expect(await second).toMatchObject({ answer: { ok: true }, arrived: [2, 3] });
  });

  it('that answers with an older epoch confirms nothing', async () => {
    const { registry } = await provisioned();
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance: async () => 1 }) }));
    expect(await registry.apply(createRole, by('test'))).toMatchObject({
      ok: false,
      error: { tag: 'not_in_force_yet' },
    });
  });
});

describe('a crash', () => {
  it('after the rows are written and before the epoch is in force: the alarm goes on', async () => {
    const { project, registry } = await provisioned();
    const { method, crash } = trap();
    await replaceEnv(registry, () => ({ QUOTA: namespaceOf({ advance: method }) }));
    const answer = registry.apply(createRole, by('test')).catch(() => 'lost');
    await crash();
    expect(await answer).toBe('lost');
    await eventually(() => epochInForce(project)).toBe(2);
    expect(await registryOf(project).read(getRole)).toMatchObject({ ok: true });
    await eventually(() => inKv(shardKey.project(project.projectNumber))).toMatchObject({
      epoch: 2,
      value: { openingRoleIds: ['reader'] },
    });
  });

  it('before KV is written: the alarm goes on', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    await eventually(() => inKv(key)).toMatchObject({ epoch: 1 });
    const { method, crash } = trap();
    await replaceEnv(registry, (real) => ({ CACHE: withMethods(real.CACHE, { put: method }) }));
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true });
    expect(await epochInForce(project)).toBe(2);
    await crash();
    await eventually(() => inKv(key)).toMatchObject({ epoch: 2 });
  });

  it('is no crash: an eviction between writes loses nothing', async () => {
    const { project, registry } = await provisioned();
    await registry.apply(createRole, by('test'));
    await evictDurableObject(registry);
    expect(await registryOf(project).apply(rename('After'), by('test'))).toMatchObject({ ok: true });
    expect(await epochInForce(project)).toBe(3);
  });
});

describe('KV unreachable', () => {
  it('the change is confirmed all the same, and copied by the alarm', async () => {
    const { project, registry } = await provisioned();
    const key = shardKey.project(project.projectNumber);
    await eventually(() => inKv(key)).toMatchObject({ epoch: 1 });
    await replaceEnv(registry, (real) => ({ CACHE: withMethods(real.CACHE, { put: fails('KV is away') }) }));
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true });
    await eventually(() => query(registry, 'SELECT 1 FROM copies WHERE key = ? AND failures > 0', key)).toHaveLength(1);
    expect(await inKv(key)).toMatchObject({ epoch: 1 });
    await mendEnv(registry);
    await eventually(() => inKv(key)).toMatchObject({ epoch: 2 });
  });
});

describe('a Registry restored from an older day', () => {
  it('leaps beyond the epoch in force, so that its writes count and every copy is read again', async () => {
    const { project, registry } = await provisioned();
    for (let n = 0; n < 5; n++) await registry.apply(rename(`Name ${n}`), by('test'));
    expect(await epochInForce(project)).toBe(6);
    await query(registry, 'UPDATE standing SET epoch = 2');
    await query(registry, 'DELETE FROM history WHERE epoch > 2');
    expect(await registry.apply(createRole, by('test'))).toMatchObject({ ok: true });
    const shard = await registry.shard(shardKey.project(project.projectNumber));
    expect(shard.epoch).toBe(8);
    expect(await epochInForce(project)).toBe(8);
  });
});

/** The public side: the object's answer while it answers, a copy with our MAC while it does not, and never a key that was dropped. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createJwksReader, type JwksReader } from '../../src/platform/keys/jwks.ts';
import type { KeyRing } from '../../src/platform/keys/object.ts';
import { type Keks, kvMacKey } from '../../src/platform/secrets.ts';
import { readKeks } from '../../src/platform/settings.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AWAY = { ok: false, error: { tag: 'unavailable', dependency: 'key_ring' } };

let lastNumber = 720_000;

function testKeks(changes: Partial<Record<'EDGE_STS_KEK' | 'EDGE_STS_KEK_PREVIOUS', string>> = {}): Keks {
  const keks = readKeks({ ...env, ...changes });
  if (!keks.ok) throw new Error(keks.error);
  return keks.value;
}

/** A project with a ring, and isolates that see it; `away` takes the object from all of them. */
async function newWorld() {
  const projectNumber = String((lastNumber += 1));
  const world = { projectNumber, nowMs: Date.now(), away: false, puts: 0 };
  const ring = env.KEY_RING.getByName(projectNumber);
  expect((await ring.create(projectNumber)).ok).toBe(true);
  await runInDurableObject(ring, (instance: KeyRing) => {
    instance.clock = () => world.nowMs;
    Reflect.set(instance, 'env', { ...env, REGISTRY: { getByName: () => ({ announce: async () => undefined }) } });
  });
  const namespace = new Proxy(env.KEY_RING, {
    get(target, member) {
      if (world.away) throw new Error('the object is away');
      return member === 'getByName' ? (name: string) => target.getByName(name) : Reflect.get(target, member);
    },
  });
  const cache = new Proxy(env.CACHE, {
    get(target, member) {
      if (member === 'put') world.puts += 1;
      const value: unknown = Reflect.get(target, member);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const isolate = (keks = testKeks()): JwksReader =>
    createJwksReader({ namespace, cache, keks, nowMs: () => world.nowMs });
  return Object.assign(world, { ring, isolate });
}

async function kids(reader: JwksReader, projectNumber: string): Promise<readonly string[]> {
  const answer = await reader.published(projectNumber);
  return answer.ok ? (answer.value?.keys ?? []).map((key) => key.kid) : [answer.error.tag];
}

it('answers what the object publishes, and keeps a copy that is written once', async () => {
  const world = await newWorld();
  const published = ((await world.ring.publicKeys())?.keys ?? []).map((key) => key.jwk);
  const reader = world.isolate();
  expect(await reader.published(world.projectNumber)).toEqual({ ok: true, value: { keys: published } });
  world.nowMs += 6_000;
  await kids(reader, world.projectNumber);
  await kids(world.isolate(), world.projectNumber);
  expect(world.puts).toBe(1);
  world.nowMs += 12 * HOUR_MS;
  await kids(reader, world.projectNumber);
  expect(world.puts).toBe(2);
});

it('knows no project that has no ring, asks nobody about nonsense, and writes nothing for either', async () => {
  const world = await newWorld();
  const reader = world.isolate();
  expect(await reader.published('729999')).toEqual({ ok: true, value: undefined });
  expect(await env.CACHE.get('ring:729999')).toBeNull();
  world.away = true;
  expect(await reader.published('../ring:720001')).toEqual({ ok: true, value: undefined });
  expect(world.puts).toBe(0);
});

it('serves the copy for a day while the object is away, in isolates that never saw it too', async () => {
  const world = await newWorld();
  const before = await kids(world.isolate(), world.projectNumber);
  world.away = true;
  expect(await kids(world.isolate(), world.projectNumber)).toEqual(before);
  world.nowMs += DAY_MS - 1;
  expect(await kids(world.isolate(), world.projectNumber)).toEqual(before);
  world.nowMs += 1;
  expect(await world.isolate().published(world.projectNumber)).toEqual(AWAY);
});

/** As an older broker sealed it, under the same KEK: refused like any other, and written anew while the object answers. */
async function ofTheFormBefore(projectNumber: string, kept: { body: string; notAfterMs: number }): Promise<string> {
  const { body, notAfterMs } = kept;
  const input = JSON.stringify(['edge-sts/kv-jwks/v1', projectNumber, notAfterMs, body]);
  const key = await kvMacKey(testKeks().current);
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(input)));
  const mac = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return JSON.stringify({ body, notAfterMs, mac });
}

it('does not believe a copy that was changed, made by somebody else or meant for another project', async () => {
  const world = await newWorld();
  const other = await newWorld();
  await kids(world.isolate(), world.projectNumber);
  world.away = true;
  const key = `ring:${world.projectNumber}`;
  const text = (await env.CACHE.get(key)) ?? '';
  const record: { body: string; notAfterMs: number; mac: string } = JSON.parse(text);
  const forgeries = [
    text.replace('RS256', 'RS384'),
    JSON.stringify({ ...record, notAfterMs: record.notAfterMs + DAY_MS }),
    JSON.stringify({ ...record, mac: record.mac.replaceAll(/./g, '0') }),
    JSON.stringify({ ...record, mac: '' }),
    await ofTheFormBefore(world.projectNumber, record),
    'null',
    '{',
  ];
  for (const forgery of forgeries) {
    await env.CACHE.put(key, forgery);
    expect(await world.isolate().published(world.projectNumber)).toEqual(AWAY);
  }
  await env.CACHE.put(`ring:${other.projectNumber}`, text);
  other.away = true;
  expect(await other.isolate().published(other.projectNumber)).toEqual(AWAY);
  await env.CACHE.put(key, await ofTheFormBefore(world.projectNumber, record));
  world.away = false;
  expect(await kids(world.isolate(), world.projectNumber)).toHaveLength(4);
  world.away = true;
  expect(await kids(world.isolate(), world.projectNumber)).toHaveLength(4);
});

it('believes a copy of the previous KEK while that is given, and none of an unknown one', async () => {
  const world = await newWorld();
  const before = await kids(world.isolate(), world.projectNumber);
  world.away = true;
  const EDGE_STS_KEK = btoa('test-only-new-kek-0123456789abcd');
  const changing = testKeks({ EDGE_STS_KEK, EDGE_STS_KEK_PREVIOUS: env.EDGE_STS_KEK ?? '' });
  expect(await kids(world.isolate(changing), world.projectNumber)).toEqual(before);
  expect(await world.isolate(testKeks({ EDGE_STS_KEK })).published(world.projectNumber)).toEqual(AWAY);
});

it('drops a distrusted key with the next answer, from the copy as well, even after an older set was put back', async () => {
  const world = await newWorld();
  const reader = world.isolate();
  const [dropped = ''] = await kids(reader, world.projectNumber);
  const older = (await env.CACHE.get(`ring:${world.projectNumber}`)) ?? '';
  expect((await world.ring.rotate({ emergency: true })).ok).toBe(true);
  expect(await kids(reader, world.projectNumber)).not.toContain(dropped);
  world.away = true;
  expect(await kids(world.isolate(), world.projectNumber)).not.toContain(dropped);
  await env.CACHE.put(`ring:${world.projectNumber}`, older);
  world.away = false;
  world.nowMs += 10 * 60_000;
  await kids(reader, world.projectNumber);
  world.away = true;
  expect(await kids(world.isolate(), world.projectNumber)).not.toContain(dropped);
});

it('in a flood serves the last answer for five seconds at most, and asks the object only so often', async () => {
  const world = await newWorld();
  const reader = world.isolate();
  for (let request = 0; request < 60; request++) await kids(reader, world.projectNumber);
  const [dropped = ''] = await kids(reader, world.projectNumber);
  expect((await world.ring.rotate({ emergency: true })).ok).toBe(true);
  expect(await kids(reader, world.projectNumber)).toContain(dropped);
  world.nowMs += 5_000;
  expect(await kids(reader, world.projectNumber)).not.toContain(dropped);
});

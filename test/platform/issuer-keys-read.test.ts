/** What an isolate believes of an issuer's keys, while issuers rotate and die, objects are away, and KV is in the wrong hands. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Provider } from '../../src/core/resources.ts';
import { createIssuerKeyReader, type IssuerKeyReader } from '../../src/platform/issuer-keys/read.ts';
import { parseAssertion } from '../../src/core/assertion.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { away, countingKv, countingObjects, laggingKv, throwingKv } from '../support/faulty-bindings.ts';
import { createIssuer } from '../support/issuer.ts';
import { aProvider, discoveryWorld, mostIn30Seconds, type World } from './issuer-keys-support.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const UNAVAILABLE = { ok: false, error: { tag: 'unavailable', dependency: 'issuer_keys' } };

const keks = readKeks(env);
if (!keks.ok) throw new Error(keks.error);

type Options = Parameters<typeof createIssuerKeyReader>[0];

function readerIn(world: World, change: Partial<Options> = {}): IssuerKeyReader {
  const nowMs = () => world.clock.nowMs;
  if (!keks.ok) throw new Error(keks.error);
  return createIssuerKeyReader({ namespace: env.ISSUER_KEYS, cache: env.CACHE, keks: keks.value, nowMs, ...change });
}

function providerOf(world: World): Provider {
  if (world.registry.provider === undefined) throw new Error('the world has no provider');
  return world.registry.provider;
}

/** The kids that the reader answers with, or how it refuses. */
async function asked(reader: IssuerKeyReader, world: World, kid: string, provider = providerOf(world)) {
  const answer = await reader.discoveredKeys(world.name, provider, kid);
  return answer.ok ? answer.value.map((key) => key.kid) : answer;
}

/** The object has fetched, its copy lies in KV, and a minute has gone by. */
async function settled(change: Partial<Provider> = {}): Promise<World> {
  const world = await discoveryWorld(change);
  await world.object.keys();
  await copied(world);
  world.clock.nowMs += 60 * SECOND_MS;
  world.issuer.requests.length = 0;
  return world;
}

async function copied({ objectName, object }: World): Promise<void> {
  const fetchedAtMs = (await object.keys())?.fetchedAtMs;
  const version = async () => JSON.parse((await env.CACHE.get(`keys:${objectName}`)) ?? '{}').version;
  await expect.poll(version, { timeout: 10_000 }).toBe(fetchedAtMs);
}

/** Publishes one more key and lets the object see it; the first is dropped. */
async function rotated(world: World) {
  const next = await createIssuer();
  world.issuer.jwks = { keys: [next.publicJwk] };
  world.clock.nowMs += 60 * SECOND_MS;
  await world.object.refresh();
  await copied(world);
  return next;
}

function signedPartsOf(token: string) {
  const parsed = parseAssertion(token);
  if (!parsed.ok) throw new Error('the token has another shape');
  return parsed.value;
}

describe('an isolate', () => {
  it('verifies with the keys that the object fetched, and asks nobody for 5 minutes', async () => {
    const world = await discoveryWorld();
    const objects = countingObjects(env.ISSUER_KEYS);
    const kv = countingKv(env.CACHE);
    const reader = readerIn(world, { namespace: objects.namespace, cache: kv.kv });
    const counts = () => [objects.calls(), kv.reads(), world.issuer.requests.length];
    const verify = createSignatureVerifier();
    const token = signedPartsOf(await world.key.sign({ iss: world.issuer.issuerUri }));
    for (let n = 0; n < 50; n++) {
      const answer = await reader.discoveredKeys(world.name, providerOf(world), world.key.kid);
      const [key] = answer.ok ? answer.value : [];
      expect(key !== undefined && (await verify(token, key, 'ES256'))).toBe(true);
      world.clock.nowMs += 5 * SECOND_MS;
    }
    expect(counts()).toEqual([1, 0, 2]);
    world.clock.nowMs += 60 * SECOND_MS;
    await asked(reader, world, world.key.kid);
    expect(counts()).toEqual([2, 0, 2]);
  });

  it('answers with the same objects while they are equal, so that imported keys stay imported', async () => {
    const world = await settled();
    const reader = readerIn(world);
    const once = await reader.discoveredKeys(world.name, providerOf(world), world.key.kid);
    world.clock.nowMs += 10 * 60 * SECOND_MS;
    await world.object.refresh();
    const again = await reader.discoveredKeys(world.name, providerOf(world), world.key.kid);
    if (!once.ok || !again.ok) throw new Error('both were to answer');
    expect(again.value).toBe(once.value);
    const next = await createIssuer();
    world.issuer.jwks = { keys: [next.publicJwk, world.key.publicJwk] };
    world.clock.nowMs += 60 * SECOND_MS;
    const more = await reader.discoveredKeys(world.name, providerOf(world), next.kid);
    if (!more.ok) throw new Error('it was to answer');
    expect(more.value.map((key) => key.kid)).toEqual([next.kid, world.key.kid]);
    expect(more.value[1]).toBe(once.value[0]);
  });

  it('lets a burst at its start through, each request asking for itself', async () => {
    const world = await discoveryWorld();
    const reader = readerIn(world);
    const all = await Promise.all(Array.from({ length: 40 }, () => asked(reader, world, world.key.kid)));
    expect(all.every((answer) => Array.isArray(answer) && answer[0] === world.key.kid)).toBe(true);
    expect(world.issuer.requests.length).toBe(2);
  });

  it('does not mix the keys of two providers, though kids and issuers are the same', async () => {
    const [one, other] = [await settled(), await settled()];
    const twin = await createIssuer('ES256', one.key.kid);
    other.issuer.jwks = { keys: [twin.publicJwk] };
    other.clock.nowMs += 25 * HOUR_MS;
    await other.object.refresh();
    const reader = readerIn(one);
    const verify = createSignatureVerifier();
    const [ofOne, ofOther] = [
      await reader.discoveredKeys(one.name, providerOf(one), one.key.kid),
      await readerIn(other).discoveredKeys(other.name, providerOf(other), one.key.kid),
    ];
    const [key, twinKey] = [ofOne.ok ? ofOne.value[0] : undefined, ofOther.ok ? ofOther.value[0] : undefined];
    if (key === undefined || twinKey === undefined) throw new Error('both have a key');
    const token = signedPartsOf(await one.key.sign({}));
    expect([await verify(token, key, 'ES256'), await verify(token, twinKey, 'ES256')]).toEqual([true, false]);
  });
});

describe('an unknown kid', () => {
  it('is one question in 5 s; else the keys at hand are the answer', async () => {
    const world = await settled();
    const objects = countingObjects(env.ISSUER_KEYS);
    const reader = readerIn(world, { namespace: objects.namespace });
    await asked(reader, world, world.key.kid);
    for (let n = 0; n < 100; n++) {
      expect(await asked(reader, world, `random-${n}`)).toEqual([world.key.kid]);
      world.clock.nowMs += 100;
    }
    expect(objects.calls()).toBe(1 + 2);
  });

  it('is one provider’s own matter: what one of them lacks, another is asked for at once', async () => {
    const [one, other] = [await settled(), await settled()];
    const shared = readerIn(one);
    await asked(shared, one, one.key.kid);
    const next = await createIssuer();
    other.issuer.jwks = { keys: [other.key.publicJwk, next.publicJwk] };
    expect(await asked(shared, one, next.kid)).toEqual([one.key.kid]);
    other.clock.nowMs = one.clock.nowMs;
    const answer = await shared.discoveredKeys(other.name, providerOf(other), next.kid);
    expect(answer.ok && answer.value.map(({ kid }) => kid)).toEqual([other.key.kid, next.kid]);
    expect(await asked(shared, one, next.kid)).toEqual([one.key.kid]);
  });

  it('of a real rotation is honoured within 40 s, though strangers make up others all the time', async () => {
    const world = await settled();
    const reader = readerIn(world);
    await asked(reader, world, world.key.kid);
    const next = await createIssuer();
    let publishedAtMs = 0;
    let honouredAtMs = 0;
    for (let n = 0; honouredAtMs === 0 && n < 200; n++) {
      world.clock.nowMs += 500;
      // Right after a look, which is the worst moment.
      if (publishedAtMs === 0 && world.issuer.requests.length > 0) {
        world.issuer.jwks = { keys: [world.key.publicJwk, next.publicJwk] };
        publishedAtMs = world.clock.nowMs;
      }
      await asked(reader, world, `random-${n}`);
      const kids = await asked(reader, world, next.kid);
      if (Array.isArray(kids) && kids.includes(next.kid)) honouredAtMs = world.clock.nowMs;
    }
    expect(publishedAtMs).toBeGreaterThan(0);
    expect(honouredAtMs - publishedAtMs).toBeGreaterThan(0);
    expect(honouredAtMs - publishedAtMs).toBeLessThanOrEqual(40 * SECOND_MS);
  });

  it('10,000 of them in 50 isolates within 30 s: at most two requests reach the issuer', async () => {
    const world = await settled();
    const readers = Array.from({ length: 50 }, () => readerIn(world));
    for (let round = 0; round < 200; round++) {
      world.clock.nowMs += 150;
      const answers = await Promise.all(readers.map((reader, n) => asked(reader, world, `random-${round}-${n}`)));
      expect(answers.every((answer) => Array.isArray(answer) && answer[0] === world.key.kid)).toBe(true);
    }
    expect(mostIn30Seconds(world.issuer.requests)).toBeLessThanOrEqual(2);
    expect(world.issuer.requests.length).toBeLessThanOrEqual(2);
  });

  it('of a key that the issuer dropped is gone once the object knows, 5 minutes later everywhere', async () => {
    const world = await settled();
    const reader = readerIn(world);
    await asked(reader, world, world.key.kid);
    const next = await rotated(world);
    world.clock.nowMs += 5 * 60 * SECOND_MS;
    expect(await asked(reader, world, world.key.kid)).toEqual([next.kid]);
  });
});

describe('an issuer that is down', () => {
  it('for an hour costs nobody anything, and past maxStale everybody: 503', async () => {
    const world = await settled({ maxStaleSeconds: 7_200 });
    const reader = readerIn(world);
    const fetchedAtMs = world.clock.nowMs - 60 * SECOND_MS;
    world.issuer.discovery = () => {
      throw new TypeError('down');
    };
    while (world.clock.nowMs < fetchedAtMs + 7_190 * SECOND_MS) {
      expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
      expect(await asked(readerIn(world), world, world.key.kid)).toEqual([world.key.kid]);
      await runDurableObjectAlarm(world.object);
      world.clock.nowMs += 60 * SECOND_MS;
    }
    world.clock.nowMs = fetchedAtMs + 7_200 * SECOND_MS;
    expect(await asked(reader, world, world.key.kid)).toEqual(UNAVAILABLE);
    expect(await asked(readerIn(world), world, world.key.kid)).toEqual(UNAVAILABLE);
    world.issuer.behave();
    world.clock.nowMs += 31 * SECOND_MS;
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
  });

  it('is served stale by the maxStale of now: less is in force at once', async () => {
    const world = await settled();
    const reader = readerIn(world);
    world.clock.nowMs += 2 * HOUR_MS;
    world.issuer.discovery = () => new Response('', { status: 500 });
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
    expect(await asked(reader, world, world.key.kid, aProvider({ maxStaleSeconds: 3_600 }))).toEqual(UNAVAILABLE);
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
  });

  it('and was never up has no keys: unavailable, not unknown', async () => {
    const world = await discoveryWorld();
    world.issuer.discovery = () => new Response('', { status: 500 });
    expect(await asked(readerIn(world), world, 'kid')).toEqual(UNAVAILABLE);
  });
});

describe('a provider that is changed', () => {
  it('to another issuer is not verified with the keys of the first', async () => {
    const world = await settled();
    const reader = readerIn(world);
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
    // On the same host: another tenant there.
    const changed = aProvider({ issuerUri: 'https://issuer.example/id/2' });
    expect(await asked(reader, world, world.key.kid, changed)).toEqual(UNAVAILABLE);
    expect(await asked(readerIn(world, { namespace: away(env.ISSUER_KEYS) }), world, world.key.kid, changed)).toEqual(
      UNAVAILABLE,
    );
  });

  it('so that the host of its keys may not speak for it is not verified with them', async () => {
    const world = await discoveryWorld({ allowedJwksHosts: ['keys.example'] });
    world.issuer.jwksUri = 'https://keys.example/v1';
    const reader = readerIn(world);
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
    expect(await asked(reader, world, world.key.kid, aProvider({ allowedJwksHosts: [] }))).toEqual(UNAVAILABLE);
  });
});

describe('an object that is away', () => {
  it('is replaced by memory, and in a new isolate by KV, until they are stale', async () => {
    const world = await settled();
    let isAway = false;
    const real = env.ISSUER_KEYS;
    const namespace = new Proxy(real, {
      get: (target, property) => Reflect.get(isAway ? away(target) : target, property),
    });
    const reader = readerIn(world, { namespace });
    await asked(reader, world, world.key.kid);
    isAway = true;
    const fresh = readerIn(world, { namespace });
    for (let hour = 0; hour < 23; hour++) {
      world.clock.nowMs += HOUR_MS;
      expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
      expect(await asked(fresh, world, world.key.kid)).toEqual([world.key.kid]);
      expect(await asked(reader, world, 'random')).toEqual([world.key.kid]);
    }
    world.clock.nowMs += HOUR_MS;
    expect(await asked(reader, world, world.key.kid)).toEqual(UNAVAILABLE);
    expect(await asked(fresh, world, world.key.kid)).toEqual(UNAVAILABLE);
  });

  it('and KV knows of a rotation: a token with the new key holds', async () => {
    const world = await settled();
    let isAway = false;
    const namespace = new Proxy(env.ISSUER_KEYS, {
      get: (target, property) => Reflect.get(isAway ? away(target) : target, property),
    });
    const reader = readerIn(world, { namespace });
    await asked(reader, world, world.key.kid);
    const next = await rotated(world);
    isAway = true;
    world.clock.nowMs += 10 * SECOND_MS;
    expect(await asked(reader, world, next.kid)).toEqual([next.kid]);
  });

  it('or hangs costs a request that has keys 3 s, and the next ones nothing', async () => {
    const world = await settled();
    let hangs = false;
    const namespace = new Proxy(env.ISSUER_KEYS, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property);
        if (typeof member !== 'function') return member;
        if (property !== 'getByName' || !hangs) return member.bind(target);
        const never = () => new Promise(() => undefined);
        return () => ({ keys: never, keysAfterUnknownKid: never });
      },
    });
    const reader = readerIn(world, { namespace });
    await asked(reader, world, world.key.kid);
    hangs = true;
    world.clock.nowMs += 6 * 60 * SECOND_MS;
    const beganAtMs = Date.now();
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
    expect(Date.now() - beganAtMs).toBeLessThan(4_000);
    const secondAtMs = Date.now();
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
    expect(Date.now() - secondAtMs).toBeLessThan(500);
  });
});

describe('KV in the wrong hands', () => {
  const alter = (text: string, member: string, change: (value: never) => unknown): string => {
    const record = JSON.parse(text);
    return JSON.stringify({ ...record, [member]: change(record[member] as never) });
  };

  async function copyOf({ objectName }: World): Promise<string> {
    return (await env.CACHE.get(`keys:${objectName}`)) ?? '';
  }

  it.each([
    [
      'a foreign key in its body',
      (text: string, foreign: object) =>
        alter(text, 'body', (body: string) => JSON.stringify({ ...JSON.parse(body), keys: [foreign] })),
    ],
    ['another version', (text: string) => alter(text, 'version', (version: number) => version + 1)],
    ['a longer life', (text: string) => alter(text, 'notAfterMs', (end: number) => end + 1)],
    ['no MAC', (text: string) => alter(text, 'mac', () => undefined)],
    ['a MAC of nothing', (text: string) => alter(text, 'mac', () => '')],
    ['half of itself', (text: string) => text.slice(0, 100)],
    ['null', () => 'null'],
  ])('a record with %s is a missing one, also while the object is away', async (_what, change) => {
    const world = await settled();
    const attacker = await createIssuer('ES256', 'attacker');
    await env.CACHE.put(`keys:${world.objectName}`, change(await copyOf(world), attacker.publicJwk));
    const alone = readerIn(world, { namespace: away(env.ISSUER_KEYS) });
    expect(await asked(alone, world, 'attacker')).toEqual(UNAVAILABLE);
    expect(await asked(readerIn(world), world, 'attacker')).toEqual([world.key.kid]);
  });

  it("another provider's record, and one of another kind, are missing ones", async () => {
    const [world, other] = [await settled(), await settled()];
    await env.CACHE.put(`keys:${world.objectName}`, await copyOf(other));
    const alone = readerIn(world, { namespace: away(env.ISSUER_KEYS) });
    expect(await asked(alone, world, other.key.kid)).toEqual(UNAVAILABLE);
    expect(await asked(readerIn(world), world, other.key.kid)).toEqual([world.key.kid]);
  });

  it('an older record with a key that was dropped: no isolate, old or new, believes it while the object speaks', async () => {
    const world = await settled();
    const stolen = await copyOf(world);
    const reader = readerIn(world);
    await asked(reader, world, world.key.kid);
    const next = await rotated(world);
    await env.CACHE.put(`keys:${world.objectName}`, stolen);
    expect(await asked(readerIn(world), world, world.key.kid)).toEqual([next.kid]);
    world.clock.nowMs += 6 * 60 * SECOND_MS;
    expect(await asked(reader, world, world.key.kid)).toEqual([next.kid]);
  });

  it('nor does one that has seen a newer, when the object goes away', async () => {
    const world = await settled();
    const stolen = await copyOf(world);
    const next = await rotated(world);
    let isAway = false;
    const namespace = new Proxy(env.ISSUER_KEYS, {
      get: (target, property) => Reflect.get(isAway ? away(target) : target, property),
    });
    const reader = readerIn(world, { namespace });
    expect(await asked(reader, world, next.kid)).toEqual([next.kid]);
    await env.CACHE.put(`keys:${world.objectName}`, stolen);
    isAway = true;
    world.clock.nowMs += 6 * 60 * SECOND_MS;
    expect(await asked(reader, world, world.key.kid)).toEqual([next.kid]);
  });

  it('a record kept back beyond its time is a missing one', async () => {
    const world = await settled({ maxStaleSeconds: 3_600 });
    world.clock.nowMs += HOUR_MS;
    const alone = readerIn(world, { namespace: away(env.ISSUER_KEYS) });
    expect(await asked(alone, world, world.key.kid, aProvider({ maxStaleSeconds: 604_800 }))).toEqual(UNAVAILABLE);
  });

  it.each([
    ['throws', throwingKv],
    ['lags', laggingKv],
    ['hangs', () => ({ get: () => new Promise(() => undefined) }) as unknown as KVNamespace],
  ])('a KV that %s stops nobody', async (_how, broken) => {
    const world = await settled();
    const cache = broken(env.CACHE);
    // A location that lags has seen the first record, and sees no other.
    if (broken === laggingKv) await cache.get(`keys:${world.objectName}`);
    const reader = readerIn(world, { cache });
    expect(await asked(reader, world, world.key.kid)).toEqual([world.key.kid]);
    const next = await rotated(world);
    expect(await asked(reader, world, next.kid)).toEqual([next.kid]);
    expect(await asked(readerIn(world, { cache }), world, world.key.kid)).toEqual([next.kid]);
  });

  it('a KV that hangs, and an object that is away, are 503 in a few seconds', async () => {
    const world = await settled();
    const cache = { get: () => new Promise(() => undefined) } as unknown as KVNamespace;
    const reader = readerIn(world, { cache, namespace: away(env.ISSUER_KEYS) });
    expect(await asked(reader, world, world.key.kid)).toEqual(UNAVAILABLE);
  });
});

/** The IssuerKeys object in workerd: what it asks at first, and whom it never asks. Real storage, keys and alarms; clock, Registry and issuer are ours. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { issuerKeysName } from '../../src/platform/issuer-keys/discovered.ts';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { REFUSED_URLS } from '../support/refused-urls.ts';
import { alarmAtMs, discoveryWorld, settled, tables, withEnv, type World } from './issuer-keys-support.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

describe('the first look', () => {
  it('asks discovery, then the keys, and nothing else', async () => {
    const { object, issuer, key, clock } = await discoveryWorld();
    const found = await object.keys();
    expect(issuer.requests.map(({ url }) => url)).toEqual([
      'https://issuer.example/id/1/.well-known/openid-configuration',
      'https://issuer.example/id/1/keys',
    ]);
    const thumbprint = await calculateJwkThumbprint(key.publicJwk);
    const { kty, crv, x, y, alg, use } = key.publicJwk;
    expect(found).toEqual({
      issuerUri: 'https://issuer.example/id/1',
      jwksUri: 'https://issuer.example/id/1/keys',
      keys: [{ kty, kid: key.kid, crv, x, y, alg, use, thumbprint }],
      fetchedAtMs: clock.nowMs,
      maxAgeSeconds: 3_600,
      staleAfterMs: clock.nowMs + 24 * HOUR_MS,
      nextRefreshMs: found?.nextRefreshMs,
    });
    expect(await object.events()).toEqual([
      { atMs: clock.nowMs, what: 'changed', added: [`${key.kid} ${thumbprint}`], removed: [], reason: '' },
    ]);
  });

  it.each(['https://issuer.example/', 'https://issuer.example', 'https://issuer.example/a/b/'])(
    'of %s puts one slash before .well-known',
    async (issuerUri) => {
      const { object, issuer, key } = await discoveryWorld({ issuerUri });
      expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
      expect(issuer.requests[0]?.url).toBe(`${issuerUri.replace(/\/$/, '')}/.well-known/openid-configuration`);
    },
  );

  it('by a hundred at once is one look', async () => {
    const { object, issuer, key } = await discoveryWorld();
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? object.keys() : object.keysAfterUnknownKid(`kid-${n}`))),
    );
    expect(issuer.requests.length).toBe(2);
    expect(all.every((found) => found?.keys[0]?.kid === key.kid)).toBe(true);
  });

  it('follows jwks_uri to a host that the administrator named', async () => {
    const { object, issuer, key } = await discoveryWorld({ allowedJwksHosts: ['keys.example'] });
    issuer.jwksUri = 'https://keys.example/v1?tenant=1';
    expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
  });

  it('that fails is told, and made again as soon as the cool-down allows', async () => {
    const { object, issuer, key, clock } = await discoveryWorld();
    issuer.discovery = () => new Response('no', { status: 503 });
    expect(await object.keys()).toBeUndefined();
    expect(await object.status()).toMatchObject({
      keys: [],
      lastError: 'The discovery document was answered with status 503.',
    });
    issuer.behave();
    clock.nowMs += 29 * SECOND_MS;
    expect(await object.keys()).toBeUndefined();
    clock.nowMs += SECOND_MS;
    expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
  });
});

describe("a stranger's guess", () => {
  async function nothingHappens(objectName: string, { object, issuer }: Pick<World, 'object' | 'issuer'>) {
    expect(await object.keys(), objectName).toBeUndefined();
    expect(await object.keysAfterUnknownKid('kid')).toBeUndefined();
    expect(await object.refresh()).toBeUndefined();
    expect(await object.status()).toBeUndefined();
    expect(await object.events()).toEqual([]);
    expect(await object.ping()).toBe('pong');
    await runInDurableObject(object, (instance: IssuerKeys) => instance.alarm());
    expect(issuer.requests).toEqual([]);
    expect(await tables(object)).toEqual([]);
    expect(await alarmAtMs(object)).toBeNull();
  }

  it('at a provider that does not exist fetches nothing and writes nothing', async () => {
    const world = await discoveryWorld();
    world.registry.provider = undefined;
    await nothingHappens(world.objectName, world);
  });

  it.each(['uploaded', 'pushed'] as const)('at a provider whose keys are %s neither', async (keySource) => {
    const world = await discoveryWorld({ keySource });
    await nothingHappens(world.objectName, world);
  });

  it('while the Registry is away neither', async () => {
    const world = await discoveryWorld();
    world.registry.isAway = true;
    await nothingHappens(world.objectName, world);
  });

  it.each(['', 'x', 'demo/pool-one/cluster-one', '700001/pool-one', '700001/pool-one/cluster-one/more', '700001/../x'])(
    'by the name %j does not even ask the Registry',
    async (objectName) => {
      const { issuer } = await discoveryWorld();
      const object = env.ISSUER_KEYS.getByName(objectName);
      const asked: string[] = [];
      await withEnv(object, { REGISTRY: { getByName: (name: string) => asked.push(name) } });
      await nothingHappens(objectName, { object, issuer });
      expect(asked).toEqual([]);
    },
  );

  it('in the real Registry finds no provider', async () => {
    const objectName = issuerKeysName({ projectNumber: '799999', poolId: 'pool-one', providerId: 'cluster-one' });
    const object = env.ISSUER_KEYS.getByName(objectName);
    const { issuer } = await discoveryWorld();
    await nothingHappens(objectName, { object, issuer });
  });
});

describe('an issuer URL that no stranger should make us ask', () => {
  it.each(REFUSED_URLS)('%j is not asked, and its reason stands on the provider: %s', async (issuerUri, because) => {
    const { object, issuer } = await discoveryWorld({ issuerUri });
    expect(await object.keys()).toBeUndefined();
    expect(await object.keysAfterUnknownKid('kid')).toBeUndefined();
    expect(issuer.requests).toEqual([]);
    expect((await object.status())?.lastError).toContain(`issuerUri ${because === 'not a URL' ? 'is ' : ''}`);
    expect((await object.status())?.lastError).toContain(because);
  });

  // A jwks_uri may have a query.
  it.each(REFUSED_URLS.filter(([, because]) => because !== 'query'))(
    '%j is not followed to where an honest issuer’s jwks_uri leads, though its host is allowed: %s',
    async (jwksUri) => {
      const allowedJwksHosts = URL.canParse(jwksUri) ? [new URL(jwksUri).hostname] : [];
      const { object, issuer } = await discoveryWorld({ allowedJwksHosts });
      issuer.jwksUri = jwksUri;
      expect(await object.keys()).toBeUndefined();
      expect(issuer.requests.map(({ url }) => url)).toEqual([
        'https://issuer.example/id/1/.well-known/openid-configuration',
      ]);
      expect((await object.status())?.lastError).toMatch(/jwks_uri/);
    },
  );

  it('while the settings are wrong, nobody is asked', async () => {
    const { object, issuer } = await discoveryWorld();
    await withEnv(object, { PUBLIC_ORIGIN: '' });
    expect(await object.keys()).toBeUndefined();
    expect(issuer.requests).toEqual([]);
    expect((await object.status())?.lastError).toContain('PUBLIC_ORIGIN');
  });
});

describe('the status', () => {
  it('says age, kids, thumbprints, times and warnings, and reading it fetches nothing', async () => {
    const { object, issuer, key, clock } = await settled();
    const fetchedAtMs = clock.nowMs - 31 * SECOND_MS;
    const { nextRefreshTime, ...status } = (await object.status()) ?? {};
    expect(status).toEqual({
      issuerUri: 'https://issuer.example/id/1',
      keys: [{ kid: key.kid, thumbprint: await calculateJwkThumbprint(key.publicJwk) }],
      ageSeconds: 31,
      lastSuccessTime: new Date(fetchedAtMs).toISOString(),
      lastAttemptTime: new Date(fetchedAtMs).toISOString(),
      staleAfterTime: new Date(fetchedAtMs + 24 * HOUR_MS).toISOString(),
      failuresInARow: 0,
      warnings: [],
    });
    expect(Date.parse(nextRefreshTime ?? '')).toBeGreaterThan(clock.nowMs);
    expect(issuer.requests).toEqual([]);
  });
});

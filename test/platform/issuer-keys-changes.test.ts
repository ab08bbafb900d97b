/** The IssuerKeys object when its provider is changed: another issuer, other hosts, another patience. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { createIssuer } from '../support/issuer.ts';
import { alarmAtMs, aProvider, discoveryWorld, settled } from './issuer-keys-support.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

describe('a provider that is changed', () => {
  it('to another issuer loses the keys of the first at once, and gets those of the second', async () => {
    const { object, issuer, registry, clock } = await settled();
    const second = await createIssuer();
    registry.provider = aProvider({ issuerUri: 'https://second.example' });
    expect((await object.refresh())?.keys).toEqual([]);
    expect(await object.keys()).toBeUndefined();
    clock.nowMs += 30 * SECOND_MS;
    const { fetch } = issuer;
    await runInDurableObject(object, (instance: IssuerKeys) => {
      instance.fetcher = async (url, init) => {
        if (!url.startsWith('https://second.example/')) return fetch(url, init);
        const jwks_uri = 'https://second.example/keys';
        return Response.json(
          url === jwks_uri ? { keys: [second.publicJwk] } : { issuer: 'https://second.example', jwks_uri },
        );
      };
    });
    expect(await object.keys()).toMatchObject({ issuerUri: 'https://second.example', keys: [{ kid: second.kid }] });
  });

  it('is seen by whoever knows the new issuer, where nobody told the object', async () => {
    const { object, issuer, key, registry } = await settled();
    registry.provider = aProvider({ issuerUri: 'https://second.example' });
    expect(await object.keys('https://issuer.example/id/1')).toMatchObject({ keys: [{ kid: key.kid }] });
    expect(await object.keysAfterUnknownKid(key.kid, 'https://second.example')).toBeUndefined();
    expect(issuer.requests[0]?.url).toBe('https://second.example/.well-known/openid-configuration');
  });

  it('so that the host of its keys may no longer speak for it loses them', async () => {
    const world = await discoveryWorld({ allowedJwksHosts: ['keys.example'] });
    const { object, issuer, clock, registry } = world;
    issuer.jwksUri = 'https://keys.example/v1';
    expect((await object.keys())?.keys.length).toBe(1);
    clock.nowMs += 30 * SECOND_MS;
    registry.provider = aProvider({ allowedJwksHosts: [] });
    expect(await object.refresh()).toMatchObject({ keys: [], failuresInARow: 1 });
  });

  it('within the cool-down is looked at as soon as that is over', async () => {
    const { object, issuer, clock } = await discoveryWorld();
    await object.keys();
    clock.nowMs += 10 * SECOND_MS;
    await object.refresh();
    expect(issuer.requests.length).toBe(2);
    expect(await alarmAtMs(object)).toBe(clock.nowMs + 20 * SECOND_MS);
    clock.nowMs += 20 * SECOND_MS;
    await runDurableObjectAlarm(object);
    expect(issuer.requests.length).toBe(4);
  });

  it('while an attempt is under way is looked at once more', async () => {
    const { object, issuer, clock } = await settled();
    let answer: (() => void) | undefined;
    const { discovery } = issuer;
    issuer.discovery = async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      return discovery();
    };
    await runInDurableObject(object, async (instance: IssuerKeys) => {
      const first = instance.keysAfterUnknownKid('new');
      await expect.poll(() => answer).toBeDefined();
      const second = instance.refresh();
      answer?.();
      await Promise.all([first, second]);
    });
    expect(issuer.requests.length).toBe(2);
    expect((await object.status())?.nextRefreshTime).toBe(new Date(clock.nowMs + 30 * SECOND_MS).toISOString());
  });

  it('with maxStale 0 has keys for as long as they are fresh', async () => {
    const { object, clock } = await discoveryWorld({ maxStaleSeconds: 0 });
    const found = await object.keys();
    expect(found?.staleAfterMs).toBe(clock.nowMs + HOUR_MS);
    expect(found?.nextRefreshMs).toBeLessThan(clock.nowMs + HOUR_MS);
  });
});

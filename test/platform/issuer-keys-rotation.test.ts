/** The IssuerKeys object while issuers rotate, and while strangers make up key ids to have them asked. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { EC_KEY } from '../support/admin-samples.ts';
import { createIssuer } from '../support/issuer.ts';
import { kids, mostIn30Seconds, settled } from './issuer-keys-support.ts';

const SECOND_MS = 1_000;

describe('rotation', () => {
  it('brings new keys and drops what the issuer dropped', async () => {
    const { object, issuer, key, clock } = await settled();
    const next = await createIssuer('RS256');
    issuer.jwks = { keys: [key.publicJwk, next.publicJwk] };
    expect((await object.keysAfterUnknownKid(next.kid))?.keys.map(({ kid }) => kid)).toEqual([key.kid, next.kid]);
    issuer.jwks = { keys: [next.publicJwk] };
    clock.nowMs = (await object.keys())?.nextRefreshMs ?? 0;
    await runDurableObjectAlarm(object);
    expect(await kids(object)).toEqual([next.kid]);
    const [dropped, added] = await object.events();
    expect(dropped).toMatchObject({ what: 'changed', added: [] });
    expect(dropped?.removed.map((text) => text.split(' ')[0])).toEqual([key.kid]);
    expect(added?.added.map((text) => text.split(' ')[0])).toEqual([next.kid]);
  });

  it('keeps at most 100 events', async () => {
    const { object, issuer, clock } = await settled();
    for (let n = 0; n < 110; n++) {
      issuer.jwks = { keys: [{ ...EC_KEY, kid: `k${n}` }] };
      clock.nowMs += 30 * SECOND_MS;
      await object.refresh();
    }
    const events = await object.events();
    expect(events.length).toBe(100);
    expect(events[0]?.added[0]).toMatch(/^k109 /);
  });
});

describe('random kids', () => {
  it('10,000 of them in 30 s cause one look: two requests', async () => {
    const { object, issuer, clock } = await settled();
    await runInDurableObject(object, async (instance: IssuerKeys) => {
      for (let n = 0; n < 10_000; n += 100) {
        clock.nowMs += 300;
        await Promise.all(Array.from({ length: 100 }, (_, m) => instance.keysAfterUnknownKid(`random-${n + m}`)));
      }
    });
    expect(issuer.requests.length).toBe(2);
  });

  it('for an hour, with an issuer that is slow or fails: never more than two requests in any 30 s', async () => {
    const { object, issuer, clock } = await settled();
    const slow = async () => {
      clock.nowMs += 4_000;
      return new Response('', { status: 500 });
    };
    await runInDurableObject(object, async (instance: IssuerKeys) => {
      for (let n = 0; n < 3_600; n++) {
        clock.nowMs += SECOND_MS;
        issuer.discovery =
          n % 400 > 200 ? slow : () => Response.json({ issuer: issuer.issuerUri, jwks_uri: issuer.jwksUri });
        if (n % 100 === 0) await instance.alarm();
        if (n % 250 === 0) await instance.refresh();
        await Promise.all([instance.keysAfterUnknownKid(`random-${n}`), instance.keys()]);
      }
    });
    expect(issuer.requests.length).toBeGreaterThan(150);
    expect(mostIn30Seconds(issuer.requests)).toBe(2);
  });

  it('a real rotation among them is honoured as soon as the cool-down is over', async () => {
    const { object, issuer, key, clock } = await settled();
    await object.keysAfterUnknownKid('random');
    const next = await createIssuer();
    issuer.jwks = { keys: [key.publicJwk, next.publicJwk] };
    clock.nowMs += 29 * SECOND_MS;
    await object.keysAfterUnknownKid(next.kid);
    expect(await kids(object)).toEqual([key.kid]);
    clock.nowMs += SECOND_MS;
    await object.keysAfterUnknownKid(next.kid);
    expect(await kids(object)).toEqual([key.kid, next.kid]);
  });

  it('a kid that is shown for ever is looked for every 5 minutes, another one as before', async () => {
    const { object, issuer, clock } = await settled();
    const shown = async (minutes: number) => {
      issuer.requests.length = 0;
      for (let n = 0; n < minutes * 6; n++) {
        clock.nowMs += 10 * SECOND_MS;
        await object.keysAfterUnknownKid('of-a-cluster-that-is-gone');
      }
      return issuer.requests.length / 2;
    };
    expect(await shown(11)).toBeGreaterThan(18);
    expect(await shown(20)).toBeLessThanOrEqual(5);
    issuer.requests.length = 0;
    clock.nowMs += 30 * SECOND_MS;
    await object.keysAfterUnknownKid('another');
    expect(issuer.requests.length).toBe(2);
  });

  it('a kid that no set could hold is not looked for', async () => {
    const { object, issuer } = await settled();
    await object.keysAfterUnknownKid('x'.repeat(257));
    expect(issuer.requests).toEqual([]);
  });

  it('the cool-down outlives the instance', async () => {
    const { object, issuer, clock, connect } = await settled();
    await object.keysAfterUnknownKid('random');
    await evictDurableObject(object);
    await connect();
    clock.nowMs += 29 * SECOND_MS;
    await object.keysAfterUnknownKid('another');
    expect(issuer.requests.length).toBe(2);
  });
});

/** The alarm of the IssuerKeys object, which never gives up, and the copy that it owes to KV. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { openCopy } from '../../src/platform/issuer-keys/copy.ts';
import type { IssuerKeys } from '../../src/platform/issuer-keys/object.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { createIssuer } from '../support/issuer.ts';
import { alarmAtMs, aProvider, discoveryWorld, kids, settled, withEnv } from './issuer-keys-support.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

describe('the alarm', () => {
  it.each([
    ['max-age=3600', 3_600],
    ['public, max-age=86400, must-revalidate', 3_600],
    ['max-age=900', 900],
    ['Max-Age="900"', 900],
    ['max-age=5', 300],
    ['max-age=0', 300],
    ['no-store', 300],
    ['no-cache, max-age=3600', 300],
    ['', 600],
    ['max-age=soon', 600],
    ['max-age=99999999999999999999', 600],
  ])('after "%s" comes at 80 %% of %i s, give or take a tenth', async (cacheControl, lifeSeconds) => {
    const { object, issuer, clock } = await discoveryWorld();
    issuer.cacheControl = cacheControl;
    const found = await object.keys();
    expect(found?.maxAgeSeconds).toBe(lifeSeconds);
    const waitSeconds = ((found?.nextRefreshMs ?? 0) - clock.nowMs) / 1_000;
    expect(waitSeconds).toBeGreaterThanOrEqual(lifeSeconds * 0.72 - 0.001);
    expect(waitSeconds).toBeLessThanOrEqual(lifeSeconds * 0.88 + 0.001);
    // The copy is put in the background, and the alarm is first set for its sake.
    await expect.poll(() => alarmAtMs(object)).toBe(found?.nextRefreshMs);
  });

  it('too early changes nothing', async () => {
    const { object, issuer } = await settled();
    await runDurableObjectAlarm(object);
    expect(issuer.requests).toEqual([]);
    expect(await alarmAtMs(object)).toBe((await object.keys())?.nextRefreshMs);
  });

  it('fails ten times in a row, and the eleventh still runs and finds the keys', async () => {
    const { object, issuer, key, clock } = await settled();
    const next = await createIssuer();
    issuer.discovery = () => {
      throw new TypeError('connection refused');
    };
    const waitsMs: number[] = [];
    for (let n = 1; n <= 10; n++) {
      clock.nowMs = (await alarmAtMs(object)) ?? 0;
      expect(await runDurableObjectAlarm(object)).toBe(true);
      expect((await object.status())?.failuresInARow).toBe(n);
      waitsMs.push(((await alarmAtMs(object)) ?? 0) - clock.nowMs);
    }
    expect(issuer.requests.length).toBe(10);
    const bases = [30, 60, 120, 240, 480, 900, 900, 900, 900, 900].map((seconds) => seconds * SECOND_MS);
    expect(waitsMs.every((waitMs, n) => waitMs >= (bases[n] ?? 0) && waitMs <= (bases[n] ?? 0) * 1.1)).toBe(true);
    // One event, not ten: it was the same failure.
    expect((await object.events()).filter((event) => event.what === 'failed').length).toBe(1);
    expect(await kids(object)).toEqual([key.kid]);
    issuer.behave();
    issuer.jwks = { keys: [next.publicJwk] };
    clock.nowMs = (await alarmAtMs(object)) ?? 0;
    await runDurableObjectAlarm(object);
    expect(await kids(object)).toEqual([next.kid]);
    expect(await object.status()).toMatchObject({ failuresInARow: 0 });
  });

  it('goes on while the Registry is away, and nothing is fetched meanwhile', async () => {
    const { object, issuer, key, clock, registry } = await settled();
    registry.isAway = true;
    for (let n = 0; n < 12; n++) {
      clock.nowMs = (await alarmAtMs(object)) ?? 0;
      await runDurableObjectAlarm(object);
    }
    expect(issuer.requests).toEqual([]);
    expect(await kids(object)).toEqual([key.kid]);
    expect((await object.status())?.lastError).toBe('The configuration of the project could not be read.');
    registry.isAway = false;
    clock.nowMs = (await alarmAtMs(object)) ?? 0;
    await runDurableObjectAlarm(object);
    expect(issuer.requests.length).toBe(2);
  });

  it('does not throw where the storage itself fails, and comes again', async () => {
    const { object, clock } = await settled();
    clock.nowMs += HOUR_MS;
    await runInDurableObject(object, async (instance: IssuerKeys, state) => {
      state.storage.sql.exec('ALTER TABLE issuer RENAME COLUMN failures TO lost');
      await state.storage.deleteAlarm();
      await expect(instance.alarm()).resolves.toBeUndefined();
      expect(await state.storage.getAlarm()).toBeGreaterThan(Date.now());
    });
  });

  it.each([
    ['the provider is gone', { provider: undefined }],
    ['its pool is gone', { isPoolGone: true }],
    ['its keys are uploaded now', { provider: aProvider({ keySource: 'uploaded' }) }],
  ])('ends when %s, and takes the keys along', async (_why, change) => {
    const { object, issuer, clock, registry, objectName } = await settled();
    await expect.poll(() => env.CACHE.get(`keys:${objectName}`)).not.toBeNull();
    Object.assign(registry, change);
    clock.nowMs += HOUR_MS;
    await runDurableObjectAlarm(object);
    expect(issuer.requests).toEqual([]);
    expect(await object.status()).toBeUndefined();
    expect(await object.keys()).toBeUndefined();
    expect(await alarmAtMs(object)).toBeNull();
    expect((await object.events())[0]).toMatchObject({ what: 'forgotten' });
    await expect.poll(() => env.CACHE.get(`keys:${objectName}`)).toBeNull();
  });

  it('that was lost is made good by whoever asks for keys', async () => {
    const { object, issuer, clock } = await settled();
    await runInDurableObject(object, (_instance, state) => state.storage.deleteAlarm());
    clock.nowMs += HOUR_MS;
    await object.keys();
    await expect.poll(() => issuer.requests.length).toBe(2);
    await expect.poll(() => alarmAtMs(object)).toBeGreaterThan(clock.nowMs);
  });
});

describe('the copy in KV', () => {
  const keks = readKeks(env);
  if (!keks.ok) throw new Error(keks.error);

  it('is written under our MAC after a fetch, and kept no longer than it is good', async () => {
    const { object, objectName, clock } = await settled();
    await expect.poll(() => env.CACHE.get(`keys:${objectName}`)).not.toBeNull();
    const text = (await env.CACHE.get(`keys:${objectName}`)) ?? '';
    expect(await openCopy(keks.value, objectName, text, clock.nowMs)).toEqual(await object.keys());
    expect(await openCopy(keks.value, objectName, text, clock.nowMs + 24 * HOUR_MS)).toBeUndefined();
    expect(await openCopy(keks.value, `${objectName}x`, text, clock.nowMs)).toBeUndefined();
  });

  it.each([
    ['KV throws', { CACHE: { put: async () => Promise.reject(new Error('KV PUT failed: 429')) } }],
    ['there is no KEK', { EDGE_STS_KEK: '' }],
  ])('is owed while %s, which costs nobody his keys, and made good by the alarm', async (_why, broken) => {
    const { object, objectName, key, clock } = await discoveryWorld();
    await withEnv(object, broken);
    expect((await object.keys())?.keys.map(({ kid }) => kid)).toEqual([key.kid]);
    await expect.poll(() => alarmAtMs(object)).toBe(clock.nowMs + 60 * SECOND_MS);
    await runDurableObjectAlarm(object);
    expect(await env.CACHE.get(`keys:${objectName}`)).toBeNull();
    await withEnv(object, { CACHE: env.CACHE, EDGE_STS_KEK: env.EDGE_STS_KEK });
    await runDurableObjectAlarm(object);
    expect(await env.CACHE.get(`keys:${objectName}`)).not.toBeNull();
    expect(await alarmAtMs(object)).toBe((await object.keys())?.nextRefreshMs);
  });
});

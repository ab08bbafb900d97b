/** The signer in an isolate: which key it takes, what it remembers, and when it must not trust its memory. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { beforeAll, expect, it } from 'vitest';
import type { EpochNews } from '../../src/core/news.ts';
import type { SigningAlgorithm } from '../../src/core/resources.ts';
import type { KeyRing } from '../../src/platform/keys/object.ts';
import { createSigner, type Signer } from '../../src/platform/keys/signer.ts';
import type { Keks } from '../../src/platform/secrets.ts';
import { readKeks } from '../../src/platform/settings.ts';

const PROJECT = '710001';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CLAIMS = { iss: 'https://sts.example.com/710001/pool', sub: 'ns/a/sa/b', aud: 'https://api.example.com' };

let nowMs = 0;
const ring = env.KEY_RING.getByName(PROJECT);

beforeAll(async () => {
  expect((await ring.create(PROJECT)).ok).toBe(true);
  nowMs = Date.now();
  await runInDurableObject(ring, (instance: KeyRing) => {
    instance.clock = () => nowMs;
    Reflect.set(instance, 'env', { ...env, REGISTRY: { getByName: () => ({ announce: async () => undefined }) } });
  });
});

function testKeks(): Keks {
  const keks = readKeks(env);
  if (!keks.ok) throw new Error(keks.error);
  return keks.value;
}

/** The real objects, and how often they were asked. */
function counting(): { readonly signer: Signer; readonly asked: () => number; away: boolean } {
  let asked = 0;
  const namespace = new Proxy(env.KEY_RING, {
    get(target, member) {
      if (member !== 'getByName') return Reflect.get(target, member);
      asked += 1;
      if (seen.away) throw new Error('the object is away');
      return (name: string) => target.getByName(name);
    },
  });
  const signer = createSigner({ namespace, keks: testKeks(), nowMs: () => nowMs });
  const seen = { signer, asked: () => asked, away: false };
  return seen;
}

function news(epoch: number, ...ringChangedAt: readonly number[]): EpochNews {
  const recent = Array.from({ length: epoch }, (_, index) => ({
    epoch: index + 1,
    shards: [ringChangedAt.includes(index + 1) ? `ring:${PROJECT}` : `target:${PROJECT}/t`],
  }));
  return { epoch, recent };
}

async function kidSignedBy(signer: Signer, at: EpochNews, alg: SigningAlgorithm = 'ES256'): Promise<string> {
  const signed = await signer.sign({ projectNumber: PROJECT, alg, typ: 'JWT', claims: CLAIMS, news: at });
  return signed.ok ? signed.value.kid : signed.error.tag;
}

async function activeKid(alg: SigningAlgorithm): Promise<string | undefined> {
  return (await ring.list())?.find((key) => key.alg === alg && key.state === 'ACTIVE')?.kid;
}

it('makes tokens that jose verifies from the published keys, with a header of three members', async () => {
  const { signer } = counting();
  const keys = ((await ring.publicKeys())?.keys ?? []).map((key) => ({ ...key.jwk }));
  for (const alg of ['ES256', 'RS256'] as const) {
    for (const typ of ['at+jwt', 'JWT'] as const) {
      const signed = await signer.sign({ projectNumber: PROJECT, alg, typ, claims: CLAIMS, news: news(1) });
      const { jwt, kid } = signed.ok ? signed.value : { jwt: '', kid: '' };
      expect(Object.entries(decodeProtectedHeader(jwt))).toEqual(Object.entries({ alg, kid, typ }));
      expect(kid).toBe(await activeKid(alg));
      const { payload } = await jwtVerify(jwt, createLocalJWKSet({ keys }), { typ, audience: CLAIMS.aud });
      expect(payload).toEqual(CLAIMS);
    }
  }
});

it('asks the object once, and again only when the news says that the ring changed or the list does not reach back', async () => {
  const { signer, asked } = counting();
  await kidSignedBy(signer, news(3));
  await kidSignedBy(signer, news(3), 'RS256');
  await kidSignedBy(signer, news(70));
  await kidSignedBy(signer, { epoch: 140, recent: news(140).recent.slice(-64) });
  expect(asked()).toBe(2);
  await kidSignedBy(signer, news(141, 141));
  await kidSignedBy(signer, news(142, 141));
  expect(asked()).toBe(3);
});

it('asks again after an hour, and is closed when nobody answers', async () => {
  const isolate = counting();
  const began = nowMs;
  await kidSignedBy(isolate.signer, news(1));
  nowMs = began + HOUR_MS - 1;
  await kidSignedBy(isolate.signer, news(1));
  expect(isolate.asked()).toBe(1);
  isolate.away = true;
  nowMs = began + HOUR_MS;
  expect(await kidSignedBy(isolate.signer, news(1))).toBe('unavailable');
  isolate.away = false;
  expect(await kidSignedBy(isolate.signer, news(1))).toBe(await activeKid('ES256'));
});

it('does not sign for a project without a ring, and makes none', async () => {
  const { signer } = counting();
  const signed = await signer.sign({ projectNumber: '710002', alg: 'ES256', typ: 'JWT', claims: {}, news: news(1) });
  expect(signed).toEqual({ ok: false, error: { tag: 'unavailable', dependency: 'key_ring' } });
  expect(await env.KEY_RING.getByName('710002').list()).toBeUndefined();
});

it('switches by time from memory, without asking', async () => {
  const { signer, asked } = counting();
  const [active, next] = (await ring.list()) ?? [];
  const switchMs = Date.parse(active?.signUntil ?? '');
  nowMs = switchMs - 1;
  expect(await kidSignedBy(signer, news(1))).toBe(active?.kid);
  nowMs = switchMs;
  expect(await kidSignedBy(signer, news(1))).toBe(next?.kid);
  expect(asked()).toBe(1);
});

it('leaves a distrusted key with the first news of it', async () => {
  const { signer } = counting();
  nowMs += 2 * DAY_MS;
  const before = await kidSignedBy(signer, news(5));
  expect((await ring.rotate({ alg: 'ES256', emergency: true })).ok).toBe(true);
  const after = await kidSignedBy(signer, news(6, 6));
  expect(after).not.toBe(before);
  expect(after).toBe(await activeKid('ES256'));
});

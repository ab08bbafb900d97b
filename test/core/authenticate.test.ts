/** The prefix that every way in shares: where keys come from, who is shut out, what the cluster's second opinion may do. */
import { describe, expect, it } from 'vitest';
import { authenticate } from '../../src/core/authenticate.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { ConfigView, ExchangePorts, TokenReviewInput } from '../../src/core/ports.ts';
import type { Pool, Provider, Shards } from '../../src/core/resources.ts';
import { err, ok } from '../../src/core/result.ts';
import {
  NOW_SECONDS,
  SAMPLE_KEY,
  SAMPLE_NAME,
  sampleAssertion,
  sampleClaims,
  samplePool,
  sampleProvider,
} from '../support/core-samples.ts';

interface World {
  readonly provider?: Partial<Provider>;
  readonly pool?: Partial<Pool>;
  readonly claims?: Record<string, unknown>;
  readonly target?: Shards['target'];
  readonly ports?: Partial<ExchangePorts>;
}

async function run(
  world: World = {},
): Promise<{ outcome: string; once: unknown; reviews: TokenReviewInput[]; kids: string[] }> {
  const reviews: TokenReviewInput[] = [];
  const kids: string[] = [];
  const view: ConfigView = {
    project: async () => undefined,
    pool: async () => ({ pool: samplePool(world.pool) }),
    provider: async () => ({ provider: sampleProvider(world.provider) }),
    target: async () => world.target,
    serviceAccount: async () => undefined,
    aws: async () => undefined,
    currentAt: () => true,
  };
  const result = await authenticate(sampleAssertion(sampleClaims(world.claims)), SAMPLE_NAME, 'exchange', view, {
    nowMs: () => NOW_SECONDS * 1_000,
    compiler: createPolicyCompiler(10),
    discoveredKeys: async (_name, _provider, kid) => {
      kids.push(kid);
      return ok([SAMPLE_KEY]);
    },
    verifySignature: async () => true,
    reviewToken: async (input) => {
      reviews.push(input);
      return ok(undefined);
    },
    ...world.ports,
  });
  if (result.ok) return { outcome: result.value.principal.subject, once: result.value.once, reviews, kids };
  const { error } = result;
  const outcome = error.tag === 'unverified' ? error.check : error.tag === 'unavailable' ? error.dependency : error.tag;
  return { outcome, once: undefined, reviews, kids };
}

const ADMITTED = 'ns/shop/sa/checkout';

describe('keys', () => {
  it('are the row’s own where they were uploaded, and the issuer’s where they are discovered', async () => {
    expect(await run()).toMatchObject({ outcome: ADMITTED, kids: [] });
    expect(await run({ provider: { keySource: 'discovery', keys: [] } })).toMatchObject({
      outcome: ADMITTED,
      kids: ['k1'],
    });
  });

  it('that cannot be had are 503, and pushed ones that are too old as well', async () => {
    const away = err({ tag: 'unavailable', dependency: 'issuer_keys' } as const);
    const discovery: World = {
      provider: { keySource: 'discovery', keys: [] },
      ports: { discoveredKeys: async () => away },
    };
    expect(await run(discovery)).toMatchObject({ outcome: 'issuer_keys' });
    expect(await run({ provider: { keySource: 'pushed', keysExpireAtSeconds: NOW_SECONDS } })).toMatchObject({
      outcome: 'issuer_keys',
    });
    expect(await run({ provider: { keySource: 'pushed', keysExpireAtSeconds: NOW_SECONDS + 1 } })).toMatchObject({
      outcome: ADMITTED,
    });
  });

  it('that were distrusted are so by discovery, too', async () => {
    const provider: Partial<Provider> = {
      keySource: 'discovery',
      keys: [],
      distrustedThumbprints: [SAMPLE_KEY.thumbprint],
    };
    expect(await run({ provider })).toMatchObject({ outcome: 'distrusted_key' });
  });
});

describe('a uid that is shut out', () => {
  const claims = {
    'kubernetes.io': {
      namespace: 'shop',
      serviceaccount: { name: 'checkout', uid: 'sa-uid' },
      pod: { name: 'p', uid: 'pod-uid' },
      node: { name: 'n', uid: 'node-uid' },
    },
  };
  it.each(['sa-uid', 'pod-uid', 'node-uid'])('%s, until its time', async (uid) => {
    const until = (untilSeconds: number): World => ({
      claims,
      pool: {
        deniedUids: [
          { uid: 'x', untilSeconds: NOW_SECONDS + 9 },
          { uid, untilSeconds },
        ],
      },
    });
    expect(await run(until(NOW_SECONDS + 1))).toMatchObject({ outcome: 'denied_uid' });
    expect(await run(until(NOW_SECONDS))).toMatchObject({ outcome: ADMITTED });
  });

  it('is not confused with an absent one', async () => {
    expect(await run({ pool: { deniedUids: [{ uid: '', untilSeconds: NOW_SECONDS + 1 }] } })).toMatchObject({
      outcome: ADMITTED,
    });
  });
});

it('a token that is taken once is marked by provider and jti', async () => {
  const { once } = await run({ provider: { singleUse: true }, claims: { jti: 'id-1' } });
  expect(once).toEqual({
    key: 'projects/123456789012/locations/global/workloadIdentityPools/demo.svc.id.goog/providers/cluster-a id-1',
    untilSeconds: NOW_SECONDS + 3_590,
  });
  expect((await run()).once).toBeUndefined();
});

describe('the second opinion', () => {
  const provider: Partial<Provider> = { tokenReview: { url: 'https://api.example.com', targetId: 'api' } };
  // Only the row's identity matters here.
  const target = {
    target: { targetId: 'api' },
    policy: { version: 1, revision: 0, bindings: [] },
  } as unknown as Shards['target'];

  it('is asked where it is wanted, with who the token says it is', async () => {
    const { outcome, reviews } = await run({ provider, target, claims: { jti: 'id-1' } });
    expect(outcome).toBe(ADMITTED);
    expect(reviews).toMatchObject([
      {
        token: 'header.payload.signature',
        tokenId: 'id-1',
        username: 'system:serviceaccount:shop:checkout',
        serviceAccountUid: 'uid-1',
      },
    ]);
    expect((await run({ target })).reviews).toEqual([]);
  });

  it('can refuse, and is closed where its target is gone or nobody answers', async () => {
    const no = err({ tag: 'unverified', check: 'token_review' } as const);
    const away = err({ tag: 'unavailable', dependency: 'token_review' } as const);
    expect(await run({ provider, target, ports: { reviewToken: async () => no } })).toMatchObject({
      outcome: 'token_review',
    });
    expect(await run({ provider, target, ports: { reviewToken: async () => away } })).toMatchObject({
      outcome: 'token_review',
    });
    expect(await run({ provider })).toMatchObject({ outcome: 'token_review', reviews: [] });
  });

  it('is not asked about tokens that do not even verify', async () => {
    const ports = { verifySignature: async (): Promise<boolean> => false };
    expect(await run({ provider, target, ports })).toMatchObject({ outcome: 'signature', reviews: [] });
  });
});

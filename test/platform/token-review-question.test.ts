/** What an API server is asked in a TokenReview, where, and by what credential. */
import { decodeProtectedHeader } from 'jose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Denial } from '../../src/core/denial.ts';
import { ok, type Result } from '../../src/core/result.ts';
import {
  PROJECT,
  ORIGIN,
  POOL,
  RESOURCE,
  AUDIENCES,
  URL_OF_REVIEWS,
  TARGET_URI,
  TOKEN,
  UNAVAILABLE,
  STATUS,
  clock,
  type Answering,
  reviewer,
  tokenReview,
  confirms,
  provider,
  target,
  input,
  credentialIn,
  createRing,
} from './token-review-support.ts';

beforeAll(createRing);

beforeEach(() => {
  clock.nowMs = Date.now();
});

describe('the question', () => {
  it('is one POST of a TokenReview with the token and the audiences of the provider', async () => {
    const { review, calls } = reviewer(confirms);
    expect(await review(input())).toEqual(ok(undefined));
    expect(calls.map(({ url }) => url)).toEqual([URL_OF_REVIEWS]);
    expect(calls[0]?.init).toMatchObject({ method: 'POST', redirect: 'manual' });
    expect(new Headers(calls[0]?.init.headers).get('content-type')).toBe('application/json');
    expect(calls[0]?.body).toEqual({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: TOKEN, audiences: AUDIENCES },
    });
  });

  it('names the audiences that the provider takes instead of its own name', async () => {
    const allowedAudiences = ['https://one.example.com', 'https://two.example.com'];
    const answering: Answering = (call) => tokenReview({ ...STATUS, audiences: ['https://two.example.com'] }, call);
    const { review, calls } = reviewer(answering);
    expect(await review(input({ provider: provider({ allowedAudiences }) }))).toEqual(ok(undefined));
    expect(calls[0]?.body.spec.audiences).toEqual(allowedAudiences);
  });

  it('goes to the same place whether or not the host ends in a slash', async () => {
    const { review, calls } = reviewer(confirms);
    const url = 'https://api.cluster-a.example.com/';
    await review(input({ provider: provider({ tokenReview: { url, targetId: 'cluster-a' } }) }));
    expect(calls.map((call) => call.url)).toEqual([URL_OF_REVIEWS]);
  });

  it.each([
    'http://api.cluster-a.example.com',
    'https://api.cluster-a.example.com:6443',
    'https://10.0.0.1',
    'https://2130706433',
    'https://[::1]',
    'https://kubernetes.default.svc',
    'https://kubernetes',
    'https://user:secret@api.cluster-a.example.com',
    'https://api.cluster-a.example.com/k8s',
    'https://api.cluster-a.example.com?x=1',
    'https://api.cluster-a.example.com#x',
    'https://sts.example.com',
    'http://127.0.0.1:6443',
    'file:///etc/passwd',
    '',
  ])('is never sent to %s', async (url) => {
    const { review, calls } = reviewer(confirms);
    const asked = input({ provider: provider({ tokenReview: { url, targetId: 'cluster-a' } }) });
    expect(await review(asked)).toEqual(UNAVAILABLE);
    expect(calls).toEqual([]);
  });

  it('may go to loopback in development only', async () => {
    const { review, calls } = reviewer(confirms, { loopbackAllowed: true });
    const local = provider({ tokenReview: { url: 'http://127.0.0.1:6443', targetId: 'cluster-a' } });
    expect(await review(input({ provider: local }))).toEqual(ok(undefined));
    expect(calls[0]?.url).toBe('http://127.0.0.1:6443/apis/authentication.k8s.io/v1/tokenreviews');
  });
});

describe('the credential', () => {
  it.each([
    ['ES256', 'JWT'],
    ['RS256', 'at+jwt'],
  ] as const)(
    'is a token of ours for the target alone, %s and %s as the target says, for five minutes',
    async (alg, typ) => {
      const { review, calls } = reviewer(confirms);
      await review(input({ target: target({ tokenSigningAlg: alg, tokenType: typ }) }));
      const claims = await credentialIn(calls[0], typ);
      expect(decodeProtectedHeader(calls[0]?.bearer ?? '')).toMatchObject({ alg, typ });
      const iat = Math.floor(clock.nowMs / 1_000);
      expect(claims).toEqual({
        iss: `${ORIGIN}/${PROJECT}/${POOL}`,
        sub: RESOURCE,
        aud: TARGET_URI,
        iat,
        nbf: iat,
        exp: iat + 300,
        jti: claims.jti,
        client_id: RESOURCE,
      });
    },
  );

  it('is as short as the target wants it, and another one each time', async () => {
    const { review, calls } = reviewer(confirms);
    const short = input({ target: target({ maxLifetimeSeconds: 60 }), tokenId: undefined });
    await review(short);
    await review(short);
    const [first, second] = await Promise.all(calls.map((call) => credentialIn(call, 'JWT')));
    expect((first?.exp ?? 0) - (first?.iat ?? 0)).toBe(60);
    expect(first?.jti).not.toBe(second?.jti);
  });

  it('is signed at the newest epoch; where that or the ring is away nothing is sent', async () => {
    const epochs: number[] = [];
    let newest = 7;
    const sign = async ({ news }: { news: { epoch: number } }): Promise<Result<{ jwt: string }, Denial>> => {
      epochs.push(news.epoch);
      return ok({ jwt: 'a.b.c' });
    };
    const newsOf = async () => ok({ epoch: newest, recent: [] });
    const current = reviewer(confirms, { sign, newsOf });
    await current.review(input({ tokenId: undefined }));
    newest = 8;
    await current.review(input({ tokenId: undefined }));
    expect(epochs).toEqual([7, 8]);

    const noNews = reviewer(confirms, {
      newsOf: async () => ({ ok: false, error: { tag: 'unavailable', dependency: 'quota' } }),
    });
    expect(await noNews.review(input())).toMatchObject({ ok: false, error: { tag: 'unavailable' } });
    const noRing = reviewer(confirms, {
      sign: async () => ({ ok: false, error: { tag: 'unavailable', dependency: 'key_ring' } }),
    });
    expect(await noRing.review(input())).toMatchObject({ ok: false, error: { tag: 'unavailable' } });
    expect([...noNews.calls, ...noRing.calls]).toEqual([]);
  });
});

/** TokenReview against an API server of the real shapes: what it must say, and that whatever else happens is a refusal. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Denial } from '../../src/core/denial.ts';
import type { TokenReviewInput } from '../../src/core/ports.ts';
import { ok, type Result } from '../../src/core/result.ts';
import {
  AUDIENCES,
  URL_OF_REVIEWS,
  USERNAME,
  UID,
  TOKEN,
  REFUSED,
  UNAVAILABLE,
  clock,
  type Call,
  type Answering,
  reviewer,
  tokenReview,
  USER,
  STATUS,
  confirms,
  POD_IS_GONE,
  refuses,
  provider,
  target,
  input,
  createRing,
  NAME,
} from './token-review-support.ts';

beforeAll(createRing);

beforeEach(() => {
  clock.nowMs = Date.now();
});

describe('what the cluster says', () => {
  it.each([
    ['an answer that repeats the audience', STATUS],
    ['all the audiences', { ...STATUS, audiences: AUDIENCES }],
    ['no audiences, as a server does that does not know them', { authenticated: true, user: USER }],
    ['an empty list of them', { ...STATUS, audiences: [] }],
  ])('confirms with %s', async (_what, status) => {
    expect(await reviewer((call) => tokenReview(status, call)).review(input())).toEqual(ok(undefined));
  });

  it('confirms with 200, too', async () => {
    const plain: Answering = ({ body }) => Response.json({ ...body, status: STATUS });
    expect(await reviewer(plain).review(input())).toEqual(ok(undefined));
  });

  it.each([
    ['the pod is gone', POD_IS_GONE],
    ['false, spelled out', { ...STATUS, authenticated: false }],
    ['nothing of it', { user: USER, audiences: AUDIENCES }],
    ['another uid: the ServiceAccount was made anew', { ...STATUS, user: { ...USER, uid: 'another-uid' } }],
    ['another name', { ...STATUS, user: { ...USER, username: 'system:serviceaccount:shop:checkout2' } }],
    ['a name that only begins as ours does', { ...STATUS, user: { ...USER, username: `${USERNAME} ` } }],
    ['no name', { ...STATUS, user: { uid: UID } }],
    ['no uid', { ...STATUS, user: { username: USERNAME } }],
    ['another audience', { ...STATUS, audiences: ['https://kubernetes.default.svc'] }],
    ['an audience that begins as ours does', { ...STATUS, audiences: [`${AUDIENCES[1]}x`] }],
  ])('refuses with %s', async (_what, status) => {
    expect(await reviewer((call) => tokenReview(status, call)).review(input())).toEqual(REFUSED);
  });
});

describe('no answer to what was asked is closed', () => {
  it.each<[string, Answering]>([
    ['authenticated as the text "true"', (call) => tokenReview({ ...STATUS, authenticated: 'true' }, call)],
    ['authenticated as 1', (call) => tokenReview({ ...STATUS, authenticated: 1 }, call)],
    ['authenticated as null', (call) => tokenReview({ ...STATUS, authenticated: null }, call)],
    ['no user', (call) => tokenReview({ authenticated: true }, call)],
    ['audiences as a text', (call) => tokenReview({ ...STATUS, audiences: AUDIENCES[0] }, call)],
    ['audiences that are not texts', (call) => tokenReview({ ...STATUS, audiences: [1] }, call)],
    ['no status', (call) => tokenReview(undefined, call)],
    ['another kind', (call) => tokenReview(STATUS, call, { kind: 'SubjectAccessReview' })],
    ['another version', (call) => tokenReview(STATUS, call, { apiVersion: 'authentication.k8s.io/v1beta1' })],
    ['a list', () => Response.json([STATUS])],
    ['HTML', () => new Response('<html>Sign in</html>', { headers: { 'content-type': 'text/html' } })],
    ['nothing', () => new Response(null, { status: 201 })],
    ['authenticated twice', ({ body }) => new Response(doubled(body), { status: 201 })],
    ['bytes that are no UTF-8', () => new Response(new Uint8Array([0x22, 0xff, 0x22]), { status: 201 })],
    ['401: our credential is not taken', () => statusOf(401)],
    ['403: the reviewer may not review', () => statusOf(403)],
    ['404', () => statusOf(404)],
    ['429', () => statusOf(429)],
    ['500', () => statusOf(500)],
    ['a confirmation with status 500', (call) => new Response(tokenReview(STATUS, call).body, { status: 500 })],
    ['204', () => new Response(null, { status: 204 })],
    ['no connection', () => Promise.reject(new TypeError(`fetch failed: ${TOKEN}`))],
    ['a body that breaks off', () => new Response(brokenBody(), { status: 201 })],
  ])('%s', async (_what, answering) => {
    const { review, calls } = reviewer(answering);
    expect(await review(input())).toEqual(UNAVAILABLE);
    expect(calls.length).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed: the tokens stay here', async (status) => {
    const location = { location: 'https://thief.example.net/' };
    const { review, calls } = reviewer(() => new Response(null, { status, headers: location }));
    expect(await review(input())).toEqual(UNAVAILABLE);
    expect(calls.map(({ url }) => url)).toEqual([URL_OF_REVIEWS]);
  });

  it('a body without end is left after 64 KiB', async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 8_192;
        controller.enqueue(new Uint8Array(8_192).fill(0x20));
      },
      cancel() {
        cancelled = true;
      },
    });
    const { review } = reviewer(() => new Response(endless, { status: 201 }));
    expect(await review(input())).toEqual(UNAVAILABLE);
    expect(cancelled).toBe(true);
    expect(sent).toBeLessThan(200_000);
  });

  it('64 KiB are read, a byte more is not', async () => {
    const padded = async (call: Call, bytes: number): Promise<Response> => {
      const text = await tokenReview(STATUS, call).text();
      return new Response(text.padEnd(bytes, ' '), { status: 201 });
    };
    expect(await reviewer((call) => padded(call, 65_536)).review(input())).toEqual(ok(undefined));
    expect(await reviewer((call) => padded(call, 65_537)).review(input())).toEqual(UNAVAILABLE);
  });

  it('an answer that is too late, or that drips, is not waited for', async () => {
    const timeLimitMs = 50;
    let aborted = 0;
    const hangs: Answering = ({ init }) =>
      new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => {
          aborted += 1;
          reject(new DOMException('aborted', 'AbortError'));
        });
      });
    expect(await reviewer(hangs, { timeLimitMs }).review(input())).toEqual(UNAVAILABLE);
    expect(aborted).toBe(1);
    const drips = (): Response =>
      new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { status: 201 });
    expect(await reviewer(drips, { timeLimitMs }).review(input())).toEqual(UNAVAILABLE);
  });

  function statusOf(status: number): Response {
    return Response.json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status }, { status });
  }

  function doubled(body: Call['body']): string {
    const text = JSON.stringify({ ...body, status: STATUS });
    return text.replace('"authenticated":true', '"authenticated":false,"\\u0061uthenticated":true');
  }

  function brokenBody(): ReadableStream {
    return new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"kind":'));
        controller.error(new Error('connection reset'));
      },
    });
  }
});

describe('a verdict', () => {
  it.each([
    ['confirmed', confirms, ok(undefined)],
    ['refused', refuses, REFUSED],
  ] as const)('%s serves for less than 60 s, and the cluster is asked again', async (_what, answering, verdict) => {
    const { review, calls } = reviewer(answering);
    const startMs = clock.nowMs;
    for (const afterMs of [0, 1, 59_999]) {
      clock.nowMs = startMs + afterMs;
      expect(await review(input())).toEqual(verdict);
    }
    expect(calls.length).toBe(1);
    clock.nowMs = startMs + 60_000;
    expect(await review(input())).toEqual(verdict);
    expect(calls.length).toBe(2);
    // A clock that is set back makes nothing young again.
    clock.nowMs = startMs;
    await review(input());
    expect(calls.length).toBe(3);
  });

  it('is found out within 60 s to be out of date: the pod was deleted meanwhile', async () => {
    let gone = false;
    const { review } = reviewer((call) => (gone ? refuses(call) : confirms(call)));
    expect(await review(input())).toEqual(ok(undefined));
    gone = true;
    clock.nowMs += 60_000;
    expect(await review(input())).toEqual(REFUSED);
  });

  it('is not made of a failure: the next token is asked about again', async () => {
    let down = true;
    const { review, calls } = reviewer((call) => (down ? new Response(null, { status: 503 }) : confirms(call)));
    expect(await review(input())).toEqual(UNAVAILABLE);
    down = false;
    expect(await review(input())).toEqual(ok(undefined));
    expect(calls.length).toBe(2);
  });

  it('is not kept for a token without a jti', async () => {
    const { review, calls } = reviewer(confirms);
    await review(input({ tokenId: undefined }));
    await review(input({ tokenId: undefined }));
    expect(calls.length).toBe(2);
  });

  it.each<[string, Partial<TokenReviewInput>]>([
    ['another jti', { tokenId: 'jti-2' }],
    ['another token that a thief of the key gave the same jti', { token: `${TOKEN}x` }],
    ['another ServiceAccount', { username: 'system:serviceaccount:shop:admin' }],
    ['another uid', { serviceAccountUid: 'another-uid' }],
    ['another provider', { name: { ...NAME, providerId: 'cluster-b' } }],
    ['a provider made anew under the old name', { provider: provider({ uid: 'another' }) }],
    [
      'another API server',
      { provider: provider({ tokenReview: { url: 'https://other.example.com', targetId: 'cluster-a' } }) },
    ],
    ['other audiences', { provider: provider({ allowedAudiences: [AUDIENCES[0] ?? '', 'x'] }) }],
    ['another target', { target: target({ uri: 'https://other.example.com' }) }],
  ])('is of no use for %s', async (_what, change) => {
    const { review, calls } = reviewer(confirms);
    await review(input());
    await review(input(change));
    expect(calls.length).toBe(2);
  });

  it('is forgotten when too many others come: memory is bounded', async () => {
    const sign = async (): Promise<Result<{ jwt: string }, Denial>> => ok({ jwt: 'a.b.c' });
    const { review, calls } = reviewer(confirms, { sign });
    for (let i = 0; i <= 5_000; i++) await review(input({ tokenId: `jti-${i}` }));
    expect(calls.length).toBe(5_001);
    await review(input({ tokenId: 'jti-5000' }));
    expect(calls.length).toBe(5_001);
    await review(input({ tokenId: 'jti-0' }));
    expect(calls.length).toBe(5_002);
  });
});

describe('a token', () => {
  it('is in no refusal and in no log, whatever the API server throws back', async () => {
    const spies = (['log', 'error', 'warn', 'info', 'debug'] as const).map((name) => vi.spyOn(console, name));
    const answers: Answering[] = [
      refuses,
      confirms,
      ({ body }) => new Response(body.spec.token, { status: 201 }),
      ({ body, bearer }) => Promise.reject(new Error(`${bearer} ${body.spec.token}`)),
      ({ body }) => new Response(`{"kind":"${body.spec.token}"`, { status: 500 }),
    ];
    for (const answering of answers) {
      const { review, calls } = reviewer(answering);
      const said = JSON.stringify(await review(input()));
      expect(said).not.toContain('eyJ');
      expect(calls[0]?.url).not.toContain('eyJ');
    }
    const logged = JSON.stringify(spies.flatMap((spy) => spy.mock.calls));
    for (const spy of spies) spy.mockRestore();
    expect(logged).not.toContain('eyJ');
  });
});

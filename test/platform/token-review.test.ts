/** TokenReview against an API server of the real shapes: what it must say, what is asked of it, and that whatever else happens is a refusal. */
import { env } from 'cloudflare:workers';
import { createLocalJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Denial } from '../../src/core/denial.ts';
import type { TokenReviewInput } from '../../src/core/ports.ts';
import type { Provider, Target } from '../../src/core/resources.ts';
import { ok, type Result } from '../../src/core/result.ts';
import { createSigner } from '../../src/platform/keys/signer.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { createTokenReviewer } from '../../src/platform/token-review/reviewer.ts';

const PROJECT = '730001';
const ORIGIN = 'https://sts.example.com';
const POOL = 'shop.svc.id.goog';
const NAME = { projectNumber: PROJECT, poolId: POOL, providerId: 'cluster-a' };
const RESOURCE = `projects/${PROJECT}/locations/global/workloadIdentityPools/${POOL}/providers/cluster-a`;
const AUDIENCES = [`//iam.googleapis.com/${RESOURCE}`, `https://iam.googleapis.com/${RESOURCE}`];
const URL_OF_REVIEWS = 'https://api.cluster-a.example.com/apis/authentication.k8s.io/v1/tokenreviews';
const TARGET_URI = 'https://api.cluster-a.example.com';
const USERNAME = 'system:serviceaccount:shop:checkout';
const UID = '7c1b4f2e-0000-4000-8000-000000000001';
const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzZWNyZXQiOiJtYXJrZXIifQ.c2lnbmF0dXJl';

const REFUSED = { ok: false, error: { tag: 'unverified', check: 'token_review' } };
const UNAVAILABLE = { ok: false, error: { tag: 'unavailable', dependency: 'token_review' } };

const ring = env.KEY_RING.getByName(PROJECT);
let nowMs = Date.now();

beforeAll(async () => {
  expect((await ring.create(PROJECT)).ok).toBe(true);
});

beforeEach(() => {
  nowMs = Date.now();
});

interface Call {
  readonly url: string;
  readonly init: RequestInit;
  readonly bearer: string;
  readonly body: { apiVersion: string; kind: string; spec: { token: string; audiences: string[] } };
}

type Answering = (call: Call) => Response | Promise<Response>;

/** A reviewer with the real key ring behind it, in front of an API server that answers as it is told. */
function reviewer(
  answering: Answering,
  change: Partial<Parameters<typeof createTokenReviewer>[0]> = {},
): { review: ReturnType<typeof createTokenReviewer>; calls: Call[] } {
  const calls: Call[] = [];
  const keks = readKeks(env);
  if (!keks.ok) throw new Error(keks.error);
  const signer = createSigner({ namespace: env.KEY_RING, keks: keks.value, nowMs: () => nowMs });
  const review = createTokenReviewer({
    sign: (claims) => signer.sign(claims),
    newsOf: async () => ok({ epoch: 1, recent: [] }),
    nowMs: () => nowMs,
    publicOrigin: ORIGIN,
    newTokenId: () => crypto.randomUUID(),
    loopbackAllowed: false,
    fetch: async (url, init) => {
      const headers = new Headers(init.headers);
      const bearer = (headers.get('authorization') ?? '').replace(/^Bearer /, '');
      const call = { url, init, bearer, body: JSON.parse(textOf(init.body)) as Call['body'] };
      calls.push(call);
      return answering(call);
    },
    ...change,
  });
  return { review, calls };
}

function textOf(body: unknown): string {
  if (typeof body !== 'string') throw new TypeError('the question is a text');
  return body;
}

/** As kube-apiserver answers a POST: 201, the question repeated, and the status. */
function tokenReview(status: unknown, { body }: Call, more: object = {}): Response {
  const metadata = {
    creationTimestamp: null,
    managedFields: [
      {
        manager: 'edge-sts',
        operation: 'Update',
        apiVersion: 'authentication.k8s.io/v1',
        time: '2026-07-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:audiences': {}, 'f:token': {} } },
      },
    ],
  };
  return Response.json({ ...body, metadata, status, ...more }, { status: 201 });
}

const USER = {
  username: USERNAME,
  uid: UID,
  groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
  extra: {
    'authentication.kubernetes.io/credential-id': ['JTI=3a5b0d3e-0000-4000-8000-000000000007'],
    'authentication.kubernetes.io/pod-name': ['checkout-5d9c'],
  },
};
const STATUS = { authenticated: true, user: USER, audiences: [AUDIENCES[1]] };
const confirms: Answering = (call) => tokenReview(STATUS, call);
/** What it really says of a token whose pod is gone: `authenticated` is left out. */
const POD_IS_GONE = { user: {}, error: '[invalid bearer token, service account token has been invalidated]' };
const refuses: Answering = (call) => tokenReview(POD_IS_GONE, call);

function provider(change: Partial<Provider> = {}): Provider {
  return {
    poolId: POOL,
    providerId: 'cluster-a',
    uid: 'provider-uid',
    kind: 'kubernetes',
    issuerUri: 'https://kubernetes.default.svc.cluster.local',
    clusterUri: 'https://clusters.example.com/a',
    allowedAudiences: [],
    keySource: 'uploaded',
    jwksJson: '',
    keys: [],
    keysUpdateTime: '2026-01-01T00:00:00Z',
    distrustedThumbprints: [],
    allowedJwksHosts: [],
    maxStaleSeconds: 86_400,
    pushedKeysMaxAgeSeconds: 604_800,
    newKeyHoldSeconds: 0,
    singleUse: false,
    tokenReview: { url: 'https://api.cluster-a.example.com', targetId: 'cluster-a' },
    attributeMapping: {},
    attributeCondition: '',
    allowedAlgorithms: ['RS256', 'ES256'],
    maxTokenLifetimeSeconds: 3_600,
    disabled: false,
    displayName: '',
    description: '',
    createTime: '2026-01-01T00:00:00Z',
    updateTime: '2026-01-01T00:00:00Z',
    ...change,
  };
}

function target(change: Partial<Target> = {}): Target {
  return {
    targetId: 'cluster-a',
    uid: 'target-uid',
    uri: TARGET_URI,
    displayName: '',
    resource: {},
    tags: {},
    tagIds: {},
    tokenSigningAlg: 'ES256',
    tokenType: 'JWT',
    maxLifetimeSeconds: 3_600,
    allowedScopes: [],
    createTime: '2026-01-01T00:00:00Z',
    updateTime: '2026-01-01T00:00:00Z',
    version: 1,
    ...change,
  };
}

function input(change: Partial<TokenReviewInput> = {}): TokenReviewInput {
  return {
    name: NAME,
    provider: provider(),
    target: target(),
    token: TOKEN,
    tokenId: 'jti-1',
    username: USERNAME,
    purpose: 'exchange',
    serviceAccountUid: UID,
    ...change,
  };
}

async function credentialIn(call: Call | undefined, typ: string): Promise<JWTPayload> {
  const keys = ((await ring.publicKeys())?.keys ?? []).map((key) => ({ ...key.jwk }));
  const options = { typ, issuer: `${ORIGIN}/${PROJECT}/${POOL}`, audience: TARGET_URI };
  return (await jwtVerify(call?.bearer ?? '', createLocalJWKSet({ keys }), options)).payload;
}

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
      const iat = Math.floor(nowMs / 1_000);
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
    const startMs = nowMs;
    for (const afterMs of [0, 1, 59_999]) {
      nowMs = startMs + afterMs;
      expect(await review(input())).toEqual(verdict);
    }
    expect(calls.length).toBe(1);
    nowMs = startMs + 60_000;
    expect(await review(input())).toEqual(verdict);
    expect(calls.length).toBe(2);
    // A clock that is set back makes nothing young again.
    nowMs = startMs;
    await review(input());
    expect(calls.length).toBe(3);
  });

  it('is found out within 60 s to be out of date: the pod was deleted meanwhile', async () => {
    let gone = false;
    const { review } = reviewer((call) => (gone ? refuses(call) : confirms(call)));
    expect(await review(input())).toEqual(ok(undefined));
    gone = true;
    nowMs += 60_000;
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

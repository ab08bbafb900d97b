/** A token reviewer with the real key ring behind it, an API server that answers as it is told, and inputs to change. */
import { env } from 'cloudflare:workers';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { expect } from 'vitest';
import type { TokenReviewInput } from '../../src/core/ports.ts';
import type { Provider, Target } from '../../src/core/resources.ts';
import { ok } from '../../src/core/result.ts';
import { createSigner } from '../../src/platform/keys/signer.ts';
import { readKeks } from '../../src/platform/settings.ts';
import { createTokenReviewer } from '../../src/platform/token-review/reviewer.ts';

export const PROJECT = '730001';
export const ORIGIN = 'https://sts.example.com';
export const POOL = 'shop.svc.id.goog';
export const NAME = { projectNumber: PROJECT, poolId: POOL, providerId: 'cluster-a' };
export const RESOURCE = `projects/${PROJECT}/locations/global/workloadIdentityPools/${POOL}/providers/cluster-a`;
export const AUDIENCES = [`//iam.googleapis.com/${RESOURCE}`, `https://iam.googleapis.com/${RESOURCE}`];
export const URL_OF_REVIEWS = 'https://api.cluster-a.example.com/apis/authentication.k8s.io/v1/tokenreviews';
export const TARGET_URI = 'https://api.cluster-a.example.com';
export const USERNAME = 'system:serviceaccount:shop:checkout';
export const UID = '7c1b4f2e-0000-4000-8000-000000000001';
export const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzZWNyZXQiOiJtYXJrZXIifQ.c2lnbmF0dXJl';

export const REFUSED = { ok: false, error: { tag: 'unverified', check: 'token_review' } };
export const UNAVAILABLE = { ok: false, error: { tag: 'unavailable', dependency: 'token_review' } };

const ring = env.KEY_RING.getByName(PROJECT);
/** The reviewer's hour. */
export const clock = { nowMs: Date.now() };

/** For `beforeAll` of each file: the key ring that signs the credential. */
export async function createRing(): Promise<void> {
  expect((await ring.create(PROJECT)).ok).toBe(true);
}

export interface Call {
  readonly url: string;
  readonly init: RequestInit;
  readonly bearer: string;
  readonly body: { apiVersion: string; kind: string; spec: { token: string; audiences: string[] } };
}

export type Answering = (call: Call) => Response | Promise<Response>;

/** A reviewer with the real key ring behind it, in front of an API server that answers as it is told. */
export function reviewer(
  answering: Answering,
  change: Partial<Parameters<typeof createTokenReviewer>[0]> = {},
): { review: ReturnType<typeof createTokenReviewer>; calls: Call[] } {
  const calls: Call[] = [];
  const keks = readKeks(env);
  if (!keks.ok) throw new Error(keks.error);
  const signer = createSigner({ namespace: env.KEY_RING, keks: keks.value, nowMs: () => clock.nowMs });
  const review = createTokenReviewer({
    sign: (claims) => signer.sign(claims),
    newsOf: async () => ok({ epoch: 1, recent: [] }),
    nowMs: () => clock.nowMs,
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
export function tokenReview(status: unknown, { body }: Call, more: object = {}): Response {
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

export const USER = {
  username: USERNAME,
  uid: UID,
  groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
  extra: {
    'authentication.kubernetes.io/credential-id': ['JTI=3a5b0d3e-0000-4000-8000-000000000007'],
    'authentication.kubernetes.io/pod-name': ['checkout-5d9c'],
  },
};
export const STATUS = { authenticated: true, user: USER, audiences: [AUDIENCES[1]] };
export const confirms: Answering = (call) => tokenReview(STATUS, call);
/** What it really says of a token whose pod is gone: `authenticated` is left out. */
export const POD_IS_GONE = { user: {}, error: '[invalid bearer token, service account token has been invalidated]' };
export const refuses: Answering = (call) => tokenReview(POD_IS_GONE, call);

export function provider(change: Partial<Provider> = {}): Provider {
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

export function target(change: Partial<Target> = {}): Target {
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

export function input(change: Partial<TokenReviewInput> = {}): TokenReviewInput {
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

export async function credentialIn(call: Call | undefined, typ: string): Promise<JWTPayload> {
  const keys = ((await ring.publicKeys())?.keys ?? []).map((key) => ({ ...key.jwk }));
  const options = { typ, issuer: `${ORIGIN}/${PROJECT}/${POOL}`, audience: TARGET_URI };
  return (await jwtVerify(call?.bearer ?? '', createLocalJWKSet({ keys }), options)).payload;
}

/** The whole app of `src/app.ts` in Node, over ports in memory: the rules are the real ones, and so are the subject tokens' signatures. */
import { createHash, type webcrypto } from 'node:crypto';
import { createApp } from '../../src/app.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { ConfigView } from '../../src/core/ports.ts';
import type { Pool, Provider, Target } from '../../src/core/resources.ts';
import { err, ok } from '../../src/core/result.ts';
import type { VerifySignature } from '../../src/core/verify.ts';
import { createSignatureVerifier } from '../../src/platform/issuer-keys/verify.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';
import { createMemoryAdmin } from '../support/memory-admin.ts';

declare global {
  /** Node's types have it under another name; `src/platform` is compiled against this one. */
  interface CryptoKey extends webcrypto.CryptoKey {}
}

const ORIGIN = 'https://sts.example.com';
export const ADMIN_TOKEN = 'test-only-admin-token-0123456789abcdef';
export const NOW_SECONDS = 1_800_000_000;
export const PROJECT = '100000000001';
const POOL = 'demo.svc.id.goog';
export const PROVIDER = `projects/${PROJECT}/locations/global/workloadIdentityPools/${POOL}/providers/cluster-a`;
export const AUDIENCE = `//iam.googleapis.com/${PROVIDER}`;
export const ISSUER_URI = 'https://kubernetes.default.svc.cluster.local';
export const TARGET_URI = 'https://storage.example.com';

export interface World {
  readonly issuer: Issuer;
  /** Faults that the app reported, and exceptions that ended as refusals: there must be none. */
  readonly faults: readonly string[];
  send(path: string, init: RequestInit): Promise<Response>;
  /** A fresh administration, as it was at first. */
  reset(): Promise<void>;
}

/** `verifySignature` is replaced where a test wants to see that the fuzzing finds a hole. */
export async function createWorld(verifySignature: VerifySignature = createSignatureVerifier()): Promise<World> {
  const issuer = await createIssuer('ES256', 'fuzz-key');
  const faults: string[] = [];
  const view = await configOf(issuer);
  let app = build();
  await seed();
  return {
    issuer,
    faults,
    send,
    reset: async () => {
      app = build();
      await seed();
    },
  };

  async function send(path: string, init: RequestInit): Promise<Response> {
    return app.fetch(new Request(`${ORIGIN}${path}`, init));
  }

  async function seed(): Promise<void> {
    const post = async (path: string, body: object): Promise<void> => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
      const answer = await send(path, { method: 'POST', headers, body: JSON.stringify(body) });
      if (answer.status !== 200) throw new Error(`${path}: ${await answer.text()}`);
    };
    await post('/v1/projects', { projectId: 'demo', projectNumber: PROJECT });
    await post(`/v1/projects/${PROJECT}/roles`, {
      roleId: 'reader',
      role: { includedPermissions: ['storage.objects.get'] },
    });
    await post(`/v1/projects/${PROJECT}/targets?targetId=storage`, { uri: TARGET_URI });
    await post(
      `/v1/projects/${PROJECT}/locations/global/workloadIdentityPools/${POOL}/providers?workloadIdentityPoolProviderId=cluster-a`,
      {
        kubernetes: { clusterUri: 'https://clusters.example.com/a', issuerUri: ISSUER_URI, jwksJson: issuer.jwksJson },
      },
    );
  }

  function build(): ReturnType<typeof createApp> {
    const news = { epoch: 1, recent: [] };
    let ids = 0;
    return createApp({
      exchange: {
        publicOrigin: ORIGIN,
        compiler: createPolicyCompiler(100),
        nowMs: () => NOW_SECONDS * 1_000,
        newTokenId: () => `id-${(ids += 1)}`,
        openConfig: (projectNumber) => (projectNumber === PROJECT ? view : EMPTY_VIEW),
        newsBeforeRefusal: async () => ok(news),
        discoveredKeys: async () => ok([]),
        verifySignature,
        reviewToken: async () => ok(undefined),
        spend: async () => ok({ news, usableUntilMs: NOW_SECONDS * 1_000 + 1_000 }),
        // What is signed is what is looked at here; the signer has tests of its own.
        sign: async ({ claims }) => ok({ jwt: `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.e30` }),
        failures: { blockedForSeconds: () => undefined, recordFailure: async () => undefined },
        record: (event) => {
          if (event.reason === 'internal') faults.push(`exchange: ${event.check}`);
        },
        recordPush: (event) => {
          if (event.reason === 'internal') faults.push(`push: ${event.check}`);
        },
      },
      wellKnown: {
        publicOrigin: ORIGIN,
        poolExists: async (projectNumber, poolId) => ok(projectNumber === PROJECT && poolId === POOL),
        publishedKeys: async () => ok({ keys: [] }),
      },
      admin: createMemoryAdmin(),
      authenticateAdmin: async (authorization) => {
        if (authorization === undefined) return err({ tag: 'unauthenticated' });
        return authorization === `Bearer ${ADMIN_TOKEN}` ? ok({ actor: 'bootstrap' }) : err({ tag: 'bad_credentials' });
      },
      notReadyReason: async () => undefined,
      newRequestId: () => 'request',
      reportFault: (_id, fault) => faults.push(fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)),
    });
  }
}

const TIMES = { createTime: '2026-01-01T00:00:00Z', updateTime: '2026-01-01T00:00:00Z' };
const NOTHING = async (): Promise<undefined> => undefined;
const EMPTY_VIEW: ConfigView = {
  project: NOTHING,
  pool: NOTHING,
  provider: NOTHING,
  target: NOTHING,
  currentAt: () => true,
};

/** One project, its pool, a cluster and a target that everybody of the pool may use. */
async function configOf(issuer: Issuer): Promise<ConfigView> {
  const { kty, crv, x, y } = issuer.publicJwk as Readonly<Record<'kty' | 'crv' | 'x' | 'y', string>>;
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  const provider: Provider = {
    poolId: POOL,
    providerId: 'cluster-a',
    uid: 'provider-uid',
    kind: 'kubernetes',
    issuerUri: ISSUER_URI,
    clusterUri: 'https://clusters.example.com/a',
    allowedAudiences: [],
    keySource: 'uploaded',
    jwksJson: issuer.jwksJson,
    keys: [{ kty: 'EC', kid: issuer.kid, crv, x, y, thumbprint }],
    keysUpdateTime: TIMES.updateTime,
    distrustedThumbprints: [],
    allowedJwksHosts: [],
    maxStaleSeconds: 0,
    pushedKeysMaxAgeSeconds: 0,
    newKeyHoldSeconds: 0,
    singleUse: false,
    attributeMapping: {},
    attributeCondition: '',
    allowedAlgorithms: ['ES256'],
    maxTokenLifetimeSeconds: 86_400,
    disabled: false,
    displayName: '',
    description: '',
    ...TIMES,
  };
  const pool: Pool = {
    poolId: POOL,
    uid: 'pool-uid',
    builtIn: true,
    displayName: '',
    description: '',
    disabled: false,
    deniedUids: [],
    ...TIMES,
  };
  const target: Target = {
    targetId: 'storage',
    uid: 'target-uid',
    uri: TARGET_URI,
    displayName: '',
    resource: {},
    tags: {},
    tagIds: {},
    tokenSigningAlg: 'ES256',
    tokenType: 'at+jwt',
    maxLifetimeSeconds: 3_600,
    allowedScopes: ['read'],
    version: 1,
    ...TIMES,
  };
  const everybody = `principalSet://iam.googleapis.com/projects/${PROJECT}/locations/global/workloadIdentityPools/${POOL}/*`;
  const role = 'projects/demo/roles/reader';
  const project = {
    projectNumber: PROJECT,
    projectId: 'demo',
    displayName: '',
    tokenExchangesPerMinute: 6_000,
    createTime: TIMES.createTime,
  };
  return {
    project: async () => ({
      project,
      policy: { version: 1, revision: 0, bindings: [] },
      openingRoleIds: ['reader'],
      targetIdByUri: { [TARGET_URI]: 'storage' },
    }),
    pool: async (poolId) => (poolId === POOL ? { pool } : undefined),
    provider: async (poolId, providerId) =>
      poolId === POOL && providerId === provider.providerId ? { provider } : undefined,
    target: async (targetId) =>
      targetId === 'storage'
        ? { target, policy: { version: 1, revision: 1, bindings: [{ role, members: [everybody] }] } }
        : undefined,
    currentAt: () => true,
  };
}

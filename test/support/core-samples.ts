/** Rows and tokens for tests of pure code: small, whole, and changed by what a test hands in. */
import type { UnverifiedAssertion } from '../../src/core/assertion.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Pool, Provider, PublicJwk } from '../../src/core/resources.ts';

export const NOW_SECONDS = 1_800_000_000;
export const SAMPLE_NAME = { projectNumber: '123456789012', poolId: 'demo.svc.id.goog', providerId: 'cluster-a' };
export const SAMPLE_AUDIENCE = `//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo.svc.id.goog/providers/cluster-a`;
const TIMES = { createTime: '2026-01-01T00:00:00Z', updateTime: '2026-01-01T00:00:00Z' };

export const SAMPLE_KEY: PublicJwk = { kty: 'EC', kid: 'k1', crv: 'P-256', x: 'x', y: 'y', thumbprint: 'thumb-1' };

export const samplePool = (change: Partial<Pool> = {}): Pool => ({
  poolId: SAMPLE_NAME.poolId,
  uid: 'pool-uid',
  builtIn: true,
  displayName: '',
  description: '',
  disabled: false,
  deniedUids: [],
  ...TIMES,
  ...change,
});

export const sampleProvider = (change: Partial<Provider> = {}): Provider => ({
  poolId: SAMPLE_NAME.poolId,
  providerId: SAMPLE_NAME.providerId,
  uid: 'provider-uid',
  kind: 'kubernetes',
  issuerUri: 'https://kubernetes.default.svc.cluster.local',
  clusterUri: 'https://clusters.example.com/a',
  allowedAudiences: [],
  keySource: 'uploaded',
  jwksJson: '',
  keys: [SAMPLE_KEY],
  keysUpdateTime: TIMES.updateTime,
  distrustedThumbprints: [],
  allowedJwksHosts: [],
  maxStaleSeconds: 86_400,
  pushedKeysMaxAgeSeconds: 604_800,
  newKeyHoldSeconds: 0,
  singleUse: false,
  attributeMapping: {},
  attributeCondition: '',
  allowedAlgorithms: ['RS256', 'ES256'],
  maxTokenLifetimeSeconds: 86_400,
  disabled: false,
  displayName: '',
  description: '',
  ...TIMES,
  ...change,
});

export const sampleClaims = (change: Record<string, unknown> = {}): JsonObject =>
  JSON.parse(
    JSON.stringify({
      iss: 'https://kubernetes.default.svc.cluster.local',
      aud: [SAMPLE_AUDIENCE],
      iat: NOW_SECONDS - 10,
      exp: NOW_SECONDS + 3_590,
      sub: 'system:serviceaccount:shop:checkout',
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'checkout', uid: 'uid-1' } },
      ...change,
    }),
  );

export const sampleAssertion = (
  claims: JsonObject = sampleClaims(),
  header = { alg: 'ES256', kid: 'k1' },
): UnverifiedAssertion => ({
  token: 'header.payload.signature',
  signedText: 'header.payload',
  signature: 'A'.repeat(86),
  header,
  claims,
});

/** Documents for administration tests: valid as they stand, so that each test breaks exactly one thing. */
import type { ApplyContext } from '../../src/core/admin/state.ts';
import type { Project } from '../../src/core/resources.ts';

export const PROJECT: Project = {
  projectNumber: '100000000001',
  projectId: 'demo',
  displayName: 'Demo',
  tokenExchangesPerMinute: 6_000,
  createTime: '2026-01-01T00:00:00.000Z',
};

/** Base64url of `length` bytes that begin with `first`. */
export function bytes(length: number, first = 0x80): string {
  const binary = String.fromCharCode(first).padEnd(length, '\u0007');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export const EC_KEY = { kty: 'EC', kid: 'ec-1', crv: 'P-256', x: bytes(32), y: bytes(32) };
export const RSA_KEY = { kty: 'RSA', kid: 'rsa-1', n: bytes(256), e: 'AQAB' };

export function jwks(...keys: readonly unknown[]): string {
  return JSON.stringify({ keys });
}

export const CLUSTER = {
  kubernetes: {
    clusterUri: 'https://clusters.example.com/one',
    issuerUri: 'https://kubernetes.default.svc.cluster.local',
    jwksJson: jwks(RSA_KEY),
  },
};

export const OIDC = {
  oidc: { issuerUri: 'https://issuer.example.com', jwksJson: jwks(EC_KEY) },
  attributeMapping: { 'google.subject': 'assertion.sub' },
};

/** The moment of the `epoch`-th write: one second after the one before. */
export function contextAt(epoch: number, changes: Partial<ApplyContext> = {}): ApplyContext {
  let uids = 0;
  return {
    time: new Date(Date.UTC(2026, 0, 1) + epoch * 1_000).toISOString(),
    epoch,
    newUid: () => `uid-${epoch}-${++uids}`,
    loopbackIssuersAllowed: false,
    ...changes,
  };
}

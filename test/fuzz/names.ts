/** What everything in the world is called. */
export const ORIGIN = 'https://sts.example.com';
export const ADMIN_TOKEN = 'test-only-admin-token-0123456789abcdef';
export const NOW_SECONDS = 1_800_000_000;
export const PROJECT = '100000000001';
export const POOL = `projects/${PROJECT}/locations/global/workloadIdentityPools/demo.svc.id.goog`;
export const TARGET_URI = 'https://storage.example.com';
export const API_SERVER = 'https://api.cluster.example.com';

export interface ClusterName {
  /** The provider's resource name. */
  readonly provider: string;
  /** The `audience` parameter. */
  readonly audience: string;
  readonly issuerUri: string;
}

function named(providerId: string, issuerUri: string): ClusterName {
  const provider = `${POOL}/providers/${providerId}`;
  return { provider, audience: `//iam.googleapis.com/${provider}`, issuerUri };
}

const IN_CLUSTER = 'https://kubernetes.default.svc.cluster.local';

/** One cluster for each way to keys, and for each option that looks twice at a token. */
export const CLUSTERS = {
  uploaded: named('cluster-a', IN_CLUSTER),
  discovery: named('cluster-d', 'https://issuer.example.net'),
  pushed: named('cluster-p', IN_CLUSTER),
  singleUse: named('cluster-s', IN_CLUSTER),
  reviewed: named('cluster-r', IN_CLUSTER),
} as const;

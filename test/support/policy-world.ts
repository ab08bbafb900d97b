/** One project with one target, as the edge reads them, for tests of policies: whoever asks is `somebody` of `my-pool`. */
import type { Principal } from '../../src/core/principal.ts';
import type { Binding, Shards } from '../../src/core/resources.ts';

/** 2027-01-15T08:00:00Z */
export const POLICY_NOW = 1_800_000_000;

export const rfc3339 = (seconds: number): string => new Date(seconds * 1_000).toISOString().replace('.000', '');

export const policyPrincipal: Principal = {
  provider: { projectNumber: '123456789012', poolId: 'my-pool', providerId: 'my-provider' },
  subject: 'somebody',
  groups: [],
  attributes: {},
  claims: {},
};

/** `roleIds`: the custom roles that open targets. */
export function policyWorld({
  bindings,
  roleIds,
  maxLifetimeSeconds = 3_600,
}: {
  readonly bindings: readonly Binding[];
  readonly roleIds: readonly string[];
  readonly maxLifetimeSeconds?: number;
}): { readonly project: Shards['project']; readonly target: Shards['target'] } {
  const target = {
    targetId: 'orders',
    uid: 'u',
    uri: 'https://orders.example.com',
    displayName: '',
    resource: {},
    tags: { '1/env': 'prod' },
    tagIds: {},
    tokenSigningAlg: 'ES256' as const,
    tokenType: 'at+jwt' as const,
    maxLifetimeSeconds,
    allowedScopes: [],
    version: 1,
    createTime: '',
    updateTime: '',
  };
  return {
    project: {
      project: {
        projectNumber: '123456789012',
        projectId: 'demo',
        displayName: '',
        tokenExchangesPerMinute: 1,
        createTime: '',
      },
      policy: { version: 1, revision: 0, bindings: [] },
      openingRoleIds: roleIds,
      targetIdByUri: { [target.uri]: 'orders' },
    },
    target: { target, policy: { version: 3, revision: 1, bindings } },
  };
}

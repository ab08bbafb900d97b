/** Principals of the furnished project, one of each sort of pool. */
import type { Principal } from '../../../../src/core/principal.ts';

export function samplePrincipals(): readonly Principal[] {
  const projectNumber = '100000000001';
  return [
    {
      provider: { projectNumber, poolId: 'demo.svc.id.goog', providerId: 'cluster-one' },
      subject: 'ns/shop/sa/checkout',
      groups: [],
      attributes: {},
      claims: {},
      kubernetes: {
        namespace: 'shop',
        serviceAccount: { name: 'checkout', uid: 'uid-1' },
        cluster: 'https://clusters.example.com/one',
      },
    },
    {
      provider: { projectNumber, poolId: 'ci-jobs', providerId: 'some-ci' },
      subject: 'repo:acme/app',
      groups: [],
      attributes: { repo: 'acme/app' },
      claims: {},
    },
  ];
}

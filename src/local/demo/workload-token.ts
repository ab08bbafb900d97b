/** A ServiceAccount token as a kubelet projects it into a pod (Kubernetes 1.30 and later), signed on the spot. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { DEMO_ISSUER, type DemoCluster } from './clusters.ts';

export const DEMO_NAMESPACE = 'shop';
export const DEMO_SERVICE_ACCOUNT = 'checkout';

export function signWorkloadToken(
  cluster: DemoCluster,
  audience: string,
  nowSeconds: number,
  lifetimeSeconds: number,
  serviceAccount = DEMO_SERVICE_ACCOUNT,
): Promise<string> {
  const claims = {
    'kubernetes.io': {
      namespace: DEMO_NAMESPACE,
      node: { name: 'worker-1', uid: randomUUID() },
      pod: { name: `${serviceAccount}-5d8f7c9b6-x2x7q`, uid: randomUUID() },
      serviceaccount: {
        name: serviceAccount,
        uid: serviceAccount === DEMO_SERVICE_ACCOUNT ? cluster.serviceAccountUid : randomUUID(),
      },
    },
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: cluster.kid })
    .setIssuer(DEMO_ISSUER)
    .setSubject(`system:serviceaccount:${DEMO_NAMESPACE}:${serviceAccount}`)
    .setAudience([audience])
    .setJti(randomUUID())
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + lifetimeSeconds)
    .sign(cluster.privateKey);
}

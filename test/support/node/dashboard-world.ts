/** A running broker with something to look at: a shop with clusters, a target, people who may this or that, and load when it is asked for. */
import type { BrokerOptions } from '../../../src/local/broker.ts';
import { createIssuer, type Issuer, workloadClaims } from '../issuer.ts';
import { startWorld, type World } from './demo-world.ts';

const ISSUER_URI = 'https://kubernetes.default.svc.cluster.local';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export interface ShopCluster {
  readonly id: string;
  readonly issuer: Issuer;
  readonly audience: string;
  /** A kubelet's token for this ServiceAccount. */
  token(namespace: string, serviceAccount: string): Promise<string>;
}

export interface Shop {
  readonly world: World;
  readonly origin: string;
  readonly project: string;
  readonly pool: string;
  readonly clusters: readonly ShopCluster[];
  /** `principal://…` of a ServiceAccount of the shop. */
  principal(namespace: string, serviceAccount: string): string;
  exchange(cluster: ShopCluster, namespace: string, serviceAccount: string, target?: string): Promise<number>;
  /** A token for the broker itself: with it that workload administers, if a policy lets it. */
  administratorToken(cluster: ShopCluster, namespace: string, serviceAccount: string): Promise<string>;
  grant(resource: string, bindings: readonly object[]): Promise<void>;
}

const PROJECT = 'shop';
const NUMBER = '300000000003';
const TARGET_URI = 'https://orders.example.com';

export async function startShop(
  options: BrokerOptions = {},
  names = ['eu-west', 'us-east', 'ap-south'],
): Promise<Shop> {
  const world = await startWorld(options);
  const must: World['must'] = (...call) => world.must(...call);
  const origin = world.broker.origin;
  const pool = `${PROJECT}.svc.id.goog`;
  const number = NUMBER;
  await must('POST', '/v1/projects', { projectId: PROJECT, projectNumber: number, displayName: 'Shop, production' });
  const pools = `/v1/projects/${PROJECT}/locations/global/workloadIdentityPools`;
  const clusters: ShopCluster[] = [];
  for (const id of names) {
    const issuer = await createIssuer('ES256', `${id}-2026-10`);
    const second = await createIssuer('ES256', `${id}-2026-11`);
    const audience = `//iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${pool}/providers/${id}`;
    await must('POST', `${pools}/${pool}/providers?workloadIdentityPoolProviderId=${id}`, {
      displayName: `Cluster ${id}`,
      kubernetes: {
        clusterUri: `https://clusters.example.com/${id}`,
        issuerUri: ISSUER_URI,
        jwksJson: JSON.stringify({ keys: [issuer.publicJwk, second.publicJwk] }),
      },
      attributeCondition: 'assertion["kubernetes.io"].namespace != "kube-system"',
    });
    clusters.push({
      id,
      issuer,
      audience,
      token: (namespace, serviceAccount) =>
        issuer.sign(
          workloadClaims({ issuerUri: ISSUER_URI, audience: `https:${audience}`, namespace, serviceAccount }),
        ),
    });
  }
  await must('POST', `/v1/projects/${PROJECT}/targets?targetId=orders`, { uri: TARGET_URI, displayName: 'Orders API' });
  await must('POST', `/v1/projects/${PROJECT}/roles`, {
    roleId: 'orders.reader',
    role: { title: 'Order reader', includedPermissions: ['orders.orders.get'] },
  });
  const principal = (namespace: string, serviceAccount: string): string =>
    `principal://iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${pool}/subject/ns/${namespace}/sa/${serviceAccount}`;
  const grant = async (resource: string, bindings: readonly object[]): Promise<void> => {
    await must('POST', `/v1/${resource}:setIamPolicy`, { policy: { version: 3, bindings } });
  };
  await grant(`projects/${PROJECT}/targets/orders`, [
    {
      role: `projects/${PROJECT}/roles/orders.reader`,
      members: [principal('checkout', 'api'), principal('checkout', 'worker')],
      condition: { title: 'until 2030', expression: 'request.time < timestamp("2030-01-01T00:00:00Z")' },
    },
    { role: `projects/${PROJECT}/roles/orders.reader`, members: [principal('billing', 'invoices')] },
  ]);

  const post = async (form: Record<string, string>): Promise<Response> =>
    fetch(`${origin}/v1/token`, { method: 'POST', body: new URLSearchParams({ grant_type: GRANT_TYPE, ...form }) });
  const formOf = async (
    cluster: ShopCluster,
    namespace: string,
    serviceAccount: string,
  ): Promise<Record<string, string>> => ({
    audience: cluster.audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: await cluster.token(namespace, serviceAccount),
  });
  return {
    world,
    origin,
    project: PROJECT,
    pool,
    clusters,
    principal,
    grant,
    exchange: async (cluster, namespace, serviceAccount, target = TARGET_URI) => {
      const response = await post({ ...(await formOf(cluster, namespace, serviceAccount)), resource: target });
      await response.arrayBuffer();
      return response.status;
    },
    administratorToken: async (cluster, namespace, serviceAccount) => {
      const response = await post(await formOf(cluster, namespace, serviceAccount));
      const body = (await response.json()) as { access_token?: string };
      if (body.access_token === undefined) throw new Error(`no token: ${response.status}`);
      return body.access_token;
    },
  };
}

/** So many at once, one after the other; answers how many were granted. */
export async function load(
  shop: Shop,
  exchanges: readonly (readonly [cluster: number, namespace: string, serviceAccount: string])[],
): Promise<number> {
  let granted = 0;
  for (let at = 0; at < exchanges.length; at += 20) {
    const statuses = await Promise.all(
      exchanges.slice(at, at + 20).map(([cluster, namespace, serviceAccount]) => {
        const chosen = shop.clusters[cluster];
        if (chosen === undefined) throw new Error(`no cluster ${cluster}`);
        return shop.exchange(chosen, namespace, serviceAccount);
      }),
    );
    granted += statuses.filter((status) => status === 200).length;
  }
  return granted;
}

/** Pushes through the front door: the agent that may, its token, and one push. */
import { type Answer, call, type Cluster, type Fetch, member, setPolicy, type TestProject } from './broker.ts';
import { type Issuer, workloadClaims, type WorkloadOptions } from './issuer.ts';

export const AGENT = { namespace: 'kube-system', serviceAccount: 'key-agent', uid: 'agent-uid' };

export function poolOf(cluster: Cluster): string {
  return cluster.name.slice(0, cluster.name.indexOf('/providers/'));
}

export function agentOf(project: TestProject, cluster: Cluster): string {
  return member(project, cluster.pool, 'subject/ns/kube-system/sa/key-agent');
}

/** Only these may push from now on. */
export async function allowPushes(cluster: Cluster, ...members: readonly string[]): Promise<void> {
  await setPolicy(`/v1/${poolOf(cluster)}`, [{ role: 'roles/owner', members }]);
}

/** The agent's token, signed by `issuer`: for pushing, unless `change` says otherwise. */
export async function pushToken(
  cluster: Cluster,
  change: Partial<WorkloadOptions> = {},
  issuer: Issuer = cluster.issuer,
): Promise<string> {
  const audience = `https:${cluster.audience}:pushKeys`;
  return issuer.sign(workloadClaims({ issuerUri: cluster.issuerUri, audience, ...AGENT, ...change }));
}

export async function push(
  cluster: Cluster,
  issuers: readonly Pick<Issuer, 'publicJwk'>[],
  token?: string,
  fetch?: Fetch,
): Promise<Answer> {
  const jwksJson = JSON.stringify({ keys: issuers.map((issuer) => issuer.publicJwk) });
  const headers = {
    authorization: `Bearer ${token ?? (await pushToken(cluster))}`,
    'content-type': 'application/json',
  };
  return call(`/v1/${cluster.name}:pushKeys`, { method: 'POST', headers, body: JSON.stringify({ jwksJson }) }, fetch);
}

/** One project with a target that everybody of the pool may use, the clusters of `names.ts`, and an agent that may push keys of one of them. */
import { ADMIN_TOKEN, API_SERVER, CLUSTERS, type ClusterName, POOL, PROJECT, TARGET_URI } from './names.ts';

type Send = (path: string, init: RequestInit) => Promise<Response>;

export async function seed(send: Send, jwksJson: string): Promise<void> {
  const project = `/v1/projects/${PROJECT}`;
  await post('/v1/projects', { projectId: 'demo', projectNumber: PROJECT });
  await post(`${project}/roles`, { roleId: 'reader', role: { includedPermissions: ['storage.objects.get'] } });
  await post(`${project}/targets?targetId=storage`, { uri: TARGET_URI, allowedScopes: ['read'] });
  await post(`${project}/targets?targetId=cluster`, { uri: API_SERVER, tokenType: 'JWT' });
  await post(`${project}/targets/storage:setIamPolicy`, {
    policy: {
      bindings: [{ role: 'projects/demo/roles/reader', members: [`principalSet://iam.googleapis.com/${POOL}/*`] }],
    },
  });
  await post(`/v1/${POOL}:setIamPolicy`, {
    policy: {
      bindings: [
        {
          role: 'roles/owner',
          members: [`principal://iam.googleapis.com/${POOL}/subject/ns/kube-system/sa/key-agent`],
        },
      ],
    },
  });
  await add(CLUSTERS.uploaded, jwksJson);
  await add(CLUSTERS.discovery);
  await add(CLUSTERS.pushed, jwksJson);
  await add(CLUSTERS.singleUse, jwksJson, { singleUse: true, maxTokenLifetime: '3600s' });
  await add(CLUSTERS.reviewed, jwksJson, { tokenReview: { url: API_SERVER, target: 'cluster' } });

  async function add({ provider, issuerUri }: ClusterName, keys?: string, more: object = {}): Promise<void> {
    const id = provider.slice(provider.lastIndexOf('/') + 1);
    const clusterUri = `https://clusters.example.com/${id}`;
    const kubernetes = { clusterUri, issuerUri, ...(keys === undefined ? {} : { jwksJson: keys }) };
    await post(`/v1/${POOL}/providers?workloadIdentityPoolProviderId=${id}`, { kubernetes, ...more });
  }

  async function post(path: string, body: object): Promise<void> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
    const answer = await send(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status !== 200) throw new Error(`${path}: ${await answer.text()}`);
  }
}

/** The demo project, written over REST as any administrator would. Each step may have been done before: an interrupted run goes on here. */
import type { Client, PolicyBody, Reply } from '../../client/client.ts';
import { DEMO_ISSUER, type DemoCluster } from './clusters.ts';
import { DEMO_NAMESPACE, DEMO_SERVICE_ACCOUNT } from './workload-token.ts';

export const DEMO_PROJECT_NUMBER = '100000000001';
export const DEMO_POOL_PATH = `projects/${DEMO_PROJECT_NUMBER}/locations/global/workloadIdentityPools/demo.svc.id.goog`;
export const DEMO_TARGET_URI = 'https://storage.example.com';

const PROJECT_ID = 'demo';
const POOL_ID = 'demo.svc.id.goog';
const TARGET_ID = 'storage';
const READER = 'demo.objectReader';
const STATUS_READER = 'demo.statusReader';

export async function seed(client: Client, clusters: readonly DemoCluster[]): Promise<void> {
  done(
    'project',
    await client.createProject({ projectId: PROJECT_ID, projectNumber: DEMO_PROJECT_NUMBER, displayName: 'Demo' }),
  );
  for (const cluster of clusters) done(cluster.providerId, await createCluster(client, cluster));
  done(READER, await createRole(client, READER, 'Demo object reader', ['storage.objects.get', 'storage.objects.list']));
  done(STATUS_READER, await createRole(client, STATUS_READER, 'Demo status reader', ['monitoring.status.get']));
  done('target', await createTarget(client));
  await setFirstPolicy(client, `projects/${PROJECT_ID}/targets/${TARGET_ID}`, targetPolicy());
  await setFirstPolicy(client, `projects/${PROJECT_ID}`, projectPolicy(clusters));
}

export async function isProjectMissing(client: Client): Promise<boolean> {
  const policy = await client.getIamPolicy(`projects/${PROJECT_ID}`);
  return !policy.ok && policy.error.code === 'NOT_FOUND';
}

function createCluster(client: Client, { providerId, clusterUri, jwksJson }: DemoCluster): Promise<Reply<unknown>> {
  return client.createProvider(PROJECT_ID, POOL_ID, providerId, {
    displayName: `Demo ${providerId}`,
    kubernetes: { clusterUri, issuerUri: DEMO_ISSUER, jwksJson },
  });
}

function createRole(
  client: Client,
  roleId: string,
  title: string,
  permissions: readonly string[],
): Promise<Reply<unknown>> {
  return client.createRole(PROJECT_ID, roleId, { title, includedPermissions: permissions });
}

function createTarget(client: Client): Promise<Reply<unknown>> {
  return client.createTarget(PROJECT_ID, TARGET_ID, {
    uri: DEMO_TARGET_URI,
    displayName: 'Demo object storage',
    resource: { name: 'buckets/demo', type: 'storage.example.com/Bucket', service: 'storage.example.com' },
    tags: { [`${DEMO_PROJECT_NUMBER}/env`]: 'demo' },
  });
}

/** One ServiceAccount, in whichever cluster of the pool it runs, while the condition holds. */
function targetPolicy(): PolicyBody {
  return {
    version: 3,
    bindings: [
      {
        role: `projects/${PROJECT_ID}/roles/${READER}`,
        members: [
          `principal://iam.googleapis.com/${DEMO_POOL_PATH}/subject/ns/${DEMO_NAMESPACE}/sa/${DEMO_SERVICE_ACCOUNT}`,
        ],
        condition: {
          title: 'demo-data-only',
          expression: `request.time < timestamp("2099-01-01T00:00:00Z") && resource.matchTag("${DEMO_PROJECT_NUMBER}/env", "demo")`,
        },
      },
    ],
  };
}

/** Every workload of the first cluster and none of the second, on all targets of the project. */
function projectPolicy([first]: readonly DemoCluster[]): PolicyBody {
  const members = [`principalSet://iam.googleapis.com/${DEMO_POOL_PATH}/kubernetes.cluster/${first?.clusterUri ?? ''}`];
  return { version: 1, bindings: [{ role: `projects/${PROJECT_ID}/roles/${STATUS_READER}`, members }] };
}

/** Only where there is none: what somebody has written since is not ours to overwrite. */
async function setFirstPolicy(client: Client, resource: string, policy: PolicyBody): Promise<void> {
  const current = done(`policy of ${resource}`, await client.getIamPolicy(resource));
  if ((current?.bindings ?? []).length > 0) return;
  done(`policy of ${resource}`, await client.setIamPolicy(resource, policy));
}

/** The answer, or undefined where the thing had been made before. */
function done<T>(what: string, reply: Reply<T>): T | undefined {
  if (reply.ok) return reply.value;
  const { status, code, message } = reply.error;
  if (code === 'ALREADY_EXISTS') return undefined;
  throw new Error(`${what}: ${status} ${code} ${message}`);
}

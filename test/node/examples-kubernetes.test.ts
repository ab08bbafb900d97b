/** The examples of clusters: connected from a kubeconfig, and the pods' own scripts run against a broker here. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { ExternalAccountClient } from 'google-auth-library';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApiServer, type ApiServer } from '../support/node/api-server.ts';
import {
  documentsIn,
  ISSUER_PATH,
  POOL,
  project,
  startExamples,
  type ExampleWorld,
  type PodSpec,
} from './examples-support.ts';

// The examples are curl's; a machine without it cannot run them.
const hasCurl = spawnSync('curl', ['--version']).status === 0;

let world: ExampleWorld;
beforeAll(async () => {
  world = await startExamples();
});
afterAll(async () => world?.close());
beforeEach(() => rmSync(join(world.root, 'var'), { recursive: true, force: true }));

function podOf(yaml: string): { readonly namespace: string; readonly spec: PodSpec } {
  const pod = documentsIn(yaml).find(({ kind }) => kind === 'Pod');
  if (pod?.spec === undefined) throw new Error('the example has no pod');
  return { namespace: pod.metadata.namespace, spec: pod.spec };
}

function scriptOf(spec: PodSpec, of: 'initContainers' | 'containers' = 'containers'): string {
  return world.here(spec[of]?.[0]?.args?.[0] ?? '');
}

describe.skipIf(!hasCurl)('kubeadm', () => {
  let cluster: ApiServer;
  beforeAll(async () => {
    cluster = await startApiServer();
  });
  afterAll(() => cluster.stop());

  it('connect.sh registers the cluster, and the pod calls the API', async () => {
    expect(await world.connect('kubeadm', cluster)).toMatchObject({ code: 0 });
    const { namespace, spec } = podOf(world.readExample('kubeadm/pod.yaml'));
    await project(world, cluster, namespace, spec);
    const ran = await world.run(scriptOf(spec));
    expect(ran).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.stdout)).toEqual({
      caller: 'ns/shop/sa/checkout',
      roles: ['projects/my-project/roles/orders.caller'],
    });
  });

  it('the agent pushes the keys after they have rotated, and tokens of the new key are taken', async () => {
    const job = documentsIn(world.readExample('kubeadm/push-keys.yaml')).find(({ kind }) => kind === 'CronJob');
    const spec = job?.spec?.jobTemplate?.spec.template.spec;
    if (job === undefined || spec === undefined) throw new Error('the example has no job');
    await project(world, cluster, job.metadata.namespace, spec);
    // What every pod has: the token of its own, and the authority of its API server.
    const own = join(world.root, 'var/run/secrets/kubernetes.io/serviceaccount');
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'token'), cluster.token);
    writeFileSync(join(own, 'ca.crt'), cluster.authority.certificate);
    await cluster.rotate();
    const script = scriptOf(spec).replaceAll('https://kubernetes.default.svc', cluster.url);
    expect(await world.run(script)).toMatchObject({ code: 0, stdout: expect.stringContaining('"source":"pushed"') });
    const pod = podOf(world.readExample('kubeadm/pod.yaml'));
    await project(world, cluster, pod.namespace, pod.spec);
    expect(await world.run(scriptOf(pod.spec))).toMatchObject({ code: 0 });
  });

  it('plain curl: call.sh', async () => {
    const audience = `https://iam.googleapis.com/${POOL.slice('/v1/'.length)}/providers/cluster-one`;
    const file = join(world.root, 'subject-token');
    writeFileSync(file, await cluster.project({ audience }));
    const script = world.here(world.readExample('curl/call.sh'));
    const ran = await world.run(script, { env: { EDGE_STS_SUBJECT_TOKEN_FILE: file } });
    expect(ran).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.stdout)).toMatchObject({ caller: 'ns/shop/sa/checkout' });
    writeFileSync(file, await cluster.project({ audience, serviceAccount: 'other' }));
    const refused = await world.run(script, { env: { EDGE_STS_SUBJECT_TOKEN_FILE: file } });
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).not.toContain('caller');
  });
});

/** A cluster of a cloud: what its API server says is its issuer answers on the (here: loopback) internet. */
async function startCloudCluster(): Promise<{ readonly cluster: ApiServer; readonly stop: () => void }> {
  let jwksJson = '';
  let issuer = '';
  const server: Server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(request.url === '/jwks' ? jwksJson : JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks` }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const cluster = await startApiServer(issuer);
  jwksJson = cluster.keys.jwksJson;
  return {
    cluster,
    stop: () => {
      cluster.stop();
      server.close();
      server.closeAllConnections();
    },
  };
}

const claimsFor = async (token: string, audience: string): Promise<unknown> => {
  const issuer = `${world.broker.origin}${ISSUER_PATH}`;
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'], typ: 'JWT' });
  return payload;
};

describe.skipIf(!hasCurl)('clusters of clouds, whose keys the broker fetches', () => {
  it.each([
    ['eks', 'https://sts.amazonaws.com', '/var/run/secrets/aws/token'],
    ['aks', 'api://AzureADTokenExchange', '/var/run/secrets/azure/token'],
  ])('%s: the sidecar keeps a token that the cloud will take', async (folder, audience, path) => {
    const { cluster, stop } = await startCloudCluster();
    try {
      expect(await world.connect(folder, cluster)).toMatchObject({ code: 0 });
      const { namespace, spec } = podOf(world.readExample(`${folder}/pod.yaml`));
      await project(world, cluster, namespace, spec);
      // Where it would sleep until the next one, it ends.
      expect(await world.run(scriptOf(spec, 'initContainers').replace('sleep 2880', 'exit 0'))).toMatchObject({
        code: 0,
      });
      const file = join(world.root, path);
      const claims = await claimsFor(readFileSync(file, 'utf8').trim(), audience);
      expect(claims).toMatchObject({ sub: 'ns/shop/sa/checkout', aud: audience });
      const variable = spec.containers[0]?.env?.find(({ name }) => name.endsWith('_TOKEN_FILE'))?.value;
      expect(variable).toBe(path);
    } finally {
      stop();
    }
  });

  it('what AWS and Entra are told to trust is what the tokens say', () => {
    const issuer = `sts.example.com${ISSUER_PATH}`;
    const aws = JSON.parse(world.readExample('eks/trust-policy.json')) as {
      Statement: [{ Principal: { Federated: string }; Condition: { StringEquals: Record<string, string> } }];
    };
    expect(aws.Statement[0].Principal.Federated).toMatch(new RegExp(`:oidc-provider/${issuer}$`));
    expect(aws.Statement[0].Condition.StringEquals).toEqual({
      [`${issuer}:aud`]: 'https://sts.amazonaws.com',
      [`${issuer}:sub`]: 'ns/shop/sa/checkout',
    });
    expect(JSON.parse(world.readExample('aks/federated-credential.json'))).toMatchObject({
      issuer: `https://${issuer}`,
      subject: 'ns/shop/sa/checkout',
      audiences: ['api://AzureADTokenExchange'],
    });
  });

  it("gke: Google's library takes the file of the ConfigMap and gets a token", async () => {
    const { cluster, stop } = await startCloudCluster();
    try {
      expect(await world.connect('gke', cluster)).toMatchObject({ code: 0 });
      const yaml = world.readExample('gke/pod.yaml');
      const { namespace, spec } = podOf(yaml);
      await project(world, cluster, namespace, spec);
      const variable =
        spec.containers[0]?.env?.find(({ name }) => name === 'GOOGLE_APPLICATION_CREDENTIALS')?.value ?? '';
      const [mounted = ''] = variable.split('/').slice(-1);
      const text = documentsIn(yaml).find(({ kind }) => kind === 'ConfigMap')?.data?.[mounted] ?? '';
      const client = ExternalAccountClient.fromJSON(JSON.parse(world.here(text)) as never);
      const { token } = (await client?.getAccessToken()) ?? {};
      expect(decodeJwt(String(token))).toMatchObject({ sub: 'ns/shop/sa/checkout', aud: world.broker.origin });
    } finally {
      stop();
    }
  });
});

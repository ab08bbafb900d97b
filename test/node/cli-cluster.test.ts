/** cluster connect: from a kubeconfig with a private authority to pods and clients that exchange; and what a kubeconfig must not bring about. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { ExternalAccountClient } from 'google-auth-library';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startApiServer, type ApiServer } from '../support/node/api-server.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { newAdministrator, type Person, type Ran } from './cli-support.ts';

let world: World;
let cluster: ApiServer;
let admin: Person;

beforeAll(async () => {
  world = await startWorld();
  cluster = await startApiServer();
});
afterAll(async () => {
  admin?.leave();
  cluster?.stop();
  await world?.broker.stop();
});
beforeEach(async () => {
  admin?.leave();
  admin = await newAdministrator(world.broker, 'world');
});

let count = 0;
const newId = (): string => `connected-${(count += 1)}`;

function connect(id: string, kubeconfig: string, ...more: readonly string[]): Promise<Ran> {
  const uri = `https://clusters.example.com/${id}`;
  return admin.run([
    'cluster',
    'connect',
    id,
    '--kubeconfig',
    admin.file('kubeconfig', kubeconfig),
    '--cluster-uri',
    uri,
    ...more,
  ]);
}

interface Connected {
  readonly provider: string;
  readonly issuer: string;
  readonly audience: string;
  readonly podYaml: string;
  readonly clientConfigs: { readonly google: { readonly credential_source: { file: string } }; readonly aws: string };
}

it('from the kubeconfig alone: the printed pod and the printed client configuration exchange', async () => {
  const ran = await connect(
    newId(),
    cluster.kubeconfig(),
    '--namespace',
    'shop',
    '--service-account',
    'checkout',
    '--json',
  );
  expect(ran).toMatchObject({ code: EXIT.ok });
  const { provider, issuer, podYaml, clientConfigs } = ran.json<Connected>();
  expect(issuer).toBe(cluster.issuer);
  const [config, pod] = parseAllDocuments(podYaml).map((document) => document.toJS() as never) as unknown as [
    { data: Record<string, string> },
    {
      metadata: { namespace: string };
      spec: {
        serviceAccountName: string;
        containers: { command: string[]; volumeMounts: { name: string; mountPath: string }[] }[];
        volumes: {
          name: string;
          projected?: { sources: { serviceAccountToken: { audience: string; path: string } }[] };
        }[];
      };
    },
  ];
  // What a kubelet would do with this pod.
  const source = pod.spec.volumes.find(({ name }) => name === 'token')?.projected?.sources[0]?.serviceAccountToken;
  const mount = pod.spec.containers[0]?.volumeMounts.find(({ name }) => name === 'token')?.mountPath ?? '';
  const token = await cluster.project({
    audience: source?.audience ?? '',
    namespace: pod.metadata.namespace,
    serviceAccount: pod.spec.serviceAccountName,
  });
  const root = join(admin.home, 'root');
  const tokenFile = join(root, mount, source?.path ?? '');
  mkdirSync(join(root, mount), { recursive: true });
  writeFileSync(tokenFile, token);

  // Google's file, as printed and as the pod mounts it.
  const google = clientConfigs.google;
  expect(JSON.parse(config.data['google-credentials.json'] ?? '')).toEqual(google);
  expect(google.credential_source.file).toBe(join(mount, source?.path ?? ''));
  const client = ExternalAccountClient.fromJSON({ ...google, credential_source: { file: tokenFile } } as never);
  const { token: issued } = (await client?.getAccessToken()) ?? {};
  expect(decodeJwt(String(issued))).toMatchObject({ sub: 'ns/shop/sa/checkout', client_id: provider });

  // And the pod's own command, in a root folder of its own.
  const [command = '', ...args] = pod.spec.containers[0]?.command ?? [];
  expect(command).toBe('curl');
  const here = args.map((arg) => arg.replace(`@${mount}`, `@${join(root, mount)}`));
  const answer = spawnSync(command, here, { encoding: 'utf8' });
  // A machine without curl cannot run it; that it is curl has been looked at.
  if (answer.error === undefined) expect(JSON.parse(answer.stdout)).toMatchObject({ token_type: 'Bearer' });
  expect(args.join(' ')).not.toContain(token);
});

it.each([
  ['a client certificate', (): object => userOf(cluster.authority.client('jane')), 'jane'],
  ['a token in a file', (): object => ({ tokenFile: admin.file('kube-token', `${cluster.token}\n`) }), 'token'],
])('with %s', async (_name, user, by) => {
  const ran = await connect(newId(), cluster.kubeconfig({ user: user() }), '--json');
  expect(ran).toMatchObject({ code: EXIT.ok });
  expect(cluster.asked.at(-1)).toEqual({ path: '/openid/v1/jwks', by });
});

function userOf({ certificate, key }: { certificate: string; key: string }): object {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
}

it('with the authority in a file beside the kubeconfig, and under another server name', async () => {
  admin.file('ca.crt', cluster.authority.certificate);
  const text = cluster.kubeconfig({
    cluster: {
      'certificate-authority-data': undefined,
      'certificate-authority': 'ca.crt',
      'tls-server-name': 'kubernetes',
    },
  });
  expect(await connect(newId(), text)).toMatchObject({ code: EXIT.ok });
});

it('again, after the keys have rotated: the provider is updated, and an audience that somebody set stays', async () => {
  const id = newId();
  const first = (await connect(id, cluster.kubeconfig(), '--json')).json<Connected>();
  const audiences = ['https://audience.example'];
  const had = await world.must('GET', `/v1/${first.provider}`);
  const kubernetes = { ...(had['kubernetes'] as object), allowedAudiences: audiences };
  await world.must('PATCH', `/v1/${first.provider}?updateMask=kubernetes`, { kubernetes });
  const second = await connect(id, cluster.kubeconfig(), '--json');
  expect(second.json()).toMatchObject({ action: 'updated' });
  expect(await world.must('GET', `/v1/${first.provider}`)).toMatchObject({
    kubernetes: { allowedAudiences: audiences },
  });
  const other = await startApiServer('https://other.example.com');
  const mixed = await connect(id, other.kubeconfig());
  other.stop();
  expect(mixed).toMatchObject({ code: EXIT.usage });
  expect(mixed.stderr).toContain('is another cluster');
});

it('a second cluster of the same issuer is told of where bindings do not tell them apart', async () => {
  const members = [
    `principal://iam.googleapis.com/projects/${world.projectNumber}/locations/global/workloadIdentityPools/${world.pool}/subject/ns/shop/sa/checkout`,
  ];
  await world.must('POST', '/v1/projects/world/roles', {
    roleId: 'reader',
    role: { includedPermissions: ['orders.get'] },
  });
  await world.must('POST', '/v1/projects/world:setIamPolicy', {
    policy: { bindings: [{ role: 'projects/world/roles/reader', members }] },
  });
  const ran = await connect(newId(), cluster.kubeconfig());
  expect(ran).toMatchObject({ code: EXIT.ok });
  expect(ran.stderr).toMatch(/^warning: /);
});

it('--dry-run registers nothing; --out writes the files; --discover leaves the keys out', async () => {
  const id = newId();
  expect((await connect(id, cluster.kubeconfig(), '--dry-run', '--json')).json()).toMatchObject({
    action: 'would be created',
  });
  expect(await admin.run(['get', 'provider', id])).toMatchObject({ code: EXIT.notFound });
  expect(await connect(id, cluster.kubeconfig(), '--out', 'connected')).toMatchObject({ code: EXIT.ok });
  const folder = join(admin.home, 'connected');
  expect(JSON.parse(readFileSync(join(folder, 'google-credentials.json'), 'utf8'))).toMatchObject({
    type: 'external_account',
  });
  expect(readFileSync(join(folder, 'pod.yaml'), 'utf8')).toContain('serviceAccountToken');
  expect(readFileSync(join(folder, 'aws-config'), 'utf8')).toContain('web_identity_token_file');
  const discovered = await startApiServer('https://issuer.example.com');
  const ran = await connect(newId(), discovered.kubeconfig(), '--discover', '--json');
  discovered.stop();
  expect(ran.json()).toMatchObject({ keySource: 'discovery' });
});

it('a login program is not run unless by leave, and then without a shell', async () => {
  const mark = join(admin.home, 'it-ran');
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: cluster.token },
  };
  const script = `require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env));console.log(${JSON.stringify(JSON.stringify(credential))})`;
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: process.execPath,
    args: ['-e', script, mark, '; touch pwned'],
  };
  const refused = await connect(newId(), cluster.kubeconfig({ user: { exec } }));
  expect(refused).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(refused.stderr).toContain('--allow-exec');
  expect(existsSync(mark)).toBe(false);
  const id = newId();
  const kubeconfig = admin.file('kubeconfig', cluster.kubeconfig({ user: { exec } }));
  const uri = `https://clusters.example.com/${id}`;
  const allowed = await admin.run(
    ['cluster', 'connect', id, '--kubeconfig', kubeconfig, '--cluster-uri', uri, '--allow-exec'],
    { env: { EDGE_STS_TOKEN: world.broker.adminToken } },
  );
  expect(allowed).toMatchObject({ code: EXIT.ok });
  const env = JSON.parse(readFileSync(mark, 'utf8')) as Record<string, string>;
  expect(JSON.parse(env['KUBERNETES_EXEC_INFO'] ?? '')).toMatchObject({ kind: 'ExecCredential' });
  expect(JSON.stringify(env)).not.toContain(world.broker.adminToken);
  expect(existsSync(join(admin.home, 'pwned'))).toBe(false);
  const token = admin.file('kube-token', cluster.token);
  expect(await connect(newId(), cluster.kubeconfig({ user: { exec } }), '--kube-token-file', token)).toMatchObject({
    code: EXIT.ok,
  });
});

it('keys from a connection that proves nothing are not taken', async () => {
  const insecure = cluster.kubeconfig({
    cluster: { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true },
  });
  expect((await connect(newId(), insecure)).stderr).toContain('insecure-skip-tls-verify');
  const unknown = cluster.kubeconfig({ cluster: { 'certificate-authority-data': undefined } });
  expect(await connect(newId(), unknown)).toMatchObject({ code: EXIT.unavailable });
  const wrongName = cluster.kubeconfig({ cluster: { 'tls-server-name': 'another.example' } });
  expect(await connect(newId(), wrongName)).toMatchObject({ code: EXIT.unavailable });
  const plain = cluster.kubeconfig({ cluster: { server: 'http://cluster.example.com' } });
  expect(await connect(newId(), plain)).toMatchObject({ code: EXIT.usage });
  expect((await admin.run(['get', 'provider', `connected-${count}`])).code).toBe(EXIT.notFound);
});

it.each([
  ['no YAML', 'a: [', 'is not YAML'],
  ['something else', 'kind: Pod', 'is no kubeconfig'],
  ['no such context', 'kind: Config\ncurrent-context: x\ncontexts: [{name: y, context: {}}]', 'contexts: y'],
])('a kubeconfig that is %s', async (_name, text, said) => {
  const ran = await connect(newId(), text);
  expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(ran.stderr).toContain(said);
});

it('an API server that does not know the user says what right is missing', async () => {
  const ran = await connect(newId(), cluster.kubeconfig({ user: { token: 'wrong' } }));
  expect(ran).toMatchObject({ code: EXIT.refused });
  expect(ran.stderr).toContain('system:service-account-issuer-discovery');
});

it('the printed configurations stand by themselves too', async () => {
  const google = await admin.run(['create-cred-config', 'google', world.audience, '--credential-source-file', '/t']);
  expect(JSON.parse(google.stdout)).toMatchObject({ audience: world.audience, credential_source: { file: '/t' } });
  const byId = await admin.run([
    'create-cred-config',
    'google',
    `provider/${world.audience.split('/').at(-1)}`,
    '--credential-source-file',
    '/t',
  ]);
  expect(byId.stdout).toBe(google.stdout);
  const arn = 'arn:aws:iam::123456789012:role/orders';
  const aws = await admin.run([
    'create-cred-config',
    'aws',
    '--role-arn',
    arn,
    '--web-identity-token-file',
    '/t',
    '--through-broker',
  ]);
  expect(aws.stdout).toContain(`role_arn = ${arn}\nweb_identity_token_file = /t\n`);
  expect(aws.stdout).toContain(`endpoint_url = ${world.broker.origin}/aws/sts\n`);
  const forged = await admin.run([
    'create-cred-config',
    'aws',
    '--role-arn',
    arn,
    '--web-identity-token-file',
    '/t\ncredential_process = sh',
  ]);
  expect(forged).toMatchObject({ code: EXIT.usage, stdout: '' });
});

/** `cluster connect`: from a kubeconfig alone to a cluster whose pods can exchange. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { isResource, type Resource } from '../../client/administration.ts';
import { kindOf } from '../../client/kinds.ts';
import { cell } from '../columns.ts';
import { awsProfile, googleConfig, kubernetesAudience, podYaml, TOKEN_FILE } from '../client-configs.ts';
import { connect, needProject, type Connection } from '../connection.ts';
import { addExamples } from '../examples.ts';
import { usageFault } from '../fault.ts';
import { readClusterKeys, type ClusterKeys } from '../kube/api-server.ts';
import { runExec } from '../kube/exec-credential.ts';
import { readKubeconfig, type KubeCluster } from '../kube/kubeconfig.ts';
import { print } from '../output.ts';
import { startProgress } from '../progress.ts';
import { poolIn, type PlaceOptions } from '../references.ts';
import { answered } from '../reply.ts';
import { readTokenFile } from '../secret-input.ts';
import { tellWarnings } from '../warnings.ts';
import type { CliWorld } from '../world.ts';

interface ConnectOptions extends PlaceOptions {
  readonly kubeconfig?: string;
  readonly kubeContext?: string;
  readonly kubeTokenFile?: string;
  readonly allowExec?: true;
  readonly clusterUri?: string;
  readonly discover?: true;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly resource?: string;
  readonly roleArn?: string;
  readonly dryRun?: true;
  readonly out?: string;
}

export function clusterCommand(program: Command, world: CliWorld): void {
  const cluster = program.command('cluster').description('Kubernetes clusters: let their pods exchange.');
  addExamples(cluster, 'edge-sts cluster connect cluster-one -p my-project');
  const command = cluster
    .command('connect')
    .description(
      "Take a cluster's issuer and keys from its API server, register it as a provider, and print what its pods need.",
    )
    .argument('<provider>', "the provider's id, such as cluster-one")
    .option('--kubeconfig <file>', 'how the cluster is reached (KUBECONFIG, then ~/.kube/config)')
    .option('--kube-context <name>', 'the context in it (the current one)')
    .option(
      '--kube-token-file <file>',
      'ask the API server with this token instead of what the kubeconfig says; - is stdin',
    )
    .option('--allow-exec', 'run the login program that the kubeconfig names')
    .option('--pool <id>', "the pool to register it in (the project's own, PROJECT.svc.id.goog)")
    .option(
      '--cluster-uri <uri>',
      'your own name for the cluster, which policies can ask for (its API server, unless said)',
    )
    .option('--discover', 'let the broker fetch the keys from the issuer, which must be on the public internet')
    .option('--namespace <name>', 'of the pod to print', 'default')
    .option('--service-account <name>', 'of the pod to print', 'default')
    .option('--resource <uri>', 'the target that the pod is to get a token for (the broker itself)')
    .option('--role-arn <arn>', 'of the AWS profile to print')
    .option('--out <folder>', 'write pod.yaml, google-credentials.json and aws-config there as well')
    .option('--dry-run', 'register nothing; say what would be registered')
    .action((providerId: string) => connectCluster(command, world, providerId));
  addExamples(
    command,
    'edge-sts cluster connect cluster-one -p my-project --namespace shop --service-account checkout',
    'edge-sts cluster connect eks -p my-project --kube-context prod --discover --allow-exec --out connected/',
  );
}

async function connectCluster(command: Command, world: CliWorld, providerId: string): Promise<void> {
  const options = command.opts<ConnectOptions>();
  if (!/^[a-z0-9-]{4,32}$/.test(providerId)) throw usageFault('A provider id is 4 to 32 of a-z, 0-9 and -.');
  const connection = await connect(command, world);
  const progress = startProgress(world);
  try {
    const takesUser = options.kubeTokenFile === undefined;
    const read = readKubeconfig(kubeconfigPath(world, options), options.kubeContext, takesUser);
    const cluster = await asWhom(world, read, options);
    progress.say(`Asking ${cluster.server.host}`);
    const keys = await readClusterKeys(cluster);
    progress.say('Registering the provider');
    const body = bodyOf(cluster, keys, options);
    const { provider, action } = await register(connection, world, providerId, body, options);
    progress.end();
    tell(command, world, { connection, cluster, keys, provider, action, options });
  } finally {
    progress.end();
  }
}

function kubeconfigPath({ env, home, cwd }: CliWorld, { kubeconfig }: ConnectOptions): string {
  const fromEnvironment = env['KUBECONFIG'] || undefined;
  if (kubeconfig === undefined && fromEnvironment?.includes(':') === true) {
    throw usageFault('KUBECONFIG names several files; name the one with --kubeconfig FILE.');
  }
  return resolve(cwd, kubeconfig ?? fromEnvironment ?? join(home, '.kube', 'config'));
}

async function asWhom(world: CliWorld, cluster: KubeCluster, options: ConnectOptions): Promise<KubeCluster> {
  const { kubeTokenFile, allowExec } = options;
  if (kubeTokenFile !== undefined) return { ...cluster, user: { token: await readTokenFile(world, kubeTokenFile) } };
  const { exec } = cluster.user;
  if (exec === undefined) return cluster;
  return { ...cluster, user: { ...cluster.user, ...runExec(exec, allowExec === true, world.env) } };
}

function bodyOf({ server }: KubeCluster, { issuer, jwksJson }: ClusterKeys, options: ConnectOptions): Resource {
  return {
    kubernetes: {
      clusterUri: options.clusterUri ?? server.href.replace(/\/$/, ''),
      issuerUri: issuer,
      ...(options.discover === true ? {} : { jwksJson }),
    },
  };
}

interface Registered {
  /** With the project's number. */
  readonly provider: string;
  readonly action: 'created' | 'updated' | 'would be created' | 'would be updated';
}

async function register(
  connection: Connection,
  world: CliWorld,
  providerId: string,
  body: Resource,
  options: ConnectOptions,
): Promise<Registered> {
  const { administration } = connection;
  const project = needProject(connection);
  const pool = await poolIn(connection, options);
  const parent = `projects/${project}/locations/global/workloadIdentityPools/${pool}`;
  // Its name has the project's number, which is what tokens and clients hold.
  const { name: poolName } = answered(`get ${parent}`, await administration.get(parent));
  const provider = `${cell(poolName)}/providers/${providerId}`;
  const found = await administration.get(provider);
  if (!found.ok && found.error.status !== 404) throw answeredFault(provider, found);
  if (found.ok) checkSameCluster(provider, found.value, body);
  if (options.dryRun === true) return { provider, action: found.ok ? 'would be updated' : 'would be created' };
  const reply = found.ok
    ? await administration.patch(provider, overlaid(found.value, body), ['kubernetes'])
    : await administration.create(kindOf('provider'), `${cell(poolName)}/providers`, providerId, body);
  tellWarnings(world, answered(`register ${provider}`, reply));
  return { provider, action: found.ok ? 'updated' : 'created' };
}

/** What else somebody has said of the cluster, such as its audiences, stays. */
function overlaid({ kubernetes: before }: Resource, { kubernetes: now }: Resource): Resource {
  const { jwksJson: _keys, ...kept }: Resource = isResource(before) ? before : {};
  return { kubernetes: { ...kept, ...(isResource(now) ? now : {}) } };
}

function answeredFault(provider: string, reply: Parameters<typeof answered>[1]): never {
  answered(`get ${provider}`, reply);
  throw new Error('a refusal is no answer');
}

/** Under the same name another cluster would inherit the first one's bindings. */
function checkSameCluster(provider: string, found: Resource, { kubernetes }: Resource): void {
  if (found['state'] === 'DELETED')
    throw usageFault(`${provider} is deleted; bring it back first: edge-sts undelete ${provider}`);
  const [before, now] = [found['kubernetes'], kubernetes].map((one) =>
    typeof one === 'object' && one !== null ? one : {},
  );
  for (const member of ['issuerUri', 'clusterUri'] as const) {
    const [had, has] = [before, now].map((one) =>
      cell(Object.entries(one ?? {}).find(([name]) => name === member)?.[1]),
    );
    if (had !== has)
      throw usageFault(
        `${provider} is another cluster: its ${member} is ${had}, this one's ${has}.`,
        'Choose another id, or say the same --cluster-uri.',
      );
  }
}

interface Told {
  readonly connection: Connection;
  readonly cluster: KubeCluster;
  readonly keys: ClusterKeys;
  readonly provider: string;
  readonly action: Registered['action'];
  readonly options: ConnectOptions;
}

function tell(command: Command, world: CliWorld, { connection, cluster, keys, provider, action, options }: Told): void {
  const { namespace, serviceAccount, resource, roleArn, out } = options;
  const caller = { server: connection.server, provider };
  const pod = podYaml({ ...caller, namespace, serviceAccount, ...(resource === undefined ? {} : { resource }) });
  const google = googleConfig(caller, TOKEN_FILE);
  const aws = awsProfile({
    profile: 'edge-sts',
    roleArn: roleArn ?? 'arn:aws:iam::ACCOUNT:role/ROLE',
    tokenFile: '/var/run/secrets/edge-sts-aws/token',
    region: 'us-east-1',
  });
  if (out !== undefined) {
    const folder = resolve(world.cwd, out);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'pod.yaml'), pod);
    writeFileSync(join(folder, 'google-credentials.json'), `${JSON.stringify(google, null, 2)}\n`);
    writeFileSync(join(folder, 'aws-config'), aws);
  }
  const { issuer, kids } = keys;
  print(command, world, {
    value: {
      provider,
      action,
      issuer,
      kids,
      audience: kubernetesAudience(provider),
      keySource: options.discover === true ? 'discovery' : 'uploaded',
      podYaml: pod,
      clientConfigs: { google, aws },
    },
    names: [provider],
    text: (paint) =>
      [
        `${paint('green', `provider ${action}`)}: ${provider}`,
        `  cluster   ${cluster.clusterName} (${cluster.server.href})`,
        `  issuer    ${issuer}`,
        `  keys      ${kids.join(', ')}`,
        '',
        paint('bold', '# A pod that exchanges: kubectl apply -f -'),
        pod,
        paint('bold', "# Google's clients: GOOGLE_APPLICATION_CREDENTIALS"),
        JSON.stringify(google, null, 2),
        '',
        paint(
          'bold',
          '# AWS: ~/.aws/config, with `edge-sts exchange --resource https://sts.amazonaws.com --out … --watch` beside it',
        ),
        aws,
        ...(options.discover === true ? [] : [KEYS_STALE]),
        '',
      ].join('\n'),
  });
}

const KEYS_STALE =
  '# The keys are as they are now. When the cluster rotates them: run this again, let an agent push them, or use --discover.';

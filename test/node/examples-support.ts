/** A broker for the examples: their project, their target with a resource server behind it, and a folder in place of a pod's root. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { parseAllDocuments } from 'yaml';
import type { ApiServer } from '../support/node/api-server.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { BINARY } from './cli-support.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const NUMBER = '123456789012';
export const ISSUER_PATH = `/${NUMBER}/my-project.svc.id.goog`;
const POOLS = `/v1/projects/${NUMBER}/locations/global/workloadIdentityPools`;
export const POOL = `${POOLS}/my-project.svc.id.goog`;

export interface ExampleWorld extends World {
  /** A folder in place of a pod's root. */
  readonly root: string;
  /** What stands for https://orders.example.com; says who called. */
  readonly api: string;
  /** A text of an example, with the names of this test in place of the example's. */
  here(text: string): string;
  readExample(path: string): string;
  run(
    script: string,
    options?: { readonly env?: Readonly<Record<string, string>>; readonly shell?: string },
  ): Promise<Ran>;
  /** A folder's connect.sh (which applies its edge-sts.yaml where there is one), by an administrator whose kubeconfig reaches the cluster. */
  connect(folder: string, cluster: ApiServer): Promise<Ran>;
  /** A folder's edge-sts.yaml, with what is changed in it. */
  apply(folder: string, change?: (text: string) => string): Promise<Ran>;
  close(): Promise<void>;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function startExamples(): Promise<ExampleWorld> {
  const world = await startWorld();
  const root = mkdtempSync(join(tmpdir(), 'edge-sts-examples-'));
  mkdirSync(join(root, 'tmp'));
  const { server, url: api } = await startApi(world);
  await world.must('POST', '/v1/projects', { projectId: 'my-project', projectNumber: NUMBER });
  const here = (text: string): string =>
    text
      .replaceAll('https://sts.example.com', world.broker.origin)
      .replaceAll('https://orders.example.com', api)
      .replaceAll(/(?<=^|[\s@=:"])\/(?=(var\/run|tmp|etc)\/)/gm, `${root}/`);
  const administrator = {
    EDGE_STS: `${process.execPath} ${BINARY}`,
    EDGE_STS_SERVER: world.broker.origin,
    EDGE_STS_TOKEN: world.broker.adminToken,
    EDGE_STS_PROJECT: 'my-project',
  };
  /** An example's folder, with the names of this test in it. */
  const copyOf = (folder: string): string => {
    const copy = join(root, 'examples', folder);
    mkdirSync(copy, { recursive: true });
    for (const name of readdirSync(join(EXAMPLES, folder))) {
      writeFileSync(join(copy, name), here(readFileSync(join(EXAMPLES, folder, name), 'utf8')));
    }
    return copy;
  };
  const run: ExampleWorld['run'] = (script, { env = {}, shell = 'sh' } = {}) => spawnShell(script, shell, root, env);
  return {
    ...world,
    root,
    api,
    here,
    readExample: (path) => readFileSync(join(EXAMPLES, path), 'utf8'),
    run,
    connect: (folder, cluster) => {
      const kubeconfig = join(root, `${folder}.kubeconfig`);
      writeFileSync(kubeconfig, cluster.kubeconfig(), { mode: 0o600 });
      return run(`sh ${copyOf(folder)}/connect.sh`, { env: { ...administrator, KUBECONFIG: kubeconfig } });
    },
    apply: (folder, change = (text) => text) => {
      const file = join(copyOf(folder), 'edge-sts.yaml');
      writeFileSync(file, change(readFileSync(file, 'utf8')));
      return run(`$EDGE_STS apply -f ${file}`, { env: administrator });
    },
    close: async () => {
      server.close();
      await world.broker.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A resource server of its own: it knows the issuer and its own name, and nothing of the broker. */
async function startApi(world: World): Promise<{ readonly server: Server; readonly url: string }> {
  const issuers = [`${world.broker.origin}${ISSUER_PATH}`, `${world.broker.origin}/${NUMBER}/github`];
  let url = '';
  const server = createServer((request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    void Promise.any(
      issuers.map(async (issuer) => {
        const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
        return (await jwtVerify(token, keys, { issuer, audience: url })).payload;
      }),
    ).then(
      ({ sub, roles }) => response.end(JSON.stringify({ caller: sub, roles })),
      () => response.writeHead(401).end(),
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return { server, url };
}

const TIMEOUT_MS = 30_000;

function spawnShell(script: string, shell: string, root: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  // As `command: [sh, -ec]` of a pod, and `shell: bash` of a workflow, have it.
  const flags = shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail', '-c'] : ['-ec'];
  const child = spawn(shell, [...flags, script], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', HOME: root, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export interface PodDocument {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly metadata: { readonly namespace: string };
  readonly spec?: PodSpec & {
    readonly jobTemplate?: { readonly spec: { readonly template: { readonly spec: PodSpec } } };
  };
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly projected?: {
      readonly sources: readonly {
        readonly serviceAccountToken: { readonly audience: string; readonly path: string };
      }[];
    };
  }[];
}

interface Container {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export function documentsIn(yaml: string): readonly PodDocument[] {
  return parseAllDocuments(yaml).map((document) => document.toJS() as PodDocument);
}

/** What a kubelet does for a pod: the projected token, where the pod mounts it; and the folders of its other volumes. */
export async function project(
  world: ExampleWorld,
  cluster: ApiServer,
  namespace: string,
  spec: PodSpec,
): Promise<void> {
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const { name, mountPath } of container.volumeMounts) {
      const folder = join(world.root, mountPath);
      mkdirSync(folder, { recursive: true });
      const source = spec.volumes.find((volume) => volume.name === name)?.projected?.sources[0]?.serviceAccountToken;
      if (source === undefined) continue;
      const path = join(folder, source.path);
      mkdirSync(dirname(path), { recursive: true });
      const { serviceAccountName: serviceAccount } = spec;
      writeFileSync(path, await cluster.project({ audience: source.audience, namespace, serviceAccount }));
    }
  }
}

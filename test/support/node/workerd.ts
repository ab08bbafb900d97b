/** The built bundle in plain workerd, without any platform around it: eval is as forbidden here as it is in production. */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unstable_readConfig as readConfig } from 'wrangler';
import { WRANGLER_CONFIG } from '../../../src/local/bundle.ts';
import { LOOPBACK, probePort } from '../../../src/local/port.ts';
import { hearForTheSearch } from './demo-world.ts';

export interface PlainWorkerd {
  readonly origin: string;
  /** Everything written to stdout and stderr so far. */
  output(): string;
  stop(): Promise<void>;
}

/** Several Workers of one bundle, each an isolate of its own with an address of its own, over the objects of one more. */
export interface Edges extends PlainWorkerd {
  readonly edges: readonly string[];
}

interface Layout {
  /** The module that owns the objects, which may wrap their classes; it finds the bundle beside it as `./bundle.js`. */
  readonly owner?: string;
  readonly edges: number;
}

const BUNDLE = 'bundle.js';
const OWNER = 'owner.js';

/** `variables` sees the origin, for PUBLIC_ORIGIN must be the address served. */
export async function startPlainWorkerd(
  bundle: string,
  variables: (origin: string) => Readonly<Record<string, string>>,
): Promise<PlainWorkerd> {
  return start(bundle, variables, { edges: 0 });
}

/** `origin` is the owner's. */
export async function startEdges(
  bundle: string,
  variables: (origin: string) => Readonly<Record<string, string>>,
  layout: Layout,
): Promise<Edges> {
  return start(bundle, variables, layout);
}

async function start(
  bundle: string,
  variables: (origin: string) => Readonly<Record<string, string>>,
  { owner = `export * from './${BUNDLE}'; export { default } from './${BUNDLE}';`, edges: count }: Layout,
): Promise<Edges> {
  const ports: number[] = [];
  while (ports.length <= count) {
    const port = await probePort(0);
    if (port === undefined) throw new Error('no free port');
    if (!ports.includes(port)) ports.push(port);
  }
  const [origin = '', ...edges] = ports.map((port) => `http://${LOOPBACK}:${port}`);
  const folder = mkdtempSync(join(tmpdir(), 'edge-sts-workerd-'));
  mkdirSync(join(folder, 'objects'));
  copyFileSync(bundle, join(folder, BUNDLE));
  writeFileSync(join(folder, OWNER), owner);
  writeFileSync(join(folder, 'kv.js'), KV_WORKER);
  writeFileSync(join(folder, 'config.capnp'), capnpConfig(ports, join(folder, 'objects'), variables(origin)));
  // `--experimental`: the SQLite storage of objects on disk asks for it.
  const child = spawn(workerdBinary(), ['serve', '--experimental', join(folder, 'config.capnp')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const stop = async (): Promise<void> => {
    await end(child);
    for (const line of output.split('\n')) hearForTheSearch(line);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const address of [origin, ...edges]) await untilListening(address, child, () => output);
    return { origin, edges, output: () => output, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

const START_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;

async function untilListening(origin: string, child: ChildProcess, output: () => string): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_WITHIN_MS && child.exitCode === null; waitedMs += LOOK_EVERY_MS) {
    const answered = await fetch(`${origin}/healthz`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`workerd did not start:\n${output()}`);
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
}

/** The very binary that the embedded platform runs. */
function workerdBinary(): string {
  const fromHere = createRequire(import.meta.url);
  const path: unknown = createRequire(fromHere.resolve('miniflare'))('workerd');
  const named: unknown = typeof path === 'object' && path !== null && 'default' in path ? path.default : path;
  if (typeof named !== 'string') throw new Error('the workerd package did not say where its binary is');
  return named;
}

interface WranglerConfig {
  readonly compatibility_date: string;
  readonly compatibility_flags: readonly string[];
  readonly durable_objects: { readonly bindings: readonly { readonly name: string; readonly class_name: string }[] };
  readonly kv_namespaces: readonly { readonly binding: string }[];
}

/** Bindings, date and flags are those of wrangler.toml; the rate limiters are left out, for plain workerd has none. The first port is the owner's. */
function capnpConfig(
  ports: readonly number[],
  objectsFolder: string,
  variables: Readonly<Record<string, string>>,
): string {
  // wrangler's own declaration of this type does not come with the package.
  const config: WranglerConfig = readConfig({ config: WRANGLER_CONFIG });
  const { compatibility_date: date, compatibility_flags: flags, durable_objects: objects } = config;
  const names = ports.map((_, at) => (at === 0 ? 'owner' : `edge${at}`));
  const bindings = (objectsOf: (className: string) => string): string =>
    [
      ...Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
      ...objects.bindings.map(
        (one) => `(name = ${text(one.name)}, durableObjectNamespace = ${objectsOf(one.class_name)})`,
      ),
      ...config.kv_namespaces.map((one) => `(name = ${text(one.binding)}, kvNamespace = "kv")`),
    ].join(', ');
  const classes = objects.bindings.map(
    ({ class_name: name }) => `(className = ${text(name)}, uniqueKey = ${text(`test-${name}`)}, enableSql = true)`,
  );
  const module = (name: string): string => `(name = ${text(name)}, esModule = embed ${text(name)})`;
  const common = `compatibilityDate = ${text(date)}, compatibilityFlags = [${flags.map(text).join(', ')}]`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${names.map((name, at) => `(name = ${text(name)}, worker = ${at === 0 ? '.owner' : '.edge'})`).join(', ')},
    (name = "kv", worker = (compatibilityDate = ${text(date)}, modules = [${module('kv.js')}])),
    (name = "objects", disk = (path = ${text(objectsFolder)}, writable = true)),
  ],
  sockets = [${ports
    .map(
      (port, at) =>
        `(name = "http${at}", address = ${text(`${LOOPBACK}:${port}`)}, http = (), service = ${text(names[at] ?? '')})`,
    )
    .join(', ')}],
);
const owner :Workerd.Worker = (
  ${common},
  modules = [${module(OWNER)}, ${module(BUNDLE)}],
  durableObjectNamespaces = [${classes.join(', ')}],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [${bindings(text)}],
);
const edge :Workerd.Worker = (
  ${common},
  modules = [${module(BUNDLE)}],
  bindings = [${bindings((name) => `(className = ${text(name)}, serviceName = "owner")`)}],
);
`;
}

/** JSON's escapes are those of the configuration language. */
function text(value: string): string {
  return JSON.stringify(value);
}

/** KV as workerd asks for it over HTTP; the values live as long as this process. */
const KV_WORKER = `const values = new Map();
export default {
  async fetch(request) {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.slice(1));
    if (request.method === 'PUT') {
      values.set(key, { bytes: await request.arrayBuffer(), metadata: request.headers.get('CF-KV-Metadata') });
      return new Response(null, { status: 204 });
    }
    if (request.method === 'DELETE') {
      values.delete(key);
      return new Response(null, { status: 204 });
    }
    if (request.method !== 'GET') return new Response('not spoken here', { status: 501 });
    const value = values.get(key);
    if (value === undefined) return new Response('no such key', { status: 404 });
    return new Response(value.bytes, value.metadata === null ? {} : { headers: { 'CF-KV-Metadata': value.metadata } });
  },
};
`;

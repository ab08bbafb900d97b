/** The built bundle in plain workerd, without any platform around it: eval is as forbidden here as it is in production. */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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

/** `variables` sees the origin, for PUBLIC_ORIGIN must be the address served. */
export async function startPlainWorkerd(
  bundle: string,
  variables: (origin: string) => Readonly<Record<string, string>>,
): Promise<PlainWorkerd> {
  const port = await probePort(0);
  if (port === undefined) throw new Error('no free port');
  const origin = `http://${LOOPBACK}:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'edge-sts-workerd-'));
  mkdirSync(join(folder, 'objects'));
  copyFileSync(bundle, join(folder, basename(bundle)));
  writeFileSync(join(folder, 'kv.js'), KV_WORKER);
  writeFileSync(
    join(folder, 'config.capnp'),
    capnpConfig(basename(bundle), port, join(folder, 'objects'), variables(origin)),
  );
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
    await untilListening(origin, child, () => output);
    return { origin, output: () => output, stop };
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

/** Bindings, date and flags are those of wrangler.toml; the rate limiters are left out, for plain workerd has none. */
function capnpConfig(
  bundle: string,
  port: number,
  objectsFolder: string,
  variables: Readonly<Record<string, string>>,
): string {
  // wrangler's own declaration of this type does not come with the package.
  const config: WranglerConfig = readConfig({ config: WRANGLER_CONFIG });
  const { compatibility_date: date, compatibility_flags: flags } = config;
  const bindings = [
    ...Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...config.durable_objects.bindings.map(
      (one) => `(name = ${text(one.name)}, durableObjectNamespace = ${text(one.class_name)})`,
    ),
    ...config.kv_namespaces.map((one) => `(name = ${text(one.binding)}, kvNamespace = "kv")`),
  ];
  const classes = config.durable_objects.bindings.map(
    ({ class_name: name }) => `(className = ${text(name)}, uniqueKey = ${text(`test-${name}`)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "kv", worker = (compatibilityDate = ${text(date)}, modules = [(name = "kv.js", esModule = embed "kv.js")])),
    (name = "objects", disk = (path = ${text(objectsFolder)}, writable = true)),
  ],
  sockets = [(name = "http", address = ${text(`${LOOPBACK}:${port}`)}, http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = ${text(date)},
  compatibilityFlags = [${flags.map(text).join(', ')}],
  modules = [(name = ${text(bundle)}, esModule = embed ${text(bundle)})],
  durableObjectNamespaces = [${classes.join(', ')}],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [${bindings.join(', ')}],
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

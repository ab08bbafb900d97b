/** Plain workerd, as tests and benchmarks run it: its binary, its configuration from wrangler.toml, a KV in memory, and how it is waited for. */
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { unstable_readConfig as readConfig } from 'wrangler';
import { WRANGLER_CONFIG } from '../../../src/local/bundle.ts';
import { LOOPBACK } from '../../../src/local/port.ts';

/** The bundle's name beside the configuration. */
export const BUNDLE = 'bundle.js';
/** The name of the module that owns the objects. */
export const OWNER = 'owner.js';
export const PLAIN_OWNER = `export * from './${BUNDLE}'; export { default } from './${BUNDLE}';`;

const START_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;

export async function untilListening(origin: string, child: ChildProcess, output: () => string): Promise<void> {
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

export function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
}

/** The very binary that the embedded platform runs. */
export function workerdBinary(): string {
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
export function capnpConfig(
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
export const KV_WORKER = `const values = new Map();
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

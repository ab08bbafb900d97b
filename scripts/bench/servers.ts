/** What is measured, each in a process of its own on loopback: plain workerd with one Worker, or a peer in Node or Go. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOOPBACK, probePort } from '../../src/local/port.ts';
import {
  BUNDLE,
  capnpConfig,
  end,
  KV_WORKER,
  OWNER,
  PLAIN_OWNER,
  workerdBinary,
} from '../../test/support/node/workerd-config.ts';

export interface Server {
  readonly port: number;
  readonly origin: string;
  readonly pid: number;
  /** Where V8's inspector listens, if it was asked for. */
  readonly inspectorPort?: number;
  /** From the start of the process until it answered. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export interface BrokerServer extends Server {
  readonly edgePorts: readonly number[];
  /** The same state, in a fresh process. */
  restart(): Promise<void>;
}

interface Options {
  readonly inspected?: boolean;
  /** All threads of the process on this one core. */
  readonly core?: number | undefined;
  /** The module that owns the objects; it finds the bundle beside it. */
  readonly owner?: string;
  readonly kv?: string;
  /** Isolates of their own over the same objects. */
  readonly edges?: number;
}

export async function freePort(): Promise<number> {
  const port = await probePort(0);
  if (port === undefined) throw new Error('no free port');
  return port;
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'edge-sts-bench-'));
}

/** The broker with its objects on disk and a KV in memory, as `wrangler.toml` binds them. */
export async function startBroker(
  bundle: string,
  variables: (origin: string) => Readonly<Record<string, string>>,
  { inspected = false, owner = PLAIN_OWNER, kv = KV_WORKER, edges = 0, core }: Options = {},
): Promise<BrokerServer> {
  const port = await freePort();
  const edgePorts: number[] = [];
  for (let at = 0; at < edges; at += 1) edgePorts.push(await freePort());
  const folder = newFolder();
  mkdirSync(join(folder, 'objects'));
  copyFileSync(bundle, join(folder, BUNDLE));
  writeFileSync(join(folder, OWNER), owner);
  writeFileSync(join(folder, 'kv.js'), kv);
  const config = join(folder, 'config.capnp');
  writeFileSync(
    config,
    capnpConfig([port, ...edgePorts], join(folder, 'objects'), variables(`http://${LOOPBACK}:${port}`)),
  );
  let running = await startWorkerd(config, port, inspected, core);
  return {
    port,
    edgePorts,
    origin: running.origin,
    get pid() {
      return running.pid;
    },
    get startMs() {
      return running.startMs;
    },
    get inspectorPort() {
      return running.inspectorPort ?? 0;
    },
    async restart() {
      await running.stop();
      running = await startWorkerd(config, port, inspected, core);
    },
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A Worker that needs nothing but variables. */
export async function startWorker(
  bundle: string,
  variables: Readonly<Record<string, string>>,
  { inspected = false, core }: Options = {},
): Promise<Server> {
  const port = await freePort();
  const folder = newFolder();
  copyFileSync(bundle, join(folder, BUNDLE));
  const config = join(folder, 'config.capnp');
  const bindings = Object.entries(variables).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  );
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "${LOOPBACK}:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-07-01",
  modules = [(name = "${BUNDLE}", esModule = embed "${BUNDLE}")],
  bindings = [${bindings.join(', ')}],
);
`,
  );
  const running = await startWorkerd(config, port, inspected, core);
  return {
    ...running,
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startWorkerd(config: string, port: number, inspected: boolean, core?: number): Promise<Server> {
  const inspectorPort = inspected ? await freePort() : undefined;
  const inspector = inspectorPort === undefined ? [] : [`--inspector-addr=${LOOPBACK}:${inspectorPort}`];
  // `--experimental`: the SQLite storage of objects on disk asks for it.
  const command = ['serve', '--experimental', ...inspector, config];
  const server = await startProcess(workerdBinary(), command, port, { core });
  return { ...server, ...(inspectorPort === undefined ? {} : { inspectorPort }) };
}

interface ProcessOptions {
  readonly input?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly core?: number | undefined;
}

/** The audit lines go to /dev/null: what is measured is making and writing them, not a pipe's reader. */
export async function startProcess(
  command: string,
  args: readonly string[],
  port: number,
  { input = '', variables = {}, core }: ProcessOptions = {},
): Promise<Server> {
  const startedMs = performance.now();
  // `taskset` becomes the command that it is given, and keeps its id.
  const [program = command, ...its] = core === undefined ? [command] : ['taskset', '-c', String(core), command];
  const child: ChildProcess = spawn(program, [...its, ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, ...variables },
  });
  child.stdin?.end(input);
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-MAX_COMPLAINTS)));
  try {
    await untilOpen(port, child);
  } catch {
    await end(child);
    throw new Error(`${command} did not start:\n${complaints}`);
  }
  const startMs = performance.now() - startedMs;
  return { port, origin: `http://${LOOPBACK}:${port}`, pid: child.pid ?? 0, startMs, stop: () => end(child) };
}

const START_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 1;

/** Connects and says nothing, so that the first request is still to come. */
async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_WITHIN_MS && child.exitCode === null; waitedMs += LOOK_EVERY_MS) {
    if (await isOpen(port)) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error('nobody listens');
}

function isOpen(port: number): Promise<boolean> {
  const socket = connect({ host: LOOPBACK, port });
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

const MAX_COMPLAINTS = 4_000;

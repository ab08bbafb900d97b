/** The broker on wrangler's embedded platform: the deployable bundle, the bindings of wrangler.toml, loopback only. `npm start` and the tests use it. */
import { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Miniflare, MiniflareOptions } from 'miniflare';
import { buildBundle, QUIET_WRANGLER, WRANGLER_CONFIG } from './bundle.ts';
import { BrokerFault } from './fault.ts';
import { LOOPBACK, probePort } from './port.ts';

export interface BrokerOptions {
  /** Where KV and Durable Objects are kept; absent: a folder of its own that `stop` removes. */
  readonly platformPath?: string;
  /** Absent: any free one. */
  readonly port?: number;
  /** Absent: made up. */
  readonly kek?: string;
  readonly adminToken?: string;
  /** More variables and secrets, or others in place of those set here. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly onLine?: LineListener;
  readonly onDiagnostic?: LineListener;
  /** Hears the process id of the Workers runtime, of each new one where it had to be started again. For one broker in a process. */
  readonly onRuntime?: (pid: number) => void;
}

type LineListener = (line: string) => void;

export interface Broker {
  readonly origin: string;
  readonly adminToken: string;
  /** Each line that the Worker writes to stdout, exactly as it is. The function that is given back ends it. */
  onLine(listener: LineListener): () => void;
  /** Warnings and errors: the Worker's stderr. */
  onDiagnostic(listener: LineListener): () => void;
  stop(): Promise<void>;
}

export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const main = await buildBundle();
  const lines = new Listeners(options.onLine);
  const diagnostics = new Listeners(options.onDiagnostic);
  const own = options.platformPath === undefined ? mkdtempSync(join(tmpdir(), 'edge-sts-')) : undefined;
  const adminToken = options.adminToken ?? randomBytes(32).toString('base64url');
  const removeOwn = (): void => {
    if (own !== undefined) rmSync(own, { recursive: true, force: true });
  };
  const unwatch = watchRuntime(options.onRuntime);
  try {
    const { origin, platform } = await servePlatform(options.port, async (port) => ({
      main,
      port,
      persistPath: options.platformPath ?? join(own ?? '', 'platform'),
      variables: {
        PUBLIC_ORIGIN: originOf(port),
        EDGE_STS_DEVELOPMENT: 'true',
        EDGE_STS_KEK: options.kek ?? randomBytes(32).toString('base64'),
        EDGE_STS_ADMIN_TOKEN: adminToken,
        ...options.variables,
      },
      onLog: ({ level, message }) => (level === 'warn' || level === 'error' ? diagnostics : lines).tell(message),
    }));
    return {
      origin,
      adminToken,
      onLine: (listener) => lines.add(listener),
      onDiagnostic: (listener) => diagnostics.add(listener),
      stop: async () => {
        // The platform drops its pipe when it ends; what was written a moment ago is still on its way through it.
        await sleep(LAST_LINES_MS);
        await platform.dispose();
        unwatch();
        removeOwn();
      },
    };
  } catch (fault) {
    unwatch();
    removeOwn();
    throw fault;
  }
}

const LAST_LINES_MS = 50;
const FREE_PORT_ATTEMPTS = 5;

interface Served {
  readonly main: string;
  readonly port: number;
  readonly persistPath: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly onLog: NonNullable<MiniflareOptions['handleStructuredLogs']>;
}

/** The address must be known before the Worker starts, for it is part of what it signs: a port is found first, then taken. */
async function servePlatform(
  wanted: number | undefined,
  describe: (port: number) => Promise<Served>,
): Promise<{ readonly origin: string; readonly platform: Miniflare }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await probePort(wanted ?? 0);
    if (port === undefined) throw portTaken(wanted ?? 0);
    try {
      return { origin: originOf(port), platform: await serve(await describe(port)) };
    } catch (fault) {
      if (!isAddressInUse(fault)) throw fault;
      // Somebody was faster between finding and taking.
      if (wanted !== undefined || attempt === FREE_PORT_ATTEMPTS) throw portTaken(port);
    }
  }
}

async function serve(served: Served): Promise<Miniflare> {
  Object.assign(process.env, QUIET_WRANGLER);
  // Loaded late: wrangler reads its environment while it loads, and takes a second that `--help` does not need.
  const { unstable_getMiniflareWorkerOptions: readWorkerOptions } = await import('wrangler');
  const { convertV4MiniflareOptions, Miniflare: Platform, NoOpLog } = await import('miniflare');
  const { modulesRules: _, ...worker } = readWorkerOptions(WRANGLER_CONFIG).workerOptions;
  const keepSignals = rememberSignalListeners();
  const platform = new Platform(
    convertV4MiniflareOptions({
      ...worker,
      name: 'edge-sts',
      modules: true,
      scriptPath: served.main,
      modulesRoot: dirname(served.main),
      bindings: Object.assign({}, worker.bindings, served.variables),
      host: LOOPBACK,
      port: served.port,
      cf: false,
      log: new NoOpLog(),
      logRequests: false,
      telemetry: { enabled: false },
      resourcePersistencePath: served.persistPath,
      handleStructuredLogs: served.onLog,
    }),
  );
  keepSignals();
  try {
    await platform.ready;
    return platform;
  } catch (fault) {
    await platform.dispose().catch(() => undefined);
    throw fault;
  }
}

const RUNTIME_NAME = /^workerd(\.exe)?$/;

/**
 * The platform keeps its process to itself, but Node tells of every one that is started. It is heard of before the runtime has its whole
 * configuration, which is longer than the pipe it comes through: before it can touch what is stored.
 */
function watchRuntime(tell: ((pid: number) => void) | undefined): () => void {
  if (tell === undefined) return () => undefined;
  const hear = (message: unknown): void => {
    const child = typeof message === 'object' && message !== null && 'process' in message ? message.process : undefined;
    if (!(child instanceof ChildProcess)) return;
    child.once('spawn', () => {
      if (child.pid !== undefined && RUNTIME_NAME.test(basename(child.spawnfile))) tell(child.pid);
    });
  };
  subscribe('child_process', hear);
  return () => void unsubscribe('child_process', hear);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The platform ends the process with 128 + n on a signal; here whoever started the broker decides how it ends. Its exit hook stays. */
function rememberSignalListeners(): () => void {
  const before = SIGNALS.map((signal) => ({ signal, listeners: process.listeners(signal) }));
  return () => {
    for (const { signal, listeners } of before) {
      for (const added of process.listeners(signal)) if (!listeners.includes(added)) process.off(signal, added);
    }
  };
}

function originOf(port: number): string {
  return `http://${LOOPBACK}:${port}`;
}

function portTaken(port: number): BrokerFault {
  return new BrokerFault(`Port ${port} is taken or not allowed; choose another one: PORT=${port + 1} npm start`);
}

function isAddressInUse(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && fault.code === 'ERR_ADDRESS_IN_USE';
}

class Listeners {
  readonly #all = new Set<LineListener>();

  constructor(first: LineListener | undefined) {
    if (first !== undefined) this.add(first);
  }

  add(listener: LineListener): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  tell(line: string): void {
    for (const listener of this.#all) listener(line);
  }
}

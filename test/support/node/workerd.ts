/** The built bundle in plain workerd, without any platform around it: eval is as forbidden here as it is in production. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOOPBACK, probePort } from '../../../src/local/port.ts';
import { hearForTheSearch } from './demo-world.ts';
import {
  BUNDLE,
  capnpConfig,
  end,
  KV_WORKER,
  OWNER,
  PLAIN_OWNER,
  untilListening,
  workerdBinary,
} from './workerd-config.ts';

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
  { owner = PLAIN_OWNER, edges: count }: Layout,
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

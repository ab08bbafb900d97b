/** Asks the load generator, which is another process, for one stretch of load. */
import { fork, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface LoadOrder {
  readonly port: number;
  /** A file of whole HTTP requests, each in base64 on its line. */
  readonly poolPath: string;
  readonly connections: number;
  readonly durationMs: number;
  /** Paced instead of as fast as it goes. */
  readonly perSecond?: number;
}

export interface LoadResult {
  readonly requests: number;
  /** By quota, of a paced load; they count among the requests. */
  readonly refused: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export interface LoadGenerator {
  drive(order: LoadOrder): Promise<LoadResult>;
  stop(): void;
}

/** Our own, or autocannon in its place: the same requests, and figures to hold the others against. */
export function startLoadGenerator(withAutocannon = false): LoadGenerator {
  const name = withAutocannon ? 'load-autocannon.mjs' : 'load-generator.ts';
  const child: ChildProcess = fork(fileURLToPath(new URL(name, import.meta.url)));
  return {
    drive: (order) =>
      new Promise((resolve, reject) => {
        child.once('message', (said: LoadResult | { readonly fault: string }) => {
          if ('fault' in said) reject(new Error(said.fault));
          else resolve(said);
        });
        child.send(order);
      }),
    stop: () => child.disconnect(),
  };
}

export interface FormRequest {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

/** As a client sends it, byte for byte. */
export function writePool(path: string, requests: readonly FormRequest[]): void {
  const lines = requests.map(({ path: target, headers = {}, form }) => {
    const body = new URLSearchParams(form).toString();
    const all = {
      Host: '127.0.0.1',
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': String(Buffer.byteLength(body)),
      ...headers,
    };
    const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`POST ${target} HTTP/1.1\r\n${head.join('')}\r\n${body}`).toString('base64');
  });
  writeFileSync(path, lines.join('\n'));
}

/** The real binary, as somebody runs it: a process of its own, a home folder of its own, nothing of this machine's settings. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BINARY = fileURLToPath(new URL('../../scripts/edge-sts.mjs', import.meta.url));

/** Of all persons together, as one person's own is to him: each test starts dozens of processes. */
const COMPILE_CACHE = fileURLToPath(new URL('../../.wrangler/compiled', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of `--json`, in the shape that the test knows it to have. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a cast at each call says no more
  json<T = Record<string, unknown>>(): T;
}

export interface Person {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Started and not waited for. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** A file in the home folder; its path. */
  file(name: string, text: string, mode?: number): string;
  leave(): void;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  stdout(): string;
  stderr(): string;
}

export function newPerson(more: Readonly<Record<string, string>> = {}): Person {
  const home = mkdtempSync(join(tmpdir(), 'edge-sts-person-'));
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, TZ: 'UTC', NODE_COMPILE_CACHE: COMPILE_CACHE, ...more };
  const start = (args: readonly string[], options: RunOptions = {}): Running => {
    const child = spawn(process.execPath, [BINARY, ...args], {
      cwd: options.cwd ?? home,
      env: { ...env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.end(options.input ?? '');
    const ended = new Promise<Ran>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- see above
        resolve({ code, stdout, stderr, json: <T>() => JSON.parse(stdout) as T });
      });
    });
    return { child, ended, stdout: () => stdout, stderr: () => stderr };
  };
  return {
    home,
    env,
    start,
    run: (args, options) => start(args, options).ended,
    file: (name, text, mode = 0o600) => {
      const path = join(home, name);
      writeFileSync(path, text, { mode });
      return path;
    },
    leave: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** An administrator who has logged in. */
export async function newAdministrator(
  broker: { readonly origin: string; readonly adminToken: string },
  project: string,
): Promise<Person> {
  const person = newPerson();
  const token = person.file('token', `${broker.adminToken}\n`);
  const ran = await person.run(['login', broker.origin, '--token-file', token, '-p', project]);
  if (ran.code !== 0) throw new Error(`login ended with ${ran.code}: ${ran.stderr}`);
  return person;
}

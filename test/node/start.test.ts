/** `npm start` as a person meets it: the demo, the printed curl, Ctrl-C, and a second start that finds the first one's state. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LOOPBACK, probePort } from '../../src/local/port.ts';

const START = fileURLToPath(new URL('../../src/local/start.ts', import.meta.url));
const WAIT_MS = 40_000;

let stateFolder = '';
let running: Start[] = [];
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), 'edge-sts-start-'));
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.end('SIGTERM')));
  running = [];
  rmSync(stateFolder, { recursive: true, force: true });
});

interface Start {
  readonly origin: string;
  readonly stdout: () => string;
  readonly stderr: () => string;
  until(text: string): Promise<void>;
  /** The exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Start> {
  const port = env['PORT'] ?? String(await probePort(0));
  const child: ChildProcess = spawn(process.execPath, [START, ...args], {
    env: { ...process.env, EDGE_STS_STATE: stateFolder, PORT: port, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => void child.once('close', resolve));
  const one: Start = {
    origin: `http://${LOOPBACK}:${port}`,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    until: async (text) => {
      for (let waitedMs = 0; !stdout.includes(text); waitedMs += 50) {
        if (waitedMs > WAIT_MS || child.exitCode !== null) throw new Error(`no ${text} in:\n${stdout}\n${stderr}`);
        await sleep(50);
      }
    },
    end: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
  running.push(one);
  return one;
}

/** What the last line that starts with curl does; by curl itself where the machine has one. */
async function pasted(line: string): Promise<{ readonly access_token: string }> {
  const [, url = '', body = ''] = /^curl -sS (\S+) -d '([^']*)'$/.exec(line) ?? [];
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const byFetch = (await (await fetch(url, { method: 'POST', headers, body })).json()) as { access_token: string };
  if (spawnSync('curl', ['--version']).status !== 0) return byFetch;
  const { stdout } = spawnSync('sh', ['-c', line], { encoding: 'utf8', env: { ...process.env, no_proxy: '*' } });
  return JSON.parse(stdout) as { access_token: string };
}

function curlLine(stdout: string): string {
  return stdout.split('\n').findLast((line) => line.startsWith('curl -sS http')) ?? '';
}

async function publishedKeys(origin: string): Promise<unknown> {
  return (await fetch(`${origin}/100000000001/demo.svc.id.goog/jwks`)).json();
}

test('demo, curl, Ctrl-C, and the same state again', async () => {
  const first = await start([]);
  await first.until("/v1/token -d '");
  expect(first.stderr()).toBe('');
  const out = first.stdout();
  expect(out).toContain('ns/shop/sa/checkout');
  expect(out).toContain('demo.objectReader');
  expect(out).toContain('"aud": "https://storage.example.com"');
  expect(out).toMatch(/quota +\d+ used, \d+ left/);
  expect(out).not.toContain('\u001B[');
  expect(out).toMatch(/let in by +a binding on +projects\/100000000001\/targets\/storage\n/);
  expect(out).toMatch(/of the role +projects\/demo\/roles\/demo\.objectReader\n +on condition +demo-data-only\n/);
  expect(out).toContain('The JSON line above is its audit line');
  expect(out).toMatch(/cluster-b .* has the same issuer, https:\/\/kubernetes\.default\.svc\.cluster\.local/);

  const auditLines = out.split('\n').filter((line) => line.startsWith('{"event":"exchange"'));
  expect(auditLines).toHaveLength(1);
  expect(JSON.parse(auditLines[0] ?? '')).toMatchObject({
    outcome: 'granted',
    project: '100000000001',
    provider: expect.stringMatching(/\/providers\/cluster-a$/),
  });

  const { access_token: token } = await pasted(curlLine(out));
  expect(decodeJwt(token)).toMatchObject({
    iss: `${first.origin}/100000000001/demo.svc.id.goog`,
    sub: 'ns/shop/sa/checkout',
  });

  const kek = readFileSync(join(stateFolder, 'kek'), 'utf8');
  const adminToken = readFileSync(join(stateFolder, 'admin-token'), 'utf8').trim();
  expect(out).not.toContain(adminToken);
  expect(out).not.toContain(kek.trim());
  const keys = await publishedKeys(first.origin);
  expect(await first.end('SIGINT')).toBe(0);
  expect(readdirSync(stateFolder).toSorted()).toEqual([
    '.edge-sts-lock',
    '.edge-sts-tmp',
    'admin-token',
    'demo',
    'kek',
    'platform',
  ]);
  for (const name of readdirSync(stateFolder, { recursive: true, encoding: 'utf8' })) {
    expect([name, statSync(join(stateFolder, name)).mode & 0o077]).toEqual([name, 0]);
  }

  const second = await start(['--no-demo'], { PORT: new URL(first.origin).port });
  await second.until('serves');
  await expect.poll(() => fetch(`${second.origin}/readyz`).then((one) => one.status), { timeout: WAIT_MS }).toBe(200);
  expect(await publishedKeys(second.origin)).toEqual(keys);
  expect(second.stdout()).not.toContain('"event"');
  expect(await second.end('SIGTERM')).toBe(0);
});

test('a broker on a folder that is in use is refused, whatever its port, and during the start of the first one too', async () => {
  const both = await Promise.all([start(['--no-demo']), start(['--no-demo'])]);
  const refused = await Promise.race(both.map((one) => one.exited.then((code) => ({ one, code }))));
  expect(refused.code).toBe(1);
  expect(refused.one.stderr()).toMatch(/^Another broker.* is using the state folder .*\n$/);
  const serving = both.find((one) => one !== refused.one);
  await serving?.until('serves');
  const third = await start([]);
  expect(await third.exited).toBe(1);
  expect(third.stderr()).toContain(`(${serving?.origin}, process `);
});

test('a broker that is killed leaves no second one on the folder: the next start ends its runtime and takes its port', async () => {
  const first = await start([]);
  await first.until("/v1/token -d '");
  const keys = await publishedKeys(first.origin);
  await first.end('SIGKILL');
  const alive = await fetch(`${first.origin}/healthz`).then((one) => one.status);
  expect(alive).toBe(200);

  const second = await start([], { PORT: new URL(first.origin).port });
  await second.until("/v1/token -d '");
  expect(second.stderr()).toBe('');
  expect(second.stdout()).toMatch(
    /^A broker that was killed had left its runtime behind \(process \d+\); it has been ended\.\n/,
  );
  expect(await publishedKeys(second.origin)).toEqual(keys);

  // And what the platform kept may be lost without the rest.
  expect(await second.end('SIGTERM')).toBe(0);
  rmSync(join(stateFolder, 'platform'), { recursive: true });
  const third = await start([]);
  await third.until("/v1/token -d '");
  expect(third.stderr()).toBe('');
});

test('the printed command reads the token from a folder with an apostrophe; a token that is given counts instead', async () => {
  const folder = join(stateFolder, "it's $HOME");
  const one = await start(['--no-demo'], { EDGE_STS_STATE: folder });
  await one.until('/v1/projects');
  const line =
    one
      .stdout()
      .split('\n')
      .find((text) => text.includes('/v1/projects')) ?? '';
  const cat = /\$\(.*\)/.exec(line)?.[0] ?? '';
  const { stdout } = spawnSync('sh', ['-c', `echo "${cat}"`], { encoding: 'utf8' });
  const token = readFileSync(join(folder, 'admin-token'), 'utf8');
  expect(stdout).toBe(token);
  // And hands it to curl by stdin: in its arguments every user of the machine could read it.
  const bin = join(stateFolder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'curl'), '#!/bin/sh\necho "$@"\ncat\n', { mode: 0o755 });
  const asked = spawnSync('sh', ['-c', line], { encoding: 'utf8', env: { PATH: `${bin}:${process.env['PATH']}` } });
  expect(asked.stdout).toBe(`-sS -H @- ${one.origin}/v1/projects\nAuthorization: Bearer ${token.trim()}`);
  expect(await one.end('SIGTERM')).toBe(0);

  const given = await start(['--no-demo'], { EDGE_STS_STATE: folder, EDGE_STS_ADMIN_TOKEN: 'x'.repeat(32) });
  await given.until('does not count');
  expect(given.stdout()).not.toContain('curl');
});

test.each([
  ['a file', START],
  ['the root', '/'],
  // Elsewhere it is a place where nothing may be made either.
  ['a place without folders', '/proc/nope'],
])('%s as state folder is refused in one sentence', async (_, path) => {
  const one = await start([], { EDGE_STS_STATE: path });
  expect(await one.exited).toBe(1);
  expect(one.stderr()).toMatch(/^[^\n]*set EDGE_STS_STATE to[^\n]*\.\n$/);
});

test('a port that is taken is said in one sentence', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, LOOPBACK, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const one = await start([], { PORT: String(port) });
    expect(await one.exited).toBe(1);
    expect(one.stderr()).toMatch(new RegExp(`^Port ${port} is taken.*\\n$`));
  } finally {
    server.close();
  }
});

test.each([
  [['--nodemo'], {}],
  [[], { PORT: 'http' }],
])('nonsense %j %j ends with 2 and writes nothing', async (args, env) => {
  const one = await start(args, env);
  expect(await one.exited).toBe(2);
  expect(one.stderr().trim().split('\n')).toHaveLength(1);
  expect(readdirSync(stateFolder)).toEqual([]);
});

test('a broker whose npm is ended by its process id ends as well: neither port nor lock is left behind', async () => {
  const port = await probePort(0);
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const npm = spawn('npm', ['start', '--', '--no-demo'], {
    cwd: root,
    env: { ...process.env, EDGE_STS_STATE: stateFolder, PORT: String(port) },
    stdio: 'ignore',
  });
  const isUp = (): Promise<boolean> =>
    fetch(`http://${LOOPBACK}:${port}/healthz`).then(
      (answer) => answer.ok,
      () => false,
    );
  const becomes = async (wanted: boolean): Promise<boolean> => {
    for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += 100) {
      if ((await isUp()) === wanted) return true;
      await sleep(100);
    }
    return false;
  };
  expect(await becomes(true)).toBe(true);
  npm.kill('SIGTERM');
  expect(await becomes(false)).toBe(true);
});

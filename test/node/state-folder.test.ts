/** The state folder: secrets are made once and readable by their owner only; two brokers never share one; nobody else's is touched. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BrokerFault } from '../../src/local/fault.ts';
import { lockStateFolder, type Lock } from '../../src/local/lock.ts';
import { identifyProcess } from '../../src/local/process-identity.ts';
import {
  emptyTemporaryFolder,
  openStateFolder,
  readOrMakeAdminToken,
  readOrMakeKek,
  type StateFolder,
} from '../../src/local/state-folder.ts';

let folder: StateFolder;
let children: ChildProcess[] = [];
let told: string[] = [];
beforeEach(() => {
  folder = openStateFolder(join(mkdtempSync(join(tmpdir(), 'edge-sts-state-')), 'state'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  told = [];
  rmSync(join(folder.path, '..'), { recursive: true, force: true });
});

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('secrets are made once, for their owner only', () => {
  const kek = readOrMakeKek(folder);
  const adminToken = readOrMakeAdminToken(folder);
  expect(Buffer.from(kek, 'base64')).toHaveLength(32);
  expect(adminToken).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect([mode(folder.path), mode(join(folder.path, 'kek')), mode(folder.adminTokenPath)]).toEqual([
    '700',
    '600',
    '600',
  ]);
  expect([readOrMakeKek(folder), readOrMakeAdminToken(folder)]).toEqual([kek, adminToken]);
  expect(readFileSync(folder.adminTokenPath, 'utf8')).toBe(`${adminToken}\n`);
});

test('the folder and what the platform keeps are for their owner only, also where they were not', () => {
  chmodSync(folder.path, 0o755);
  chmodSync(folder.platformPath, 0o755);
  openStateFolder(folder.path);
  expect([mode(folder.path), mode(folder.platformPath)]).toEqual(['700', '700']);
});

test("a folder that holds somebody else's things is refused and left as it was", () => {
  const home = join(folder.path, '..', 'home');
  mkdirSync(join(home, 'tmp'), { recursive: true });
  writeFileSync(join(home, 'tmp', 'precious'), 'x');
  writeFileSync(join(home, 'lock'), 'not ours');
  chmodSync(home, 0o755);
  expect(() => openStateFolder(home)).toThrow(`${home} holds other things`);
  expect(() => openStateFolder('/')).toThrow('holds other things');
  expect(readdirSync(home)).toEqual(['lock', 'tmp']);
  expect(readdirSync(join(home, 'tmp'))).toEqual(['precious']);
  expect(readFileSync(join(home, 'lock'), 'utf8')).toBe('not ours');
  expect(mode(home)).toBe('755');
});

test('an empty folder becomes ours, and only our own temporary folder is emptied', () => {
  const empty = join(folder.path, '..', 'empty');
  mkdirSync(empty);
  const opened = openStateFolder(empty);
  mkdirSync(join(empty, 'tmp'));
  writeFileSync(join(emptyTemporaryFolder(opened), 'left'), 'x');
  expect(readdirSync(emptyTemporaryFolder(openStateFolder(empty)))).toEqual([]);
  expect(readdirSync(empty)).toContain('tmp');
});

test('a path where there can be no folder is said in one sentence', () => {
  const file = join(folder.path, '..', 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below'), '/proc/nope/state']) {
    let said = '';
    try {
      openStateFolder(path);
    } catch (fault) {
      expect(fault).toBeInstanceOf(BrokerFault);
      said = fault instanceof Error ? fault.message : '';
    }
    expect(said).toMatch(/^\S[^\n]*set EDGE_STS_STATE to[^\n]*\.$/);
  }
});

const lock = (origin = 'http://127.0.0.1:1'): Promise<Lock> =>
  lockStateFolder(folder, origin, (line) => void told.push(line));
const notePath = (): string => join(folder.path, '.edge-sts-holder');

test('of many that start at once exactly one gets the folder, and the next one when it is released', async () => {
  const tries = await Promise.allSettled(Array.from({ length: 10 }, () => lock()));
  const held = tries.filter((one) => one.status === 'fulfilled');
  expect(held).toHaveLength(1);
  await expect(lock()).rejects.toThrow(`Another broker (http://127.0.0.1:1, process ${process.pid}) is using`);
  held[0]?.value.release();
  (await lock()).release();
  expect(readdirSync(folder.path).toSorted()).toEqual(['.edge-sts-lock', 'platform']);
});

/** Another process that takes the lock and then waits, or is killed. */
async function lockElsewhere(): Promise<ChildProcess> {
  const source = `
    const { openStateFolder } = await import(${JSON.stringify(new URL('../../src/local/state-folder.ts', import.meta.url).href)});
    const { lockStateFolder } = await import(${JSON.stringify(new URL('../../src/local/lock.ts', import.meta.url).href)});
    await lockStateFolder(openStateFolder(process.argv[1]), 'http://127.0.0.1:2', () => {}).then(
      () => {
        // Whoever keeps nothing of the lock keeps it all the same.
        setTimeout(() => {
          globalThis.gc();
          console.log('held');
        }, 10);
      },
      () => console.log('refused'),
    );
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', source, folder.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  expect(said.toString()).toBe('held\n');
  return child;
}

test('the lock of another process holds without its answering, also while it stands still, and not after it was killed', async () => {
  const child = await lockElsewhere();
  child.kill('SIGSTOP');
  await expect(lock()).rejects.toThrow(`(http://127.0.0.1:2, process ${child.pid})`);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  (await lock()).release();
});

async function sleeper(): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return Object.assign(child, { pid: child.pid ?? 0 });
}

test('a runtime that a killed broker has left behind is ended before the folder is used again', async () => {
  const runtime = await sleeper();
  const gone = once(runtime, 'exit');
  const first = await lock();
  first.noteRuntime(runtime.pid);
  const note = readFileSync(notePath(), 'utf8');
  first.release();
  writeFileSync(notePath(), note);
  (await lock()).release();
  expect(await gone).toEqual([null, 'SIGKILL']);
  expect(told).toEqual([expect.stringContaining(`process ${runtime.pid}`)]);
});

test.each([
  ['the start of another process', (pid: number) => ({ pid, startedAt: 'long ago' })],
  ['no process at all', () => ({ pid: -1, startedAt: '' })],
  ['nothing', () => 'x'],
])('a process whose number is noted with %s is left alone', async (_, noted) => {
  const innocent = await sleeper();
  writeFileSync(notePath(), JSON.stringify({ pid: 1, origin: 'x', runtime: noted(innocent.pid) }));
  (await lock()).release();
  expect([innocent.exitCode, innocent.signalCode, told]).toEqual([null, null, []]);
});

test('a process that is dead but not yet looked at by its parent counts as gone', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(parent);
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  await expect.poll(() => identifyProcess(Number(said.toString()))).toBeUndefined();
  expect(identifyProcess(process.pid)).toEqual(identifyProcess(process.pid));
  expect(identifyProcess(process.pid)?.startedAt).not.toBe('');
});

/** The state folder: secrets are made once and readable by their owner only; two brokers never share one. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  lockStateFolder,
  openStateFolder,
  readOrMakeAdminToken,
  readOrMakeKek,
  type StateFolder,
} from '../../src/local/state-folder.ts';

let folder: StateFolder;
beforeEach(() => {
  folder = openStateFolder(join(mkdtempSync(join(tmpdir(), 'edge-sts-state-')), 'state'));
});
afterEach(() => rmSync(join(folder.path, '..'), { recursive: true, force: true }));

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

test('the lock of a broker that answers holds', async () => {
  const server = createServer((_, response) => void response.end('ok'));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  try {
    // The parent process is alive and is not this one.
    writeFileSync(join(folder.path, 'lock'), `${process.ppid} ${origin}\n`);
    expect(await lockStateFolder(folder, 'http://127.0.0.1:1')).toEqual({ ok: false, heldBy: origin });
  } finally {
    server.close();
  }
});

test.each([
  ['of a process that is gone', '999999999 http://127.0.0.1:9'],
  ['of a reused process id whose address does not answer', `${process.ppid} http://127.0.0.1:9`],
  ['that is damaged', 'half'],
])('a lock %s does not hold', async (_, content) => {
  writeFileSync(join(folder.path, 'lock'), `${content}\n`);
  const lock = await lockStateFolder(folder, 'http://127.0.0.1:1');
  expect(lock.ok).toBe(true);
  expect(readFileSync(join(folder.path, 'lock'), 'utf8')).toBe(`${process.pid} http://127.0.0.1:1\n`);
  if (lock.ok) lock.release();
  expect(() => statSync(join(folder.path, 'lock'))).toThrow('ENOENT');
});

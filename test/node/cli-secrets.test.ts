/** No secret in the list of processes, in a shell's history, in what is printed, or in a file that others can read. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { BINARY, newPerson, type Person } from './cli-support.ts';

const TOKEN = `test-only-cli-token-${crypto.randomUUID()}`;
const OWNER_ONLY = 0o600;

interface Seen {
  readonly host: string;
  readonly authorization: string | undefined;
}

let server: Server;
let origin = '';
let seen: Seen[] = [];
let hold: Promise<void> | undefined;
let person: Person;

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push({ host: request.headers.host ?? '', authorization: request.headers.authorization });
    void (hold ?? Promise.resolve()).then(() => response.end('{"projects":[]}'));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  seen = [];
  hold = undefined;
  person?.leave();
  person = newPerson();
});
afterAll(() => person.leave());

const modeOf = (path: string): number => statSync(path).mode & 0o777;

it('a login keeps the token in a file of mode 0600 and prints nothing of it', async () => {
  const ran = await person.run(['login', origin, '--token-file', '-', '--json'], { input: `${TOKEN}\n` });
  expect(ran.code).toBe(EXIT.ok);
  expect(ran.stdout + ran.stderr).not.toContain(TOKEN);
  const path = join(person.home, '.config', 'edge-sts', 'config.json');
  expect(modeOf(path)).toBe(OWNER_ONLY);
  expect(readdirSync(join(person.home, '.config', 'edge-sts'))).toEqual(['config.json']);
  expect(readFileSync(path, 'utf8')).toContain(TOKEN);
  await person.run(['whoami']);
  expect(seen.every(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(true);
});

it('a file of tokens that others can read is refused until it is mended', async () => {
  await person.run(['login', origin, '--token-file', '-'], { input: TOKEN });
  const path = join(person.home, '.config', 'edge-sts', 'config.json');
  chmodSync(path, 0o644);
  const ran = await person.run(['get', 'projects']);
  expect(ran).toMatchObject({ code: EXIT.usage });
  expect(ran.stderr).toContain('chmod 600');
});

it.skipIf(!existsSync('/proc/self/cmdline'))('while a command runs, no process shows the token', async () => {
  let release = (): void => undefined;
  hold = new Promise((resolve) => {
    release = resolve;
  });
  const file = person.file('token', TOKEN);
  const running = person.start(['get', 'projects', '--server', origin, '--token-file', file]);
  while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const lines = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
      } catch {
        return [];
      }
    });
  release();
  const ran = await running.ended;
  expect(lines.some((line) => line.includes(file))).toBe(true);
  expect(lines.filter((line) => line.includes(TOKEN))).toEqual([]);
  expect(seen).toMatchObject([{ authorization: `Bearer ${TOKEN}` }]);
  expect(ran.stdout + ran.stderr).not.toContain(TOKEN);
});

it('a token cannot be given as an argument: there is no option for it', async () => {
  for (const option of ['--token', '--admin-token', '--password', '--secret']) {
    const ran = await person.run(['get', 'projects', '--server', origin, option, TOKEN]);
    expect(ran.code).toBe(EXIT.usage);
  }
  expect(seen).toEqual([]);
});

it('a context keeps its token to itself when another server is named, by option or by environment', async () => {
  await person.run(['login', origin, '--token-file', '-'], { input: TOKEN });
  seen = [];
  const other = origin.replace('127.0.0.1', 'localhost');
  await person.run(['get', 'projects', '--server', other]);
  await person.run(['get', 'projects'], { env: { EDGE_STS_SERVER: other } });
  expect(seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
});

it.each([
  ['http://sts.example.com', 'https'],
  ['http://127.0.0.1.example.com', 'https'],
  ['https://user:pass@sts.example.com', 'without user or password'],
  ['https://sts.example.com/path', 'only the origin'],
  ['sts.example.com', 'no URL'],
])('nothing is sent to %s', async (url, said) => {
  const ran = await person.run(['get', 'projects', '--server', url], { env: { EDGE_STS_TOKEN: TOKEN } });
  expect(ran).toMatchObject({ code: EXIT.usage });
  expect(ran.stderr).toContain(said);
});

it('what a wrong file holds is not quoted', async () => {
  const file = person.file('wrong', `${TOKEN} and more\nlines`);
  const ran = await person.run(['login', origin, '--token-file', file]);
  expect(ran).toMatchObject({ code: EXIT.usage });
  expect(ran.stderr).not.toContain(TOKEN);
  const inspected = await person.run(['inspect', person.file('jwt', TOKEN), '--server', origin]);
  expect(inspected).toMatchObject({ code: EXIT.usage });
  expect(inspected.stderr).not.toContain(TOKEN);
});

const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

// Only a real terminal can show whether something is echoed; util-linux's `script` lends one.
it.skipIf(!hasScript)('a token that is typed is taken and not shown', async () => {
  const line = `'${process.execPath}' '${BINARY}' login '${origin}'`;
  const child = spawn('script', ['-qec', line, '/dev/null'], { env: { ...person.env, TERM: 'xterm' } });
  let shown = '';
  let isTyped = false;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (isTyped || !shown.includes('(not shown)')) return;
    isTyped = true;
    child.stdin.write(`${TOKEN}x\u007f\r`);
  });
  const code = await new Promise((resolve) => void child.once('close', resolve));
  expect({ code, shown }).toEqual({ code: EXIT.ok, shown: expect.stringContaining('Logged in') });
  expect(shown).not.toContain(TOKEN.slice(0, 12));
  expect(seen).toMatchObject([{ authorization: `Bearer ${TOKEN}` }]);
});

/** The command line among enemies: a broker that lies, a cluster that paints, a kubeconfig that reads, a checkout that was laid as a trap. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startApiServer, type ApiServer } from '../support/node/api-server.ts';
import { newPerson, type Person, type Ran } from './cli-support.ts';

const TOKEN = 'test-only-administrator-of-nothing';
/** Clears the screen, paints, retitles the window, rings, writes over the line, and turns the direction of writing. */
const EVIL = 'x\u001b[2J\u001b[32mgranted\u001b]0;owned\u0007\u009b31m\r\u202egnorw\u2066';
const NO_TEXT = /[^\P{Cc}\n]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

interface Hostile {
  readonly origin: string;
  readonly asked: IncomingMessage[];
  stop(): void;
}

async function serve(answer: (path: string) => { status: number; headers?: object; body: string }): Promise<Hostile> {
  const asked: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request);
    request.resume();
    const { status, headers, body } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { origin: `http://127.0.0.1:${port}`, asked, stop: () => void server.close() };
}

/** Whatever is asked for: something of every kind, and nothing in it but paint. */
function lies(): string {
  const row = { name: EVIL, uri: EVIL, displayName: EVIL, projectId: 'demo', projectNumber: '1', [EVIL]: EVIL };
  const lists = ['projects', 'targets', 'roles', 'entries', 'steps', 'left', 'signingKeys', 'keys', 'resources'];
  const steps = [
    { resource: EVIL, action: EVIL, before: { [EVIL]: EVIL }, after: { [EVIL]: [EVIL] } },
    { resource: EVIL, action: 'constructor' },
  ];
  return JSON.stringify({
    ...row,
    ...Object.fromEntries(lists.map((list) => [list, [{ ...row, resource: EVIL, reason: EVIL, sequence: EVIL }]])),
    steps,
    permissions: [EVIL],
    warnings: [EVIL, { resource: EVIL, warning: EVIL }],
    etag: EVIL,
    access: EVIL,
    integrity: { state: EVIL, checked: EVIL },
    bindings: [{ role: EVIL, members: [EVIL] }],
  }).replace('{', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},');
}

let person: Person;
beforeEach(() => {
  person = newPerson();
});
afterEach(() => person.leave());

function as(broker: Hostile, ...args: readonly string[]): Promise<Ran> {
  const env = { EDGE_STS_SERVER: broker.origin, EDGE_STS_TOKEN: TOKEN, EDGE_STS_PROJECT: 'demo' };
  return person.run(args, { env });
}

describe('a broker that lies', () => {
  let broker: Hostile;
  beforeAll(async () => {
    broker = await serve(() => ({ status: 200, body: lies() }));
  });
  afterAll(() => broker.stop());

  it.each([
    [['whoami']],
    [['get', 'targets']],
    [['get', 'projects']],
    [['describe', 'target/files']],
    [['history', 'list']],
    [['history', 'restore', '1']],
    [['keys', 'list']],
    [['quota', 'list']],
    [['quota', 'usage']],
    [['check', '--principal', 'user:a@example.com', '--permission', 'sts.targets.get']],
    [['diff', '-f', 'files.yaml']],
    [['apply', '-f', 'files.yaml']],
    [['doctor']],
  ])('%j paints nothing on the terminal', async (args) => {
    person.file('files.yaml', 'kind: Target\nname: files\nspec: {uri: "https://files.example.com"}\n');
    const before = broker.asked.length;
    const ran = await as(broker, ...args);
    expect(broker.asked.length, ran.stderr).toBeGreaterThan(before);
    expect(ran.stdout + ran.stderr).not.toMatch(NO_TEXT);
    expect(ran.stdout + ran.stderr).not.toContain('[native code]');
    expect(ran.stdout + ran.stderr).not.toContain(TOKEN);
  });

  it('nor by what it refuses with', async () => {
    const refusing = await serve(() => ({
      status: 403,
      headers: { 'x-request-id': 'request-1' },
      body: JSON.stringify({
        error: {
          code: 403,
          status: EVIL,
          message: EVIL,
          details: [{ fieldViolations: [{ field: EVIL, description: `${EVIL}2` }] }],
        },
      }),
    }));
    const ran = await as(refusing, 'get', 'targets');
    refusing.stop();
    expect(ran.code).not.toBe(EXIT.ok);
    expect(ran.stdout + ran.stderr).not.toMatch(NO_TEXT);
  });

  it('gets the token nowhere else by a redirect', async () => {
    const thief = await serve(() => ({ status: 200, body: '{}' }));
    for (const status of [301, 307, 308]) {
      const leading = await serve((path) => ({ status, headers: { location: `${thief.origin}${path}` }, body: '{}' }));
      expect((await as(leading, 'get', 'targets')).code).not.toBe(EXIT.ok);
      leading.stop();
    }
    thief.stop();
    expect(thief.asked).toEqual([]);
  });

  it('cannot fill the memory: an answer has an end', async () => {
    const piece = `"${'a'.repeat(1_048_574)}"`;
    const endless = await serve(() => ({
      status: 200,
      body: `[${Array.from({ length: 80 }, () => piece).join(',')}]`,
    }));
    const ran = await as(endless, 'get', 'targets');
    endless.stop();
    expect(ran).toMatchObject({ code: EXIT.unavailable, stdout: '' });
    expect(ran.stderr).toContain('64 MiB');
  });
});

describe('a cluster that lies', () => {
  let cluster: ApiServer;
  let broker: Hostile;
  beforeAll(async () => {
    cluster = await startApiServer(EVIL);
    broker = await serve((path) =>
      path.includes('/providers/')
        ? { status: 404, body: '{"error":{"code":404,"status":"NOT_FOUND","message":"none"}}' }
        : { status: 200, body: lies() },
    );
  });
  afterAll(() => {
    cluster.stop();
    broker.stop();
  });

  const connect = (kubeconfig: string, ...more: readonly string[]): Promise<Ran> =>
    as(broker, 'cluster', 'connect', 'cluster-1', '--dry-run', '--kubeconfig', kubeconfig, ...more);

  it('paints nothing by its issuer, nor the kubeconfig by its names', async () => {
    const named = JSON.parse(JSON.stringify({ text: cluster.kubeconfig() })).text as string;
    const path = person.file('kubeconfig', named.replaceAll(/\bone\b/g, JSON.stringify(EVIL)));
    const ran = await connect(path);
    expect(ran).toMatchObject({ code: EXIT.ok });
    expect(ran.stdout + ran.stderr).not.toMatch(NO_TEXT);
  });

  it('gets no file of this machine as its token, because a kubeconfig said so', async () => {
    mkdirSync(join(person.home, 'mail'));
    const secret = person.file('another-token', `${cluster.token}\n`);
    const before = cluster.asked.length;
    for (const tokenFile of [secret, '../another-token']) {
      const path = person.file('mail/kubeconfig', cluster.kubeconfig({ user: { tokenFile } }));
      const ran = await connect(path);
      expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
      expect(ran.stderr).toContain('--kube-token-file');
    }
    expect(cluster.asked.length).toBe(before);
    symlinkSync(secret, join(person.home, 'mail', 'link'));
    const linked = person.file('mail/kubeconfig', cluster.kubeconfig({ user: { tokenFile: 'link' } }));
    expect(await connect(linked)).toMatchObject({ code: EXIT.usage });
    expect(cluster.asked.length).toBe(before);
    expect(await connect(linked, '--kube-token-file', secret)).toMatchObject({ code: EXIT.ok });
  });
});

const hasGit = spawnSync('git', ['--version']).status === 0;

describe('a checkout that was laid as a trap', () => {
  it('a link in the place of .edge-sts gets no secrets', async () => {
    mkdirSync(join(person.home, 'public'));
    symlinkSync('public', join(person.home, '.edge-sts'));
    const ran = await person.run(['init']);
    expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
    expect(ran.stderr).toContain('link');
    expect(readdirSync(join(person.home, 'public'))).toEqual([]);
  });

  it('a link in the place of the file is not followed', async () => {
    mkdirSync(join(person.home, '.edge-sts'));
    writeFileSync(join(person.home, 'victim'), 'EDGE_STS_KEK=known\n');
    symlinkSync('../victim', join(person.home, '.edge-sts', 'secrets.env'));
    expect(await person.run(['init'])).toMatchObject({ code: EXIT.usage });
    expect(readFileSync(join(person.home, 'victim'), 'utf8')).toBe('EDGE_STS_KEK=known\n');
    expect(lstatSync(join(person.home, '.edge-sts', 'secrets.env')).isSymbolicLink()).toBe(true);
  });

  // A machine without git has no checkout.
  it.skipIf(!hasGit)('a KEK that came with the repository is none: whoever has it would open every key', async () => {
    const git = (...args: readonly string[]): void => void spawnSync('git', args, { cwd: person.home });
    mkdirSync(join(person.home, '.edge-sts'));
    const planted = 'EDGE_STS_KEK=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n';
    writeFileSync(join(person.home, '.edge-sts', 'secrets.env'), planted);
    git('init');
    git('add', '.edge-sts/secrets.env');
    const ran = await person.run(['init']);
    expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
    expect(ran.stderr).toContain('in git');
    expect(readFileSync(join(person.home, '.edge-sts', 'secrets.env'), 'utf8')).toBe(planted);
    expect(existsSync(join(person.home, '.gitignore'))).toBe(false);
  });

  it('the token of a local broker is remembered for this machine only, whatever the environment names', async () => {
    mkdirSync(join(person.home, '.edge-sts', 'state'), { recursive: true });
    person.file('.edge-sts/state/admin-token', TOKEN);
    const env = { EDGE_STS_SERVER: 'https://evil.example.com' };
    const login = await person.run(['login', '--local'], { env });
    expect(login).toMatchObject({ code: EXIT.usage, stdout: '' });
    expect(login.stderr).toContain('this machine');
    expect(existsSync(join(person.home, '.config'))).toBe(false);
  });
});

/** exchange: the workload's own hand. Cached by everything the answer depends on, renewed at four fifths of a token's life. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { newPerson, type Person, type Ran } from './cli-support.ts';

const ORDERS = 'https://orders.example.com';
let world: World;
let workload: Person;

beforeAll(async () => {
  world = await startWorld();
  const project = `/v1/projects/${world.projectNumber}`;
  await world.must('POST', `${project}/targets?targetId=orders`, { uri: ORDERS });
  await world.must('POST', `${project}/roles`, { roleId: 'reader', role: { includedPermissions: ['orders.get'] } });
  const members = [
    `principal://iam.googleapis.com/projects/${world.projectNumber}/locations/global/workloadIdentityPools/${world.pool}/subject/ns/shop/sa/checkout`,
  ];
  const policy = { version: 3, bindings: [{ role: 'projects/world/roles/reader', members }] };
  await world.must('POST', `${project}/targets/orders:setIamPolicy`, { policy });
});
afterAll(async () => {
  workload?.leave();
  await world?.broker.stop();
});
beforeEach(() => {
  workload?.leave();
  workload = newPerson({ EDGE_STS_SERVER: world.broker.origin });
});

const exchange = (file: string, ...more: readonly string[]): Promise<Ran> =>
  workload.run(['exchange', '--subject-token-file', file, '--resource', ORDERS, ...more]);
const exchanges = (): number => world.lines.filter((line) => line.includes('"event":"exchange"')).length;

it('a workload without any role logs in with its token for the broker, and whoami says that it may nothing', async () => {
  const subject = workload.file('token', `${await world.token()}\n`);
  const own = await workload.run(['exchange', '--subject-token-file', subject]);
  const login = await workload.run(['login', world.broker.origin, '-p', 'world', '--token-file', '-'], {
    input: own.stdout,
  });
  expect({ code: login.code, stderr: login.stderr }).toEqual({ code: EXIT.ok, stderr: '' });
  const whoami = await workload.run(['whoami']);
  expect({ code: whoami.code, stderr: whoami.stderr }).toEqual({ code: EXIT.ok, stderr: '' });
  expect(whoami.stdout).toMatch(/as +principal:.*ns\/shop\/sa\/checkout, until/);
  expect(whoami.stdout).toMatch(/may +nothing that was asked about/);
});

it('prints a token for the target, alone on its line, and asks the broker once for as long as it is fresh', async () => {
  const file = workload.file('token', `${await world.token()}\n`);
  const before = exchanges();
  const first = await exchange(file);
  expect(first).toMatchObject({ code: EXIT.ok, stderr: '' });
  expect(decodeJwt(first.stdout.trim())).toMatchObject({ aud: ORDERS, sub: 'ns/shop/sa/checkout' });
  expect((await exchange(file)).stdout).toBe(first.stdout);
  await sleep(200);
  expect(exchanges()).toBe(before + 1);
  expect((await exchange(file, '--no-cache')).stdout).not.toBe(first.stdout);
  const other = await workload.run(['exchange', '--subject-token-file', file]);
  expect(decodeJwt(other.stdout.trim()).aud).toBe(world.broker.origin);
});

it('what is kept is readable by its owner only, and what others could have written is not handed out', async () => {
  const file = workload.file('token', await world.token());
  const first = await exchange(file);
  const folder = join(workload.home, '.cache', 'edge-sts', 'tokens');
  const [name = ''] = readdirSync(folder);
  expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const planted = { accessToken: 'planted', obtainedAtMs: Date.now(), expiresAtMs: Date.now() + 3_600_000 };
  writeFileSync(join(folder, name), JSON.stringify(planted), { mode: 0o600 });
  expect((await exchange(file)).stdout).toBe('planted\n');
  const { chmodSync } = await import('node:fs');
  chmodSync(join(folder, name), 0o666);
  const again = await exchange(file);
  expect(decodeJwt(again.stdout.trim()).aud).toBe(ORDERS);
  expect(again.stdout).not.toBe(first.stdout);
});

it("another workload on the same machine does not get the first one's token", async () => {
  const first = await exchange(workload.file('one', await world.token()));
  const second = await exchange(workload.file('two', await world.token({ serviceAccount: 'other' })));
  expect(first.code).toBe(EXIT.ok);
  expect(second).toMatchObject({ code: EXIT.refused, stdout: '' });
  expect(second.stderr).toContain('edge-sts check');
});

it('after four fifths of its life a new one is fetched, with the clock of this machine', async () => {
  const file = workload.file('token', await world.token({ lifetimeSeconds: 20 }));
  const first = await exchange(file, '--json');
  expect(first.json<{ expires_in: number }>().expires_in).toBeLessThanOrEqual(20);
  const at = (seconds: number): Promise<Ran> =>
    workload.run(['exchange', '--subject-token-file', file, '--resource', ORDERS, '--json'], {
      env: {
        NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(`const n=Date.now;Date.now=()=>n()+${seconds * 1_000}`)}`,
      },
    });
  expect((await at(5)).json()).toMatchObject({ access_token: first.json()['access_token'] });
  expect((await at(17)).json()['access_token']).not.toBe(first.json()['access_token']);
});

it("for kubectl, for Google's clients, and as JSON", async () => {
  const file = workload.file('token', await world.token());
  expect(JSON.parse((await exchange(file, '--as', 'exec-credential')).stdout)).toMatchObject({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: expect.stringMatching(/^ey/), expirationTimestamp: expect.stringMatching(/Z$/) },
  });
  expect(JSON.parse((await exchange(file, '--as', 'google-executable')).stdout)).toMatchObject({
    version: 1,
    success: true,
    token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
  expect((await exchange(file, '--json')).json()).toMatchObject({ token_type: 'Bearer' });
});

it('writes a file of mode 0600, whole, and keeps it fresh; the subject token is read anew each time', async () => {
  const file = workload.file('token', await world.token({ lifetimeSeconds: 8 }));
  const out = join(workload.home, 'out', 'token');
  const running = workload.start([
    'exchange',
    '--subject-token-file',
    file,
    '--resource',
    ORDERS,
    '--out',
    out,
    '--watch',
  ]);
  const written = async (different: string): Promise<string> => {
    for (let waited = 0; waited < 30_000; waited += 100) {
      await sleep(100);
      try {
        const text = readFileSync(out, 'utf8');
        if (text !== different) return text;
      } catch {
        // Not there yet.
      }
    }
    throw new Error(`nothing was written: ${running.stderr()}`);
  };
  const first = await written('');
  expect(statSync(out).mode & 0o777).toBe(0o600);
  writeFileSync(file, await world.token());
  const second = await written(first);
  const { exp: firstEnd = 0, iat: firstStart = 0 } = decodeJwt(first);
  const { iat: secondStart = 0 } = decodeJwt(second);
  expect(secondStart).toBeLessThan(firstEnd);
  expect(secondStart - firstStart).toBeGreaterThanOrEqual(4);
  running.child.kill('SIGTERM');
  await running.ended;
  expect(running.stdout() + running.stderr()).not.toContain(first.slice(0, 40));
});

it('while the broker is away, the file keeps what is good and the watcher goes on', async () => {
  const file = workload.file('token', await world.token());
  const out = join(workload.home, 'token-out');
  const running = workload.start([
    'exchange',
    '--subject-token-file',
    file,
    '--resource',
    ORDERS,
    '--out',
    out,
    '--watch',
    '--server',
    'http://127.0.0.1:9',
  ]);
  for (let waited = 0; waited < 10_000 && !running.stderr().includes('in 2 s'); waited += 100) await sleep(100);
  running.child.kill('SIGTERM');
  await running.ended;
  expect(running.stderr()).toMatch(/trying again in 1 s[\s\S]+trying again in 2 s/);
});

it.each([
  [[], 'Which token'],
  [['--subject-token-file', '-', '--out', 'x', '--watch'], 'can be read again'],
  [['--subject-token-file', 'nowhere'], 'cannot be read'],
  [['--subject-token-file', '-', '--provider', 'cluster-one'], '--provider'],
])('%j is wrong usage', async (args, said) => {
  const ran = await workload.run(['exchange', ...args], { input: 'a.b.c' });
  expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(ran.stderr).toContain(said);
});

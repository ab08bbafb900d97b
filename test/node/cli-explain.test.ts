/** check, simulate and inspect: why, what if, and what is this. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';
import { newAdministrator, newPerson, type Person, type Ran } from './cli-support.ts';

const ORDERS = 'https://orders.example.com';
let world: World;
let admin: Person;

beforeAll(async () => {
  world = await startWorld();
  admin = await newAdministrator(world.broker, 'world');
  const project = `/v1/projects/${world.projectNumber}`;
  await world.must('POST', `${project}/targets?targetId=orders`, { uri: ORDERS });
  await world.must('POST', `${project}/roles`, { roleId: 'reader', role: { includedPermissions: ['orders.get'] } });
  const members = [
    `principal://iam.googleapis.com/projects/${world.projectNumber}/locations/global/workloadIdentityPools/${world.pool}/subject/ns/shop/sa/checkout`,
  ];
  const condition = { title: 'not yet', expression: 'request.time < timestamp("2090-01-01T00:00:00Z")' };
  const policy = { version: 3, bindings: [{ role: 'projects/world/roles/reader', members, condition }] };
  await world.must('POST', `${project}/targets/orders:setIamPolicy`, { policy });
});
afterAll(async () => {
  admin?.leave();
  await world?.broker.stop();
});

const run = (...args: readonly string[]): Promise<Ran> => admin.run(args);

it('a name that is let in: by which binding, under which condition', async () => {
  const yes = await run('check', '--principal', 'ns/shop/sa/checkout', '--target', 'orders');
  expect(yes).toMatchObject({ code: EXIT.ok });
  expect(yes.stdout).toMatch(/^Yes[\s\S]+grants projects\/world\/roles\/reader[\s\S]+→ true/);
  const later = await run(
    'check',
    '--principal',
    'ns/shop/sa/checkout',
    '--target',
    ORDERS,
    '--time',
    '2091-01-01T00:00:00Z',
  );
  expect(later).toMatchObject({ code: EXIT.no });
  expect(later.stdout).toMatch(/^No[\s\S]+→ false/);
});

it('a token that is let in, and one whose bearer is not', async () => {
  const yes = await run(
    'check',
    '--subject-token-file',
    admin.file('a', await world.token()),
    '--target',
    'orders',
    '--json',
  );
  expect(yes.json()).toMatchObject({ overallAccessState: 'CAN_ACCESS', exchange: { outcome: 'granted' } });
  const no = await run(
    'check',
    '--subject-token-file',
    admin.file('b', await world.token({ serviceAccount: 'other' })),
    '--target',
    'orders',
  );
  expect(no).toMatchObject({ code: EXIT.no });
  expect(no.stdout).toMatch(/^No[\s\S]+holds, for[\s\S]+refused: no binding on/);
  const forged = await createIssuer('RS256', world.issuer.kid);
  const claims = workloadClaims({
    issuerUri: 'https://kubernetes.default.svc.cluster.local',
    audience: `https:${world.audience}`,
  });
  const not = await run('check', '--subject-token-file', admin.file('c', await forged.sign(claims)), '--broker');
  expect(not.stdout).toMatch(/does not hold: signature/);
});

it('a permission of an administrator', async () => {
  const no = await run('check', '--principal', 'ns/ci/sa/deployer', '--permission', 'iam.roles.create', '--json');
  expect(no).toMatchObject({ code: EXIT.no });
  expect(no.json()).toMatchObject({
    overallAccessState: 'CANNOT_ACCESS',
    accessTuple: { permission: 'iam.roles.create' },
  });
});

it.each([
  [['--principal', 'ns/a/sa/b'], 'Ask one thing'],
  [['--principal', 'ns/a/sa/b', '--target', 'orders', '--broker'], 'Ask one thing'],
  [['--target', 'orders'], 'Who?'],
  [['--target', 'orders', '--principal', 'somebody'], '--principal'],
  [['--broker', '--principal', 'ns/a/sa/b', '--on', 'role/reader'], 'has no policy'],
])('check %j is wrong usage', async (args, said) => {
  const ran = await run('check', ...args);
  expect(ran).toMatchObject({ code: EXIT.usage, stdout: '' });
  expect(ran.stderr).toContain(said);
});

it('a policy that would shut somebody out is found before it is set', async () => {
  const file = admin.file('token', await world.token());
  await admin.run(['exchange', '--subject-token-file', file, '--resource', ORDERS, '--server', world.broker.origin]);
  const policy = admin.file('policy.yaml', (await run('get', 'policy', 'target/orders', '-o', 'yaml')).stdout);
  const same = await run('simulate', 'target/orders', '-f', policy, '--json');
  expect(same).toMatchObject({ code: EXIT.ok });
  expect(same.json()).toMatchObject({ resultsSummary: { differenceCount: 0 } });
  const empty = await admin.run(['simulate', 'target/orders', '-f', '-'], { input: 'bindings: []\n' });
  expect(empty).toMatchObject({ code: EXIT.no });
  expect(empty.stdout).toMatch(/1 otherwise[\s\S]+sa\/checkout/);
  expect(await admin.run(['simulate', '-f', '-'], { input: '- a list' })).toMatchObject({ code: EXIT.usage });
  expect(await admin.run(['simulate', '-f', '-'], { input: 'a: [b' })).toMatchObject({ code: EXIT.usage });
});

it("inspect: the broker's own token holds, and not once a bit of it is changed; the token is never shown", async () => {
  const file = admin.file('workload', await world.token());
  const token = (await admin.run(['exchange', '--subject-token-file', file, '--resource', ORDERS])).stdout.trim();
  const good = await admin.run(['inspect'], { input: token });
  expect(good).toMatchObject({ code: EXIT.ok });
  expect(good.stdout).toMatch(/^verified by the keys that/);
  expect(good.stdout).not.toContain(token.split('.')[2]);
  const [header = '', claims = ''] = token.split('.');
  const forged = `${header}.${claims}.${'A'.repeat(86)}`;
  const bad = await admin.run(['inspect', '--json'], { input: forged });
  expect(bad).toMatchObject({ code: EXIT.no });
  expect(bad.json()).toMatchObject({ verification: { verified: false }, claims: { aud: ORDERS } });
});

it("inspect: a workload's token is verified by the broker, a stranger's by nobody", async () => {
  const good = await run('inspect', admin.file('w', await world.token()), '--json');
  expect(good.json()).toMatchObject({ verification: { verified: true, by: expect.stringContaining('/providers/') } });
  const late = await run(
    'inspect',
    admin.file('w', await world.token({ issuedAtSeconds: Math.floor(Date.now() / 1_000) - 7_200 })),
    '--json',
  );
  expect(late).toMatchObject({ code: EXIT.no });
  expect(late.json()).toMatchObject({ verification: { verified: false, reason: 'expired' } });
  const elsewhere = await createIssuer('ES256');
  const foreign = admin.file('f', await elsewhere.sign({ iss: 'https://issuer.example', aud: 'x', sub: 'y' }));
  expect((await run('inspect', foreign, '--json')).json()).toMatchObject({ verification: { by: 'the broker' } });
  expect((await run('inspect', foreign)).code).toBe(EXIT.no);
  const stranger = newPerson({ EDGE_STS_SERVER: world.broker.origin });
  expect((await stranger.run(['inspect', admin.file('w', await world.token())])).stdout).toContain('log in');
  stranger.leave();
});

it("inspect: a token's own issuer never chooses where we look", async () => {
  const { createServer } = await import('node:http');
  const asked: string[] = [];
  const trap = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{}');
  });
  await new Promise<void>((resolve) => void trap.listen(0, '127.0.0.1', resolve));
  const address = trap.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const attacker = await createIssuer('ES256');
  for (const iss of [
    `http://127.0.0.1:${port}/x`,
    `${world.broker.origin}@127.0.0.1:${port}/x`,
    `${world.broker.origin}.evil.example/x`,
  ]) {
    const ran = await admin.run(['inspect', '--json'], { input: await attacker.sign({ iss, aud: 'x' }) });
    expect(ran.json()).not.toMatchObject({ verification: { verified: true } });
    expect(ran.code).toBe(EXIT.no);
  }
  trap.close();
  expect(asked).toEqual([]);
});

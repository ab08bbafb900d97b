/** get, describe, delete, undelete, history, quota and keys against a running broker. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { newAdministrator, newPerson, type Person, type Ran } from './cli-support.ts';

let world: World;
let admin: Person;
const ORDERS = 'https://orders.example.com';

beforeAll(async () => {
  world = await startWorld();
  admin = await newAdministrator(world.broker, 'world');
  const project = `/v1/projects/${world.projectNumber}`;
  await world.must('POST', `${project}/targets?targetId=orders`, { uri: ORDERS });
  await world.must('POST', `${project}/roles`, { roleId: 'reader', role: { includedPermissions: ['orders.get'] } });
  await world.must('POST', `${project}:setIamPolicy`, { policy: policyOf('reader') });
});
afterAll(async () => {
  admin?.leave();
  await world?.broker.stop();
});

function policyOf(role: string): object {
  const members = [
    `principalSet://iam.googleapis.com/projects/${world.projectNumber}/locations/global/workloadIdentityPools/${world.pool}/*`,
  ];
  return { version: 3, bindings: [{ role: `projects/world/roles/${role}`, members }] };
}

const providerId = (): string => world.audience.split('/').at(-1) ?? '';
const run = (...args: readonly string[]): Promise<Ran> => admin.run(args);

it.each([
  [['get', 'projects'], /^NAME +NUMBER +STATE/],
  [['get', 'pools'], /world\.svc\.id\.goog +ACTIVE/],
  [['get', 'clusters'], /uploaded +https:\/\/kubernetes\.default/],
  [['get', 'targets'], /orders +https:\/\/orders\.example\.com/],
  [['get', 'roles'], /reader/],
  [['get', 'denypolicies'], /^No denypolicies found/],
  [['get', 'quotas'], /TokenExchangeRequestsPerMinutePerProject +6000/],
  [['get', 'quotapreferences'], /^No quotapreferences/],
  [['get', 'signingkeys'], /ES256 +ACTIVE/],
  [['get', 'exchanges'], /^No exchanges found/],
  [['get', 'policy'], /projects\/world\/roles\/reader/],
  [['get', 'policy', 'organization'], /No bindings/],
  [['get', 'target/orders', 'role/reader'], /orders[\s\S]+reader/],
  [['describe', 'project/world'], /policy\n[\s\S]+pools\n[\s\S]+quotas\n[\s\S]+last changes\n/],
  [['describe', 'target', 'orders'], /uri: https:\/\/orders\.example\.com/],
  [['whoami'], /iam\.policies\.escalate/],
  [['keys', 'list'], /NEXT/],
  [['quota', 'list'], /LIMIT/],
  [['quota', 'usage', '--by', 'provider'], /No exchanges/],
  [['history', 'list'], /policy\.set +policy\/project/],
])('%j', async (args, expected) => {
  const ran = await run(...args);
  expect(ran).toMatchObject({ code: EXIT.ok, stderr: '' });
  expect(ran.stdout).toMatch(expected);
});

it('the same as documents, as YAML and as names', async () => {
  const one = await run('get', 'target/orders', '--json');
  expect(one.json()).toMatchObject({ name: `projects/${world.projectNumber}/targets/orders`, uri: ORDERS });
  const { name } = one.json<{ name: string }>();
  expect((await run('get', name, '-o', 'yaml')).stdout).toContain(`uri: ${ORDERS}\n`);
  expect((await run('get', 'targets', '-o', 'name')).stdout).toBe(`${name}\n`);
  expect((await run('describe', 'provider', providerId(), '--json')).json()).toMatchObject({
    resource: { keySource: 'uploaded' },
  });
  expect((await run('whoami', '--json')).json()).toMatchObject({ server: world.broker.origin, project: 'world' });
});

it('all pages are read, and no more than asked for', async () => {
  for (let at = 0; at < 60; at += 1) {
    await world.must('POST', `/v1/projects/world/roles`, {
      roleId: `many${at}`,
      role: { includedPermissions: ['orders.get'] },
    });
  }
  expect((await run('get', 'roles', '--json')).json<unknown[]>()).toHaveLength(61);
  expect((await run('get', 'roles', '--limit', '7', '--json')).json<unknown[]>()).toHaveLength(7);
  expect(await run('get', 'roles', '--limit', '0')).toMatchObject({ code: EXIT.usage });
});

it('a provider is deleted, seen, and brought back; a list with a wrong word deletes nothing', async () => {
  expect(await run('delete', `provider/${providerId()}`, 'targets')).toMatchObject({ code: EXIT.usage });
  expect(await run('delete', 'targets')).toMatchObject({ code: EXIT.usage });
  expect(await run('delete', 'quota/x')).toMatchObject({ code: EXIT.usage });
  const deleted = await run('delete', `provider/${providerId()}`);
  expect(deleted.stdout).toMatch(/deleted \(for 30 days/);
  expect((await run('get', 'providers', '--json')).json()).toEqual([]);
  expect((await run('get', 'providers', '--deleted', '--json')).json()).toMatchObject([{ state: 'DELETED' }]);
  expect(await run('undelete', `provider/${providerId()}`)).toMatchObject({ code: EXIT.ok });
  expect((await run('get', 'providers', '--json')).json()).toMatchObject([{ state: 'ACTIVE' }]);
  expect(await run('delete', 'role/nobody')).toMatchObject({ code: EXIT.notFound });
});

it('what was changed is compared, shown and restored', async () => {
  const [newest] = (await run('history', 'list', '--resource', 'policy/project', '--json')).json<
    { sequence: string }[]
  >();
  const before = newest?.sequence ?? '';
  await world.must('POST', '/v1/projects/world:setIamPolicy', { policy: policyOf('many1') });
  const differs = await run('history', 'compare', before);
  expect(differs).toMatchObject({ code: EXIT.no });
  expect(differs.stdout).toMatch(
    /policy\/project \(changed\)[\s\S]+- {3}- role: projects\/world\/roles\/reader\n[\s\S]+\+ {3}- role: projects\/world\/roles\/many1\n/,
  );
  const dry = await run('history', 'restore', before, '--resource', 'policy/project', '--dry-run');
  expect(dry.stdout).toMatch(/^This would be done:\n\S+ policy\/project\n/);
  expect((await run('history', 'compare', before)).code).toBe(EXIT.no);
  expect(await run('history', 'restore', before, '--resource', 'policy/project')).toMatchObject({ code: EXIT.ok });
  expect((await run('get', 'policy')).stdout).toContain('roles/reader');
  expect((await run('history', 'show', before)).stdout).toMatch(/integrity +INTACT/);
  expect(await run('history', 'show', '99999')).toMatchObject({ code: EXIT.notFound });
  expect(await run('history', 'list', '--organization', '--json')).toMatchObject({ code: EXIT.ok });
});

it('a raise is asked for, granted in part, and withdrawn; another is refused', async () => {
  const ask = ['--value', '12000', '--until', '2d', '--justification', 'Friday'];
  expect((await run('quota', 'ask', 'friday', ...ask, '--json')).json()).toMatchObject({ state: 'PENDING' });
  expect((await run('quota', 'grant', 'friday', '--value', '9000', '--json')).json()).toMatchObject({
    state: 'GRANTED_PARTIALLY',
  });
  expect((await run('quota', 'list')).stdout).toMatch(/PerProject +9000[\s\S]+friday/);
  expect((await run('quota', 'withdraw', 'friday', '--json')).json()).toMatchObject({ state: 'WITHDRAWN' });
  await run('quota', 'ask', 'monday', ...ask);
  expect((await run('quota', 'refuse', 'monday', '--comment', 'no', '--json')).json()).toMatchObject({
    state: 'REFUSED',
  });
  expect(await run('quota', 'ask', 'x', '--value', 'many', '--justification', 'x')).toMatchObject({ code: EXIT.usage });
  expect(await run('quota', 'ask', 'x', '--value', '1', '--justification', 'x', '--until', 'soon')).toMatchObject({
    code: EXIT.usage,
  });
});

it('keys from PEM have the ids that an API server gives them, and can be uploaded', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = admin.file('sa.pub', publicKey.export({ format: 'pem', type: 'spki' }).toString());
  const key = admin.file('sa.key', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  // Kubernetes: pkg/serviceaccount/jwt.go, keyIDFromPublicKey.
  const kid = createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('base64url');
  const jwks = await run('keys', 'from-pem', pem);
  expect(JSON.parse(jwks.stdout)).toMatchObject({ keys: [{ kid, kty: 'RSA', alg: 'RS256', use: 'sig' }] });
  const ofPrivate = await run('keys', 'from-pem', key);
  expect(ofPrivate.stdout).toBe(jwks.stdout);
  expect(ofPrivate.stdout).not.toMatch(/"(d|p|q|dp|dq|qi)"/);
  expect(await run('keys', 'from-pem', admin.file('no.pem', 'nothing'))).toMatchObject({ code: EXIT.usage });
  const file = admin.file('jwks.json', jwks.stdout);
  expect(await run('keys', 'upload', `provider/${providerId()}`, '--jwks', file)).toMatchObject({ code: EXIT.ok });
  const found = (await run('get', 'provider', providerId(), '--json')).json<{
    keys: { kids: string[]; thumbprints: string[] };
  }>();
  expect(found.keys.kids).toEqual([kid]);
  const [thumbprint = ''] = found.keys.thumbprints;
  expect(await run('keys', 'distrust', `provider/${providerId()}`, thumbprint)).toMatchObject({ code: EXIT.ok });
  expect((await run('get', 'provider', providerId(), '--json')).json()).toMatchObject({
    distrustedThumbprints: [thumbprint],
  });
  const hyphen = `-${thumbprint.slice(1)}`;
  expect(await run('keys', 'distrust', `provider/${providerId()}`, hyphen)).toMatchObject({ code: EXIT.ok });
  for (const wrong of ['--mistyped', 'short'])
    expect(await run('keys', 'distrust', `provider/${providerId()}`, wrong)).toMatchObject({ code: EXIT.usage });
  expect((await run('keys', 'rotate', '--alg', 'ES256', '--json')).code).toBe(EXIT.ok);
});

it('a service account that is named by half is asked for whole, and an empty pipe is called empty', async () => {
  const half = await run('describe', 'serviceaccount/deployer');
  expect(half).toMatchObject({ code: EXIT.usage });
  expect(half.stderr).toContain('NAME@PROJECT.iam.DOMAIN');
  const empty = await admin.run(['inspect'], { input: '' });
  expect(empty).toMatchObject({ code: EXIT.usage });
  expect(empty.stderr).toContain('stdin is empty');
});

it('a stranger is told to log in, and learns nothing else', async () => {
  const stranger = newPerson();
  const ran = await stranger.run(['get', 'target/orders', '--server', world.broker.origin, '-p', 'world']);
  expect(ran).toMatchObject({ code: EXIT.refused, stdout: '' });
  expect(ran.stderr).toContain('edge-sts login');
  const login = await stranger.run(['login', world.broker.origin, '--token-file', '-'], { input: 'wrong-token' });
  expect(login).toMatchObject({ code: EXIT.refused });
  expect(await stranger.run(['whoami', '--context', '127.0.0.1'])).toMatchObject({ code: EXIT.usage });
  stranger.leave();
});

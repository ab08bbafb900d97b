/** Introspection, revocation and tokeninfo through the front door: who may ask, what is told, and that what is revoked is dead at the next request. */
import { decodeJwt } from 'jose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  accessToken,
  addAccount,
  bind,
  brokerToken,
  impersonate,
  type TestAccount,
  USER,
  workloadMember,
} from '../support/accounts.ts';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  call,
  type Cluster,
  createProject,
  exchange,
  ORIGIN,
  setPolicy,
  type TestProject,
} from '../support/broker.ts';

let project: TestProject;
let cluster: Cluster;
let account: TestAccount;
let federated: string;
/** Of a workload that may look at tokens and revoke them. */
let warden: string;

/** Each test has a workload of its own: what is revoked of one is nothing to the others. */
let name: string;
let names = 0;
const tokenOf = async (serviceAccount: string, namespace = 'shop'): Promise<string> => {
  const answer = await exchange(cluster, undefined, await cluster.token({ namespace, serviceAccount }));
  if (answer.status !== 200) throw new Error(answer.text);
  return String(answer.body['access_token']);
};
const memberOf = (serviceAccount: string): string => workloadMember(cluster, `ns/shop/sa/${serviceAccount}`);

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  const members = [workloadMember(cluster, 'ns/ops/sa/warden')];
  await setPolicy(`/v1/projects/${project.number}`, [{ role: 'roles/sts.tokenAdmin', members }]);
  warden = await tokenOf('warden', 'ops');
});

beforeEach(async () => {
  name = `worker-${(names += 1)}`;
  account = await addAccount(project, name);
  await bind(account, { role: USER, members: [memberOf(name)] });
  federated = await tokenOf(name);
});

function post(path: string, parameters: Record<string, string>, bearer?: string): Promise<Answer> {
  const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...authorization };
  return call(path, { method: 'POST', headers, body: new URLSearchParams(parameters).toString() });
}

const introspect = (token: string, bearer?: string): Promise<Answer> => post('/v1/introspect', { token }, bearer);
const isActive = async (token: string): Promise<unknown> => (await introspect(token, warden)).body['active'];
const isTaken = async (token: string): Promise<boolean> => (await impersonate(account, token)).status !== 401;

describe('introspection', () => {
  it('tells what RFC 7662 has, in numbers, and who it is as policies call him', async () => {
    const claims = decodeJwt(federated);
    const answer = await introspect(federated, warden);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      active: true,
      token_type: 'Bearer',
      client_id: claims['client_id'],
      iss: claims.iss,
      sub: claims.sub,
      aud: ORIGIN,
      jti: claims.jti,
      exp: claims.exp,
      iat: claims.iat,
      nbf: claims.nbf,
      username: memberOf(name),
    });
  });

  it('tells it in JSON as Google has it: times in strings', async () => {
    const token = await accessToken(account, federated);
    const claims = decodeJwt(token);
    const answer = await call('/v1/introspect', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${warden}` },
      body: JSON.stringify({ token, tokenTypeHint: 'access_token' }),
    });
    expect(answer.body).toMatchObject({
      active: true,
      exp: String(claims.exp),
      iat: String(claims.iat),
      scope: claims['scope'],
      username: `serviceAccount:${account.email}`,
    });
  });

  it.each<[string, () => Promise<string> | string]>([
    ['nonsense', () => 'nonsense'],
    ['a workload’s own token', () => cluster.token()],
    ['a forged one', () => `${federated.slice(0, -4)}AAAA`],
  ])('says no more than that it is not active of %s', async (_what, token) => {
    const answer = await introspect(await token(), warden);
    expect([answer.status, answer.body]).toEqual([200, { active: false }]);
  });

  it('takes the right, on the project or on the target that the token is for', async () => {
    expect((await introspect(federated)).status).toBe(401);
    expect((await introspect(federated, 'nonsense')).status).toBe(401);
    const refused = await introspect(federated, federated);
    expect([refused.status, refused.body['error']]).toEqual([403, 'access_denied']);
    const target = await addTarget(project);
    const role = await addRole(project);
    await setPolicy(target.path, [
      { role, members: [memberOf(name)] },
      { role: 'roles/sts.tokenInspector', members: [memberOf(name)] },
    ]);
    const forTarget = String(
      (await exchange(cluster, target.uri, await cluster.token({ serviceAccount: name }))).body['access_token'],
    );
    expect((await introspect(forTarget, federated)).body).toMatchObject({ active: true, aud: target.uri });
    expect((await introspect(federated, federated)).status).toBe(403);
  });

  it('of another project’s token is nobody’s of this one', async () => {
    const other = await createProject();
    const token = await brokerToken(await addCluster(other));
    expect((await introspect(token, warden)).status).toBe(403);
  });

  it.each<[string, RequestInit, number]>([
    ['GET', { method: 'GET' }, 405],
    ['another media type', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'token=x' }, 415],
    [
      'no token',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'x=y' },
      400,
    ],
    [
      'two tokens',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'token=x&token=y' },
      400,
    ],
  ])('hears what is wrong: %s', async (_what, init, status) => {
    const headers = { ...(init.headers as object), authorization: `Bearer ${warden}` };
    const answer = await call('/v1/introspect', { ...init, headers });
    expect(answer.status).toBe(status);
    expect(typeof answer.body['error']).toBe('string');
  });

  it('takes no token in the URL', async () => {
    expect((await post(`/v1/introspect?token=${federated}`, { token: 'x' }, warden)).status).toBe(400);
  });
});

describe('revocation', () => {
  it('by its holder, who shows it, ends a token at the next request and no other', async () => {
    const another = await tokenOf(name);
    expect([await isTaken(federated), await isActive(federated)]).toEqual([true, true]);
    const answer = await post('/v1/revoke', { token: federated });
    expect([answer.status, answer.body]).toEqual([200, {}]);
    expect([await isTaken(federated), await isActive(federated)]).toEqual([false, false]);
    expect([await isTaken(another), await isActive(another)]).toEqual([true, true]);
    // Again, and of what is none, is as good.
    expect((await post('/v1/revoke', { token: federated })).status).toBe(200);
    expect((await post('/v1/revoke', { token: 'nonsense' })).status).toBe(200);
  });

  it('of a service account’s token ends it, and leaves the account', async () => {
    const token = await accessToken(account, federated);
    const info = () => call('/v1/tokeninfo', { headers: { authorization: `Bearer ${token}` } });
    expect((await info()).status).toBe(200);
    expect((await post('/v1/revoke', { token, token_type_hint: 'access_token' })).status).toBe(200);
    expect((await info()).status).toBe(400);
    expect(await isActive(token)).toBe(false);
    expect(await isActive(await accessToken(account, federated))).toBe(true);
  });

  it('ends what was made of the token by downscoping as well', async () => {
    const rules = [
      {
        availableResource: `//cloudresourcemanager.googleapis.com/projects/${project.number}`,
        availablePermissions: [`inRole:${USER}`],
      },
    ];
    const answer = await post('/v1/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: federated,
      options: JSON.stringify({ accessBoundary: { accessBoundaryRules: rules } }),
    });
    const narrowed = String(answer.body['access_token']);
    expect(await isTaken(narrowed)).toBe(true);
    await post('/v1/revoke', { token: federated });
    expect(await isTaken(narrowed)).toBe(false);
  });

  it('of others’ tokens takes the right: whoever says who he is must be the holder, or hold it', async () => {
    const stranger = await tokenOf('other');
    expect((await post('/v1/revoke', { token: federated }, stranger)).status).toBe(403);
    expect(await isTaken(federated)).toBe(true);
    expect((await post('/v1/revoke', { token: federated }, warden)).status).toBe(200);
    expect(await isTaken(federated)).toBe(false);
  });

  it('by id ends a token that is not at hand', async () => {
    const tokenId = decodeJwt(federated).jti ?? '';
    const parameters = { token_id: tokenId, project: project.id };
    expect((await post('/v1/revoke', parameters)).status).toBe(401);
    expect((await post('/v1/revoke', parameters, federated)).status).toBe(403);
    expect((await post('/v1/revoke', parameters, warden)).status).toBe(200);
    expect([await isTaken(federated), await isActive(federated)]).toEqual([false, false]);
  });

  it('by principal ends all of his tokens of before, and not those of after', async () => {
    const later = new Date(Date.now() - 3_600_000).toISOString();
    const principal = memberOf(name);
    expect((await post('/v1/revoke', { principal, before: later }, warden)).status).toBe(200);
    expect(await isTaken(federated)).toBe(true);
    expect((await post('/v1/revoke', { principal }, warden)).status).toBe(200);
    expect(await isTaken(federated)).toBe(false);
    await expect.poll(async () => isTaken(await tokenOf(name)), { timeout: 5_000 }).toBe(true);
    expect((await post('/v1/revoke', { principal }, federated)).status).toBe(401);
  });

  it('by principal knows service accounts', async () => {
    const token = await accessToken(account, federated);
    expect((await post('/v1/revoke', { principal: `serviceAccount:${account.email}` }, warden)).status).toBe(200);
    expect(await isActive(token)).toBe(false);
    expect(await isTaken(federated)).toBe(true);
  });

  it.each<[string, (id: string) => Record<string, string>]>([
    ['a token’s id', (id) => ({ token_id: 'some-token', project: id })],
    ['a service account', (id) => ({ principal: `serviceAccount:robot@${id}.iam.sts.example.com` })],
  ])('tells nobody without the right which projects there are: %s', async (_what, parametersOf) => {
    const madeUp = `x${project.id.slice(1)}`;
    for (const [bearer, status] of [[undefined, 401] as const, [federated, 403] as const]) {
      const [real, none] = [
        await post('/v1/revoke', parametersOf(project.id), bearer),
        await post('/v1/revoke', parametersOf(madeUp), bearer),
      ];
      expect([real.status, none.status]).toEqual([status, status]);
      expect(none.text.replaceAll(madeUp, project.id)).toBe(real.text);
    }
  });

  it.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['a token and an id', { token: 'x', token_id: 'y' }],
    ['an id without its project', { token_id: 'y' }],
    ['a set of principals', { principal: 'principalSet://iam.googleapis.com/projects/1/x/*' }],
    ['a time ahead', { principal: 'serviceAccount:a@b', before: '2999-01-01T00:00:00Z' }],
    ['no time', { principal: 'serviceAccount:a@b', before: 'now' }],
  ])('hears what is wrong: %s', async (_what, parameters) => {
    const answer = await post('/v1/revoke', parameters, warden);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
  });
});

describe('tokeninfo', () => {
  it('tells the holder what Google’s tells', async () => {
    const token = await accessToken(account, federated);
    const claims = decodeJwt(token);
    for (const path of ['/v1/tokeninfo', '/tokeninfo']) {
      const answer = await post(path, { access_token: token });
      expect(answer.body).toMatchObject({
        azp: account.uniqueId,
        aud: ORIGIN,
        sub: account.uniqueId,
        scope: claims['scope'],
        exp: String(claims.exp),
        expires_in: expect.stringMatching(/^\d+$/),
        email: account.email,
        email_verified: 'true',
      });
    }
    expect((await call('/tokeninfo', { headers: { authorization: `Bearer ${federated}` } })).body).toMatchObject({
      scope: '',
    });
  });

  it('refuses what is none, and what comes in the URL', async () => {
    expect((await post('/tokeninfo', { access_token: 'nonsense' })).body).toMatchObject({ error: 'invalid_token' });
    expect((await call(`/tokeninfo?access_token=${federated}`)).status).toBe(400);
    expect((await call('/tokeninfo')).status).toBe(400);
  });
});

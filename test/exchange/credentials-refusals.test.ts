/** Each error of IAM Credentials by a real cause: the code, the status and the reason that Google's clients look at (WIRE.md D, A.10). */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  accessToken,
  addAccount,
  bind,
  brokerToken,
  CREATOR,
  impersonate,
  type Method,
  type TestAccount,
  USER,
  workloadMember,
} from '../support/accounts.ts';
import {
  addCluster,
  type Answer,
  call,
  type Cluster,
  createProject,
  must,
  type TestProject,
} from '../support/broker.ts';

let project: TestProject;
let cluster: Cluster;
let account: TestAccount;
let federated: string;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  account = await addAccount(project, 'builder');
  const members = [workloadMember(cluster)];
  await bind(account, { role: USER, members }, { role: CREATOR, members });
  federated = await brokerToken(cluster);
});

function errorOf({ body }: Answer): Record<string, unknown> {
  return body['error'] as Record<string, unknown>;
}

function reasonOf(answer: Answer): unknown {
  return (errorOf(answer)['details'] as readonly Record<string, unknown>[] | undefined)?.[0]?.['reason'];
}

function fieldOf(answer: Answer): unknown {
  const [detail] = errorOf(answer)['details'] as readonly { fieldViolations: readonly { field: string }[] }[];
  return detail?.fieldViolations[0]?.field;
}

describe('a request without a good token', () => {
  it.each([
    ['none', undefined],
    ['nonsense', 'Bearer nonsense'],
    ['another scheme', 'Basic Zm9v'],
  ])('is refused before anything of it is looked at: %s', async (_what, authorization) => {
    const answer = await call(`/v1/projects/-/serviceAccounts/${account.email}:generateAccessToken`, {
      method: 'POST',
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      body: 'no JSON',
    });
    expect(answer.status).toBe(401);
    expect(errorOf(answer)).toMatchObject({ code: 401, status: 'UNAUTHENTICATED' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is refused with the bootstrap token, which is nobody that a policy could name', async () => {
    const { env } = await import('cloudflare:workers');
    const answer = await impersonate(account, env.EDGE_STS_ADMIN_TOKEN ?? '');
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'IAM_PERMISSION_DENIED']);
  });
});

describe('a request that is wrong', () => {
  it.each<[string, Method, object, string]>([
    ['no lifetime at all', 'generateAccessToken', { lifetime: '0s' }, 'lifetime'],
    ['a lifetime that is none', 'generateAccessToken', { lifetime: '1h' }, 'lifetime'],
    ['a negative lifetime', 'generateAccessToken', { lifetime: '-5s' }, 'lifetime'],
    ['a lifetime as a number', 'generateAccessToken', { lifetime: 60 }, 'lifetime'],
    ['more than an hour', 'generateAccessToken', { lifetime: '3601s' }, 'lifetime'],
    ['no scopes', 'generateAccessToken', { scope: [] }, 'scope'],
    ['scopes that are no list', 'generateAccessToken', { scope: 'a' }, 'scope'],
    ['a scope with a blank', 'generateAccessToken', { scope: ['a b'] }, 'scope[0]'],
    ['no audience', 'generateIdToken', { audience: '' }, 'audience'],
    ['an audience that is no text', 'generateIdToken', { audience: ['x'] }, 'audience'],
    ['a payload that is no JSON', 'signJwt', { payload: '{' }, 'payload'],
    ['a payload that is no object', 'signJwt', { payload: '[]' }, 'payload'],
    ['a payload with a member twice', 'signJwt', { payload: '{"sub":"a","sub":"b"}' }, 'payload'],
    ['a payload that is over', 'signJwt', { payload: '{"exp":1}' }, 'payload'],
    ['a payload for more than twelve hours', 'signJwt', { payload: '{"exp":99999999999}' }, 'payload'],
    ['a payload that expires in a fraction', 'signJwt', { payload: '{"exp":1.5}' }, 'payload'],
    ['bytes that are no base64', 'signBlob', { payload: '*' }, 'payload'],
    ['no bytes', 'signBlob', { payload: '' }, 'payload'],
    ['delegates that are no list', 'signBlob', { delegates: 'x' }, 'delegates'],
    ['a delegate in another form', 'signBlob', { delegates: ['robot@x.iam.y'] }, 'delegates[0]'],
    ['a delegate that can be none', 'signBlob', { delegates: ['projects/-/serviceAccounts/x'] }, 'delegates[0]'],
    ['too many delegates', 'signBlob', { delegates: Array.from({ length: 5 }).fill('x') }, 'delegates'],
  ])('hears which field, before it costs anything: %s', async (_what, method, body, field) => {
    const answer = await impersonate(account, federated, method, body);
    expect(errorOf(answer)).toMatchObject({ code: 400, status: 'INVALID_ARGUMENT' });
    expect(fieldOf(answer)).toBe(field);
  });

  it('names the project by -, as at Google', async () => {
    const path = `/v1/projects/${project.number}/serviceAccounts/${account.email}:signBlob`;
    const headers = { authorization: `Bearer ${federated}`, 'content-type': 'application/json' };
    const answer = await call(path, { method: 'POST', headers, body: '{"payload":"YQ=="}' });
    expect([answer.status, fieldOf(answer)]).toEqual([400, 'name']);
  });

  it.each([
    ['GET', undefined, 405],
    ['POST', 'text/plain', 415],
  ])('hears what it should have been: %s %s', async (method, type, status) => {
    const headers = { authorization: `Bearer ${federated}`, ...(type === undefined ? {} : { 'content-type': type }) };
    const answer = await call(`/v1/projects/-/serviceAccounts/${account.email}:signBlob`, {
      method,
      headers,
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    expect(answer.status).toBe(status);
  });

  it('may have members that nobody knows, and null where there is nothing', async () => {
    const answer = await impersonate(account, federated, 'generateIdToken', {
      useEmailAzp: true,
      delegates: null,
      x: 1,
    });
    expect(answer.status).toBe(200);
  });

  it('means cloud-platform by one empty scope', async () => {
    const token = await accessToken(account, federated, { scope: [''] });
    expect(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))).toContain('cloud-platform');
  });
});

describe('whoever may not', () => {
  it('hears the same of an account that he may not use and of one that there is not', async () => {
    const other = await addAccount(project, 'other');
    const answers = [
      await impersonate(other, federated),
      await impersonate({ email: other.email.replace('other', 'nobody') }, federated),
      await impersonate({ email: other.email.replace(project.id, 'no-such-project') }, federated),
    ];
    for (const answer of answers) {
      expect(errorOf(answer)).toMatchObject({ code: 403, status: 'PERMISSION_DENIED' });
      expect(reasonOf(answer)).toBe('IAM_PERMISSION_DENIED');
    }
    const [one = '', ...others] = answers.map(({ text }) =>
      text.replaceAll(/serviceAccounts\/[^'"]+/g, 'serviceAccounts/X'),
    );
    for (const text of others) expect(text).toBe(one);
  });

  it.each<[string, Method]>([
    ['iam.serviceAccounts.signJwt', 'signJwt'],
    ['iam.serviceAccounts.signBlob', 'signBlob'],
  ])('hears which right he lacks: %s', async (permission, method) => {
    const target = await addAccount(project, `only-${method.toLowerCase()}`);
    await bind(target, { role: USER, members: [workloadMember(cluster)] });
    const answer = await impersonate(target, federated, method);
    expect(errorOf(answer)['message']).toContain(`Permission '${permission}' denied on resource`);
    expect(errorOf(answer)['details']).toMatchObject([{ metadata: { permission } }]);
    expect((await impersonate(target, federated)).status).toBe(200);
  });

  it('makes ID tokens and nothing else by the role for them', async () => {
    const target = await addAccount(project, 'id-only');
    const members = [workloadMember(cluster)];
    await bind(target, { role: 'roles/iam.serviceAccountOpenIdTokenCreator', members });
    const statuses = [];
    for (const method of ['generateIdToken', 'generateAccessToken', 'signJwt', 'signBlob'] as const) {
      statuses.push((await impersonate(target, federated, method)).status);
    }
    expect(statuses).toEqual([200, 403, 403, 403]);
  });

  it('is told of a token that was made for something else', async () => {
    await bind(account, { role: CREATOR, members: [workloadMember(cluster), `serviceAccount:${account.email}`] });
    const narrow = await accessToken(account, federated, { scope: ['https://www.googleapis.com/auth/devstorage'] });
    const answer = await impersonate(account, narrow);
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT']);
  });
});

describe('an account', () => {
  it('known by its unique id is the same', async () => {
    expect((await impersonate({ email: account.uniqueId }, federated)).status).toBe(200);
  });

  it('is impersonated by the legacy name of a ServiceAccount of the built-in pool', async () => {
    const legacy = await addAccount(project, 'legacy');
    await bind(legacy, { role: USER, members: [`serviceAccount:${project.builtInPool}[shop/checkout]`] });
    expect((await impersonate(legacy, federated)).status).toBe(200);
    await bind(legacy, { role: USER, members: [`serviceAccount:${project.builtInPool}[shop/other]`] });
    expect((await impersonate(legacy, federated)).status).toBe(403);
  });

  it('that is disabled, or deleted, gives nothing at the next request, and its tokens are dead', async () => {
    const boss = await addAccount(project, 'boss');
    await bind(boss, { role: USER, members: [workloadMember(cluster)] });
    const bindings = [{ role: 'roles/iam.securityReviewer', members: [`serviceAccount:${boss.email}`] }];
    const path = `/v1/projects/${project.number}`;
    await must('POST', `${path}:setIamPolicy`, { policy: { bindings } });
    const headers = { authorization: `Bearer ${await accessToken(boss, federated)}` };
    expect((await call(path, { headers })).status).toBe(200);
    await must('POST', `${boss.path}:disable`, {});
    expect((await call(path, { headers })).status).toBe(401);
    const refused = await impersonate(boss, federated);
    expect(errorOf(refused)).toMatchObject({ code: 400, status: 'FAILED_PRECONDITION' });
    await must('POST', `${boss.path}:enable`, {});
    expect((await call(path, { headers })).status).toBe(200);
    await must('DELETE', boss.path);
    expect((await call(path, { headers })).status).toBe(401);
    expect((await impersonate(boss, federated)).status).toBe(403);
  });

  it('is out of reach once the pool of who asks is disabled', async () => {
    const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
    await must('POST', `${pools}?workloadIdentityPoolId=other-pool`, {});
    const other = await addCluster(project, { pool: 'other-pool' });
    const target = await addAccount(project, 'pooled');
    await bind(target, { role: USER, members: [workloadMember(other)] });
    const token = await brokerToken(other);
    expect((await impersonate(target, token)).status).toBe(200);
    await must('PATCH', `${pools}/other-pool?updateMask=disabled`, { disabled: true });
    expect((await impersonate(target, token)).status).toBe(401);
  });

  it('gives longer tokens where its project and it allow them, and never longer', async () => {
    const lasting = await addAccount(project, 'lasting', { maxTokenLifetime: '43200s' });
    await bind(lasting, { role: USER, members: [workloadMember(cluster)] });
    const ask = async (lifetime: string): Promise<number> =>
      (await impersonate(lasting, federated, 'generateAccessToken', { lifetime })).status;
    expect(await ask('3601s')).toBe(400);
    await must('PATCH', `/v1/projects/${project.number}`, { maxServiceAccountTokenLifetime: '7200s' });
    expect([await ask('7200s'), await ask('7201s')]).toEqual([200, 400]);
    const other = await impersonate(account, federated, 'generateAccessToken', { lifetime: '3601s' });
    expect(other.status).toBe(400);
  });
});

describe('the quota of credentials', () => {
  it('is the project’s own, is not that of exchanges, and says what was asked too often', async () => {
    const small = await createProject();
    const crowd = await addCluster(small);
    const one = await addAccount(small, 'one');
    const members = [workloadMember(crowd)];
    await bind(one, { role: USER, members }, { role: CREATOR, members });
    const token = await brokerToken(crowd);
    const path = `/v1/projects/${small.number}?updateMask=credentialGenerationsPerMinute`;
    await must('PATCH', path, { credentialGenerationsPerMinute: 2 });
    const statuses = [];
    for (const method of ['generateAccessToken', 'signBlob', 'signJwt'] as const) {
      statuses.push((await impersonate(one, token, method)).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
    const answer = await impersonate(one, token, 'generateIdToken');
    expect(errorOf(answer)).toMatchObject({ code: 429, status: 'RESOURCE_EXHAUSTED' });
    expect(errorOf(answer)['details']).toMatchObject([
      {
        reason: 'RATE_LIMIT_EXCEEDED',
        metadata: {
          consumer: `projects/${small.number}`,
          quota_limit: 'CredentialGenerationRequestsPerMinutePerProject',
          quota_limit_value: '2',
        },
      },
      { retryDelay: `${answer.headers.get('retry-after') ?? ''}s` },
    ]);
    // What is refused for want of a right costs nothing, and exchanges go on.
    expect((await impersonate({ email: one.email.replace('one', 'two') }, token)).status).toBe(403);
    await brokerToken(crowd);
  });
});

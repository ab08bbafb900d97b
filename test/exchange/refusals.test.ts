/** CONTRACT's exchange table, row by row: what the caller hears, and the reason that the operator reads. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  call,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  member,
  must,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;
let target: TestTarget;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
});

async function expectRefusal(
  answer: Answer,
  status: number,
  error: string,
  reason: string,
  check?: string,
): Promise<void> {
  expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status, error });
  expect(typeof answer.body['error_description']).toBe('string');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('content-type')).toContain('application/json');
  const line = await audit.lineFor(answer);
  expect(line).toMatchObject({ event: 'exchange', outcome: 'refused', reason });
  if (check !== undefined && check !== '') expect(String(line['check'])).toContain(check);
}

describe('400 invalid_request', () => {
  it.each([
    ['grant_type', { grant_type: undefined }],
    ['subject_token', { subject_token: undefined }],
    ['subject_token', { subject_token: '' }],
    ['subject_token', { subject_token: 'x'.repeat(16_385) }],
    ['subject_token_type', { subject_token_type: undefined }],
    ['subject_token_type', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
    ['requested_token_type', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['audience', { audience: 'https://sts.example.com' }],
    ['audience', { audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p' }],
    ['audience', { audience: '//iam.googleapis.com/locations/global/workforcePools/p/providers/q' }],
    ['actor_token', { actor_token: 'x' }],
    ['actor_token', { actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' }],
    ['options', { options: 'not json' }],
    ['options', { options: '{"accessBoundary":{}}' }],
  ])('%s malformed: %j', async (parameter, change) => {
    const answer = await postToken(tokenForm(cluster.audience, await cluster.token(), change));
    await expectRefusal(answer, 400, 'invalid_request', 'malformed', parameter);
    expect(answer.body['error_description']).toContain(parameter);
  });

  it.each(['grant_type', 'audience', 'subject_token', 'resource', 'scope'])('%s twice', async (parameter) => {
    const form = tokenForm(cluster.audience, await cluster.token(), { resource: target.uri });
    form.append(parameter, form.get(parameter) ?? '');
    await expectRefusal(
      await postToken(form),
      400,
      'invalid_request',
      'malformed',
      `${parameter}: stands more than once`,
    );
  });

  it('no audience, and none in the token either', async () => {
    const token = await cluster.token({ audience: 'something' });
    await expectRefusal(await postToken(tokenForm(undefined, token)), 400, 'invalid_request', 'malformed', 'audience');
  });

  it.each(['subject_token', 'access_token', 'audience', 'subjectToken', 'SUBJECT_TOKEN', 'client_assertion'])(
    '%s in the query',
    async (parameter) => {
      const form = tokenForm(cluster.audience, await cluster.token());
      const answer = await call(`/v1/token?${parameter}=x`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      });
      await expectRefusal(answer, 400, 'invalid_request', 'malformed', 'query');
    },
  );

  it('a token in the query under any name', async () => {
    const form = tokenForm(cluster.audience, await cluster.token());
    const answer = await call(`/v1/token?foo=${await cluster.token()}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    await expectRefusal(answer, 400, 'invalid_request', 'malformed', 'query');
  });

  it.each([
    ['a form that begins with a question mark', (form: string) => `?${form}`],
    ['bytes that are no UTF-8', (form: string) => `${form}&resource=%ff`],
  ])('%s', async (_what, spoil) => {
    const answer = await call('/v1/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: spoil(tokenForm(cluster.audience, await cluster.token()).toString()),
    });
    await expectRefusal(answer, 400, 'invalid_request', 'malformed');
  });

  it('a body that breaks off', async () => {
    const broken = new ReadableStream({
      pull(controller) {
        controller.error(new Error('the client is gone'));
      },
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: broken, duplex: 'half' };
    await expectRefusal(await call('/v1/token', init), 400, 'invalid_request', 'malformed', 'body');
  });

  it.each([
    '//iam.googleapis.com/projects/1%32/locations/global/workloadIdentityPools/p/providers/q',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/a b/providers/q',
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p/providers/\u009b31m',
  ])('an audience with what no name can hold: %s', async (audience) => {
    const answer = await postToken(tokenForm(audience, await cluster.token()));
    await expectRefusal(answer, 400, 'invalid_request', 'malformed', 'audience');
  });

  it('a minted token over 8 KiB', async () => {
    const many = await addTarget(project, { uri: `https://big.example.com/${'x'.repeat(1_900)}` });
    const roles = await Promise.all(Array.from({ length: 3 }, () => addRole(project)));
    const scopes = Array.from({ length: 45 }, (_, index) => `https://scopes.example.com/${index}/${'y'.repeat(100)}`);
    await must('PATCH', `${many.path}?updateMask=allowedScopes`, { allowedScopes: scopes });
    await setPolicy(
      many.path,
      roles.map((role) => ({ role, members: [member(project, cluster.pool, 'subject/ns/shop/sa/checkout')] })),
    );
    const big = `https://big.example.com/${'x'.repeat(1_900)}`;
    const short = await exchange(cluster, big, undefined, { scope: '' });
    expect(short.status).toBe(200);
    const answer = await exchange(cluster, big, undefined, { scope: scopes.slice(0, 30).join(' ') });
    await expectRefusal(answer, 400, 'invalid_request', 'token_too_large');
  });
});

describe('400 invalid_target, always the same bytes', () => {
  const texts = new Set<string>();

  async function expectInvalidTarget(answer: Answer, reason: string, check: string): Promise<void> {
    await expectRefusal(answer, 400, 'invalid_target', reason, check);
    texts.add(answer.text);
    expect(texts.size).toBe(1);
  }

  it('unknown pool', async () => {
    const audience = cluster.audience.replace(cluster.pool, 'no-such-pool');
    await expectInvalidTarget(await postToken(tokenForm(audience, await cluster.token())), 'unknown_provider', 'pool');
  });

  it('unknown project', async () => {
    const audience = cluster.audience.replace(project.number, '999999999999');
    await expectInvalidTarget(await postToken(tokenForm(audience, await cluster.token())), 'unknown_provider', 'pool');
  });

  it('project id in place of the number', async () => {
    const audience = cluster.audience.replace(project.number, project.id);
    await expectInvalidTarget(await postToken(tokenForm(audience, await cluster.token())), 'unknown_provider', '');
  });

  it('unknown provider', async () => {
    const audience = cluster.audience.replace(cluster.providerId, 'no-such-one');
    await expectInvalidTarget(
      await postToken(tokenForm(audience, await cluster.token())),
      'unknown_provider',
      'provider',
    );
  });

  it('disabled provider', async () => {
    const other = await addCluster(project, { extra: { disabled: true } });
    await expectInvalidTarget(await exchange(other), 'disabled', 'provider');
  });

  it('disabled pool', async () => {
    const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
    await must('POST', `${pools}?workloadIdentityPoolId=off-pool`, { disabled: true });
    const other = await addCluster(project, { pool: 'off-pool' });
    await expectInvalidTarget(await exchange(other), 'disabled', 'pool');
  });

  it('unknown target', async () => {
    const answer = await exchange(cluster, 'https://nowhere.example.com/secret');
    await expectInvalidTarget(answer, 'unknown_target', '');
    expect(JSON.stringify(await audit.lineFor(answer))).not.toContain('nowhere');
    await expectInvalidTarget(
      await exchange(cluster, `${target.uri}/`),
      'unknown_target',
      `${target.id} differs by a slash`,
    );
  });

  it('a target that the path of an object prototype would name', async () => {
    await expectInvalidTarget(await exchange(cluster, '__proto__'), 'unknown_target', '');
    await expectInvalidTarget(await exchange(cluster, 'constructor'), 'unknown_target', '');
  });

  it('ungranted target', async () => {
    await expectInvalidTarget(await exchange(cluster, target.uri), 'not_granted', 'no binding on');
  });
});

describe('400 invalid_grant', () => {
  const claims = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }),
    ...more,
  });
  const now = Math.floor(Date.now() / 1_000);
  const texts = new Set<string>();

  const cases: [string, string, () => Promise<string>][] = [
    ['not a token', 'token_format', async () => 'garbage'],
    ['a JWE', 'token_format', async () => 'a.b.c.d.e'],
    ['an unknown key id', 'unknown_kid', () => cluster.issuer.sign(claims(), { kid: 'other' })],
    ['a key id of Object', 'unknown_kid', () => cluster.issuer.sign(claims(), { kid: '__proto__' })],
    ['alg none', 'alg_not_allowed', () => cluster.issuer.sign(claims(), { alg: 'none' })],
    ['alg HS256', 'alg_not_allowed', () => cluster.issuer.sign(claims(), { alg: 'HS256' })],
    ['RS256 said of an EC key', 'key_alg_mismatch', () => cluster.issuer.sign(claims(), { alg: 'RS256' })],
    [
      'another cluster, same kid',
      'signature',
      async () => (await createIssuer('ES256', cluster.issuer.kid)).sign(claims()),
    ],
    [
      'a changed payload',
      'signature',
      async () => {
        const [header = '', , signature = ''] = (await cluster.issuer.sign(claims())).split('.');
        const [, payload = ''] = (await cluster.issuer.sign(claims({ sub: 'system:serviceaccount:shop:root' }))).split(
          '.',
        );
        return `${header}.${payload}.${signature}`;
      },
    ],
    [
      'a header member we do not use',
      'header_member',
      () => cluster.issuer.sign(claims(), { jku: 'https://evil.example' }),
    ],
    ['our own type of token', 'header_typ', () => cluster.issuer.sign(claims(), { typ: 'at+jwt' })],
    ['another issuer', 'issuer', () => cluster.issuer.sign(claims({ iss: `${cluster.issuerUri}/` }))],
    ['an issuer list', 'issuer', () => cluster.issuer.sign(claims({ iss: [cluster.issuerUri] }))],
    ['no exp', 'time_claims', () => cluster.issuer.sign(claims({ exp: undefined }))],
    ['exp as text', 'time_claims', () => cluster.issuer.sign(claims({ exp: String(now + 60) }))],
    ['a fraction in exp', 'time_claims', () => cluster.issuer.sign(claims({ exp: now + 60.5 }))],
    ['no iat', 'time_claims', () => cluster.issuer.sign(claims({ iat: undefined }))],
    ['iat after exp', 'time_claims', () => cluster.issuer.sign(claims({ iat: now + 30, exp: now + 20 }))],
    ['exp after the year 9999', 'time_claims', () => cluster.issuer.sign(claims({ exp: 253_402_300_800 }))],
    [
      'exp 1e999',
      'payload_json',
      () =>
        cluster.issuer.signText(
          JSON.stringify({ alg: 'ES256', kid: cluster.issuer.kid }),
          JSON.stringify(claims({ exp: 0 })).replace('"exp":0', '"exp":1e999'),
        ),
    ],
    ['iat two minutes ahead', 'issued_in_future', () => cluster.issuer.sign(claims({ iat: now + 120 }))],
    ['nbf two minutes ahead', 'not_yet_valid', () => cluster.issuer.sign(claims({ nbf: now + 120 }))],
    [
      'a life of more than a day',
      'lifetime',
      () => cluster.issuer.sign(claims({ exp: Number(claims()['iat']) + 86_401 })),
    ],
    ['no kubernetes.io', 'kubernetes_claims', () => cluster.issuer.sign(claims({ 'kubernetes.io': undefined }))],
    [
      'a namespace with a slash',
      'kubernetes_claims',
      () =>
        cluster.issuer.sign(
          claims({
            'kubernetes.io': { namespace: 'a/sa/b', serviceaccount: { name: 'x', uid: 'u' } },
            sub: 'system:serviceaccount:a/sa/b:x',
          }),
        ),
    ],
    [
      'a subject that disagrees',
      'subject_disagrees',
      () => cluster.issuer.sign(claims({ sub: 'system:serviceaccount:kube-system:admin' })),
    ],
    [
      'a subject list',
      'subject_disagrees',
      () => cluster.issuer.sign(claims({ sub: ['system:serviceaccount:shop:checkout'] })),
    ],
    [
      'a subject twice',
      'payload_json',
      () =>
        cluster.issuer.signText(
          JSON.stringify({ alg: 'ES256', kid: cluster.issuer.kid }),
          JSON.stringify(claims()).replace('{', '{"sub":"system:serviceaccount:shop:checkout",'),
        ),
    ],
    [
      'a deep payload',
      'payload_json',
      () => cluster.issuer.sign(claims({ x: JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`) })),
    ],
  ];

  it.each(cases)('%s (%s): one text for all', async (_what, check, token) => {
    const answer = await exchange(cluster, undefined, await token());
    await expectRefusal(answer, 400, 'invalid_grant', 'unverified', check);
    texts.add(answer.text);
    expect(texts.size).toBe(1);
  });

  it.each([
    ['expired', 'expired', () => cluster.token({ issuedAtSeconds: now - 3_700 })],
    ['one second left', 'expired', () => cluster.token({ issuedAtSeconds: now - 3_600 + 1 })],
    ['no audience', 'audience', () => cluster.issuer.sign(claims({ aud: undefined }))],
    ['an empty audience list', 'audience', () => cluster.token({ audience: [] })],
    [
      'two audiences, one of them ours',
      'audience',
      () => cluster.token({ audience: ['https://kubernetes.default.svc', `https:${cluster.audience}`] }),
    ],
    ['a nested audience', 'audience', () => cluster.issuer.sign(claims({ aud: [[`https:${cluster.audience}`]] }))],
    ['an audience with a slash more', 'audience', () => cluster.token({ audience: `https:${cluster.audience}/` })],
    [
      'an audience in capitals',
      'audience',
      () => cluster.token({ audience: `https:${cluster.audience}`.toUpperCase() }),
    ],
    [
      'a prefix of the audience',
      'audience',
      () => cluster.token({ audience: `https:${cluster.audience}`.slice(0, -1) }),
    ],
    ["the API server's audience", 'audience', () => cluster.token({ audience: 'https://kubernetes.default.svc' })],
    [
      'a legacy token',
      'legacy_token',
      () =>
        cluster.issuer.sign({
          iss: 'kubernetes/serviceaccount',
          sub: 'system:serviceaccount:shop:checkout',
          'kubernetes.io/serviceaccount/namespace': 'shop',
          'kubernetes.io/serviceaccount/service-account.name': 'checkout',
        }),
    ],
    ['a one-year token', 'one_year_token', () => cluster.token({ lifetimeSeconds: 31_536_000 })],
  ] as [string, string, () => Promise<string>][])('%s (%s): a text of its own', async (_what, check, token) => {
    const answer = await exchange(cluster, undefined, await token());
    await expectRefusal(answer, 400, 'invalid_grant', 'unverified', check);
    expect([...texts]).not.toContain(answer.text);
    expect(String(answer.body['error_description']).toLowerCase()).toMatch(/expired|audience/);
  });

  it('a token for one provider at another', async () => {
    const other = await addCluster(project, { issuer: cluster.issuer });
    const answer = await exchange(other, undefined, await cluster.token());
    await expectRefusal(answer, 400, 'invalid_grant', 'unverified', 'audience');
  });

  it('our own minted token as subject token', async () => {
    const own = await exchange(cluster);
    const answer = await exchange(cluster, undefined, String(own.body['access_token']));
    await expectRefusal(answer, 400, 'invalid_grant', 'unverified', 'header_typ');
  });
});

describe('400 unauthorized_client', () => {
  it('a condition that is false', async () => {
    const other = await addCluster(project, { extra: { attributeCondition: 'google.subject == "ns/other/sa/one"' } });
    await expectRefusal(await exchange(other), 400, 'unauthorized_client', 'condition_false');
  });

  it('a condition that fails while it is evaluated', async () => {
    const other = await addCluster(project, { extra: { attributeCondition: 'assertion.tenant == "a"' } });
    await expectRefusal(await exchange(other), 400, 'unauthorized_client', 'condition_error');
  });
});

describe('400 unsupported_grant_type, invalid_scope', () => {
  it('another grant type', async () => {
    const form = tokenForm(cluster.audience, await cluster.token(), { grant_type: 'client_credentials' });
    await expectRefusal(await postToken(form), 400, 'unsupported_grant_type', 'unsupported_grant_type');
  });

  it.each(['a"b', 'a\\b', 'a\u0007b', 'grüße', 'a\tb'])('scope %j', async (scope) => {
    const form = tokenForm(cluster.audience, await cluster.token(), { scope });
    await expectRefusal(await postToken(form), 400, 'invalid_scope', 'invalid_scope');
  });
});

describe('429', () => {
  it('over quota, with Retry-After, and room at once when the limit is raised', async () => {
    const small = await createProject();
    const mine = await addCluster(small);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 2,
    });
    expect((await exchange(mine)).status).toBe(200);
    expect((await exchange(mine)).status).toBe(200);
    const answer = await exchange(mine);
    await expectRefusal(answer, 429, 'quota_exceeded', 'over_quota');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 3,
    });
    expect((await exchange(mine)).status).toBe(200);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 0,
    });
    expect((await exchange(mine)).status).toBe(429);
    await must('PATCH', `/v1/${mine.name}?updateMask=disabled`, { disabled: true });
    await expectRefusal(await exchange(mine), 400, 'invalid_target', 'disabled');
  });

  it('refused exchanges cost no quota', async () => {
    const small = await createProject();
    const mine = await addCluster(small);
    await must('PATCH', `/v1/projects/${small.number}?updateMask=tokenExchangesPerMinute`, {
      tokenExchangesPerMinute: 1,
    });
    for (let round = 0; round < 5; round++) expect((await exchange(mine, undefined, 'a.b.c')).status).toBe(400);
    expect((await exchange(mine, 'https://nowhere.example.com')).status).toBe(400);
    expect((await exchange(mine)).status).toBe(200);
    expect((await exchange(mine)).status).toBe(429);
  });

  it('too many failures from one address slow that address down, and nobody else', async () => {
    const from = (address: string, token: string): Promise<Answer> =>
      postToken(tokenForm(cluster.audience, token), { 'cf-connecting-ip': address });
    let answer = await from('192.0.2.1', 'a.b.c');
    for (let round = 0; round < 700 && answer.status === 400; round++) answer = await from('192.0.2.1', 'a.b.c');
    await expectRefusal(answer, 429, 'slow_down', 'too_many_failures');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    // Behind one address there may be a whole cluster: only failures are slowed down.
    expect((await from('192.0.2.1', await cluster.token())).status).toBe(200);
    expect((await from('192.0.2.2', 'a.b.c')).status).toBe(400);
  });
});

describe('404, 405, 413, 415', () => {
  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    const answer = await call('/v1/token', { method });
    await expectRefusal(answer, 405, 'invalid_request', 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('a body over 64 KiB, with and without its length', async () => {
    const form = tokenForm(cluster.audience, await cluster.token(), { junk: 'x'.repeat(70_000) });
    await expectRefusal(await postToken(form), 413, 'invalid_request', 'body_too_large');
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('x'.repeat(10_000)));
      },
    });
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: stream,
      duplex: 'half',
    };
    await expectRefusal(await call('/v1/token', init), 413, 'invalid_request', 'body_too_large');
  });

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded-not', ''])(
    'content type %j',
    async (type) => {
      const answer = await call('/v1/token', {
        method: 'POST',
        headers: { 'content-type': type },
        body: 'grant_type=x',
      });
      await expectRefusal(answer, 415, 'invalid_request', 'unsupported_media_type');
    },
  );

  it('an unknown path beside it, in the same dialect', async () => {
    await expectRefusal(await call('/v1/token/', { method: 'POST' }), 404, 'invalid_request', 'not_found');
    await expectRefusal(await call('/v1/token/x', { method: 'GET' }), 404, 'invalid_request', 'not_found');
  });
});

describe('administrative roles open no target', () => {
  it.each([
    'roles/owner',
    'roles/iam.workloadIdentityPoolAdmin',
    'roles/iam.workloadIdentityPoolViewer',
    'roles/resourcemanager.projectIamAdmin',
    'roles/cloudquotas.admin',
    'roles/cloudquotas.viewer',
    'roles/iam.serviceAccountAdmin',
    'roles/iam.workloadIdentityUser',
    'roles/iam.serviceAccountTokenCreator',
    'roles/iam.serviceAccountOpenIdTokenCreator',
    'roles/iam.roleAdmin',
    'roles/sts.targetAdmin',
    'roles/sts.targetViewer',
  ])('%s on project and target', async (role) => {
    const members = [member(project, cluster.pool, '*', 'principalSet')];
    await setPolicy(target.path, [{ role, members }]);
    await setPolicy(`/v1/projects/${project.number}`, [{ role, members }]);
    await expectRefusal(await exchange(cluster, target.uri), 400, 'invalid_target', 'not_granted');
  });

  it("a custom role of the broker's own permissions", async () => {
    const role = await addRole(project, ['iam.roles.get', 'cloudquotas.quotas.update', 'sts.targets.get']);
    await setPolicy(target.path, [{ role, members: [member(project, cluster.pool, '*', 'principalSet')] }]);
    await expectRefusal(await exchange(cluster, target.uri), 400, 'invalid_target', 'not_granted');
  });
});

/** What only HTTP can get wrong, and how every refusal looks: google.rpc.Status, whatever happened. */
import { describe, expect, it } from 'vitest';
import type { AdminDenial } from '../../../src/core/admin/denial.ts';
import { err } from '../../../src/core/result.ts';
import { CLUSTER, OIDC } from '../../support/admin-samples.ts';
import { badFields, createAdminRest, TOKEN, withDemo } from '../../support/admin-rest.ts';

const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
const JSON_TYPE = { ...AUTHORIZED, 'content-type': 'application/json' };
const PROVIDERS = 'locations/global/workloadIdentityPools/demo.svc.id.goog/providers';
const KEYS_AS_OBJECT = { kubernetes: { ...CLUSTER.kubernetes, jwksJson: { keys: [] } } };
const POOLS = '/v1/projects/demo/locations/global/workloadIdentityPools';

describe('authentication', () => {
  it.each([undefined, 'Bearer wrong', `Basic ${TOKEN}`])('comes before everything (%s)', async (authorization) => {
    const rest = await withDemo();
    for (const path of ['/v1/projects', '/v1/projects/demo', '/v1/nothing', '/v1/projects/demo:setIamPolicy']) {
      const headers = authorization === undefined ? {} : { authorization };
      const response = await rest.send(path, { method: 'POST', headers, body: '{' });
      expect(response.status).toBe(401);
      const missing = authorization === undefined;
      expect(response.headers.get('www-authenticate')).toBe(missing ? 'Bearer' : 'Bearer error="invalid_token"');
      expect(await response.json()).toMatchObject({
        error: {
          code: 401,
          status: 'UNAUTHENTICATED',
          message: expect.stringContaining(missing ? 'missing' : 'invalid authentication credentials'),
          details: [{ reason: missing ? 'CREDENTIALS_MISSING' : 'ACCESS_TOKEN_TYPE_UNSUPPORTED' }],
        },
      });
    }
    expect(rest.admin.history).toHaveLength(1);
  });
});

describe('paths and methods', () => {
  it.each([
    '/v1/nothing',
    '/v1/',
    '/v1/projects/',
    '/v1/projects/demo/',
    '/v1/projects/demo:nothing',
    '/v1/projects/demo/targets:setIamPolicy',
    '/v1/projects/demo/locations/europe/workloadIdentityPools',
    '/v1/projects/%E0%A4%A/targets',
    '/v1//projects',
  ])('%s is unknown', async (path) => {
    const rest = await withDemo();
    expect(await rest.call('GET', path)).toMatchObject({
      status: 404,
      body: { error: { code: 404, status: 'NOT_FOUND' } },
    });
  });

  it.each([
    ['DELETE', '/v1/projects', 'POST, GET'],
    ['PUT', '/v1/projects/demo', 'GET, PATCH, DELETE'],
    ['GET', '/v1/projects/demo:getIamPolicy', 'POST'],
    ['DELETE', POOLS, 'POST, GET'],
    ['OPTIONS', '/v1/projects/demo/signingKeys:rotate', 'POST'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const answered = await (await withDemo()).call(method, path);
    expect(answered).toMatchObject({ status: 405, body: { error: { code: 405 } } });
    expect(answered.headers.get('allow')).toBe(allow);
  });

  it('finds what is percent-encoded', async () => {
    const rest = await withDemo();
    expect((await rest.call('GET', '/v1/projects/de%6Do')).status).toBe(200);
  });

  it('answers HEAD as GET', async () => {
    const rest = await withDemo();
    expect((await rest.send('/v1/projects/demo', { method: 'HEAD', headers: AUTHORIZED })).status).toBe(200);
  });
});

describe('the body', () => {
  const post = async (body: NonNullable<RequestInit['body']> | null, headers: Record<string, string>) =>
    (await withDemo()).send('/v1/projects', {
      method: 'POST',
      headers,
      ...(body === null ? {} : { body }),
      ...streaming(body),
    });

  it.each([
    ['no type', AUTHORIZED],
    ['a form', { ...AUTHORIZED, 'content-type': 'application/x-www-form-urlencoded' }],
    ['text', { ...AUTHORIZED, 'content-type': 'text/plain' }],
    ['another charset', { ...AUTHORIZED, 'content-type': 'application/json; charset=utf-16' }],
    ['a near miss', { ...AUTHORIZED, 'content-type': 'application/jsonp' }],
    ['compressed', { ...JSON_TYPE, 'content-encoding': 'gzip' }],
  ])('%s: 415', async (_name, headers) => {
    const response = await post(new TextEncoder().encode('{"projectId":"demo-2"}'), headers);
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      error: { code: 415, message: expect.stringContaining('application/json') },
    });
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    '%s is taken',
    async (type) => {
      expect((await post('{"projectId":"demo-2"}', { ...AUTHORIZED, 'content-type': type })).status).toBe(200);
    },
  );

  it.each([
    ['{', 'not valid JSON'],
    ['[]', 'not an object'],
    ['"a"', 'not an object'],
    ['{"projectId":"demo-2","projectId":"demo-3"}', 'twice'],
    [`{"projectId":${'['.repeat(20)}${']'.repeat(20)}}`, 'deeper'],
    ['{"projectId":"\\ud800"}', 'surrogate'],
    ['\ufeff{}', 'not valid JSON'],
  ])('%s: 400 with the reason', async (body, reason) => {
    const response = await post(body, JSON_TYPE);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { status: 'INVALID_ARGUMENT', message: expect.stringContaining(reason) },
    });
  });

  it('must be UTF-8', async () => {
    const response = await post(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), JSON_TYPE);
    expect(await response.json()).toMatchObject({ error: { code: 400, message: expect.stringContaining('UTF-8') } });
  });

  it('over 1 MiB: 413, counted while reading where no length is told', async () => {
    const response = await post(`{"displayName":"${'x'.repeat(1_048_576)}"}`, JSON_TYPE);
    expect(response.status).toBe(413);
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const streamed = await post(endless, JSON_TYPE);
    expect(streamed.status).toBe(413);
    expect(pulled).toBeLessThan(30);
  });

  it('just under 1 MiB is read', async () => {
    expect((await post(`{"projectId":"demo-2"${' '.repeat(1_048_000)}}`, JSON_TYPE)).status).toBe(200);
  });

  it.each([
    ['projectID', { projectId: 'demo-2', projectID: 'x' }],
    ['__proto__', JSON.parse('{"projectId":"demo-2","__proto__":{}}')],
    ['constructor', { projectId: 'demo-2', constructor: 1 }],
    ['projectNumber', { projectId: 'demo-2', projectNumber: 123_456 }],
    ['projectId', {}],
  ])('names the field %s', async (field, body) => {
    const refused = await (await withDemo()).call('POST', '/v1/projects', body);
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 400, status: 'INVALID_ARGUMENT' } } });
    expect(badFields(refused)).toEqual([field]);
  });

  it.each([
    ['kubernetes.clusterURI', { kubernetes: { clusterURI: 'x' } }],
    ['oidc.clusterUri', { ...OIDC, oidc: { ...OIDC.oidc, clusterUri: 'https://a.example' } }],
    ['attributeMapping', { ...OIDC, attributeMapping: { 'google.subject': 1 } }],
    ['oidc.allowedAudiences[1]', { ...OIDC, oidc: { ...OIDC.oidc, allowedAudiences: ['a', 1] } }],
    ['rehearsal', { ...OIDC, rehearsal: 'true' }],
    ['disabled', { ...OIDC, disabled: 'false' }],
    ['oidc', { ...OIDC, oidc: [] }],
    ['kubernetes', { kubernetes: null }],
  ])('names the path %s', async (field, body) => {
    const rest = await withDemo();
    await rest.call('POST', `${POOLS}?workloadIdentityPoolId=my-pool`, {});
    const refused = await rest.call('POST', `${POOLS}/my-pool/providers?workloadIdentityPoolProviderId=oidc-1`, body);
    expect(badFields(refused)).toEqual([field]);
  });

  it.each([
    ['maxLifetime', 'targets?targetId=api', { uri: 'https://api.example.com', maxLifetime: 60 }, '"3600s"'],
    ['targetId', 'targets?targetId=a', { uri: 'https://api.example.com' }, '3 to 63 characters'],
    ['roleId', 'roles', { roleId: 'a' }, '3 to 64 characters'],
    ['kubernetes.jwksJson', `${PROVIDERS}?workloadIdentityPoolProviderId=c-1`, KEYS_AS_OBJECT, 'as a JSON string'],
    ['maxTokenLifetime', `${PROVIDERS}?workloadIdentityPoolProviderId=c-1`, { maxTokenLifetime: 600 }, '"86400s"'],
    [
      'workloadIdentityPoolId',
      'locations/global/workloadIdentityPools?workloadIdentityPoolId=abc',
      {},
      '4 to 32 characters',
    ],
  ])('says how %s is spelled', async (field, path, body, hint) => {
    const refused = await (await withDemo()).call('POST', `/v1/projects/demo/${path}`, body);
    expect(badFields(refused)).toEqual([field]);
    expect(JSON.stringify(refused.body)).toContain(JSON.stringify(hint).slice(1, -1));
  });

  it('says how long an id of a project is', async () => {
    const refused = await (await withDemo()).call('POST', '/v1/projects', { projectId: 'abc' });
    expect(JSON.stringify(refused.body)).toContain('4 to 30 characters');
  });

  it('ignores output-only members, and none of their likeness', async () => {
    const rest = await withDemo();
    const echo = {
      name: 'x',
      state: 'DELETED',
      etag: 'x',
      uid: 'x',
      createTime: 'x',
      updateTime: 'x',
      issuer: 'x',
      expireTime: 'x',
    };
    const made = await rest.call('POST', `${POOLS}?workloadIdentityPoolId=my-pool`, echo);
    expect(made.body).toMatchObject({
      response: { state: 'ACTIVE', issuer: 'https://sts.example.com/100000000001/my-pool' },
    });
    expect(badFields(await rest.call('POST', `${POOLS}?workloadIdentityPoolId=pool-2`, { uids: 'x' }))).toEqual([
      'uids',
    ]);
  });
});

describe('the query', () => {
  it.each([
    ['GET', '/v1/projects?pageSize=-1', 'pageSize'],
    ['GET', '/v1/projects?pageSize=ten', 'pageSize'],
    ['GET', '/v1/projects?pageToken=!!', 'pageToken'],
    ['GET', '/v1/projects?pageToken=ZGVtb', 'pageToken'],
    ['GET', '/v1/projects?pageToken=Li4vLi4v', 'pageToken'],
    ['GET', '/v1/projects?access_token=x', 'access_token'],
    ['GET', '/v1/projects/demo?x=1', 'x'],
    ['PATCH', '/v1/projects/demo?updatemask=displayName', 'updatemask'],
    ['PATCH', '/v1/projects/demo?updateMask=a&update_mask=b', 'updateMask'],
    ['PATCH', '/v1/projects/demo?updateMask=projectId', 'updateMask'],
    ['POST', POOLS, 'workloadIdentityPoolId'],
    ['POST', '/v1/projects/demo/targets', 'targetId'],
  ])('%s %s names %s', async (method, path, field) => {
    const refused = await (await withDemo()).call(method, path, method === 'GET' ? undefined : {});
    expect(refused.status).toBe(400);
    expect(badFields(refused)).toEqual([field]);
  });

  it.each(['If-Match', 'If-None-Match', 'If-Unmodified-Since'])(
    'a change under %s is refused: read past, it would overwrite what its sender wanted to keep',
    async (name) => {
      const rest = await withDemo();
      const sent = { headers: { ...JSON_TYPE, [name]: '*' }, body: '{"displayName": "x"}' };
      const refused = await rest.send('/v1/projects/demo', { method: 'PATCH', ...sent });
      expect(refused.status).toBe(400);
      expect(JSON.stringify(await refused.json())).toContain('send the etag in the body');
      expect((await rest.call('GET', '/v1/projects/demo')).body).toMatchObject({ displayName: '' });
      const read = await rest.send('/v1/projects/demo', { headers: { ...AUTHORIZED, [name]: '*' } });
      expect(read.status).toBe(200);
    },
  );

  it('takes the system parameters of Google clients, and snake_case', async () => {
    const rest = await withDemo();
    expect((await rest.call('GET', '/v1/projects/demo?alt=json&prettyPrint=false')).status).toBe(200);
    const made = await rest.call('POST', `${POOLS}?workload_identity_pool_id=my-pool`, {});
    expect(made.status).toBe(200);
  });

  it('caps pages of providers at 100', async () => {
    const rest = await withDemo();
    await rest.call('POST', `${POOLS}?workloadIdentityPoolId=my-pool`, {});
    for (let index = 0; index < 101; index++) {
      await rest.call(
        'POST',
        `${POOLS}/my-pool/providers?workloadIdentityPoolProviderId=oidc-${String(index).padStart(3, '0')}`,
        OIDC,
      );
    }
    const all = await rest.call('GET', `${POOLS}/my-pool/providers?pageSize=1000`);
    expect(all.body['workloadIdentityPoolProviders']).toHaveLength(100);
    const rest2 = await rest.call('GET', `${POOLS}/my-pool/providers?pageToken=${String(all.body['nextPageToken'])}`);
    expect(rest2.body['workloadIdentityPoolProviders']).toHaveLength(1);
    const byDefault = await rest.call('GET', `${POOLS}/my-pool/providers`);
    expect(byDefault.body['workloadIdentityPoolProviders']).toHaveLength(50);
  });
});

describe('refusals of the core', () => {
  const cases: readonly [AdminDenial, number, string][] = [
    [{ tag: 'invalid_argument', violations: [{ field: 'a.b', description: 'is wrong' }] }, 400, 'INVALID_ARGUMENT'],
    [{ tag: 'unauthenticated' }, 401, 'UNAUTHENTICATED'],
    [{ tag: 'bad_credentials' }, 401, 'UNAUTHENTICATED'],
    [{ tag: 'permission_denied', permission: 'iam.roles.get', resource: 'projects/1' }, 403, 'PERMISSION_DENIED'],
    [{ tag: 'not_found', resource: 'projects/1' }, 404, 'NOT_FOUND'],
    [{ tag: 'already_exists', resource: 'projects/1' }, 409, 'ALREADY_EXISTS'],
    [{ tag: 'failed_precondition', description: 'Not now.' }, 400, 'FAILED_PRECONDITION'],
    [{ tag: 'etag_mismatch', resource: 'projects/1' }, 409, 'ABORTED'],
    [{ tag: 'not_in_force_yet', resource: 'projects/1' }, 503, 'UNAVAILABLE'],
    [{ tag: 'unavailable', dependency: 'quota', description: 'The quota object is away.' }, 503, 'UNAVAILABLE'],
  ];

  it.each(cases)('%j', async (denial, code, status) => {
    const rest = createAdminRest({ listProjects: async () => err(denial) });
    const answered = await rest.call('GET', '/v1/projects');
    expect(answered).toMatchObject({
      status: code,
      body: { error: { code, status, message: expect.stringMatching(/\S/) } },
    });
    expect(answered.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answered.headers.get('cache-control')).toBe('no-store');
  });

  it('lists a hundred violations at most, and says how many more there are', async () => {
    const violations = Array.from({ length: 500 }, (_, index) => ({ field: `f[${index}]`, description: 'is wrong' }));
    const rest = createAdminRest({ listProjects: async () => err({ tag: 'invalid_argument', violations }) });
    const answered = await rest.call('GET', '/v1/projects');
    expect(badFields(answered)).toEqual(violations.slice(0, 100).map(({ field }) => field));
    expect(JSON.stringify(answered.body)).toContain('and 499 more');
  });

  it('carry the details of their kind', async () => {
    const denial = { tag: 'permission_denied', permission: 'iam.roles.get', resource: 'projects/1' } as const;
    const rest = createAdminRest({ listProjects: async () => err(denial) });
    expect((await rest.call('GET', '/v1/projects')).body).toMatchObject({
      error: {
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'IAM_PERMISSION_DENIED',
            domain: 'iam.googleapis.com',
            metadata: { permission: 'iam.roles.get' },
          },
        ],
      },
    });
  });
});

/** Node wants to be told that a streamed body is half a conversation. */
function streaming(body: NonNullable<RequestInit['body']> | null): object {
  return body instanceof ReadableStream ? { duplex: 'half' } : {};
}

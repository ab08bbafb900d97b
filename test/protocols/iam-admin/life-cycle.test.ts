/** Deletion over REST: verbs, states, operations, pages and Google's status codes, each rule of them. */
import { describe, expect, it } from 'vitest';
import { CLUSTER, OIDC } from '../../support/admin-samples.ts';
import { type AdminRest, badFields, withDemo } from '../../support/admin-rest.ts';

const POOLS = '/v1/projects/demo/locations/global/workloadIdentityPools';
const POOL_NAME = 'projects/100000000001/locations/global/workloadIdentityPools/my-pool';
const PROVIDER = `${POOLS}/my-pool/providers/provider-1`;

async function made(): Promise<AdminRest> {
  const rest = await withDemo();
  await rest.call('POST', `${POOLS}?workloadIdentityPoolId=my-pool`, { displayName: 'Mine' });
  await rest.call('POST', `${POOLS}/my-pool/providers?workloadIdentityPoolProviderId=provider-1`, OIDC);
  return rest;
}

const status = (code: number, text: string) => ({ status: code, body: { error: { code, status: text } } });
const NOT_FOUND = status(404, 'NOT_FOUND');
const ALREADY_EXISTS = status(409, 'ALREADY_EXISTS');
const FAILED_PRECONDITION = status(400, 'FAILED_PRECONDITION');
const INVALID_ARGUMENT = status(400, 'INVALID_ARGUMENT');
const ABORTED = status(409, 'ABORTED');

describe('a pool', () => {
  it('is deleted and undeleted by an Operation that is done, and shown as it stands between', async () => {
    const rest = await made();
    const before = (await rest.call('GET', `${POOLS}/my-pool`)).body;
    const deleted = await rest.call('DELETE', `${POOLS}/my-pool`);
    expect(deleted.status).toBe(200);
    expect(deleted.body).toEqual({
      name: expect.stringMatching(
        /^projects\/100000000001\/locations\/global\/workloadIdentityPools\/my-pool\/operations\/[0-9]+$/,
      ),
      metadata: { '@type': 'type.googleapis.com/google.iam.v1.WorkloadIdentityPoolOperationMetadata' },
      done: true,
      response: {
        '@type': 'type.googleapis.com/google.iam.v1.WorkloadIdentityPool',
        ...before,
        state: 'DELETED',
        expireTime: expect.stringMatching(/^2026-01-31T00:00:0\dZ$|^2026-01-31T00:00:0\d\.000Z$/),
        updateTime: expect.any(String),
      },
    });
    expect((await rest.call('GET', `${POOLS}/my-pool`)).body).toMatchObject({ state: 'DELETED', displayName: 'Mine' });
    const undeleted = await rest.call('POST', `${POOLS}/my-pool:undelete`, {});
    expect(undeleted).toMatchObject({ status: 200, body: { done: true, response: { state: 'ACTIVE' } } });
    const { updateTime: _then, ...kept } = before;
    expect((await rest.call('GET', `${POOLS}/my-pool`)).body).toMatchObject(kept);
    expect((await rest.call('GET', `${POOLS}/my-pool`)).body).not.toHaveProperty('expireTime');
    expect(rest.admin.history.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['pool.delete', 'pool.undelete']),
    );
  });

  it('that is deleted shows its policy, and who may do what with it', async () => {
    const rest = await made();
    const set = await rest.call('POST', `${POOLS}/my-pool:setIamPolicy`, {
      policy: { bindings: [{ role: 'roles/owner', members: ['user:ada@example.com'] }] },
    });
    await rest.call('DELETE', `${POOLS}/my-pool`);
    const { warnings: _told, ...policy } = set.body;
    expect((await rest.call('POST', `${POOLS}/my-pool:getIamPolicy`, {})).body).toEqual(policy);
    const permissions = ['iam.workloadIdentityPools.undelete'];
    const tested = await rest.call('POST', `${POOLS}/my-pool:testIamPermissions`, { permissions });
    expect(tested).toMatchObject({ status: 200, body: { permissions } });
    expect(await rest.call('POST', `${POOLS}/no-pool:getIamPolicy`, {})).toMatchObject(NOT_FOUND);
  });

  it('is found under the number of its project as under its id', async () => {
    const rest = await made();
    expect((await rest.call('DELETE', `/v1/${POOL_NAME}`)).status).toBe(200);
    expect((await rest.call('POST', `/v1/${POOL_NAME}:undelete`)).status).toBe(200);
  });

  it.each<[string, string, string, unknown, object]>([
    ['deleted again', 'DELETE', '/my-pool', undefined, FAILED_PRECONDITION],
    ['patched', 'PATCH', '/my-pool?updateMask=disabled', { disabled: true }, FAILED_PRECONDITION],
    ['created under its id', 'POST', '?workloadIdentityPoolId=my-pool', {}, ALREADY_EXISTS],
    ['given a policy', 'POST', '/my-pool:setIamPolicy', { policy: {} }, FAILED_PRECONDITION],
    [
      'given a provider',
      'POST',
      '/my-pool/providers?workloadIdentityPoolProviderId=other-1',
      OIDC,
      FAILED_PRECONDITION,
    ],
    ['rid of a provider', 'DELETE', '/my-pool/providers/provider-1', undefined, FAILED_PRECONDITION],
    ['patched in a provider', 'PATCH', '/my-pool/providers/provider-1?updateMask=disabled', {}, FAILED_PRECONDITION],
  ])('that is deleted cannot be %s', async (_what, method, path, body, answer) => {
    const rest = await made();
    await rest.call('DELETE', `${POOLS}/my-pool`);
    expect(await rest.call(method, `${POOLS}${path}`, body)).toMatchObject(answer);
  });

  it.each<[string, string, string, unknown, object]>([
    ['undeleted while it lives', 'POST', '/my-pool:undelete', {}, FAILED_PRECONDITION],
    ['undeleted with more in the body', 'POST', '/my-pool:undelete', { displayName: 'x' }, INVALID_ARGUMENT],
    ['deleted with parameters of others', 'DELETE', '/my-pool?force=true', undefined, INVALID_ARGUMENT],
    ['deleted where there is none', 'DELETE', '/no-pool', undefined, NOT_FOUND],
    ['undeleted where there is none', 'POST', '/no-pool:undelete', {}, NOT_FOUND],
    ['deleted where it is the built-in one', 'DELETE', '/demo.svc.id.goog', undefined, FAILED_PRECONDITION],
  ])('cannot be %s', async (_what, method, path, body, answer) => {
    expect(await (await made()).call(method, `${POOLS}${path}`, body)).toMatchObject(answer);
  });
});

describe('a provider', () => {
  it('is deleted and undeleted by an Operation that is done', async () => {
    const rest = await made();
    const before = (await rest.call('GET', PROVIDER)).body;
    expect(await rest.call('DELETE', PROVIDER)).toMatchObject({
      status: 200,
      body: { done: true, response: { name: before['name'], state: 'DELETED', expireTime: expect.any(String) } },
    });
    expect(await rest.call('POST', `${PROVIDER}:undelete`)).toMatchObject({
      status: 200,
      body: { done: true, response: { ...before, updateTime: expect.any(String) } },
    });
  });

  it.each<[string, string, string, unknown, object]>([
    ['deleted again', 'DELETE', '/provider-1', undefined, FAILED_PRECONDITION],
    ['patched', 'PATCH', '/provider-1?updateMask=disabled', { disabled: true }, FAILED_PRECONDITION],
    ['created under its id', 'POST', '?workloadIdentityPoolProviderId=provider-1', OIDC, ALREADY_EXISTS],
    ['undeleted with more in the body', 'POST', '/provider-1:undelete', { oidc: {} }, INVALID_ARGUMENT],
  ])('that is deleted cannot be %s', async (_what, method, path, body, answer) => {
    const rest = await made();
    await rest.call('DELETE', PROVIDER);
    expect(await rest.call(method, `${POOLS}/my-pool/providers${path}`, body)).toMatchObject(answer);
  });

  it('is not undeleted beside a cluster that was registered anew meanwhile', async () => {
    const rest = await withDemo();
    const providers = `${POOLS}/demo.svc.id.goog/providers`;
    await rest.call('POST', `${providers}?workloadIdentityPoolProviderId=first-one`, CLUSTER);
    await rest.call('DELETE', `${providers}/first-one`);
    expect((await rest.call('POST', `${providers}?workloadIdentityPoolProviderId=anew-one`, CLUSTER)).status).toBe(200);
    expect(await rest.call('POST', `${providers}/first-one:undelete`)).toMatchObject(ALREADY_EXISTS);
  });
});

describe('operations', () => {
  it('answer as their change did, for whoever asks by their name', async () => {
    const rest = await made();
    const changes = [
      await rest.call('PATCH', `${POOLS}/my-pool?updateMask=displayName`, { displayName: 'Other' }),
      await rest.call('DELETE', PROVIDER),
      await rest.call('DELETE', `${POOLS}/my-pool`),
      await rest.call('POST', `${POOLS}/my-pool:undelete`),
    ];
    for (const { body } of changes) {
      const asked = await rest.call('GET', `/v1/${String(body['name'])}`);
      expect(asked.status).toBe(200);
      expect(asked.body).toEqual(body);
    }
  });

  it.each([
    `${POOLS}/my-pool/operations/20200101000000000`,
    `${POOLS}/no-pool/operations/20260101000001000`,
    `${POOLS}/my-pool/operations/x`,
    `${PROVIDER}/operations/20200101000000000`,
    `${PROVIDER}/operations/..`,
  ])('that were never made are not found: %s', async (path) => {
    expect(await (await made()).call('GET', path)).toMatchObject(NOT_FOUND);
  });

  it('of one thing are not those of another', async () => {
    const rest = await made();
    const { name } = (await rest.call('DELETE', PROVIDER)).body;
    const id = String(name).split('/').at(-1) ?? '';
    expect((await rest.call('GET', `${PROVIDER}/operations/${id}`)).status).toBe(200);
    expect(await rest.call('GET', `${POOLS}/my-pool/operations/${id}`)).toMatchObject(NOT_FOUND);
  });

  it('of a deny policy live on after it', async () => {
    const rest = await made();
    const on = '/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fdemo/denypolicies';
    const denied = {
      deniedPrincipals: [`principalSet://iam.googleapis.com/${POOL_NAME}/*`],
      deniedPermissions: ['a.b'],
    };
    await rest.call('POST', `${on}?policyId=no-orders`, { rules: [{ denyRule: denied }] });
    const deleted = await rest.call('DELETE', `${on}/no-orders`);
    expect(deleted.status).toBe(200);
    const id = String(deleted.body['name']).split('/').at(-1) ?? '';
    expect((await rest.call('GET', `${on}/no-orders/operations/${id}`)).body).toEqual(deleted.body);
    expect(await rest.call('GET', `${on}/no-orders/operations/1`)).toMatchObject(NOT_FOUND);
  });
});

describe('lists', () => {
  async function filled(): Promise<AdminRest> {
    const rest = await withDemo();
    for (const letter of 'abcdefg') await rest.call('POST', `${POOLS}?workloadIdentityPoolId=pool-${letter}`, {});
    return rest;
  }

  async function page(rest: AdminRest, query: string): Promise<{ ids: readonly string[]; next: string }> {
    const { status: code, body } = await rest.call('GET', `${POOLS}?${query}`);
    expect(code).toBe(200);
    const { workloadIdentityPools: pools, nextPageToken: next = '' } = body as {
      workloadIdentityPools: readonly { name: string }[];
      nextPageToken?: string;
    };
    return { ids: pools.map(({ name }) => name.split('/').at(-1) ?? ''), next };
  }

  it('leave deleted ones out, unless they are asked for', async () => {
    const rest = await filled();
    await rest.call('DELETE', `${POOLS}/pool-c`);
    expect((await page(rest, '')).ids).not.toContain('pool-c');
    expect((await page(rest, 'showDeleted=false')).ids).not.toContain('pool-c');
    expect((await page(rest, 'showDeleted=true')).ids).toContain('pool-c');
    expect(await rest.call('GET', `${POOLS}?showDeleted=yes`)).toMatchObject(INVALID_ARGUMENT);
  });

  it('show nothing twice and leave nothing out that stays, while pools come and go between two pages', async () => {
    const rest = await filled();
    const first = await page(rest, 'pageSize=3');
    expect(first.ids).toEqual(['demo.svc.id.goog', 'pool-a', 'pool-b']);
    // The one that the token ends at, one of the next page, and a new one before it.
    await rest.call('DELETE', `${POOLS}/pool-b`);
    await rest.call('DELETE', `${POOLS}/pool-d`);
    await rest.call('POST', `${POOLS}?workloadIdentityPoolId=pool-aa`, {});
    const second = await page(rest, `pageSize=3&pageToken=${first.next}`);
    expect(second.ids).toEqual(['pool-c', 'pool-e', 'pool-f']);
    const third = await page(rest, `pageSize=3&pageToken=${second.next}`);
    expect(third).toEqual({ ids: ['pool-g'], next: '' });
  });

  it.each([
    ['/v1/projects', 'projects', 1_000],
    [POOLS, 'workloadIdentityPools', 1_000],
    [`${POOLS}/my-pool/providers`, 'workloadIdentityPoolProviders', 100],
    ['/v1/projects/demo/roles', 'roles', 1_000],
    ['/v1/projects/demo/targets', 'targets', 1_000],
    ['/v1/projects/demo/locations/global/quotaPreferences', 'quotaPreferences', 1_000],
    ['/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fdemo/denypolicies', 'policies', 1_000],
  ])('at %s take sensible page sizes and their own tokens only', async (path, member) => {
    const rest = await made();
    for (const size of ['0', '1', '1000000']) {
      expect((await rest.call('GET', `${path}?pageSize=${size}`)).body).toHaveProperty(member);
    }
    for (const query of ['pageSize=-1', 'pageSize=1.5', 'pageSize=many', 'pageToken=%21%21', 'pageToken=YQ%3D%3D']) {
      const refused = await rest.call('GET', `${path}?${query}`);
      expect(refused).toMatchObject(INVALID_ARGUMENT);
      expect(badFields(refused)).toEqual([query.split('=')[0]]);
    }
  });

  it('of providers end a page at a hundred, however many are asked for', async () => {
    const rest = await withDemo();
    await rest.call('POST', `${POOLS}?workloadIdentityPoolId=my-pool`, {});
    for (let index = 0; index < 101; index++) {
      await rest.call('POST', `${POOLS}/my-pool/providers?workloadIdentityPoolProviderId=provider-${index}`, OIDC);
    }
    const { body } = await rest.call('GET', `${POOLS}/my-pool/providers?pageSize=1000`);
    expect(body['workloadIdentityPoolProviders']).toHaveLength(100);
    expect(body).toHaveProperty('nextPageToken');
  });
});

describe('an etag', () => {
  it('that is stale aborts the deletion of a role, one from elsewhere refuses it, and the newest or none deletes', async () => {
    const rest = await withDemo();
    const roles = '/v1/projects/demo/roles';
    const role = { title: 'Reader', includedPermissions: ['files.read'] };
    const first = (await rest.call('POST', roles, { roleId: 'reader', role })).body;
    const second = (await rest.call('PATCH', `${roles}/reader?updateMask=title`, { title: 'Other' })).body;
    const remove = async (etag: unknown) =>
      rest.call('DELETE', `${roles}/reader?etag=${encodeURIComponent(String(etag))}`);
    expect(await remove(first['etag'])).toMatchObject(ABORTED);
    expect(await remove('bm90IG91cnM=')).toMatchObject(INVALID_ARGUMENT);
    expect(await remove(second['etag'])).toMatchObject({ status: 200, body: {} });
    await rest.call('POST', roles, { roleId: 'reader', role });
    expect((await rest.call('DELETE', `${roles}/reader`)).status).toBe(200);
  });

  it.each<[string, string, object, object]>([
    ['/v1/projects/demo', 'displayName', { displayName: 'One' }, { displayName: 'Two' }],
    ['/v1/projects/demo/roles/reader', 'title', { title: 'One' }, { title: 'Two' }],
    ['/v1/projects/demo/targets/files', 'displayName', { displayName: 'One' }, { displayName: 'Two' }],
  ])(
    'that is stale aborts the patch of %s, so nobody overwrites what he has not seen',
    async (path, mask, one, two) => {
      const rest = await withDemo();
      await rest.call('POST', '/v1/projects/demo/roles', { roleId: 'reader', role: { title: 'Reader' } });
      await rest.call('POST', '/v1/projects/demo/targets?targetId=files', { uri: 'https://files.example.com' });
      const { etag } = (await rest.call('GET', path)).body;
      const patch = async (body: object) => rest.call('PATCH', `${path}?updateMask=${mask}`, body);
      expect((await patch({ ...one, etag })).status).toBe(200);
      expect(await patch({ ...two, etag })).toMatchObject(ABORTED);
      expect((await rest.call('GET', path)).body).toMatchObject(one);
      expect(await patch({ ...two, etag: 'bm90IG91cnM=' })).toMatchObject(INVALID_ARGUMENT);
      expect(await patch({ ...two, etag: 1 })).toMatchObject(INVALID_ARGUMENT);
      for (const none of [{}, { etag: '' }]) expect((await patch({ ...two, ...none })).status).toBe(200);
    },
  );

  it('that is stale aborts the deletion of a target', async () => {
    const rest = await withDemo();
    const targets = '/v1/projects/demo/targets';
    const { etag } = (await rest.call('POST', `${targets}?targetId=files`, { uri: 'https://a.example.com' })).body;
    const { etag: newest } = (await rest.call('PATCH', `${targets}/files`, { displayName: 'Files' })).body;
    const remove = async (said: unknown) =>
      rest.call('DELETE', `${targets}/files?etag=${encodeURIComponent(String(said))}`);
    expect(await remove(etag)).toMatchObject(ABORTED);
    expect((await remove(newest)).status).toBe(200);
  });
});

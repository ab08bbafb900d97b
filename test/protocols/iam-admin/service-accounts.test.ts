/** Service accounts over REST: Google's shapes, and the two ways to say which account is meant. */
import { describe, expect, it } from 'vitest';
import { type AdminRest, badFields, withDemo } from '../../support/admin-rest.ts';

const ACCOUNTS = '/v1/projects/demo/serviceAccounts';
const EMAIL = 'builder@demo.iam.sts.example.com';
const ACCOUNT = `${ACCOUNTS}/${EMAIL}`;

async function withBuilder(): Promise<AdminRest> {
  const rest = await withDemo();
  const made = await rest.call('POST', ACCOUNTS, {
    accountId: 'builder',
    serviceAccount: { displayName: 'Builder', description: 'Builds' },
  });
  expect(made.status).toBe(200);
  return rest;
}

describe('a service account', () => {
  it('is made as at Google, and read again', async () => {
    const rest = await withBuilder();
    const read = await rest.call('GET', ACCOUNT);
    expect(read.body).toEqual({
      name: `projects/100000000001/serviceAccounts/${EMAIL}`,
      projectId: 'demo',
      uniqueId: expect.stringMatching(/^[1-9][0-9]{20}$/),
      email: EMAIL,
      displayName: 'Builder',
      description: 'Builds',
      oauth2ClientId: expect.stringMatching(/^[0-9]{21}$/),
      disabled: false,
      maxTokenLifetime: '3600s',
      etag: expect.any(String),
      createTime: expect.any(String),
      updateTime: expect.any(String),
    });
    expect((await rest.call('GET', ACCOUNTS)).body).toEqual({ accounts: [read.body] });
  });

  it('is found by its unique id, and in any project by what it is called', async () => {
    const rest = await withBuilder();
    const { body } = await rest.call('GET', ACCOUNT);
    const paths = [
      `${ACCOUNTS}/${String(body['uniqueId'])}`,
      `/v1/projects/-/serviceAccounts/${String(body['uniqueId'])}`,
      `/v1/projects/-/serviceAccounts/${EMAIL}`,
      `/v1/projects/100000000001/serviceAccounts/${EMAIL.toUpperCase()}`,
    ];
    for (const path of paths) expect([path, (await rest.call('GET', path)).body]).toEqual([path, body]);
  });

  it.each([
    ['another domain', '/v1/projects/demo/serviceAccounts/builder@demo.iam.evil.example.com'],
    ['another project in its address', '/v1/projects/demo/serviceAccounts/builder@other.iam.sts.example.com'],
    ['no address', '/v1/projects/demo/serviceAccounts/builder'],
    ['a unique id that is nobody’s', '/v1/projects/demo/serviceAccounts/112100000000001999999'],
    ['any project and no account', '/v1/projects/-/serviceAccounts/builder'],
  ])('is not found by %s', async (_what, path) => {
    const rest = await withBuilder();
    expect((await rest.call('GET', path)).status).toBe(404);
    expect((await rest.call('POST', `${path}:setIamPolicy`, { policy: {} })).status).toBe(404);
  });

  it.each([
    ['too short', 'ab'],
    ['too long', 'a'.repeat(31)],
    ['a capital', 'Builder'],
    ['a dot', 'build.er'],
    ['a digit first', '1builder'],
  ])('is refused for an id with %s', async (_what, accountId) => {
    const rest = await withDemo();
    const answer = await rest.call('POST', ACCOUNTS, { accountId });
    expect([answer.status, badFields(answer)]).toEqual([400, ['accountId']]);
  });

  it('is patched by a mask in the query, and by one in the body, as Google has it', async () => {
    const rest = await withBuilder();
    const plain = await rest.call('PATCH', `${ACCOUNT}?updateMask=displayName`, { displayName: 'One' });
    expect(plain.body).toMatchObject({ displayName: 'One', description: 'Builds' });
    const wrapped = await rest.call('PATCH', ACCOUNT, {
      serviceAccount: { ...plain.body, description: 'Two' },
      updateMask: 'description',
    });
    expect(wrapped.body).toMatchObject({ displayName: 'One', description: 'Two', email: EMAIL });
    const stale = await rest.call('PATCH', ACCOUNT, {
      serviceAccount: { displayName: 'Three', etag: plain.body['etag'] },
      updateMask: 'displayName,etag',
    });
    expect(stale.status).toBe(409);
    const twice = await rest.call('PATCH', ACCOUNT, { serviceAccount: {}, displayName: 'Four' });
    expect([twice.status, badFields(twice)]).toEqual([400, ['displayName']]);
  });

  it('never lives longer than half a day, by its own word or by its project’s', async () => {
    const rest = await withBuilder();
    const long = await rest.call('PATCH', ACCOUNT, { maxTokenLifetime: '43200s' });
    expect(long.body['maxTokenLifetime']).toBe('43200s');
    const longer = await rest.call('PATCH', ACCOUNT, { maxTokenLifetime: '43201s' });
    expect([longer.status, badFields(longer)]).toEqual([400, ['maxTokenLifetime']]);
    const project = await rest.call('PATCH', '/v1/projects/demo', { maxServiceAccountTokenLifetime: '43201s' });
    expect([project.status, badFields(project)]).toEqual([400, ['maxServiceAccountTokenLifetime']]);
    const allowed = await rest.call('PATCH', '/v1/projects/demo', { maxServiceAccountTokenLifetime: '43200s' });
    expect(allowed.body['maxServiceAccountTokenLifetime']).toBe('43200s');
  });

  it('is disabled and enabled, and says so', async () => {
    const rest = await withBuilder();
    for (const [verb, disabled] of [
      ['disable', true],
      ['disable', true],
      ['enable', false],
    ] as const) {
      expect((await rest.call('POST', `${ACCOUNT}:${verb}`, {})).body).toEqual({});
      expect((await rest.call('GET', ACCOUNT)).body['disabled']).toBe(disabled);
    }
  });

  it('is deleted, keeps its address to itself, and comes back as it was', async () => {
    const rest = await withBuilder();
    const before = await rest.call('GET', ACCOUNT);
    const policy = {
      bindings: [{ role: 'roles/iam.serviceAccountTokenCreator', members: ['user:ada@example.com'] }],
    };
    await rest.call('POST', `${ACCOUNT}:setIamPolicy`, { policy });
    expect((await rest.call('DELETE', ACCOUNT)).body).toEqual({});
    expect((await rest.call('GET', ACCOUNT)).status).toBe(404);
    expect((await rest.call('POST', ACCOUNTS, { accountId: 'builder' })).status).toBe(409);
    expect((await rest.call('PATCH', ACCOUNT, { displayName: 'x' })).status).toBe(400);
    expect((await rest.call('POST', `${ACCOUNT}:setIamPolicy`, { policy })).status).toBe(400);
    const gone = await rest.call('GET', `${ACCOUNTS}?showDeleted=true`);
    expect(gone.body).toMatchObject({ accounts: [{ email: EMAIL, state: 'DELETED' }] });
    const path = `/v1/projects/-/serviceAccounts/${String(before.body['uniqueId'])}:undelete`;
    const back = await rest.call('POST', path, {});
    expect(back.body).toMatchObject({ restoredAccount: { uniqueId: before.body['uniqueId'], email: EMAIL } });
    const kept = await rest.call('POST', `${ACCOUNT}:getIamPolicy`, {});
    expect(kept.body).toMatchObject(policy);
    expect((await rest.call('POST', `${ACCOUNT}:undelete`, {})).status).toBe(400);
  });

  it.each(['keys', 'keys:upload'])('gets no key of a user’s own: %s', async (path) => {
    const rest = await withBuilder();
    const answer = await rest.call('POST', `${ACCOUNT}/${path}`, {});
    expect(answer.body).toMatchObject({ error: { code: 400, status: 'FAILED_PRECONDITION' } });
    expect((await rest.call('GET', `${ACCOUNT}/keys`)).body).toEqual({ keys: [] });
  });

  it('tells who asks what he may do with it', async () => {
    const rest = await withBuilder();
    const policy = { bindings: [{ role: 'roles/iam.workloadIdentityUser', members: ['user:ada@example.com'] }] };
    await rest.call('POST', `${ACCOUNT}:setIamPolicy`, { policy });
    const permissions = ['iam.serviceAccounts.getAccessToken', 'iam.serviceAccounts.signBlob'];
    const path = `${ACCOUNT}:testIamPermissions`;
    expect((await rest.call('POST', path, { permissions }, 'user:ada@example.com')).body).toEqual({
      permissions: ['iam.serviceAccounts.getAccessToken'],
    });
    expect((await rest.call('POST', path, { permissions }, 'user:bob@example.com')).body).toEqual({ permissions: [] });
  });
});

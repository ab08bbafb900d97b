/** The administration over REST: each resource made, read, listed, changed, in Google's shapes. */
import { describe, expect, it } from 'vitest';
import { CLUSTER, EC_KEY, jwks, OIDC } from '../../support/admin-samples.ts';
import { badFields, createAdminRest, withDemo } from '../../support/admin-rest.ts';

const POOLS = '/v1/projects/demo/locations/global/workloadIdentityPools';
const POOL_NAME = 'projects/100000000001/locations/global/workloadIdentityPools/my-pool';

describe('projects', () => {
  it('are made, once', async () => {
    const rest = createAdminRest();
    const input = { projectId: 'demo', projectNumber: '100000000001', displayName: 'Demo' };
    const made = await rest.call('POST', '/v1/projects', input);
    expect(made.status).toBe(200);
    expect(made.body).toEqual({
      name: 'projects/100000000001',
      ...input,
      tokenExchangesPerMinute: 6_000,
      credentialGenerationsPerMinute: 60_000,
      recentExchangesRetention: '86400s',
      maxServiceAccountTokenLifetime: '3600s',
      etag: expect.any(String),
      createTime: expect.any(String),
      state: 'ACTIVE',
    });
    const again = await rest.call('POST', '/v1/projects', input);
    expect(again).toMatchObject({ status: 409, body: { error: { code: 409, status: 'ALREADY_EXISTS' } } });
    expect(rest.admin.history).toEqual([{ actor: 'bootstrap', type: 'project.create' }]);
  });

  it('are found by id and by number, and patched', async () => {
    const rest = await withDemo();
    const patched = await rest.call('PATCH', '/v1/projects/demo?updateMask=tokenExchangesPerMinute', {
      tokenExchangesPerMinute: 12_000,
    });
    expect(patched).toMatchObject({ status: 200, body: { tokenExchangesPerMinute: 12_000 } });
    expect((await rest.call('GET', '/v1/projects/demo')).body).toEqual(patched.body);
    expect((await rest.call('GET', '/v1/projects/100000000001')).body).toEqual(patched.body);
    expect(
      await rest.call('PATCH', '/v1/projects/demo', { ...patched.body, tokenExchangesPerMinute: 5 }),
    ).toMatchObject({
      status: 200,
      body: { tokenExchangesPerMinute: 5 },
    });
    // Somebody else has written since that was read.
    expect(await rest.call('PATCH', '/v1/projects/demo', { ...patched.body, displayName: 'x' })).toMatchObject({
      status: 409,
      body: { error: { status: 'ABORTED' } },
    });
    expect(badFields(await rest.call('PATCH', '/v1/projects/demo', { etag: 7 }))).toEqual(['etag']);
  });

  it('are listed in pages', async () => {
    const rest = await withDemo();
    await rest.call('POST', '/v1/projects', { projectId: 'demo-2' });
    const first = await rest.call('GET', '/v1/projects?pageSize=1');
    expect(first.body).toMatchObject({
      projects: [{ name: expect.stringMatching(/^projects\/[0-9]+$/) }],
      nextPageToken: expect.any(String),
    });
    const second = await rest.call('GET', `/v1/projects?pageSize=1&pageToken=${String(first.body['nextPageToken'])}`);
    expect(second.body['projects']).toHaveLength(1);
    expect(second.body).not.toHaveProperty('nextPageToken');
    expect(second.body['projects']).not.toEqual(first.body['projects']);
  });

  it.each(['/v1/projects/none', '/v1/projects/999999999999', '/v1/projects/UPPER', '/v1/projects/none/targets'])(
    'are not found at %s',
    async (path) => {
      const rest = await withDemo();
      expect(await rest.call('GET', path)).toMatchObject({
        status: 404,
        body: { error: { code: 404, status: 'NOT_FOUND' } },
      });
    },
  );
});

describe('pools and providers', () => {
  it('are made by an Operation that is done', async () => {
    const rest = await withDemo();
    const made = await rest.call('POST', `${POOLS}?workloadIdentityPoolId=my-pool`, { displayName: 'Mine' });
    const pool = {
      name: POOL_NAME,
      uid: expect.any(String),
      displayName: 'Mine',
      state: 'ACTIVE',
      disabled: false,
      issuer: 'https://sts.example.com/100000000001/my-pool',
      createTime: expect.any(String),
      updateTime: expect.any(String),
    };
    expect(made.body).toEqual({
      name: expect.stringMatching(
        /^projects\/100000000001\/locations\/global\/workloadIdentityPools\/my-pool\/operations\/[0-9]+$/,
      ),
      done: true,
      metadata: { '@type': 'type.googleapis.com/google.iam.v1.WorkloadIdentityPoolOperationMetadata' },
      response: { '@type': 'type.googleapis.com/google.iam.v1.WorkloadIdentityPool', ...pool },
    });
    expect((await rest.call('GET', `${POOLS}/my-pool`)).body).toEqual(pool);
    expect((await rest.call('GET', POOLS)).body).toEqual({
      workloadIdentityPools: [
        expect.objectContaining({ issuer: 'https://sts.example.com/100000000001/demo.svc.id.goog' }),
        pool,
      ],
    });
    const patched = await rest.call('PATCH', `${POOLS}/my-pool?updateMask=display_name,disabled`, { disabled: true });
    expect(patched.body).toMatchObject({ done: true, response: { disabled: true } });
    expect(patched.body['response']).not.toHaveProperty('displayName');
  });

  it('render a cluster, and warn when a second one joins', async () => {
    const rest = await withDemo();
    const path = `${POOLS}/demo.svc.id.goog/providers`;
    const made = await rest.call('POST', `${path}?workloadIdentityPoolProviderId=cluster-1`, CLUSTER);
    const provider = {
      name: 'projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog/providers/cluster-1',
      uid: expect.any(String),
      state: 'ACTIVE',
      disabled: false,
      kubernetes: CLUSTER.kubernetes,
      allowedAlgorithms: ['RS256', 'ES256'],
      maxTokenLifetime: '86400s',
      maxStale: '86400s',
      pushedKeysMaxAge: '604800s',
      newKeyHold: '0s',
      singleUse: false,
      keySource: 'uploaded',
      keys: {
        source: 'uploaded',
        kids: ['rsa-1'],
        thumbprints: [expect.stringMatching(/^[A-Za-z0-9_-]{43}$/)],
        updateTime: expect.any(String),
      },
      distrustedThumbprints: [],
      createTime: expect.any(String),
      updateTime: expect.any(String),
    };
    expect(made.body).toMatchObject({
      metadata: { '@type': 'type.googleapis.com/google.iam.v1.WorkloadIdentityPoolProviderOperationMetadata' },
      response: { '@type': 'type.googleapis.com/google.iam.v1.WorkloadIdentityPoolProvider', ...provider },
    });
    expect(made.body['metadata']).not.toHaveProperty('warnings');
    const read = await rest.call('GET', `${path}/cluster-1`);
    expect(read.body).toEqual(provider);
    const second = { kubernetes: { ...CLUSTER.kubernetes, clusterUri: 'https://clusters.example.com/two' } };
    const joined = await rest.call('POST', `${path}?workloadIdentityPoolProviderId=cluster-2`, second);
    expect(joined.body).toMatchObject({ metadata: { warnings: [expect.stringContaining('one principal')] } });
    expect((await rest.call('GET', path)).body).toMatchObject({ workloadIdentityPoolProviders: [provider, second] });
  });

  it('take back what was read, and change nothing by it', async () => {
    const rest = await withDemo();
    const path = `${POOLS}/demo.svc.id.goog/providers`;
    await rest.call('POST', `${path}?workloadIdentityPoolProviderId=cluster-1`, {
      ...CLUSTER,
      attributeCondition: "assertion.sub != 'a'",
    });
    const read = await rest.call('GET', `${path}/cluster-1`);
    const written = await rest.call('PATCH', `${path}/cluster-1`, read.body);
    expect(written.body).toMatchObject({ response: { ...read.body, updateTime: expect.any(String) } });
  });

  it('patch without a mask what the body fills, and no more', async () => {
    const rest = await withDemo();
    const path = `${POOLS}/demo.svc.id.goog/providers`;
    await rest.call('POST', `${path}?workloadIdentityPoolProviderId=cluster-1`, { ...CLUSTER, displayName: 'Name' });
    const patched = await rest.call('PATCH', `${path}/cluster-1`, {
      kubernetes: { jwksJson: jwks(EC_KEY) },
      disabled: true,
    });
    expect(patched.body).toMatchObject({
      response: { displayName: 'Name', disabled: true, kubernetes: { ...CLUSTER.kubernetes, jwksJson: jwks(EC_KEY) } },
    });
  });

  it('render an oidc provider with its mapping', async () => {
    const rest = await withDemo();
    await rest.call('POST', `${POOLS}?workloadIdentityPoolId=my-pool`);
    const path = `${POOLS}/my-pool/providers`;
    await rest.call('POST', `${path}?workloadIdentityPoolProviderId=oidc-1`, { ...OIDC, attributeCondition: 'true' });
    expect((await rest.call('GET', `${path}/oidc-1`)).body).toMatchObject({ ...OIDC, attributeCondition: 'true' });
  });
});

describe('targets and roles', () => {
  const TARGETS = '/v1/projects/demo/targets';
  const ROLES = '/v1/projects/demo/roles';

  it('targets are made, read, patched, deleted', async () => {
    const rest = await withDemo();
    const input = {
      uri: 'https://api.example.com',
      resource: { name: 'n', type: 't', service: 's' },
      tags: { env: 'prod', constructor: 'x' },
    };
    const made = await rest.call('POST', `${TARGETS}?targetId=api`, input);
    expect(made).toMatchObject({
      status: 200,
      body: { ...input, name: 'projects/100000000001/targets/api', uid: expect.any(String) },
    });
    expect(made.body).toMatchObject({
      maxLifetime: '3600s',
      tokenSigningAlg: 'ES256',
      tokenType: 'at+jwt',
      etag: expect.any(String),
    });
    expect(made.body).not.toHaveProperty('tagIds');
    expect((await rest.call('GET', `${TARGETS}/api`)).body).toEqual(made.body);
    const patched = await rest.call('PATCH', `${TARGETS}/api`, { resource: { name: 'm' } });
    expect(patched.body).toMatchObject({ resource: { name: 'm', type: 't', service: 's' } });
    expect(patched.body['etag']).not.toBe(made.body['etag']);
    expect(await rest.call('DELETE', `${TARGETS}/api`)).toMatchObject({ status: 200, body: {} });
    expect((await rest.call('GET', TARGETS)).body).toEqual({ targets: [] });
    expect((await rest.call('DELETE', `${TARGETS}/api`)).status).toBe(404);
  });

  it('roles are named by the project id', async () => {
    const rest = await withDemo();
    const role = { title: 'Reader', includedPermissions: ['a.b.get'] };
    const made = await rest.call('POST', ROLES, {
      roleId: 'reader',
      role: { ...role, name: 'ignored', etag: 'ignored' },
    });
    expect(made).toMatchObject({ status: 200, body: { ...role, name: 'projects/demo/roles/reader', stage: 'GA' } });
    expect((await rest.call('GET', '/v1/projects/100000000001/roles/reader')).body).toEqual(made.body);
    const patched = await rest.call('PATCH', `${ROLES}/reader?updateMask=included_permissions`, {
      includedPermissions: ['a.b.list'],
    });
    expect(patched.body).toMatchObject({ title: 'Reader', includedPermissions: ['a.b.list'] });
    expect((await rest.call('GET', ROLES)).body).toEqual({ roles: [patched.body] });
    expect((await rest.call('DELETE', `${ROLES}/reader`)).body).toEqual({});
    expect((await rest.call('GET', `${ROLES}/reader`)).status).toBe(404);
  });

  it('name the path of what is wrong inside a role', async () => {
    const rest = await withDemo();
    expect(badFields(await rest.call('POST', ROLES, { roleId: 'reader', role: { titel: 'x' } }))).toEqual([
      'role.titel',
    ]);
    expect(badFields(await rest.call('POST', ROLES, { role: {} }))).toEqual(['roleId']);
    expect(
      badFields(await rest.call('POST', ROLES, { roleId: 'reader', role: { includedPermissions: ['*'] } })),
    ).toEqual(['role.includedPermissions[0]']);
  });
});

describe('signing keys and quota', () => {
  it('are shown, and keys rotated', async () => {
    const rest = await withDemo();
    const keys = await rest.call('GET', '/v1/projects/demo/signingKeys');
    expect(keys.body).toEqual({
      keys: [
        expect.objectContaining({ kid: 'key-1', alg: 'ES256', state: 'ACTIVE', publishTime: expect.any(String) }),
        expect.objectContaining({
          kid: 'key-2',
          state: 'NEXT',
          signFrom: expect.any(String),
          signUntil: expect.any(String),
        }),
      ],
    });
    const rotated = await rest.call('POST', '/v1/projects/demo/signingKeys:rotate', { alg: 'RS256', emergency: true });
    expect(rotated.body).toMatchObject({
      keys: [{ state: 'DISTRUSTED' }, { state: 'ACTIVE' }, { alg: 'RS256', state: 'NEXT' }],
    });
    expect((await rest.call('POST', '/v1/projects/demo/signingKeys:rotate')).status).toBe(200);
    expect(badFields(await rest.call('POST', '/v1/projects/demo/signingKeys:rotate', { alg: 'none' }))).toEqual([
      'alg',
    ]);
  });

  it('has the shape of Cloud Quotas', async () => {
    const rest = await withDemo();
    const path = '/v1/projects/demo/locations/global/services/sts/quotaInfos/TokenExchangeRequestsPerMinutePerProject';
    expect((await rest.call('GET', path)).body).toMatchObject({
      name: path.replace('/v1/', '').replace('demo', '100000000001'),
      quotaId: 'TokenExchangeRequestsPerMinutePerProject',
      refreshInterval: 'minute',
      containerType: 'PROJECT',
      dimensionsInfos: [{ details: { value: '6000' }, applicableLocations: ['global'] }],
      usage: { used: 42, remaining: 5_958 },
    });
  });
});

/** Google's own client for IAM (`@googleapis/iam`), unmodified, with its endpoint overridden: the whole life of pools, providers, roles and policies. */
import { auth, iam, type iam_v1, type iam_v2 } from '@googleapis/iam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIssuer } from '../support/issuer.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';

let world: World;
let client: iam_v1.Iam;
let parent: string;
let jwksJson: string;

beforeAll(async () => {
  world = await startWorld();
  const oauth = new auth.OAuth2();
  oauth.setCredentials({ access_token: world.broker.adminToken });
  client = iam({ version: 'v1', rootUrl: world.broker.origin, auth: oauth, retry: false });
  parent = `projects/${world.projectNumber}/locations/global`;
  ({ jwksJson } = await createIssuer('RS256'));
});

afterAll(() => world.broker.stop());

const pools = (): iam_v1.Resource$Projects$Locations$Workloadidentitypools =>
  client.projects.locations.workloadIdentityPools;

/** What Google's client makes of a refusal: the HTTP status and the status of google.rpc. */
async function refusal(call: Promise<unknown>): Promise<readonly [number, string]> {
  try {
    await call;
  } catch (fault) {
    const { response } = fault as { response?: { status: number; data: { error: { code: number; status: string } } } };
    if (response === undefined) throw fault;
    expect(response.data.error.code).toBe(response.status);
    return [response.status, response.data.error.status];
  }
  throw new Error('it was not refused');
}

/** As `gcloud` and Terraform wait for an operation, and what came of it. */
async function finished(operation: iam_v1.Schema$Operation): Promise<Record<string, unknown>> {
  const { name = '' } = operation;
  const operations = name?.includes('/providers/') ? pools().providers.operations : pools().operations;
  const { data } = await operations.get({ name: name ?? '' });
  expect(data).toEqual(operation);
  expect(data).toMatchObject({ done: true, response: { '@type': expect.stringContaining('google.iam.v1.Workload') } });
  return data.response ?? {};
}

async function createPool(workloadIdentityPoolId: string, requestBody: object = {}): Promise<string> {
  const { data } = await pools().create({ parent, workloadIdentityPoolId, requestBody });
  return String((await finished(data))['name']);
}

describe('pools', () => {
  it('are created, read, patched by a mask, deleted, undeleted; every operation can be asked about by its name', async () => {
    const name = await createPool('life-of-a-pool', { displayName: 'A pool', description: 'for tests' });
    expect(name).toBe(`${parent}/workloadIdentityPools/life-of-a-pool`);
    expect((await pools().get({ name })).data).toMatchObject({ name, displayName: 'A pool', state: 'ACTIVE' });

    const requestBody = { displayName: 'Renamed', description: 'not in the mask' };
    const patched = await pools().patch({ name, updateMask: 'display_name', requestBody });
    expect(await finished(patched.data)).toMatchObject({ displayName: 'Renamed', description: 'for tests' });

    const deleted = await finished((await pools().delete({ name })).data);
    const leftMs = Date.parse(String(deleted['expireTime'])) - Date.now();
    expect(deleted).toMatchObject({ state: 'DELETED', displayName: 'Renamed' });
    expect(Math.round(leftMs / 86_400_000)).toBe(30);
    expect((await pools().get({ name })).data).toMatchObject({ state: 'DELETED', expireTime: deleted['expireTime'] });
    const create = { parent, workloadIdentityPoolId: 'life-of-a-pool', requestBody: {} };
    expect(await refusal(pools().create(create))).toEqual([409, 'ALREADY_EXISTS']);
    expect(await refusal(pools().patch({ name, updateMask: 'disabled', requestBody: {} }))).toEqual([
      400,
      'FAILED_PRECONDITION',
    ]);
    expect(await refusal(pools().delete({ name }))).toEqual([400, 'FAILED_PRECONDITION']);

    const undeleted = await finished((await pools().undelete({ name, requestBody: {} })).data);
    expect(undeleted).toMatchObject({ state: 'ACTIVE', displayName: 'Renamed' });
    expect(undeleted).not.toHaveProperty('expireTime');
    expect(await refusal(pools().undelete({ name }))).toEqual([400, 'FAILED_PRECONDITION']);
  });

  it('are listed in pages, deleted ones where they are asked for', async () => {
    for (const letter of ['a', 'b', 'c', 'd', 'e']) await createPool(`paged-${letter}`);
    await pools().delete({ name: `${parent}/workloadIdentityPools/paged-c` });
    const listed = async (showDeleted: boolean): Promise<readonly string[]> => {
      const ids: string[] = [];
      let pageToken: string | undefined;
      do {
        const { data } = await pools().list({ parent, pageSize: 2, showDeleted, ...(pageToken ? { pageToken } : {}) });
        expect(data.workloadIdentityPools?.length).toBeLessThanOrEqual(2);
        ids.push(...(data.workloadIdentityPools ?? []).map(({ name }) => name?.split('/').at(-1) ?? ''));
        pageToken = data.nextPageToken ?? undefined;
      } while (pageToken !== undefined);
      return ids.filter((id) => id.startsWith('paged-'));
    };
    expect(await listed(false)).toEqual(['paged-a', 'paged-b', 'paged-d', 'paged-e']);
    expect(await listed(true)).toEqual(['paged-a', 'paged-b', 'paged-c', 'paged-d', 'paged-e']);
    expect(await refusal(pools().list({ parent, pageToken: 'made up!' }))).toEqual([400, 'INVALID_ARGUMENT']);
    expect(await refusal(pools().list({ parent, pageSize: -1 }))).toEqual([400, 'INVALID_ARGUMENT']);
  });

  it('that are not there, and operations that were never made, are not found', async () => {
    const name = `${parent}/workloadIdentityPools/no-such-pool`;
    expect(await refusal(pools().get({ name }))).toEqual([404, 'NOT_FOUND']);
    expect(await refusal(pools().delete({ name }))).toEqual([404, 'NOT_FOUND']);
    expect(await refusal(pools().undelete({ name }))).toEqual([404, 'NOT_FOUND']);
    const made = await createPool('with-operations');
    for (const of of [name, made]) {
      expect(await refusal(pools().operations.get({ name: `${of}/operations/20200101000000000` }))).toEqual([
        404,
        'NOT_FOUND',
      ]);
    }
  });

  it('of the name that comes with the project can be changed but not deleted', async () => {
    const name = `${parent}/workloadIdentityPools/${world.pool}`;
    expect(await refusal(pools().delete({ name }))).toEqual([400, 'FAILED_PRECONDITION']);
  });

  it('have policies with etags: a stale one is ABORTED', async () => {
    const resource = await createPool('with-a-policy');
    const { data: before } = await pools().getIamPolicy({ resource, requestBody: {} });
    expect(before).toEqual({ etag: 'ACAB' });
    const members = [`principalSet://iam.googleapis.com/${resource}/*`];
    const policy = { etag: before.etag ?? '', bindings: [{ role: 'roles/owner', members }] };
    const { data: after } = await pools().setIamPolicy({ resource, requestBody: { policy } });
    expect(after).toMatchObject({ bindings: policy.bindings });
    expect(after.etag).not.toBe(before.etag);
    expect(await refusal(pools().setIamPolicy({ resource, requestBody: { policy } }))).toEqual([409, 'ABORTED']);
    const permissions = ['iam.workloadIdentityPools.get'];
    const { data: tested } = await pools().testIamPermissions({ resource, requestBody: { permissions } });
    expect(tested).toEqual({ permissions });
  });
});

describe('providers', () => {
  const oidc = (): iam_v1.Schema$WorkloadIdentityPoolProvider => ({
    displayName: 'CI',
    attributeMapping: { 'google.subject': 'assertion.sub' },
    oidc: { issuerUri: 'https://ci.example.com', jwksJson },
  });

  it('are created, read, listed in pages, patched by a mask, deleted, undeleted', async () => {
    const pool = await createPool('life-of-providers');
    const { providers } = pools();
    for (const id of ['ci-a', 'ci-b', 'ci-c']) {
      const request = { parent: pool, workloadIdentityPoolProviderId: `${id}-x`, requestBody: oidc() };
      expect(await finished((await providers.create(request)).data)).toMatchObject({ state: 'ACTIVE' });
    }
    const name = `${pool}/providers/ci-b-x`;
    const requestBody = { ...oidc(), displayName: 'Other', attributeCondition: "assertion.sub == 'x'" };
    const { data: patch } = await providers.patch({ name, updateMask: 'attributeCondition', requestBody });
    expect(await finished(patch)).toMatchObject({ displayName: 'CI', attributeCondition: "assertion.sub == 'x'" });
    const whole = (await providers.get({ name })).data;

    expect(await finished((await providers.delete({ name })).data)).toMatchObject({ state: 'DELETED' });
    const first = (await providers.list({ parent: pool, pageSize: 1 })).data;
    expect(first.workloadIdentityPoolProviders).toMatchObject([{ name: `${pool}/providers/ci-a-x` }]);
    const second = await providers.list({ parent: pool, pageSize: 1, pageToken: first.nextPageToken ?? '' });
    expect(second.data.workloadIdentityPoolProviders).toMatchObject([{ name: `${pool}/providers/ci-c-x` }]);
    expect(second.data).not.toHaveProperty('nextPageToken');
    const all = await providers.list({ parent: pool, showDeleted: true });
    expect(all.data.workloadIdentityPoolProviders).toMatchObject([{}, { name, state: 'DELETED' }, {}]);
    const again = { parent: pool, workloadIdentityPoolProviderId: 'ci-b-x', requestBody: oidc() };
    expect(await refusal(providers.create(again))).toEqual([409, 'ALREADY_EXISTS']);

    const undeleted = await finished((await providers.undelete({ name, requestBody: {} })).data);
    expect(undeleted).toMatchObject({ ...whole, updateTime: expect.any(String) });
    await pools().delete({ name: pool });
    expect(await refusal(providers.delete({ name }))).toEqual([400, 'FAILED_PRECONDITION']);
    expect((await providers.get({ name })).data).toMatchObject({ name, state: 'ACTIVE' });
  });

  it('are refused with the path of what is wrong', async () => {
    const pool = await createPool('strict-pool');
    const requestBody = { ...oidc(), attributeMapping: {} };
    const call = pools().providers.create({ parent: pool, workloadIdentityPoolProviderId: 'ci-a-x', requestBody });
    expect(await refusal(call)).toEqual([400, 'INVALID_ARGUMENT']);
  });
});

describe('roles, projects and deny policies', () => {
  it('roles are created, read, listed in pages, patched, deleted', async () => {
    const { roles } = client.projects;
    const project = 'projects/world';
    for (const roleId of ['roleOne', 'roleTwo']) {
      const requestBody = { roleId, role: { title: roleId, includedPermissions: ['orders.read'] } };
      const { data } = await roles.create({ parent: project, requestBody });
      expect(data).toMatchObject({ name: `${project}/roles/${roleId}`, stage: 'GA', etag: expect.any(String) });
    }
    const first = (await roles.list({ parent: project, pageSize: 1 })).data;
    expect(first.roles).toMatchObject([{ name: `${project}/roles/roleOne` }]);
    const second = await roles.list({ parent: project, pageSize: 1, pageToken: first.nextPageToken ?? '' });
    expect(second.data.roles).toMatchObject([{ name: `${project}/roles/roleTwo` }]);
    const name = `${project}/roles/roleOne`;
    const requestBody = { title: 'One', includedPermissions: ['orders.write'] };
    const { data: patched } = await roles.patch({ name, updateMask: 'title', requestBody });
    expect(patched).toMatchObject({ title: 'One', includedPermissions: ['orders.read'] });
    expect((await roles.get({ name })).data).toEqual(patched);
    expect((await roles.delete({ name })).data).toEqual({});
    expect(await refusal(roles.get({ name }))).toEqual([404, 'NOT_FOUND']);
  });

  it('deny policies are created, their operations asked about, replaced with an etag, deleted', async () => {
    const oauth = new auth.OAuth2();
    oauth.setCredentials({ access_token: world.broker.adminToken });
    const v2: iam_v2.Iam = iam({ version: 'v2', rootUrl: world.broker.origin, auth: oauth, retry: false });
    const on = `policies/cloudresourcemanager.googleapis.com%2Fprojects%2F${world.projectNumber}/denypolicies`;
    const rules = [
      {
        denyRule: {
          deniedPrincipals: [`principalSet://iam.googleapis.com/${parent}/workloadIdentityPools/${world.pool}/*`],
          deniedPermissions: ['orders.googleapis.com/orders.read'],
        },
      },
    ];
    const requestBody = { displayName: 'No orders', rules };
    const { data: created } = await v2.policies.createPolicy({ parent: on, policyId: 'no-orders', requestBody });
    expect((await v2.policies.operations.get({ name: created.name ?? '' })).data).toEqual(created);
    const name = `${on}/no-orders`;
    const { data: policy } = await v2.policies.get({ name });
    const { data: updated } = await v2.policies.update({ name, requestBody: { ...policy, displayName: 'None' } });
    expect(updated).toMatchObject({ done: true, response: { displayName: 'None' } });
    expect(await refusal(v2.policies.update({ name, requestBody: policy }))).toEqual([409, 'ABORTED']);
    const { data: deleted } = await v2.policies.delete({ name });
    expect((await v2.policies.operations.get({ name: deleted.name ?? '' })).data).toEqual(deleted);
  });
});

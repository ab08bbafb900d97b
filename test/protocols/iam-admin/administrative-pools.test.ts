/** Pools whose principals hold rights over the broker: marked, and nobody's to write but an owner's; whichever policy names them, and by whichever spelling. */
import { beforeEach, describe, expect, it } from 'vitest';
import { OIDC } from '../../support/admin-samples.ts';
import { type AdminRest, createAdminRest } from '../../support/admin-rest.ts';

const POOL = '/v1/projects/home/locations/global/workloadIdentityPools/ci-pool';
const NUMBER = '100000000001';
const IN_POOL = `//iam.googleapis.com/projects/${NUMBER}/locations/global/workloadIdentityPools/ci-pool`;
const ADMIN = 'user:ada@example.com';
const OWNER = 'user:olga@example.com';

let rest: AdminRest;

async function must(method: string, path: string, body: object): Promise<void> {
  const answer = await rest.call(method, path, body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
}

const bind = (path: string, role: string, ...members: string[]) =>
  must('POST', `${path}:setIamPolicy`, {
    policy: { version: 3, bindings: [...OWN.filter(() => path === '/v1/projects/home'), { role, members }] },
  });

const OWN = [
  { role: 'roles/iam.workloadIdentityPoolAdmin', members: [ADMIN] },
  { role: 'roles/owner', members: [OWNER] },
];

beforeEach(async () => {
  rest = createAdminRest();
  await must('POST', '/v1/projects', { projectId: 'home', projectNumber: NUMBER });
  await must('POST', '/v1/projects', { projectId: 'away', projectNumber: '100000000002' });
  await must('POST', '/v1/projects/home/locations/global/workloadIdentityPools?workloadIdentityPoolId=ci-pool', {});
  await must('POST', `${POOL}/providers?workloadIdentityPoolProviderId=issuer`, OIDC);
  await must('POST', '/v1/projects/home:setIamPolicy', { policy: { bindings: OWN } });
  for (const project of ['home', 'away']) {
    const role = { includedPermissions: ['orders.get'] };
    await must('POST', `/v1/projects/${project}/roles`, { roleId: 'reader', role });
  }
});

const write = async (as: string): Promise<number> =>
  (await rest.call('PATCH', `${POOL}/providers/issuer`, { attributeCondition: 'true' }, as)).status;

describe.each<[string, () => Promise<void>]>([
  ['a set of its own project', () => bind('/v1/projects/home', 'roles/sts.targetViewer', `principalSet:${IN_POOL}/*`)],
  ['one subject', () => bind('/v1/projects/home', 'roles/iam.roleAdmin', `principal:${IN_POOL}/subject/robot`)],
  ['another pool of its project', () => bind(POOL, 'roles/owner', `principalSet:${IN_POOL}/attribute.repo/x`)],
  ['another project', () => bind('/v1/projects/away', 'roles/owner', `principalSet:${IN_POOL}/group/admins`)],
])('a pool that is named by %s', (_who, name) => {
  it('is marked, and its provider is written by an owner only', async () => {
    expect(await write(ADMIN)).toBe(200);
    await name();
    expect(await write(ADMIN)).toBe(403);
    expect(await write(OWNER)).toBe(200);
  });
});

describe('a pool', () => {
  it('that the organization names is its owners’ to write, not those of the project: they would own the broker next', async () => {
    await bind('/v1/organizations/1', 'roles/owner', `principal:${IN_POOL}/subject/robot`, 'user:root@example.com');
    expect(await write(OWNER)).toBe(403);
    expect(await write('user:root@example.com')).toBe(200);
  });

  it('that is named for what is not the broker’s own is anybody’s who may write pools', async () => {
    await bind('/v1/projects/home', 'projects/home/roles/reader', `principalSet:${IN_POOL}/*`);
    expect(await write(ADMIN)).toBe(200);
  });

  it('becomes administrative by what its role grows to hold', async () => {
    await bind('/v1/projects/home', 'projects/home/roles/reader', `principalSet:${IN_POOL}/*`);
    await must('PATCH', '/v1/projects/home/roles/reader', { includedPermissions: ['orders.get', 'iam.roles.update'] });
    expect(await write(ADMIN)).toBe(403);
  });

  it('that does not exist yet is not made by who waits for its name', async () => {
    const waiting = IN_POOL.replace('ci-pool', 'waited-for');
    await bind('/v1/projects/home', 'roles/owner', `principalSet:${waiting}/*`);
    const create = (as: string) =>
      rest.call(
        'POST',
        '/v1/projects/home/locations/global/workloadIdentityPools?workloadIdentityPoolId=waited-for',
        {},
        as,
      );
    expect((await create(ADMIN)).status).toBe(403);
    expect((await create(OWNER)).status).toBe(200);
  });

  it.each([
    ['/v1/projects/away', OWNER],
    ['/v1/organizations/1', 'user:root@example.com'],
  ])('that was purged stays an owner’s to make anew while %s names it', async (path, may) => {
    // To these policies a pool that is gone for good and one that never was are the same.
    const gone = IN_POOL.replace('ci-pool', 'purged');
    await bind(path, 'roles/owner', `principalSet:${gone}/*`, 'user:root@example.com');
    const pools = '/v1/projects/home/locations/global/workloadIdentityPools?workloadIdentityPoolId=purged';
    for (const as of [ADMIN, OWNER].filter((one) => one !== may))
      expect((await rest.call('POST', pools, {}, as)).status).toBe(403);
    expect((await rest.call('POST', pools, {}, may)).status).toBe(200);
  });

  it('of clusters is named by the legacy spelling as well', async () => {
    await bind('/v1/projects/away', 'roles/owner', 'serviceAccount:home.svc.id.goog[shop/admin]');
    const builtIn = POOL.replace('ci-pool', 'home.svc.id.goog');
    expect((await rest.call('PATCH', builtIn, { disabled: true }, ADMIN)).status).toBe(403);
    expect((await rest.call('PATCH', builtIn, { disabled: true }, OWNER)).status).toBe(200);
  });

  it('whose agent pushes its keys is no administrators’ pool for that; one whose agent pushes another’s is', async () => {
    const role = { includedPermissions: ['iam.workloadIdentityPoolProviders.pushKeys'] };
    await must('POST', '/v1/projects/home/roles', { roleId: 'pusher', role });
    await bind(POOL, 'projects/home/roles/pusher', `principal:${IN_POOL}/subject/agent`);
    expect(await write(ADMIN)).toBe(200);
    await bind('/v1/projects/home', 'projects/home/roles/pusher', `principal:${IN_POOL}/subject/agent`);
    expect(await write(ADMIN)).toBe(403);
  });

  it('is free again when nobody names it any more', async () => {
    await bind('/v1/projects/away', 'roles/owner', `principalSet:${IN_POOL}/*`);
    expect(await write(ADMIN)).toBe(403);
    await bind('/v1/projects/away', 'roles/owner', 'user:else@example.com');
    expect(await write(ADMIN)).toBe(200);
  });
});

/** getIamPolicy, setIamPolicy, testIamPermissions over REST. */
import { describe, expect, it } from 'vitest';
import { badFields, withDemo, type AdminRest } from '../../support/admin-rest.ts';

const ROLE = 'roles/sts.targetViewer';
const MEMBERS = ['user:a@example.com'];
const condition = { expression: 'request.time < timestamp("2030-01-01T00:00:00Z")', title: 'soon' };
const CONDITIONAL = { version: 3, bindings: [{ role: ROLE, members: MEMBERS, condition }] };
const PROJECT = '/v1/projects/demo';

async function get(rest: AdminRest, requestedPolicyVersion?: number, resource = PROJECT) {
  return rest.call(
    'POST',
    `${resource}:getIamPolicy`,
    requestedPolicyVersion === undefined ? undefined : { options: { requestedPolicyVersion } },
  );
}

describe('on every resource', () => {
  it.each([
    '/v1/organizations/1',
    '/v1/projects/demo',
    '/v1/projects/100000000001',
    '/v1/projects/demo/locations/global/workloadIdentityPools/demo.svc.id.goog',
    '/v1/projects/demo/targets/api',
  ])('%s', async (resource) => {
    const rest = await withDemo();
    await rest.call('POST', '/v1/projects/demo/targets?targetId=api', { uri: 'https://api.example.com' });
    expect((await get(rest, undefined, resource)).body).toEqual({ etag: 'ACAB' });
    const set = await rest.call('POST', `${resource}:setIamPolicy`, { policy: { ...CONDITIONAL, etag: 'ACAB' } });
    expect(set).toMatchObject({ status: 200, body: CONDITIONAL });
    expect((await get(rest, 3, resource)).body).toEqual(set.body);
    const stale = await rest.call('POST', `${resource}:setIamPolicy`, { policy: { ...CONDITIONAL, etag: 'ACAB' } });
    expect(stale).toMatchObject({ status: 409, body: { error: { code: 409, status: 'ABORTED' } } });
    const permissions = ['sts.targets.get', 'a.b.c', 'a.b.c'];
    const tested = await rest.call('POST', `${resource}:testIamPermissions`, { permissions });
    expect(tested.body).toEqual({ permissions: ['sts.targets.get', 'a.b.c'] });
  });

  it.each([
    '/v1/organizations/2',
    '/v1/projects/none',
    '/v1/projects/demo/targets/none',
    '/v1/projects/demo/locations/global/workloadIdentityPools/none',
    '/v1/projects/demo/serviceAccounts/a@b.example',
  ])('and not on %s', async (resource) => {
    const rest = await withDemo();
    for (const [verb, body] of [
      ['getIamPolicy', {}],
      ['setIamPolicy', { policy: {} }],
      ['testIamPermissions', { permissions: ['a.b.c'] }],
    ] as const) {
      expect((await rest.call('POST', `${resource}:${verb}`, body)).status).toBe(404);
    }
  });
});

describe('getIamPolicy', () => {
  it.each([undefined, 0, 1])(
    'below version 3 (%s) shows conditions by a name that cannot be written back',
    async (version) => {
      const rest = await withDemo();
      await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: CONDITIONAL });
      const { body } = await get(rest, version);
      expect(body).toEqual({
        version: 1,
        etag: expect.any(String),
        bindings: [
          { role: expect.stringMatching(/^roles\/sts\.targetViewer_withcond_[0-9a-f]{16}$/), members: MEMBERS },
        ],
      });
      expect(badFields(await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: body }))).toEqual([
        'policy.bindings[0].role',
      ]);
    },
  );

  it('tells different conditions apart', async () => {
    const rest = await withDemo();
    const other = { ...condition, title: 'other' };
    const bindings = [condition, other].map((one) => ({ role: ROLE, members: MEMBERS, condition: one }));
    await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: { version: 3, bindings } });
    const { bindings: shown } = (await get(rest)).body as { bindings: { role: string }[] };
    expect(new Set(shown.map(({ role }) => role)).size).toBe(2);
  });

  it('says version 1 where there is no condition', async () => {
    const rest = await withDemo();
    await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: { bindings: [{ role: ROLE, members: MEMBERS }] } });
    expect((await get(rest, 3)).body).toMatchObject({ version: 1, bindings: [{ role: ROLE, members: MEMBERS }] });
  });

  it.each([2, 4, -1, 1.5])('refuses version %d', async (version) => {
    expect(badFields(await get(await withDemo(), version))).toEqual(['options.requestedPolicyVersion']);
  });
});

describe('setIamPolicy', () => {
  it('drops bindings without members and clears by an empty policy', async () => {
    const rest = await withDemo();
    const set = await rest.call('POST', `${PROJECT}:setIamPolicy`, {
      policy: { bindings: [{ role: ROLE }, { role: 'roles/owner', members: MEMBERS }] },
    });
    expect(set.body['bindings']).toEqual([{ role: 'roles/owner', members: MEMBERS }]);
    const cleared = await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: {} });
    expect(cleared.body).toEqual({ version: 1, etag: expect.any(String) });
  });

  it.each([
    [{}, 'policy'],
    [{ policy: [] }, 'policy'],
    [{ policy: {}, dryRun: true }, 'dryRun'],
    [{ policy: { auditConfigs: [] } }, 'policy.auditConfigs'],
    [{ policy: { bindings: [{ role: ROLE, members: MEMBERS, expires: 1 }] } }, 'policy.bindings[0].expires'],
    [{ policy: { bindings: [{ members: MEMBERS }] } }, 'policy.bindings[0].role'],
    [
      { policy: { version: 3, bindings: [{ role: ROLE, members: MEMBERS, condition: {} }] } },
      'policy.bindings[0].condition.expression',
    ],
    [{ policy: { version: 1, bindings: CONDITIONAL.bindings } }, 'policy.version'],
    [{ policy: { etag: 'BwWWja0YfJA=' } }, 'policy.etag'],
    [{ policy: { etag: 7 } }, 'policy.etag'],
    [{ policy: {}, updateMask: 'auditConfigs' }, 'updateMask'],
    [{ policy: {}, updateMask: 'etag' }, 'updateMask'],
  ])('refuses %j', async (body, field) => {
    const refused = await (await withDemo()).call('POST', `${PROJECT}:setIamPolicy`, body);
    expect(refused).toMatchObject({ status: 400, body: { error: { status: 'INVALID_ARGUMENT' } } });
    expect(badFields(refused)).toEqual([field]);
  });

  it('compares the etag whatever the mask says', async () => {
    const rest = await withDemo();
    await rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: CONDITIONAL, updateMask: 'bindings,etag' });
    const stale = { policy: { ...CONDITIONAL, etag: 'ACAB' }, updateMask: 'bindings' };
    expect((await rest.call('POST', `${PROJECT}:setIamPolicy`, stale)).status).toBe(409);
  });
});

describe('testIamPermissions', () => {
  it.each([
    [{ permissions: ['a.b.c', 'a.*'] }, 'permissions[1]'],
    [{ permissions: ['*'] }, 'permissions[0]'],
    [{ permissions: Array.from({ length: 101 }, (_, index) => `a.b.c${index}`) }, 'permissions'],
    [{}, 'permissions'],
  ])('refuses %j', async (body, field) => {
    expect(badFields(await (await withDemo()).call('POST', `${PROJECT}:testIamPermissions`, body))).toEqual([field]);
  });
});

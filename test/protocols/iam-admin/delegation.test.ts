/** What administrators may hand on: what they hold themselves, under a condition no wider than their own; and Google's limit on the roles that they give and take. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER, EC_KEY, jwks, OIDC } from '../../support/admin-samples.ts';
import { PERMISSIONS } from '../../../src/core/permissions.ts';
import type { AdminRest } from '../../support/admin-rest.ts';
import { withDemo } from '../../support/admin-rest.ts';

const PROJECT = '/v1/projects/demo';
const TARGET = `${PROJECT}/targets/files`;
const POOLS = `${PROJECT}/locations/global/workloadIdentityPools?workloadIdentityPoolId=admins`;
const PROVIDERS = `${PROJECT}/locations/global/workloadIdentityPools/admins/providers`;
const ADMINS = `${PROVIDERS}/issuer`;
const ANYBODY_OF_ADMINS =
  'principalSet://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/admins/*';
const DENIALS = `/v2/policies/${encodeURIComponent('cloudresourcemanager.googleapis.com/projects/demo')}/denypolicies`;
const DENIAL = `${DENIALS}/no-reading`;
const IAM_ADMIN = 'roles/resourcemanager.projectIamAdmin';
const VIEWER = 'roles/iam.workloadIdentityPoolViewer';
const OFFICE_HOURS = { title: 'office', expression: 'request.time.getHours() < 24' };

const user = (name: string): string => `user:${name}@example.com`;
const only = (...roles: string[]) => ({
  title: 'delegate',
  expression: `api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${roles.map((role) => `'${role}'`).join(', ')}])`,
});

interface TestBinding {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: object;
}

let rest: AdminRest;

async function set(path: string, bindings: readonly TestBinding[], as?: string): Promise<number> {
  const answer = await rest.call('POST', `${path}:setIamPolicy`, { policy: { version: 3, bindings } }, as);
  return answer.status;
}

beforeEach(async () => {
  rest = await withDemo();
  const role = { includedPermissions: ['orders.get', 'iam.policies.escalate', 'sts.targets.setIamPolicy'] };
  await rest.call('POST', `${PROJECT}/roles`, { roleId: 'delegate', role });
  await rest.call('POST', `${PROJECT}/roles`, { roleId: 'reader', role: { includedPermissions: ['orders.get'] } });
  await rest.call('POST', `${PROJECT}/targets?targetId=files`, { uri: 'https://files.example.com' });
});

describe('a delegated policy administrator', () => {
  const admin: TestBinding = { role: IAM_ADMIN, members: [user('ada')], condition: only(VIEWER) };
  const viewer: TestBinding = { role: VIEWER, members: [user('ada')] };
  const delegated = [admin, viewer];

  beforeEach(async () => {
    expect(await set(PROJECT, delegated)).toBe(200);
  });

  it('gives and takes the roles that his condition names', async () => {
    const given = [...delegated, { role: VIEWER, members: [user('bob')] }];
    expect(await set(PROJECT, given, user('ada'))).toBe(200);
    expect(await set(PROJECT, delegated, user('ada'))).toBe(200);
  });

  it.each<[string, readonly TestBinding[]]>([
    ['another role to somebody else', [...delegated, { role: 'roles/iam.denyReviewer', members: [user('bob')] }]],
    ['his own role without its condition', [...delegated, { role: IAM_ADMIN, members: [user('ada')] }]],
    ['his own role to somebody else', [{ ...admin, members: [user('ada'), user('bob')] }, viewer]],
    ['his own role under a wider condition', [{ ...admin, condition: only(VIEWER, IAM_ADMIN) }, viewer]],
    [
      'a named role together with another',
      [
        ...delegated,
        { role: VIEWER, members: [user('bob')] },
        { role: 'roles/sts.targetViewer', members: [user('bob')] },
      ],
    ],
    ['his superiors’ roles away', [viewer]],
  ])('does not give %s', async (_what, bindings) => {
    expect(await set(PROJECT, bindings, user('ada'))).toBe(403);
  });

  it('reads the policy, for a question changes nothing', async () => {
    const answer = await rest.call('POST', `${PROJECT}:getIamPolicy`, {}, user('ada'));
    expect(answer.status).toBe(200);
  });
});

describe('whoever may escalate within a condition', () => {
  it('lets workloads in that he could not come in as, and nobody as himself', async () => {
    const delegate = {
      role: 'projects/demo/roles/delegate',
      members: [user('ada')],
      condition: only('projects/demo/roles/reader'),
    };
    expect(await set(TARGET, [delegate])).toBe(200);
    const reader = { role: 'projects/demo/roles/reader', members: [user('bob')] };
    expect(await set(TARGET, [delegate, reader], user('ada'))).toBe(200);
    expect(await set(TARGET, [{ ...delegate, members: [user('ada'), user('bob')] }, reader], user('ada'))).toBe(403);
    expect(await set(PROJECT, [reader], user('ada'))).toBe(403);
  });
});

describe('a limit on the roles that one gives and takes', () => {
  const ways: readonly [what: string, method: string, path: string, body?: object][] = [
    [
      'a role that grows where it is bound',
      'PATCH',
      `${PROJECT}/roles/reader`,
      { includedPermissions: ['orders.get', 'orders.burn'] },
    ],
    ['the keys of a pool that administers', 'PATCH', ADMINS, { oidc: { jwksJson: jwks({ ...EC_KEY, kid: 'mine' }) } }],
    ['a denial gone', 'DELETE', DENIAL],
    ['the tags that decide who is let in', 'PATCH', TARGET, { tags: { env: 'dev' } }],
    // The fourth entry: the role `reader` was made.
    ['a state of before', 'POST', `${PROJECT}/history/4:restore`, { resource: 'role/reader' }],
  ];

  it.each(ways)('is none that holds for %s, so nothing but a policy is written by it', async (_what, ...call) => {
    const reader = 'projects/demo/roles/reader';
    await rest.call('POST', POOLS, {});
    await rest.call('POST', `${PROVIDERS}?workloadIdentityPoolProviderId=issuer`, OIDC);
    const denyRule = { deniedPrincipals: [ANYBODY_OF_ADMINS], deniedPermissions: ['orders.get'] };
    await rest.call('POST', `${DENIALS}?policyId=no-reading`, { rules: [{ denyRule }] });
    await rest.call('PATCH', `${PROJECT}/roles/reader`, { includedPermissions: ['orders.put'] });
    // Everything by such a binding, and the right to write each of these besides.
    const everything = { includedPermissions: PERMISSIONS };
    await rest.call('POST', `${PROJECT}/roles`, { roleId: 'everything', role: everything });
    const limited: TestBinding = {
      role: 'projects/demo/roles/everything',
      members: [user('ada')],
      condition: only(reader),
    };
    const bindings: readonly TestBinding[] = [
      limited,
      { role: 'roles/iam.roleAdmin', members: [user('ada')] },
      { role: 'roles/iam.workloadIdentityPoolAdmin', members: [user('ada')] },
      { role: 'roles/iam.denyAdmin', members: [user('ada')] },
      { role: reader, members: [user('bob')] },
      { role: 'roles/owner', members: [ANYBODY_OF_ADMINS] },
    ];
    expect(await set(PROJECT, bindings)).toBe(200);
    const [method, path, body] = call;
    expect((await rest.call(method, path, body, user('ada'))).status).toBe(403);
    expect((await rest.call(method, path, body)).status).toBe(200);
    expect(
      await set(PROJECT, [...bindings, { role: reader, members: [user('eve')] }], user('ada')),
      'a policy, by the role that it is limited to',
    ).toBe(200);
  });

  it.each<[string, string, string, object]>([
    ['grows while nobody is bound to it', 'PATCH', '/reader', { includedPermissions: ['iam.policies.escalate'] }],
    [
      'is made under a name that waits in the list',
      'POST',
      '',
      { roleId: 'later', role: { includedPermissions: ['iam.policies.escalate'] } },
    ],
  ])(
    'is no way round what a role holds: none of the list %s, by who may write roles',
    async (_how, method, at, body) => {
      const listed = only('projects/demo/roles/reader', 'projects/100000000001/roles/later');
      const delegate: TestBinding = {
        role: 'projects/demo/roles/delegate',
        members: [user('ada')],
        condition: listed,
      };
      const roleAdmin: TestBinding = { role: 'roles/iam.roleAdmin', members: [user('ada')] };
      expect(await set(PROJECT, [roleAdmin])).toBe(200);
      expect((await rest.call('PATCH', `${PROJECT}/roles/reader`, { title: 'Free' }, user('ada'))).status).toBe(200);
      expect(await set(TARGET, [delegate])).toBe(200);
      const write = async (as?: string) => (await rest.call(method, `${PROJECT}/roles${at}`, body, as)).status;
      expect(await write(user('ada'))).toBe(403);
      const other = { roleId: 'other', role: { includedPermissions: ['iam.policies.escalate'] } };
      expect((await rest.call('POST', `${PROJECT}/roles`, other, user('ada'))).status, 'one of no list').toBe(200);
      expect(await write()).toBe(200);
    },
  );

  it('keeps the words of other people’s conditions too', async () => {
    const other: TestBinding = { role: 'roles/sts.targetViewer', members: [user('bob')], condition: OFFICE_HOURS };
    const admin: TestBinding = { role: IAM_ADMIN, members: [user('ada')], condition: only(VIEWER) };
    expect(await set(PROJECT, [admin, other])).toBe(200);
    const renamed = { ...other, condition: { ...OFFICE_HOURS, title: 'never mind' } };
    const onTrial = { ...other, dryRunCondition: { expression: 'false' } };
    expect(await set(PROJECT, [admin, renamed], user('ada'))).toBe(403);
    expect(await set(PROJECT, [admin, onTrial], user('ada'))).toBe(403);
    expect(await set(PROJECT, [admin, other], user('ada'))).toBe(200);
  });

  it.each([
    ['an empty list', []],
    ['a list of what there is not', ['projects/demo/roles/nothing']],
  ])('of %s gives and takes nothing', async (_what, roles) => {
    const admin: TestBinding = { role: IAM_ADMIN, members: [user('ada')], condition: only(...roles) };
    const other: TestBinding = { role: VIEWER, members: [user('ada'), user('bob')] };
    expect(await set(PROJECT, [admin, other])).toBe(200);
    expect(await set(PROJECT, [admin, { ...other, members: [user('ada')] }], user('ada'))).toBe(403);
    expect(await set(PROJECT, [admin, { ...other, members: [...other.members, user('eve')] }], user('ada'))).toBe(403);
    expect(await set(PROJECT, [admin, other, other], user('ada')), 'the same said twice changes nothing').toBe(200);
  });

  it('means a role however it is spelled, and its members too', async () => {
    const admin: TestBinding = {
      role: IAM_ADMIN,
      members: [user('ada')],
      condition: only('projects/demo/roles/reader'),
    };
    const reads: TestBinding = { role: 'projects/100000000001/roles/reader', members: [user('ada')] };
    expect(await set(PROJECT, [admin, reads])).toBe(200);
    const more = { ...reads, members: [user('ada'), user('bob')] };
    expect(await set(PROJECT, [admin, more], user('ada'))).toBe(200);
    // A deleted member is somebody as well: who may not take him away may not bury him.
    const buried = { ...admin, members: [`deleted:${user('ada')}?uid=123`] };
    expect(await set(PROJECT, [admin, { ...buried }], user('ada'))).toBe(403);
  });
});

describe('handing on', () => {
  const held = (condition?: object): readonly TestBinding[] => [
    { role: IAM_ADMIN, members: [user('ada')] },
    { role: VIEWER, members: [user('ada')], ...(condition === undefined ? {} : { condition }) },
  ];
  const given = (condition?: object): TestBinding => ({
    role: VIEWER,
    members: [user('bob')],
    ...(condition === undefined ? {} : { condition }),
  });

  it.each([
    ['without a condition what is held without one', undefined, undefined, 200],
    ['under a condition what is held without one', undefined, OFFICE_HOURS, 200],
    ['under the same condition', OFFICE_HOURS, OFFICE_HOURS, 200],
    ['without the condition', OFFICE_HOURS, undefined, 403],
    ['under another condition', OFFICE_HOURS, { title: 'office', expression: 'true' }, 403],
    [
      'what is said to be the same condition',
      OFFICE_HOURS,
      { ...OFFICE_HOURS, expression: 'request.time.getHours() < 25' },
      403,
    ],
  ])('works %s: %j to %j is %i', async (_what, own, others, status) => {
    expect(await set(PROJECT, held(own))).toBe(200);
    expect(await set(PROJECT, [...held(own), given(others)], user('ada'))).toBe(status);
  });

  it('does not reach above: a right on a target is none on the project', async () => {
    const admin = { role: 'roles/sts.targetAdmin', members: [user('ada')] };
    expect(await set(TARGET, [admin])).toBe(200);
    expect(await set(TARGET, [admin, { role: 'roles/sts.targetViewer', members: [user('bob')] }], user('ada'))).toBe(
      200,
    );
    expect(await set(PROJECT, [{ role: 'roles/sts.targetViewer', members: [user('bob')] }], user('ada'))).toBe(403);
  });

  it('takes no role that holds one right too many', async () => {
    expect(await set(PROJECT, held())).toBe(200);
    const more = { role: 'roles/iam.securityReviewer', members: [user('bob')] };
    expect(await set(PROJECT, [...held(), more], user('ada'))).toBe(403);
  });

  it('gives nothing by a condition on trial, and nothing is needed for it', async () => {
    expect(await set(PROJECT, held(OFFICE_HOURS))).toBe(200);
    const onTrial = held(OFFICE_HOURS).map((one) =>
      one.role === VIEWER ? { ...one, dryRunCondition: { expression: 'false' } } : one,
    );
    expect(await set(PROJECT, onTrial, user('ada'))).toBe(200);
  });
});

describe('roles', () => {
  const patch = (roleId: string, ...includedPermissions: string[]) =>
    rest.call('PATCH', `${PROJECT}/roles/${roleId}`, { includedPermissions }, user('ada'));

  it('may be made of anything while nobody is bound to them, and grow no further once somebody is', async () => {
    expect(await set(PROJECT, [{ role: 'roles/iam.roleAdmin', members: [user('ada')] }])).toBe(200);
    expect((await patch('reader', 'orders.get', 'orders.delete')).status).toBe(200);
    expect(await set(TARGET, [{ role: 'projects/demo/roles/reader', members: [user('bob')] }])).toBe(200);
    expect((await patch('reader', 'orders.get', 'orders.delete', 'orders.burn')).status).toBe(403);
    expect((await patch('reader', 'orders.get')).status).toBe(200);
    expect((await patch('reader', 'orders.get', 'orders.delete')).status).toBe(403);
  });

  it('are deleted with their bindings by who may delete roles, and by nobody for the sake of the bindings', async () => {
    expect(await set(PROJECT, [{ role: 'roles/iam.roleAdmin', members: [user('ada')] }])).toBe(200);
    expect(await set(TARGET, [{ role: 'projects/demo/roles/reader', members: [user('bob')] }])).toBe(200);
    expect((await rest.call('DELETE', `${PROJECT}/roles/reader`, undefined, user('ada'))).status).toBe(200);
  });
});

describe('a target', () => {
  const denial = `/v2/policies/${encodeURIComponent('sts.googleapis.com/projects/demo/targets/files')}/denypolicies?policyId=no-reading`;
  const denyRule = { deniedPrincipals: ['principalSet://goog/public:all'], deniedPermissions: ['orders.get'] };

  it('is not deleted for the sake of its denials: the next one of that uri would have none', async () => {
    expect(await set(PROJECT, [{ role: 'roles/sts.targetAdmin', members: [user('ada')] }])).toBe(200);
    expect((await rest.call('POST', denial, { rules: [{ denyRule }] })).status).toBe(200);
    expect((await rest.call('DELETE', TARGET, undefined, user('ada'))).status).toBe(403);
    expect((await rest.call('DELETE', TARGET)).status).toBe(200);
  });

  it('is not moved out of a denial that looks at its tags, nor made anew without them', async () => {
    const prod = { uri: 'https://files.example.com', tags: { '1/env': 'prod' } };
    expect((await rest.call('PATCH', `${TARGET}?updateMask=tags`, prod)).status).toBe(200);
    expect(await set(PROJECT, [{ role: 'roles/sts.targetAdmin', members: [user('ada')] }])).toBe(200);
    const retag = async (tags: object, as?: string) =>
      (await rest.call('PATCH', `${TARGET}?updateMask=tags`, { tags }, as)).status;
    expect(await retag({ '1/env': 'dev' }, user('ada')), 'while nothing is denied').toBe(200);
    expect(await retag(prod.tags)).toBe(200);
    const denialCondition = { title: 'prod', expression: 'resource.matchTag("1/env", "prod")' };
    const rules = [{ denyRule: { ...denyRule, denialCondition } }];
    expect((await rest.call('POST', `${DENIALS}?policyId=not-in-prod`, { rules })).status).toBe(200);
    expect(await retag({ '1/env': 'dev' }, user('ada'))).toBe(403);
    const moved = { uri: 'https://elsewhere.example.com' };
    expect((await rest.call('PATCH', `${TARGET}?updateMask=uri`, moved, user('ada'))).status).toBe(403);
    expect((await rest.call('DELETE', TARGET, undefined, user('ada'))).status).toBe(403);
    const renamed = { displayName: 'Files' };
    expect((await rest.call('PATCH', TARGET, renamed, user('ada'))).status).toBe(200);
    expect(await retag({ '1/env': 'dev' })).toBe(200);
    expect((await rest.call('DELETE', TARGET)).status).toBe(200);
  });

  it('that is made anew is not a reviewer’s again by who may write providers alone', async () => {
    const providers = `${PROJECT}/locations/global/workloadIdentityPools/demo.svc.id.goog/providers`;
    const tokenReview = { url: 'https://api.example.com', target: 'files' };
    const made = await rest.call('POST', `${providers}?workloadIdentityPoolProviderId=cluster`, {
      ...CLUSTER,
      tokenReview,
    });
    expect(made.status).toBe(200);
    expect(await set(PROJECT, [{ role: 'roles/iam.workloadIdentityPoolAdmin', members: [user('ada')] }])).toBe(200);
    const patch = async (mask: string, body: object, as?: string) =>
      (await rest.call('PATCH', `${providers}/cluster?updateMask=${mask}`, body, as)).status;
    expect(await patch('tokenReview', { tokenReview }, user('ada')), 'as it is').toBe(200);
    await rest.call('DELETE', TARGET);
    await rest.call('POST', `${PROJECT}/targets?targetId=files`, { uri: 'https://bank.example.com' });
    expect(await patch('displayName', { displayName: 'One' }, user('ada'))).toBe(200);
    expect(await patch('tokenReview', { tokenReview }, user('ada'))).toBe(403);
    expect(await patch('tokenReview', { tokenReview })).toBe(200);
  });
});

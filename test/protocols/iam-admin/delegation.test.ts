/** What administrators may hand on: what they hold themselves, under a condition no wider than their own; and Google's limit on the roles that they give and take. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AdminRest } from '../../support/admin-rest.ts';
import { withDemo } from '../../support/admin-rest.ts';

const PROJECT = '/v1/projects/demo';
const TARGET = `${PROJECT}/targets/files`;
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
});

/** The limits of policies as Google has them (WIRE.md C.2): the last that fits, the first that does not, and with which status it is refused. */
import { describe, expect, it } from 'vitest';
import { type AdminRest, withDemo } from '../../support/admin-rest.ts';

const PROJECT = '/v1/projects/demo';
const DENY = '/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fdemo/denypolicies';
const POOL = '//iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/my-pool';

const subject = (index: number): string => `principal:${POOL}/subject/s${index}`;
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const operators = (count: number): string => many(count + 1, (index) => `resource.name == "n${index}"`).join(' || ');
/** Deny rules know tags only. */
const tagOperators = (count: number): string =>
  many(count + 1, (index) => `resource.matchTag("1/env", "v${index}")`).join(' || ');

async function setPolicy(rest: AdminRest, bindings: readonly object[], version = 3) {
  return rest.call('POST', `${PROJECT}:setIamPolicy`, { policy: { version, bindings } });
}

const ROLE = 'roles/iam.workloadIdentityPoolViewer';
const bindings = (members: readonly string[], more: object = {}): readonly object[] => [
  { role: ROLE, members, ...more },
];
const conditions = (count: number): readonly object[] =>
  many(count, (index) => ({
    role: ROLE,
    members: [subject(0)],
    condition: { title: `c${index}`, expression: 'true' },
  }));
const condition = (expression: string): object => ({ condition: { title: 'c', expression } });

const INVALID = { code: 400, status: 'INVALID_ARGUMENT' };

describe('an allow policy', () => {
  it.each<[string, readonly object[], readonly object[]]>([
    ['1,500 principals', bindings(many(1_500, subject)), bindings(many(1_501, subject))],
    [
      '1,500 principals over all its bindings, each appearance',
      [...bindings(many(750, subject)), { role: 'roles/owner', members: many(750, subject) }],
      [...bindings(many(750, subject)), { role: 'roles/owner', members: many(751, subject) }],
    ],
    [
      '12 logical operators in a condition',
      bindings([subject(0)], condition(operators(12))),
      bindings([subject(0)], condition(operators(13))),
    ],
    ['20 conditions of one role and member', conditions(20), conditions(21)],
  ])('takes %s and no more', async (_limit, fits, tooMuch) => {
    const rest = await withDemo();
    expect((await setPolicy(rest, fits)).status).toBe(200);
    expect(await setPolicy(rest, tooMuch)).toMatchObject({ status: 400, body: { error: INVALID } });
  });

  it.each<[string, readonly object[], number]>([
    ['a condition on a basic role', [{ role: 'roles/owner', members: [subject(0)], ...condition('true') }], 3],
    ['a condition below version 3', bindings([subject(0)], condition('true')), 1],
    ['everybody', bindings(['allUsers']), 3],
    ['everybody with an account', bindings(['allAuthenticatedUsers']), 3],
    ['groups, so none of 250', bindings(['group:g@example.com']), 3],
    ['domains, so none of 250', bindings(['domain:example.com']), 3],
    ['a version that there is none of', bindings([subject(0)]), 2],
  ])('takes not %s', async (_what, refused, version) => {
    expect(await setPolicy(await withDemo(), refused, version)).toMatchObject({
      status: 400,
      body: { error: INVALID },
    });
  });

  it('is asked for a hundred permissions at once and no more', async () => {
    const rest = await withDemo();
    const permissions = many(101, (index) => `orders.op${index}`);
    const test = async (asked: readonly string[]) =>
      rest.call('POST', `${PROJECT}:testIamPermissions`, { permissions: asked });
    expect((await test(permissions.slice(1))).status).toBe(200);
    expect(await test(permissions)).toMatchObject({ status: 400, body: { error: INVALID } });
  });
});

describe('deny policies', () => {
  const rule = (members: readonly string[], expression?: string): object => ({
    denyRule: {
      deniedPrincipals: members,
      deniedPermissions: ['orders.read'],
      ...(expression === undefined ? {} : { denialCondition: { title: 'd', expression } }),
    },
  });
  const create = async (rest: AdminRest, id: string, rules: readonly object[]) =>
    rest.call('POST', `${DENY}?policyId=${id}`, { rules });

  it.each<[string, readonly object[], readonly object[]]>([
    ['500 rules', many(500, () => rule([subject(0)])), many(501, () => rule([subject(0)]))],
    ['2,500 principals', [rule(many(2_500, subject))], [rule(many(2_501, subject))]],
    ['12 logical operators', [rule([subject(0)], tagOperators(12))], [rule([subject(0)], tagOperators(13))]],
  ])('take %s and no more', async (_limit, fits, tooMuch) => {
    const rest = await withDemo();
    expect(await create(rest, 'too-much', tooMuch)).toMatchObject({ status: 400, body: { error: INVALID } });
    expect((await create(rest, 'that-fits', fits)).status).toBe(200);
  });

  it('are 500 in a project, and the next one is too many', async () => {
    const rest = await withDemo();
    const rules = [rule([subject(0)])];
    for (let index = 0; index < 500; index++) expect((await create(rest, `policy-${index}`, rules)).status).toBe(200);
    expect(await create(rest, 'policy-500', rules)).toMatchObject({
      status: 429,
      body: { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } },
    });
  });
});

describe('custom roles', () => {
  it('are 300 in a project, and the next one is too many, as at Google', async () => {
    const rest = await withDemo();
    const create = async (roleId: string) => rest.call('POST', `${PROJECT}/roles`, { roleId, role: { title: roleId } });
    for (let index = 0; index < 300; index++) expect((await create(`role${index}`)).status).toBe(200);
    expect(await create('role300')).toMatchObject({
      status: 429,
      body: { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } },
    });
  });
});

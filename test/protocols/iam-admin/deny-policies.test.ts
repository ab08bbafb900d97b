/** `/v2/policies/…/denypolicies`: Google's IAM v2 as its clients speak it, and every way to get it wrong. */
import { describe, expect, it } from 'vitest';
import { type AdminRest, badFields, TOKEN, withDemo } from '../../support/admin-rest.ts';

const ME =
  'principal://iam.googleapis.com/projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog/subject/ns/shop/sa/checkout';
const ON_PROJECT = '/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fdemo/denypolicies';
const ON_NUMBER = ON_PROJECT.replace('demo', '100000000001');
const ON_TARGET = '/v2/policies/sts.googleapis.com%2Fprojects%2Fdemo%2Ftargets%2Fapi/denypolicies';
const NAME = 'policies/cloudresourcemanager.googleapis.com%2Fprojects%2F100000000001/denypolicies/no-orders';

const RULE = { denyRule: { deniedPrincipals: [ME], deniedPermissions: ['orders.googleapis.com/orders.get'] } };
const POLICY = { displayName: 'No orders', rules: [RULE] };

async function withTarget(): Promise<AdminRest> {
  const rest = await withDemo();
  await rest.call('POST', '/v1/projects/demo/targets?targetId=api', { uri: 'https://api.example.com' });
  return rest;
}

async function withPolicy(policy: object = POLICY): Promise<AdminRest> {
  const rest = await withTarget();
  const made = await rest.call('POST', `${ON_PROJECT}?policyId=no-orders`, policy);
  if (made.status !== 200) throw new Error(JSON.stringify(made.body));
  return rest;
}

describe('create and get', () => {
  it('answer as Google does: an Operation that is done, the policy under its number', async () => {
    const rest = await withTarget();
    const denialCondition = { expression: 'resource.matchTag("1/env", "prod")', title: 'prod', description: 'd' };
    const full = {
      displayName: 'No orders',
      annotations: { owner: 'ada' },
      rules: [
        {
          description: 'why',
          denyRule: {
            ...RULE.denyRule,
            exceptionPrincipals: [`${ME}-2`],
            exceptionPermissions: ['orders.googleapis.com/orders.list'],
            denialCondition,
          },
        },
      ],
    };
    const made = await rest.call('POST', `${ON_PROJECT}?policyId=no-orders`, full);
    const policy = {
      name: NAME,
      uid: expect.stringMatching(/^uid-/),
      kind: 'DenyPolicy',
      ...full,
      etag: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
      createTime: '2026-01-01T00:00:02.000Z',
      updateTime: '2026-01-01T00:00:02.000Z',
    };
    expect(made.body).toEqual({
      name: `${NAME}/operations/20260101000002000`,
      metadata: {
        '@type': 'type.googleapis.com/google.iam.v2.PolicyOperationMetadata',
        createTime: '2026-01-01T00:00:02.000Z',
        warnings: [
          expect.stringMatching(/^rules\[0\]\.denyRule\.deniedPrincipals\[0\]: .* has no provider yet$/),
          expect.stringMatching(/^rules\[0\]\.denyRule\.exceptionPrincipals\[0\]: .* has no provider yet$/),
          expect.stringMatching(/^rules\[0\]\.denyRule\.deniedPermissions\[0\]: this denies nothing today/),
        ],
      },
      done: true,
      response: { '@type': 'type.googleapis.com/google.iam.v2.Policy', ...policy },
    });
    for (const path of [ON_PROJECT, ON_NUMBER, ON_PROJECT.replaceAll('%2F', '%2f')]) {
      expect((await rest.call('GET', `${path}/no-orders`)).body).toEqual(policy);
    }
    expect((await rest.call('GET', `/v2/${NAME}`)).body).toEqual(policy);
    expect(rest.admin.history.at(-1)).toEqual({ actor: 'bootstrap', type: 'denyPolicy.create' });
  });

  it('leave out what is empty', async () => {
    const rest = await withPolicy({ rules: [RULE] });
    const { body } = await rest.call('GET', `${ON_PROJECT}/no-orders`);
    expect(Object.keys(body)).toEqual(['name', 'uid', 'kind', 'etag', 'createTime', 'updateTime', 'rules']);
    expect(body['rules']).toEqual([RULE]);
  });

  it('work on a target, apart from the project', async () => {
    const rest = await withPolicy();
    const made = await rest.call('POST', `${ON_TARGET}?policyId=no-orders`, POLICY);
    const name = 'policies/sts.googleapis.com%2Fprojects%2F100000000001%2Ftargets%2Fapi/denypolicies/no-orders';
    expect(made.body).toMatchObject({ response: { name } });
    expect((await rest.call('GET', `/v2/${name}`)).body).toMatchObject({ name });
    expect((await rest.call('DELETE', `/v2/${name}`)).status).toBe(200);
    expect((await rest.call('GET', `${ON_PROJECT}/no-orders`)).status).toBe(200);
  });

  it('take back what was read', async () => {
    const rest = await withPolicy();
    const { body } = await rest.call('GET', `${ON_PROJECT}/no-orders`);
    expect((await rest.call('PUT', `${ON_PROJECT}/no-orders`, body)).status).toBe(200);
    expect((await rest.call('POST', `${ON_PROJECT}?policyId=copy`, { ...body, deleteTime: 'x' })).status).toBe(200);
  });
});

describe('list', () => {
  it('shows heads without rules, page by page', async () => {
    const rest = await withTarget();
    for (const id of ['ccc', 'aaa', 'b.b']) await rest.call('POST', `${ON_PROJECT}?policyId=${id}`, POLICY);
    await rest.call('POST', `${ON_TARGET}?policyId=elsewhere`, POLICY);
    const first = await rest.call('GET', `${ON_PROJECT}?pageSize=2`);
    const prefix = NAME.replace('no-orders', '');
    expect(first.body).toEqual({
      policies: ['aaa', 'b.b'].map((id) => ({
        name: `${prefix}${id}`,
        uid: expect.any(String),
        kind: 'DenyPolicy',
        displayName: 'No orders',
        etag: expect.any(String),
        createTime: expect.any(String),
        updateTime: expect.any(String),
      })),
      nextPageToken: expect.any(String),
    });
    const rest2 = await rest.call('GET', `${ON_PROJECT}?page_token=${String(first.body['nextPageToken'])}`);
    expect(rest2.body).toMatchObject({ policies: [{ name: `${prefix}ccc` }] });
    expect(rest2.body).not.toHaveProperty('nextPageToken');
    expect((await rest.call('GET', ON_TARGET)).body).toMatchObject({ policies: [{ kind: 'DenyPolicy' }] });
  });

  it('is empty where there is none, and refused where nothing is', async () => {
    const rest = await withTarget();
    expect((await rest.call('GET', ON_PROJECT)).body).toEqual({ policies: [] });
    expect((await rest.call('GET', ON_TARGET.replace('%2Fapi', '%2Fnowhere'))).body).toMatchObject({
      error: { status: 'NOT_FOUND', message: expect.stringContaining('projects/100000000001/targets/nowhere') },
    });
  });
});

describe('replace and delete', () => {
  it('compare etags, in the body and in the query', async () => {
    const rest = await withPolicy();
    const { etag } = (await rest.call('GET', `${ON_PROJECT}/no-orders`)).body;
    const stale = encodeURIComponent(String(etag));
    const replaced = await rest.call('PUT', `${ON_PROJECT}/no-orders`, { ...POLICY, etag, displayName: 'Two' });
    expect(replaced.body).toMatchObject({ done: true, response: { displayName: 'Two' } });
    for (const refused of [
      await rest.call('PUT', `${ON_PROJECT}/no-orders`, { ...POLICY, etag }),
      await rest.call('DELETE', `${ON_PROJECT}/no-orders?etag=${stale}`),
    ]) {
      expect(refused).toMatchObject({ status: 409, body: { error: { code: 409, status: 'ABORTED' } } });
    }
    expect(badFields(await rest.call('PUT', `${ON_PROJECT}/no-orders`, { ...POLICY, etag: 'x' }))).toEqual(['etag']);
    expect(badFields(await rest.call('DELETE', `${ON_PROJECT}/no-orders?etag=x`))).toEqual(['etag']);
    expect((await rest.call('PUT', `${ON_PROJECT}/no-orders`, POLICY)).status).toBe(200);
  });

  it('delete tells what it was, and it is gone', async () => {
    const rest = await withPolicy();
    const { etag } = (await rest.call('GET', `${ON_PROJECT}/no-orders`)).body;
    const gone = await rest.call('DELETE', `${ON_PROJECT}/no-orders?etag=${encodeURIComponent(String(etag))}`);
    expect(gone.body).toMatchObject({
      done: true,
      response: { '@type': 'type.googleapis.com/google.iam.v2.Policy', name: NAME, deleteTime: expect.any(String) },
    });
    for (const [method, body] of [['GET'], ['DELETE'], ['PUT', POLICY]] as const) {
      expect(await rest.call(method, `${ON_PROJECT}/no-orders`, body)).toMatchObject({
        status: 404,
        body: { error: { status: 'NOT_FOUND', message: expect.stringContaining(NAME) } },
      });
    }
  });
});

describe('what is refused', () => {
  it.each<[string, object, string]>([
    ['an unknown member', { ...POLICY, rulez: [] }, 'rulez'],
    ['an unknown member of a rule', { rules: [{ ...RULE, denyrule: {} }] }, 'rules[0].denyrule'],
    ['Google’s managing authority', { ...POLICY, managingAuthority: 'x' }, 'managingAuthority'],
    [
      'an unknown member of a deny rule',
      { rules: [RULE, { denyRule: { ...RULE.denyRule, principals: [] } }] },
      'rules[1].denyRule.principals',
    ],
    [
      'a condition without expression',
      { rules: [{ denyRule: { ...RULE.denyRule, denialCondition: {} } }] },
      'rules[0].denyRule.denialCondition.expression',
    ],
    [
      'a principal that is a number',
      { rules: [{ denyRule: { ...RULE.denyRule, deniedPrincipals: [ME, 1] } }] },
      'rules[0].denyRule.deniedPrincipals[1]',
    ],
    ['annotations that are no texts', { ...POLICY, annotations: { a: 1 } }, 'annotations'],
    ['rules that are an object', { rules: {} }, 'rules'],
    ['no rules', {}, 'rules'],
    [
      'what the core refuses',
      { rules: [{ denyRule: { ...RULE.denyRule, deniedPrincipals: ['user:a@example.com'] } }] },
      'rules[0].denyRule.deniedPrincipals[0]',
    ],
  ])('%s, by its path', async (_what, body, field) => {
    const rest = await withPolicy();
    for (const answered of [
      await rest.call('POST', `${ON_PROJECT}?policyId=another`, body),
      await rest.call('PUT', `${ON_PROJECT}/no-orders`, body),
    ]) {
      expect(answered.status).toBe(400);
      expect(badFields(answered)).toEqual([field]);
    }
  });

  it.each([
    ['cloudresourcemanager.googleapis.com%2Forganizations%2F1', 'attach it to its projects'],
    ['cloudresourcemanager.googleapis.com%2Ffolders%2F1', 'attach it to its projects'],
    ['cloudresourcemanager.googleapis.com%2Fprojects%2Fdemo%2Fx', 'must be policies/'],
    ['%2F%2Fcloudresourcemanager.googleapis.com%2Fprojects%2Fdemo', 'must be policies/'],
    ['sts.googleapis.com%2Fprojects%2Fdemo', 'must be policies/'],
    ['projects%2Fdemo', 'must be policies/'],
  ])('%s as a place', async (place, why) => {
    const rest = await withDemo();
    for (const [method, path, body] of [
      ['POST', '?policyId=no-orders', POLICY],
      ['GET', ''],
      ['GET', '/no-orders'],
      ['PUT', '/no-orders', POLICY],
      ['DELETE', '/no-orders'],
    ] as const) {
      const answered = await rest.call(method, `/v2/policies/${place}/denypolicies${path}`, body);
      expect(answered.status).toBe(400);
      expect(badFields(answered)).toEqual(['parent']);
      expect(JSON.stringify(answered.body)).toContain(why);
    }
  });

  it.each([
    ['cloudresourcemanager.googleapis.com%2Fprojects%2Fnowhere', 'projects/nowhere'],
    ['cloudresourcemanager.googleapis.com%2Fprojects%2F-', 'projects/-'],
    ['sts.googleapis.com%2Fprojects%2Fdemo%2Ftargets%2Fnowhere', 'projects/100000000001/targets/nowhere'],
  ])('%s, which is not there', async (place, name) => {
    const rest = await withDemo();
    const answered = await rest.call('POST', `/v2/policies/${place}/denypolicies?policyId=no-orders`, POLICY);
    expect(answered).toMatchObject({ status: 404, body: { error: { message: expect.stringContaining(name) } } });
  });

  it('an id that is none, one that is missing, one that is taken', async () => {
    const rest = await withPolicy();
    for (const query of ['', '?policyId=', '?policyId=A', '?policyId=a%2Fb']) {
      expect(badFields(await rest.call('POST', `${ON_PROJECT}${query}`, POLICY))).toEqual(['policyId']);
    }
    expect(await rest.call('POST', `${ON_PROJECT}?policyId=no-orders`, POLICY)).toMatchObject({
      status: 409,
      body: { error: { status: 'ALREADY_EXISTS' } },
    });
  });

  it.each([
    ['POST', '?policyId=another&validateOnly=true', 'validateOnly'],
    ['GET', '?etag=x', 'etag'],
    ['GET', '?pageSize=x', 'pageSize'],
  ])('%s %s', async (method, query, field) => {
    const answered = await (
      await withDemo()
    ).call(method, `${ON_PROJECT}${query}`, method === 'POST' ? POLICY : undefined);
    expect(badFields(answered)).toEqual([field]);
  });
});

describe('the door', () => {
  it('asks who it is first', async () => {
    const rest = await withDemo();
    for (const path of [ON_PROJECT, '/v2/nothing']) {
      expect((await rest.send(path, { method: 'GET' })).status).toBe(401);
      const wrong = { authorization: `Bearer ${TOKEN}x` };
      expect((await rest.send(path, { method: 'POST', headers: wrong, body: '{' })).status).toBe(401);
    }
  });

  it.each([
    '/v2/',
    '/v2/policies',
    '/v2/projects/demo',
    '/v2/policies/cloudresourcemanager.googleapis.com/projects/demo/denypolicies',
    '/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fdemo/allowpolicies',
    '/v2/policies/%E0%A4%A/denypolicies',
    '/v1/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fdemo/denypolicies',
    `${ON_PROJECT}/`,
    `${ON_PROJECT}/no-orders:undelete`,
  ])('%s leads nowhere', async (path) => {
    expect((await (await withDemo()).call('GET', path)).status).toBe(404);
  });

  it.each([
    ['PUT', '', 'POST, GET'],
    ['PATCH', '', 'POST, GET'],
    ['DELETE', '', 'POST, GET'],
    ['POST', '/no-orders', 'GET, PUT, DELETE'],
    ['PATCH', '/no-orders', 'GET, PUT, DELETE'],
  ])('%s on %j is not allowed', async (method, rest, allow) => {
    const answered = await (await withDemo()).call(method, `${ON_PROJECT}${rest}`);
    expect(answered.status).toBe(405);
    expect(answered.headers.get('allow')).toBe(allow);
  });

  it('takes JSON only', async () => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'text/plain' };
    const rest = await withPolicy();
    const body = JSON.stringify(POLICY);
    expect((await rest.send(`${ON_PROJECT}/no-orders`, { method: 'PUT', headers, body })).status).toBe(415);
  });

  it('is told by :troubleshoot', async () => {
    const rest = await withPolicy({
      rules: [{ denyRule: { deniedPrincipals: [ME], deniedPermissions: ['iam.roles.get'] } }],
    });
    await rest.call('POST', '/v1/projects/demo:setIamPolicy', {
      policy: { bindings: [{ role: 'roles/owner', members: [ME] }] },
    });
    const ask = async (permission: string) =>
      (await rest.call('POST', '/v1/projects/demo:troubleshoot', { principal: ME, permission })).body;
    expect(await ask('iam.roles.list')).toMatchObject({ overallAccessState: 'CAN_ACCESS' });
    expect(await ask('iam.roles.get')).toMatchObject({
      overallAccessState: 'CANNOT_ACCESS',
      denyPolicyExplanation: {
        ruleExplanations: [{ denyAccessState: 'DENY_ACCESS_STATE_DENIED', rule: `${NAME} rules[0]` }],
      },
    });
  });
});

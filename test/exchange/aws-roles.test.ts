/** Who takes a role, and for how long: the trust policy alone, or the allow policy; deny policies bind both; no session outlives what let it begin. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addAwsRole,
  assumeRole,
  type AwsProject,
  createAwsProject,
  lifeOf,
  type TestRole,
  trusting,
} from '../support/aws.ts';
import {
  addCluster,
  admin,
  call,
  captureAudit,
  type Cluster,
  exchange,
  member,
  must,
  setPolicy,
} from '../support/broker.ts';
import { workloadClaims } from '../support/issuer.ts';

const ISSUER = 'https://oidc.example.com/id/ROLES';
const USER = 'roles/iam.workloadIdentityUser';
const audit = captureAudit();

let project: AwsProject;
let cluster: Cluster;
let byAllowPolicy: TestRole;

beforeAll(async () => {
  project = await createAwsProject();
  cluster = await addCluster(project, { issuerUri: ISSUER });
  byAllowPolicy = await addAwsRole(project, {}, 'by-allow-policy');
});

const token = (options: object = {}, claims: object = {}): Promise<string> =>
  cluster.issuer.sign({
    ...workloadClaims({ issuerUri: ISSUER, audience: 'sts.amazonaws.com', ...options }),
    ...claims,
  });
const checkout = (): string => member(project, cluster.pool, 'subject/ns/shop/sa/checkout');
const timeIn = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();

/** The test's clock goes on while the answer comes. */
const about = (seconds: number, answer: Parameters<typeof lifeOf>[0]): boolean =>
  Math.abs(lifeOf(answer) - seconds) <= 10;

let roles = 0;
const trusted = (condition?: object, more: object = {}): Promise<TestRole> =>
  addAwsRole(project, { ...trusting(project, ISSUER, condition), ...more }, `trusted-${(roles += 1)}`);

describe('a role without a trust policy', () => {
  it('is taken by whom its allow policy, or its project’s, lets impersonate it; by nobody else', async () => {
    expect((await assumeRole(byAllowPolicy.arn, await token())).code).toBe('AccessDenied');
    await setPolicy(byAllowPolicy.path, [{ role: USER, members: [checkout()] }]);
    expect((await assumeRole(byAllowPolicy.arn, await token())).status).toBe(200);
    expect((await assumeRole(byAllowPolicy.arn, await token({ serviceAccount: 'cart' }))).code).toBe('AccessDenied');
    await setPolicy(byAllowPolicy.path, [
      { role: 'roles/iam.serviceAccountOpenIdTokenCreator', members: [checkout()] },
    ]);
    expect((await assumeRole(byAllowPolicy.arn, await token())).code).toBe('AccessDenied');
    await setPolicy(byAllowPolicy.path, []);
    await setPolicy(`/v1/projects/${project.number}`, [{ role: USER, members: [checkout()] }]);
    expect((await assumeRole(byAllowPolicy.arn, await token())).status).toBe(200);
    await setPolicy(`/v1/projects/${project.number}`, []);
  });

  it('and no longer than the conditions on the way', async () => {
    const until = (seconds: number) => ({ expression: `request.time < timestamp("${timeIn(seconds)}")` });
    await setPolicy(byAllowPolicy.path, [{ role: USER, members: [checkout()], condition: until(600) }]);
    const short = await assumeRole(byAllowPolicy.arn, await token());
    expect(short.status).toBe(200);
    expect(about(600, short)).toBe(true);
    await setPolicy(byAllowPolicy.path, [{ role: USER, members: [checkout()], condition: until(-1) }]);
    expect((await assumeRole(byAllowPolicy.arn, await token())).code).toBe('AccessDenied');
    const account = {
      expression: `resource.type == "iam.googleapis.com/ServiceAccount" && request.workload.namespace == "shop"`,
    };
    await setPolicy(byAllowPolicy.path, [{ role: USER, members: [checkout()], condition: account }]);
    expect((await assumeRole(byAllowPolicy.arn, await token())).status).toBe(200);
  });
});

describe('a role with a trust policy', () => {
  it('is governed by it alone: a binding lets nobody in, and none is needed', async () => {
    const role = await trusted({
      StringEquals: { 'oidc.example.com/id/ROLES:sub': 'system:serviceaccount:shop:cart' },
    });
    await setPolicy(role.path, [{ role: USER, members: [checkout()] }]);
    expect((await assumeRole(role.arn, await token())).code).toBe('AccessDenied');
    const letIn = await assumeRole(role.arn, await token({ serviceAccount: 'cart' }));
    expect(letIn.status).toBe(200);
    expect(await audit.lineFor(letIn)).toMatchObject({
      outcome: 'granted',
      roles: [role.arn],
      binding: 'Statement[0]',
      principal: expect.stringContaining('/subject/ns/shop/sa/cart'),
      jti: letIn.of('AccessKeyId'),
    });
  });

  it('leaves a line that says why, and keys and tokens stand in none', async () => {
    const role = await trusted({ StringEquals: { 'sts:RoleSessionName': 'another' } });
    const refused = await assumeRole(role.arn, await token());
    expect(await audit.lineFor(refused)).toMatchObject({
      outcome: 'refused',
      reason: 'not_granted',
      check: 'Statement[0]: StringEquals on sts:RoleSessionName is not true',
    });
    const granted = await assumeRole(role.arn, await token(), { RoleSessionName: 'another' });
    for (const name of ['SecretAccessKey', 'SessionToken']) {
      expect(audit.all().some((line) => line.includes(granted.of(name)))).toBe(false);
    }
  });

  it.each([
    ['DateLessThan', { DateLessThan: { 'aws:CurrentTime': timeIn(1_200) } }],
    [
      'NumericLessThan on the epoch',
      { NumericLessThan: { 'aws:EpochTime': String(Math.floor(Date.now() / 1_000) + 1_200) } },
    ],
    ['DateLessThanEquals', { DateLessThanEquals: { 'aws:CurrentTime': timeIn(1_200) } }],
  ])('no longer than its conditions hold: %s', async (_name, condition) => {
    const life = lifeOf(await assumeRole((await trusted(condition)).arn, await token()));
    expect(life).toBeLessThanOrEqual(1_201);
    expect(life).toBeGreaterThan(1_000);
  });

  it('a session ends before a Deny begins', async () => {
    const role = await trusted(undefined);
    const { trustPolicy } = trusting(project, ISSUER) as { trustPolicy: { Statement: object } };
    const deny = {
      Effect: 'Deny',
      Principal: '*',
      Action: 'sts:*',
      Condition: { DateGreaterThan: { 'aws:CurrentTime': timeIn(700) } },
    };
    await must('PATCH', `${role.path}?updateMask=awsRole`, {
      awsRole: { arn: role.arn, trustPolicy: { ...trustPolicy, Statement: [trustPolicy.Statement, deny] } },
    });
    const life = lifeOf(await assumeRole(role.arn, await token()));
    expect([life > 600, life <= 701]).toEqual([true, true]);
  });
});

describe('a session is not longer', () => {
  it('than was asked for, the role’s maximum, and the token that began it', async () => {
    const role = await trusted(undefined, { maxSessionDuration: '7200s' });
    const day = { lifetimeSeconds: 80_000 };
    expect(about(3_600, await assumeRole(role.arn, await token(day)))).toBe(true);
    expect(about(7_200, await assumeRole(role.arn, await token(day), { DurationSeconds: '7200' }))).toBe(true);
    expect((await assumeRole(role.arn, await token(day), { DurationSeconds: '7201' })).code).toBe('ValidationError');
    expect(about(1_000, await assumeRole(role.arn, await token({ lifetimeSeconds: 1_000 })))).toBe(true);
  });

  it.each(['3599s', '43201s', '1h'])(
    'a role’s own maximum is one to twelve hours: not %s',
    async (maxSessionDuration) => {
      const awsRole = { arn: `arn:aws:iam::${project.account}:role/long`, maxSessionDuration };
      const made = await admin('POST', `/v1/projects/${project.number}/serviceAccounts`, {
        accountId: 'long',
        serviceAccount: { awsRole },
      });
      expect([made.status, made.text]).toEqual([400, expect.stringContaining('awsRole.maxSessionDuration')]);
    },
  );
});

describe('deny policies bind both kinds', () => {
  it.each(['sts.tokens.exchange', 'iam.googleapis.com/serviceAccounts.getAccessToken'])('%s', async (permission) => {
    const role = await trusted();
    await setPolicy(byAllowPolicy.path, [{ role: USER, members: [checkout()] }]);
    const attachment = encodeURIComponent(`cloudresourcemanager.googleapis.com/projects/${project.number}`);
    const policies = `/v2/policies/${attachment}/denypolicies`;
    const denyRule = { deniedPrincipals: [checkout()], deniedPermissions: [permission] };
    await must('POST', `${policies}?policyId=no-roles`, { rules: [{ denyRule }] });
    for (const arn of [role.arn, byAllowPolicy.arn]) {
      const refused = await assumeRole(arn, await token());
      expect([arn, refused.code]).toEqual([arn, 'AccessDenied']);
      expect(await audit.lineFor(refused)).toMatchObject({ reason: 'denied_by_policy' });
    }
    expect((await assumeRole(role.arn, await token({ serviceAccount: 'cart' }))).status).toBe(200);
    await must('DELETE', `${policies}/no-roles`);
    expect((await assumeRole(role.arn, await token())).status).toBe(200);
  });
});

describe('what shuts a workload out of every exchange shuts it out here', () => {
  it('single use: the same token takes a role once', async () => {
    const once = await createAwsProject();
    const issuerUri = 'https://oidc.example.com/id/ONCE';
    const strict = await addCluster(once, { issuerUri, extra: { singleUse: true, maxTokenLifetime: '3600s' } });
    const role = await addAwsRole(once, trusting(once, issuerUri));
    const mine = await strict.issuer.sign(workloadClaims({ issuerUri, audience: 'sts.amazonaws.com' }));
    expect((await assumeRole(role.arn, mine)).status).toBe(200);
    expect((await assumeRole(role.arn, mine)).code).toBe('InvalidIdentityToken');
  });

  it('a disabled provider, a denied uid, a deleted account', async () => {
    const role = await trusted();
    const disable = (disabled: boolean) => must('PATCH', `/v1/${cluster.name}?updateMask=disabled`, { disabled });
    await disable(true);
    expect((await assumeRole(role.arn, await token())).code).toBe('InvalidIdentityToken');
    await disable(false);
    const uid = crypto.randomUUID();
    const pool = cluster.name.replace(/\/providers\/.*/, '');
    await must('POST', `/v1/${pool}:denyUids`, { uids: [uid], until: timeIn(3_600) });
    expect((await assumeRole(role.arn, await token({ uid }))).code).toBe('IDPRejectedClaim');
    await must('DELETE', role.path);
    expect((await assumeRole(role.arn, await token())).code).toBe('AccessDenied');
  });
});

it('who may change a service account and not its policy cannot write a trust policy: that would be to give the role away', async () => {
  const role = await trusted({ StringEquals: { 'sts:RoleSessionName': 'nobody' } });
  const custom = `projects/${project.id}/roles/updater`;
  const includedPermissions = ['iam.serviceAccounts.update', 'iam.serviceAccounts.create'];
  await must('POST', `/v1/projects/${project.number}/roles`, {
    roleId: 'updater',
    role: { title: 'x', includedPermissions },
  });
  await setPolicy(`/v1/projects/${project.number}`, [{ role: custom, members: [checkout()] }]);
  const authorization = `Bearer ${String((await exchange(cluster)).body['access_token'])}`;
  const send = (method: string, path: string, body: object) =>
    call(path, { method, headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  expect((await send('PATCH', `${role.path}?updateMask=description`, { description: 'mine' })).status).toBe(200);
  const awsRole = { arn: role.arn, ...trusting(project, ISSUER) };
  const patched = await send('PATCH', `${role.path}?updateMask=awsRole`, { awsRole });
  expect([patched.status, patched.text]).toEqual([403, expect.stringContaining('iam.serviceAccounts.setIamPolicy')]);
  const accounts = `/v1/projects/${project.number}/serviceAccounts`;
  const arn = `arn:aws:iam::${project.account}:role/mine`;
  const made = await send('POST', accounts, { accountId: 'mine', serviceAccount: { awsRole: { ...awsRole, arn } } });
  expect(made.status).toBe(403);
  await setPolicy(`/v1/projects/${project.number}`, []);
});

it('who may write an account’s policy and not impersonate it hands no role on by a trust policy, as he could not by a binding', async () => {
  const on = `/v1/projects/${project.number}`;
  const role = await trusted({ StringEquals: { 'sts:RoleSessionName': 'nobody' } });
  const accountAdmin = { role: 'roles/iam.serviceAccountAdmin', members: [checkout()] };
  await setPolicy(on, [accountAdmin]);
  const authorization = `Bearer ${String((await exchange(cluster)).body['access_token'])}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const patch = (awsRole: object): ReturnType<typeof call> =>
    call(`${role.path}?updateMask=awsRole`, { method: 'PATCH', headers, body: JSON.stringify({ awsRole }) });
  const mine = { arn: role.arn, ...trusting(project, ISSUER) };
  const refused = await patch(mine);
  expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('iam.serviceAccounts.getAccessToken')]);
  const accounts = `${on}/serviceAccounts`;
  const arn = `arn:aws:iam::${project.account}:role/takers`;
  const body = JSON.stringify({ accountId: 'takers', serviceAccount: { awsRole: { ...mine, arn } } });
  expect((await call(accounts, { method: 'POST', headers, body })).status).toBe(403);
  expect((await assumeRole(role.arn, await token())).code).toBe('AccessDenied');
  // Whoever holds it may hand it on; and a role that only its allow policy gives away takes no more than that policy.
  await setPolicy(on, [accountAdmin, { role: USER, members: [checkout()] }]);
  expect((await patch(mine)).status).toBe(200);
  await setPolicy(on, [accountAdmin]);
  expect((await patch({ arn: role.arn })).status).toBe(200);
  await setPolicy(on, []);
});

it('a role is shown as it was written, patched as a whole, and found under its new name only', async () => {
  const role = await trusted();
  const shown = await must('GET', role.path);
  expect(shown['awsRole']).toEqual({ arn: role.arn, ...trusting(project, ISSUER), maxSessionDuration: '3600s' });
  const arn = `${role.arn}-renamed`;
  const text = JSON.stringify(trusting(project, ISSUER).trustPolicy);
  await must('PATCH', `${role.path}?updateMask=awsRole`, { awsRole: { arn, trustPolicy: text } });
  expect((await assumeRole(role.arn, await token())).code).toBe('AccessDenied');
  expect((await assumeRole(arn, await token())).status).toBe(200);
  await must('PATCH', `${role.path}?updateMask=awsRole`, {});
  expect((await must('GET', role.path))['awsRole']).toBeUndefined();
  expect((await assumeRole(arn, await token())).code).toBe('AccessDenied');
});

it('what a trust policy says besides is refused by name, and not left out of it without a word', async () => {
  const role = await trusted();
  const before = await must('GET', role.path);
  for (const name of ['constructor', 'Comment']) {
    const trustPolicy = { ...Object(trusting(project, ISSUER)['trustPolicy']), [name]: 'x' };
    const answer = await admin('PATCH', `${role.path}?updateMask=awsRole`, { awsRole: { arn: role.arn, trustPolicy } });
    expect([answer.status, answer.text.includes(name)]).toEqual([400, true]);
  }
  expect(await must('GET', role.path)).toEqual(before);
});

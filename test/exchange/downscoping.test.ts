/** Downscoping through the front door: our own tokens, once, with a boundary; nothing gained, and at our endpoints nothing beyond it. */
import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  accessToken,
  addAccount,
  bind,
  brokerToken,
  CREATOR,
  impersonate,
  type TestAccount,
  USER,
  workloadMember,
} from '../support/accounts.ts';
import {
  addCluster,
  addRole,
  addTarget,
  type Answer,
  call,
  type Cluster,
  createProject,
  exchange,
  must,
  postToken,
  setPolicy,
  type TestProject,
} from '../support/broker.ts';

const TYPE = 'urn:ietf:params:oauth:token-type:';

let project: TestProject;
let cluster: Cluster;
let builder: TestAccount;
let other: TestAccount;
let federated: string;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  builder = await addAccount(project, 'builder');
  other = await addAccount(project, 'other');
  const member = workloadMember(cluster);
  for (const account of [builder, other]) {
    await bind(account, { role: USER, members: [member] }, { role: CREATOR, members: [member] });
  }
  await setPolicy(`/v1/projects/${project.number}`, [{ role: 'roles/iam.securityReviewer', members: [member] }]);
  federated = await brokerToken(cluster);
});

interface Rule {
  readonly availableResource: string;
  readonly availablePermissions: readonly string[];
  readonly availabilityCondition?: { readonly expression: string };
}

const only = ({ email }: TestAccount, ...roles: string[]): Rule => ({
  availableResource: `//iam.googleapis.com/projects/-/serviceAccounts/${email}`,
  availablePermissions: roles.map((role) => `inRole:${role}`),
});

const onProject = (...roles: string[]): Rule => ({
  availableResource: `//cloudresourcemanager.googleapis.com/projects/${project.number}`,
  availablePermissions: roles.map((role) => `inRole:${role}`),
});

function narrow(
  token: string,
  rules: readonly object[],
  more: Record<string, string | undefined> = {},
): Promise<Answer> {
  const parameters: Record<string, string | undefined> = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: `${TYPE}access_token`,
    subject_token_type: `${TYPE}access_token`,
    subject_token: token,
    options: JSON.stringify({ accessBoundary: { accessBoundaryRules: rules } }),
    ...more,
  };
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) form.set(name, value);
  return postToken(form);
}

async function narrowed(token: string, ...rules: readonly object[]): Promise<string> {
  const answer = await narrow(token, rules);
  if (answer.status !== 200) throw new Error(answer.text);
  return String(answer.body['access_token']);
}

describe('a downscoped token', () => {
  it('says the same of its bearer, lives no longer and carries its boundary', async () => {
    const answer = await narrow(federated, [only(builder, USER)]);
    expect(answer.body).toMatchObject({ token_type: 'Bearer', issued_token_type: `${TYPE}access_token` });
    const before = decodeJwt(federated);
    const after = decodeJwt(String(answer.body['access_token']));
    for (const claim of ['iss', 'sub', 'aud', 'exp', 'iat', 'principal', 'client_id']) {
      expect([claim, after[claim]]).toEqual([claim, before[claim]]);
    }
    expect(after.jti).not.toBe(before.jti);
    expect(after['edge-sts']).toMatchObject({ boundary: { rules: [{ roles: [USER] }] }, from: before.jti });
    expect(Number(answer.body['expires_in'])).toBeLessThanOrEqual(
      (before.exp ?? 0) - Math.floor(Date.now() / 1_000) + 1,
    );
  });

  it('may what its rules say of what its bearer may, and nothing else', async () => {
    const token = await narrowed(federated, only(builder, USER));
    const statuses = [
      await impersonate(builder, token),
      await impersonate(builder, token, 'signBlob'),
      await impersonate(other, token),
      await call(`/v1/projects/${project.number}`, { headers: { authorization: `Bearer ${token}` } }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([200, 403, 403, 403]);
  });

  it('on a project reaches what lies in it, by its rules together', async () => {
    const token = await narrowed(federated, onProject('roles/iam.securityReviewer'), only(other, CREATOR));
    const get = (path: string) => call(path, { headers: { authorization: `Bearer ${token}` } });
    expect((await get(`/v1/projects/${project.number}`)).status).toBe(200);
    expect((await get(`/v1/projects/${project.number}/serviceAccounts/${builder.email}`)).status).toBe(200);
    expect((await impersonate(other, token)).status).toBe(200);
    expect((await impersonate(builder, token)).status).toBe(403);
  });

  it('gives no right that its bearer does not have', async () => {
    const token = await narrowed(federated, onProject('roles/owner'));
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const path = `/v1/projects/${project.number}`;
    expect((await call(path, { method: 'PATCH', headers, body: '{"displayName":"x"}' })).status).toBe(403);
  });

  it('takes its boundary along to whatever is minted with it', async () => {
    await bind(builder, { role: CREATOR, members: [workloadMember(cluster)] });
    await bind(other, { role: CREATOR, members: [workloadMember(cluster), `serviceAccount:${builder.email}`] });
    const token = await accessToken(builder, await narrowed(federated, only(builder, CREATOR)));
    expect(decodeJwt(token)['edge-sts']).toMatchObject({ boundary: { rules: [{ roles: [CREATOR] }] } });
    expect((await impersonate(other, token)).status).toBe(403);
    expect((await impersonate(other, await accessToken(builder, federated))).status).toBe(200);
    const delegates = [`projects/-/serviceAccounts/${builder.email}`];
    const within = await narrowed(federated, only(builder, CREATOR), only(other, CREATOR));
    expect((await impersonate(other, within, 'signBlob', { delegates })).status).toBe(200);
    const short = await narrowed(federated, only(builder, CREATOR));
    expect((await impersonate(other, short, 'signBlob', { delegates })).status).toBe(403);
  });

  it('ends with the condition of its rule, and so does what is minted with it', async () => {
    const endSeconds = Math.floor(Date.now() / 1_000) + 120;
    const expression = `request.time < timestamp('${new Date(endSeconds * 1_000).toISOString()}')`;
    const token = await narrowed(federated, { ...only(builder, USER, CREATOR), availabilityCondition: { expression } });
    expect(decodeJwt(await accessToken(builder, token)).exp).toBe(endSeconds);
    const never = { ...only(builder, USER), availabilityCondition: { expression: 'false' } };
    expect((await impersonate(builder, await narrowed(federated, never))).status).toBe(403);
  });

  it('is made of a service account’s token as well', async () => {
    const token = await narrowed(await accessToken(builder, federated), only(other, CREATOR));
    expect(decodeJwt(token)).toMatchObject({ sub: builder.uniqueId, act: { sub: workloadMember(cluster) } });
    expect((await impersonate(other, token)).status).toBe(200);
    expect((await impersonate(builder, token)).status).toBe(403);
  });
});

describe('downscoping', () => {
  it('is done once', async () => {
    const answer = await narrow(await narrowed(federated, only(builder, USER)), [only(builder, USER)]);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
  });

  it('costs no quota', async () => {
    const path = `/v1/projects/${project.number}?updateMask=tokenExchangesPerMinute`;
    await must('PATCH', path, { tokenExchangesPerMinute: 0 });
    expect((await narrow(federated, [only(builder, USER)])).status).toBe(200);
    await must('PATCH', path, { tokenExchangesPerMinute: 6_000 });
  });

  it.each<[string, () => Promise<string> | string]>([
    ['nonsense', () => 'nonsense'],
    ['a workload’s own token', () => cluster.token()],
    [
      'a token for a target',
      async () => {
        const target = await addTarget(project);
        const role = await addRole(project);
        await setPolicy(target.path, [{ role, members: [workloadMember(cluster)] }]);
        return String((await exchange(cluster, target.uri)).body['access_token']);
      },
    ],
    ['an ID token', async () => String((await impersonate(builder, federated, 'generateIdToken')).body['token'])],
    ['a forged one', () => `${federated.slice(0, -4)}AAAA`],
  ])('is refused for %s', async (_what, token) => {
    const answer = await narrow(await token(), [only(builder, USER)]);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_grant']);
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['no options', { options: undefined }],
    ['options without a boundary', { options: '{}' }],
    ['options that are no JSON', { options: '{' }],
    ['no rules', { options: '{"accessBoundary":{"accessBoundaryRules":[]}}' }],
    ['a member that is not known', { options: '{"accessBoundary":{"accessBoundaryRules":[],"x":1}}' }],
    ['an audience beside it', { audience: '//iam.googleapis.com/x' }],
    ['a resource beside it', { resource: 'https://files.example.com' }],
    ['another type asked for', { requested_token_type: `${TYPE}jwt` }],
  ])('is refused with %s', async (_what, changes) => {
    const answer = await narrow(federated, [only(builder, USER)], changes);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
  });

  it.each<[string, object]>([
    ['no permissions', { availablePermissions: [] }],
    ['a permission without its prefix', { availablePermissions: ['roles/owner'] }],
    ['no resource', { availableResource: 'files' }],
    ['a condition that does not compile', { availabilityCondition: { expression: '1 +' } }],
    ['a condition without an expression', { availabilityCondition: { title: 'x' } }],
    ['a member that is not known', { unavailablePermissions: [] }],
  ])('is refused for a rule with %s', async (_what, changes) => {
    const answer = await narrow(federated, [{ ...only(builder, USER), ...changes }]);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
  });

  it('is refused with eleven rules', async () => {
    const answer = await narrow(
      federated,
      Array.from({ length: 11 }, () => only(builder, USER)),
    );
    expect(answer.status).toBe(400);
  });

  it('takes options as Python’s client sends them, encoded once more', async () => {
    const options = encodeURIComponent(
      JSON.stringify({ accessBoundary: { accessBoundaryRules: [only(builder, USER)] } }),
    );
    expect((await narrow(federated, [], { options })).status).toBe(200);
  });

  it('of a disabled pool’s token is over at the next request', async () => {
    const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
    await must('POST', `${pools}?workloadIdentityPoolId=other-pool`, {});
    const token = await brokerToken(await addCluster(project, { pool: 'other-pool' }));
    const before = await narrowed(token, onProject('roles/iam.securityReviewer'));
    await must('PATCH', `${pools}/other-pool?updateMask=disabled`, { disabled: true });
    expect((await narrow(token, [only(builder, USER)])).body['error']).toBe('invalid_grant');
    const headers = { authorization: `Bearer ${before}` };
    expect((await call(`/v1/projects/${project.number}`, { headers })).status).toBe(401);
  });
});

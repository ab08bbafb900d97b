/** AWS's door, tenants apart: nobody makes another's tokens ambiguous, names another's account, or sees another's roles. Attacks over HTTP. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addAwsRole,
  assumeRole,
  type AwsProject,
  askAws,
  createAwsProject,
  keysOf,
  newAccountId,
  read,
  setAccount,
  signed,
  type TestRole,
  trusting,
} from '../support/aws.ts';
import {
  addCluster,
  admin,
  call,
  type Cluster,
  createProject,
  exchange,
  member,
  must,
  setPolicy,
} from '../support/broker.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';

const ISSUER = 'https://oidc.example.com/id/TENANTS';
const AUDIENCE = 'sts.amazonaws.com';

interface Tenant {
  readonly project: AwsProject;
  readonly cluster: Cluster;
  readonly role: TestRole;
  token(claims?: object): Promise<string>;
}

async function tenant(issuerUri = ISSUER): Promise<Tenant> {
  const project = await createAwsProject();
  const cluster = await addCluster(project, { issuerUri });
  const role = await addAwsRole(project, trusting(project, issuerUri));
  const token = (claims: object = {}): Promise<string> =>
    cluster.issuer.sign({ ...workloadClaims({ issuerUri, audience: AUDIENCE }), ...claims });
  return { project, cluster, role, token };
}

let a: Tenant;
let b: Tenant;

beforeAll(async () => {
  a = await tenant();
  b = await tenant();
});

describe('one issuer in two projects', () => {
  it('each token is its own project’s, and nobody else’s: the account in the ARN says where it is looked for', async () => {
    expect((await assumeRole(a.role.arn, await a.token())).status).toBe(200);
    expect((await assumeRole(b.role.arn, await b.token())).status).toBe(200);
    for (const [arn, token] of [
      [a.role.arn, await b.token()],
      [b.role.arn, await a.token()],
    ] as const) {
      const answer = await assumeRole(arn, token);
      expect([answer.status, answer.code]).toEqual([400, 'InvalidIdentityToken']);
    }
  });

  it('a token whose audience names another project’s provider is no way there', async () => {
    const audience = `https:${b.cluster.audience}`;
    const answer = await assumeRole(a.role.arn, await b.token({ aud: [audience] }));
    expect([answer.status, answer.code]).toEqual([400, 'InvalidIdentityToken']);
    expect((await assumeRole(b.role.arn, await b.token({ aud: [audience] }))).status).toBe(200);
  });

  it('a token for AWS’s door opens no other, and pushes no keys', async () => {
    expect((await exchange(a.cluster, undefined, await a.token())).body['error']).toBe('invalid_grant');
    const push = await call(`/v1/${a.cluster.name}:pushKeys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await a.token()}`, 'content-type': 'application/json' },
      body: '{"jwksJson":"{\\"keys\\":[]}"}',
    });
    expect(push.status).toBe(401);
  });
});

describe('an account', () => {
  it('is one project’s; another that asks for it is refused, and the first one keeps it', async () => {
    const other = await createProject();
    const taken = await setAccount(other, a.project.account);
    expect([taken.status, taken.text.includes(a.project.id)]).toEqual([409, false]);
    expect((await assumeRole(a.role.arn, await a.token())).status).toBe(200);
  });

  it('is given by the organization: an owner of the project alone may not', async () => {
    const other = await createProject();
    const cluster = await addCluster(other);
    await setPolicy(`/v1/projects/${other.number}`, [
      { role: 'roles/owner', members: [member(other, cluster.pool, 'subject/ns/shop/sa/checkout')] },
    ]);
    const bearer = String((await exchange(cluster)).body['access_token']);
    const ask = (path: string, body: object) =>
      call(path, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const path = `/v1/projects/${other.number}`;
    expect((await ask(`${path}?updateMask=displayName`, { displayName: 'mine' })).status).toBe(200);
    const refused = await ask(`${path}?updateMask=awsAccountId`, { awsAccountId: newAccountId() });
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('sts.awsAccounts.assign')]);
  });

  it.each(['11112222333', 'x11122223333', '1111222233334'])('is twelve digits: %s is none', async (account) => {
    expect((await setAccount(await createProject(), account)).status).toBe(400);
  });

  it('that is given up may be another’s, and then its tokens count; those of the first do not', async () => {
    const first = await tenant('https://oidc.example.com/id/MOVES');
    const { account } = first.project;
    expect((await assumeRole(first.role.arn, await first.token())).status).toBe(200);
    expect((await setAccount(first.project, '')).status).toBe(200);
    expect((await assumeRole(first.role.arn, await first.token())).code).toBe('InvalidIdentityToken');
    const second = await createProject();
    expect((await setAccount(second, account)).status).toBe(200);
    expect((await assumeRole(first.role.arn, await first.token())).code).toBe('InvalidIdentityToken');
  });
});

describe('roles', () => {
  it('cannot be made with the ARN of another’s account', async () => {
    const role = { awsRole: { arn: `arn:aws:iam::${a.project.account}:role/other` } };
    const path = `/v1/projects/${b.project.number}/serviceAccounts`;
    const made = await admin('POST', path, { accountId: 'intruder', serviceAccount: role });
    expect([made.status, made.text]).toEqual([400, expect.stringContaining('awsRole.arn')]);
  });

  it('have a name each, whatever its letters and its path', async () => {
    const path = `/v1/projects/${a.project.number}/serviceAccounts`;
    const role = { awsRole: { arn: `arn:aws:iam::${a.project.account}:role/team/CheckOut` } };
    const made = await admin('POST', path, { accountId: 'second', serviceAccount: role });
    expect([made.status, made.text]).toEqual([400, expect.stringContaining('already')]);
  });

  it('that are there and that are not look the same to who may take neither', async () => {
    const closed = await addAwsRole(
      a.project,
      trusting(a.project, ISSUER, { StringEquals: { 'sts:RoleSessionName': 'x' } }),
      'closed',
    );
    const there = await assumeRole(closed.arn, await a.token());
    const not = await assumeRole(`${closed.arn}-not`, await a.token());
    const plain = (answer: typeof there): string =>
      answer.text
        .replace(/<RequestId>.*<\/RequestId>/, '')
        .replace(/message: \S+<\/Message>/, (message) => `message: ${message.length > 100}`);
    expect([there.status, plain(there)]).toEqual([403, plain(not)]);
  });

  it('of an account that nobody has, and of one whose issuers are others, sound the same', async () => {
    const nobody = await assumeRole(`arn:aws:iam::${newAccountId()}:role/checkout`, await a.token());
    const unknown = await assumeRole(a.role.arn, await a.token({ iss: 'https://unknown.example.com' }));
    const plain = (text: string): string => text.replace(/<RequestId>.*<\/RequestId>/, '');
    expect([nobody.status, plain(nobody.text)]).toEqual([400, plain(unknown.text)]);
  });

  it('and why one was refused is read by its own account only', async () => {
    const reviewer = await addAwsRole(b.project, trusting(b.project, ISSUER), 'reviewer');
    await setPolicy(`/v1/projects/${b.project.number}`, [
      { role: 'roles/iam.securityReviewer', members: [`serviceAccount:${reviewer.email}`] },
    ]);
    const keys = keysOf(await assumeRole(reviewer.arn, await b.token()));
    const refusal = async (of: Tenant): Promise<string> => {
      const answer = await assumeRole(`${of.role.arn}-not`, await of.token());
      return answer.of('Message').split(': ').at(-1) ?? '';
    };
    const decode = async (message: string): Promise<string> => {
      const body = new URLSearchParams({
        Action: 'DecodeAuthorizationMessage',
        Version: '2011-06-15',
        EncodedMessage: message,
      }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const request = await signed(keys, { url: 'https://sts.example.com/aws/sts', method: 'POST', headers, body });
      const answer = read(await call('/aws/sts', { method: 'POST', headers: request.headers, body }));
      return `${answer.status} ${answer.code}${answer.of('DecodedMessage').includes('no such role') ? 'no such role' : ''}`;
    };
    expect(await decode(await refusal(b))).toBe('200 no such role');
    expect(await decode(await refusal(a))).toBe('400 InvalidAuthorizationMessageException');
    expect(await decode('AAAA')).toBe('400 InvalidAuthorizationMessageException');
  });
});

describe('two clusters of one issuer in one project', () => {
  it('a token that names its provider is told apart; one that does not is nobody’s; no trust policy speaks for either', async () => {
    const one = await tenant('https://kubernetes.default.svc.cluster.local');
    const named = (cluster: Cluster): Promise<string> =>
      cluster.issuer.sign(workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` }));
    expect((await assumeRole(one.role.arn, await named(one.cluster))).status).toBe(200);
    const second = await addCluster(one.project, { issuer: await createIssuer() });
    expect((await assumeRole(one.role.arn, await one.token())).code).toBe('InvalidIdentityToken');
    // A pod of the second cluster has the subject of its namesake in the first, and the ARN is the same.
    for (const cluster of [one.cluster, second]) {
      expect((await assumeRole(one.role.arn, await named(cluster))).code).toBe('AccessDenied');
    }
    const allowed = await addAwsRole(one.project, {}, 'by-allow-policy');
    const of = (cluster: Cluster): string =>
      member(one.project, cluster.pool, `kubernetes.cluster/${cluster.clusterUri}`, 'principalSet');
    await setPolicy(allowed.path, [{ role: 'roles/iam.workloadIdentityUser', members: [of(second)] }]);
    expect((await assumeRole(allowed.arn, await named(second))).status).toBe(200);
    expect((await assumeRole(allowed.arn, await named(one.cluster))).code).toBe('AccessDenied');
  });
});

it('the project of the account pays one exchange, and only for who was let in', async () => {
  const payer = await tenant('https://oidc.example.com/id/PAYS');
  const used = async (): Promise<unknown> => {
    const info = await must('GET', `/v1/projects/${payer.project.number}/usage?resolution=MINUTE`);
    const points = info['points'] as readonly { granted: number; refused: number }[];
    return points.reduce((sum, { granted }) => sum + granted, 0);
  };
  const before = await used();
  expect((await assumeRole(payer.role.arn, await payer.token())).status).toBe(200);
  expect((await assumeRole(`${payer.role.arn}-not`, await payer.token())).status).toBe(403);
  expect((await assumeRole(payer.role.arn, await b.token({ iss: 'https://oidc.example.com/id/PAYS' }))).status).toBe(
    400,
  );
  await expect.poll(used, { timeout: 10_000 }).toBe(Number(before) + 1);
});

it('a flood of made-up accounts is answered by a bounded number of questions, and known ones go on', async () => {
  expect((await assumeRole(a.role.arn, await a.token())).status).toBe(200);
  const token = await a.token();
  const codes: string[] = [];
  for (let index = 0; index < 90; index++) {
    codes.push((await assumeRole(`arn:aws:iam::${newAccountId()}:role/x`, token)).code);
  }
  expect(codes).toContain('ServiceUnavailable');
  expect((await assumeRole(a.role.arn, await a.token())).status).toBe(200);
});

it('nothing is taken from two places', async () => {
  const body = new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const both = read(await call('/aws/sts?RoleArn=x', { method: 'POST', headers, body }));
  expect([both.status, both.code]).toEqual([400, 'InvalidParameterValue']);
  expect(
    (await askAws({ Action: 'GetCallerIdentity' }, { headers: { 'content-type': 'application/json' } })).code,
  ).toBe('InvalidParameterValue');
  expect((await call('/aws/sts', { method: 'PUT', body })).status).toBe(405);
});

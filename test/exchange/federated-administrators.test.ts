/** A CI job exchanges its OIDC token and administers exactly what its binding says; whatever shuts it out does so at its next request. Over HTTP, with real keys. */
import { calculateJwkThumbprint } from 'jose';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  addCluster,
  type Answer,
  call,
  type Cluster,
  claimsOf,
  createProject,
  member,
  must,
  ORIGIN,
  postToken,
  setPolicy,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { createIssuer, type Issuer } from '../support/issuer.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
const POOL = 'github';

let home: TestProject;
let github: Issuer;
let thumbprint: string;

const pools = (project: TestProject): string => `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
const provider = (): string => `${pools(home)}/${POOL}/providers/actions`;
const audience = (): string => `//iam.googleapis.com${provider().replace('/v1/', '/')}`;

/** As GitHub writes them for a workflow. */
async function ciToken(claims: object = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  return github.sign({
    iss: GITHUB,
    sub: 'repo:acme/infra:ref:refs/heads/main',
    aud: `https:${audience()}`,
    iat,
    nbf: iat,
    exp: iat + 900,
    jti: crypto.randomUUID(),
    repository: 'acme/infra',
    repository_owner: 'acme',
    ref: 'refs/heads/main',
    environment: 'production',
    ...claims,
  });
}

async function signIn(claims: object = {}): Promise<string> {
  const answer = await postToken(tokenForm(audience(), await ciToken(claims)));
  if (answer.status !== 200) throw new Error(`the job is not let in: ${answer.text}`);
  return String(answer.body['access_token']);
}

async function as(token: string, method: string, path: string, body?: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return call(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

const reasonOf = ({ status, body }: Answer): unknown => [
  status,
  (body['error'] as { status?: string } | undefined)?.status,
];
const REFUSED = [403, 'PERMISSION_DENIED'];
const UNKNOWN = [401, 'UNAUTHENTICATED'];

const byRepository = (repository = 'acme/infra'): string =>
  member(home, POOL, `attribute.repository/${repository}`, 'principalSet');
const POOL_ADMIN = 'roles/iam.workloadIdentityPoolAdmin';

beforeAll(async () => {
  home = await createProject();
  github = await createIssuer('RS256');
  await must('POST', `${pools(home)}?workloadIdentityPoolId=${POOL}`, {});
  await must('POST', `${pools(home)}/${POOL}/providers?workloadIdentityPoolProviderId=actions`, {
    oidc: { issuerUri: GITHUB, jwksJson: github.jwksJson },
    attributeMapping: {
      'google.subject': 'assertion.sub',
      'attribute.repository': 'assertion.repository',
      'google.groups': '[assertion.environment]',
    },
    attributeCondition: "assertion.repository_owner == 'acme'",
  });
  thumbprint = await calculateJwkThumbprint(github.publicJwk);
});

describe('a CI job', () => {
  let project: TestProject;
  const policy = (): string => `/v1/projects/${project.number}`;

  beforeEach(async () => {
    project = await createProject();
  });

  it('administers what its binding says, in another project too, and nothing beside it', async () => {
    await setPolicy(policy(), [{ role: POOL_ADMIN, members: [byRepository()] }]);
    const token = await signIn();
    const made = await as(token, 'POST', `${pools(project)}?workloadIdentityPoolId=made-by-ci`, { displayName: 'CI' });
    expect(made.status).toBe(200);
    expect(
      reasonOf(await as(token, 'POST', `${policy()}/targets?targetId=mine`, { uri: 'https://a.example' })),
    ).toEqual(REFUSED);
    expect(reasonOf(await as(token, 'POST', `${policy()}:getIamPolicy`, {}))).toEqual(REFUSED);
    expect(reasonOf(await as(token, 'GET', pools(home)))).toEqual(REFUSED);
    expect(reasonOf(await as(token, 'POST', '/v1/projects', { projectId: 'by-ci' }))).toEqual(REFUSED);
  });

  it.each<[string, string, string]>([
    ['its subject', 'subject/repo:acme/infra:ref:refs/heads/main', 'principal'],
    ['its attribute', 'attribute.repository/acme/infra', 'principalSet'],
    ['its group', 'group/production', 'principalSet'],
    ['its whole pool', '*', 'principalSet'],
  ])('is known by %s', async (_what, selector, kind) => {
    await setPolicy(policy(), [{ role: POOL_ADMIN, members: [member(home, POOL, selector, kind)] }]);
    expect((await as(await signIn(), 'GET', pools(project))).status).toBe(200);
    const other = await signIn({ sub: 'repo:acme/web', repository: 'acme/web', environment: 'test' });
    expect(reasonOf(await as(other, 'GET', pools(project)))).toEqual(selector === '*' ? [200, undefined] : REFUSED);
  });

  it('asks which rights it has, and learns nothing of what it has none on', async () => {
    await setPolicy(policy(), [{ role: 'roles/sts.targetViewer', members: [byRepository()] }]);
    const token = await signIn();
    const permissions = ['sts.targets.get', 'sts.targets.delete', 'resourcemanager.projects.setIamPolicy'];
    const ask = async (path: string) => (await as(token, 'POST', `${path}:testIamPermissions`, { permissions })).body;
    expect(await ask(policy())).toEqual({ permissions: ['sts.targets.get'] });
    expect(await ask('/v1/organizations/1')).toEqual({ permissions: [] });
    expect(await ask(`/v1/projects/${(await createProject()).number}`)).toEqual({ permissions: [] });
    expect(await ask('/v1/projects/no-such-project')).toEqual({ permissions: [] });
  });

  it('lists the projects that it may get, page by page, and hears of no other', async () => {
    const [second, third] = [await createProject(), await createProject()];
    const robot = member(home, POOL, 'subject/lister');
    for (const one of [project, second]) {
      await setPolicy(`/v1/projects/${one.number}`, [{ role: POOL_ADMIN, members: [robot] }]);
    }
    const token = await signIn({ sub: 'lister', repository: 'acme/lister', environment: 'lists' });
    const ids: string[] = [];
    let pageToken = '';
    do {
      const { body, text } = await as(token, 'GET', `/v1/projects?pageSize=1&pageToken=${pageToken}`);
      expect(text).not.toContain(third.id);
      ids.push(...(body['projects'] as { projectId: string }[]).map(({ projectId }) => projectId));
      pageToken = typeof body['nextPageToken'] === 'string' ? body['nextPageToken'] : '';
      expect(ids).toContain(pageToken === '' ? ids.at(-1) : atob(pageToken.replaceAll('-', '+').replaceAll('_', '/')));
    } while (pageToken !== '');
    // Others that name the whole pool are the job's as well.
    expect(ids).toEqual([...new Set(ids)].toSorted((one, other) => (one < other ? -1 : 1)));
    expect(ids).toEqual(expect.arrayContaining([project.id, second.id]));
  });

  it('may do it while the condition of its binding holds, and :troubleshoot says the same', async () => {
    const until = (expression: string) => ({ role: POOL_ADMIN, members: [byRepository()], condition: { expression } });
    const token = await signIn();
    for (const [expression, allowed] of [
      ["request.time < timestamp('2000-01-01T00:00:00Z')", false],
      [`resource.name == 'projects/${project.number}'`, true],
      [`resource.type == 'cloudresourcemanager.googleapis.com/Project'`, true],
      [`request.workload.attribute.repository == 'acme/infra' && 'production' in request.workload.groups`, true],
      // What the job's own token said besides is not known any more, and what cannot be evaluated grants nothing.
      [`request.workload.claims.environment == 'production'`, false],
    ] as const) {
      await setPolicy(policy(), [until(expression)]);
      expect([expression, reasonOf(await as(token, 'GET', pools(project)))]).toEqual([
        expression,
        allowed ? [200, undefined] : REFUSED,
      ]);
      // What explains decisions comes to the same.
      const question = { token: await ciToken(), audience: audience(), permission: 'iam.workloadIdentityPools.list' };
      const { overallAccessState } = await must('POST', `${policy()}:troubleshoot`, question);
      expect([expression, overallAccessState]).toEqual([expression, allowed ? 'CAN_ACCESS' : 'CANNOT_ACCESS']);
    }
  });

  it('is stopped by a deny policy, by its attribute too, whatever its bindings say', async () => {
    await setPolicy(policy(), [{ role: 'roles/owner', members: [byRepository()] }]);
    const token = await signIn();
    const on = encodeURIComponent(`cloudresourcemanager.googleapis.com/projects/${project.number}`);
    const denyRule = {
      deniedPrincipals: [byRepository()],
      deniedPermissions: ['iam.googleapis.com/workloadIdentityPools.*'],
    };
    const made = await as(token, 'POST', `/v2/policies/${on}/denypolicies?policyId=no-pools`, {
      rules: [{ denyRule }],
    });
    expect(made.status).toBe(200);
    expect(reasonOf(await as(token, 'GET', pools(project)))).toEqual(REFUSED);
    expect((await as(token, 'GET', `${policy()}/targets`)).status).toBe(200);
  });

  it('does not raise itself: by a policy, by a pool of administrators, by a role', async () => {
    await setPolicy(policy(), [
      { role: POOL_ADMIN, members: [byRepository()] },
      { role: 'roles/resourcemanager.projectIamAdmin', members: [byRepository()] },
    ]);
    const token = await signIn();
    const bindings = [{ role: 'roles/owner', members: [byRepository()] }];
    expect(reasonOf(await as(token, 'POST', `${policy()}:setIamPolicy`, { policy: { bindings } }))).toEqual(REFUSED);
  });
});

describe('a pool of administrators', () => {
  it('of another project is marked as soon as that project names it, and is no pool admin’s to write', async () => {
    const [owner, tenant] = [await createProject(), await createProject()];
    await must('POST', `${pools(owner)}?workloadIdentityPoolId=deployers`, {});
    const path = `${pools(owner)}/deployers`;
    expect(await must('GET', path)).not.toHaveProperty('administrative');
    await setPolicy(`/v1/projects/${owner.number}`, [{ role: POOL_ADMIN, members: [byRepository()] }]);
    const token = await signIn();
    expect((await as(token, 'PATCH', path, { displayName: 'one' })).status).toBe(200);
    const named = member(owner, 'deployers', '*', 'principalSet');
    await setPolicy(`/v1/projects/${tenant.number}`, [{ role: 'roles/owner', members: [named] }]);
    expect(await must('GET', path)).toMatchObject({ administrative: true });
    expect(reasonOf(await as(token, 'PATCH', path, { displayName: 'two' }))).toEqual(REFUSED);
    const { workloadIdentityPools } = await must('GET', pools(owner));
    expect(workloadIdentityPools).toEqual([
      expect.objectContaining({ administrative: true }),
      expect.not.objectContaining({ administrative: true }),
    ]);
    await setPolicy(`/v1/projects/${tenant.number}`, []);
    expect(await must('GET', path)).not.toHaveProperty('administrative');
    expect((await as(token, 'PATCH', path, { displayName: 'three' })).status).toBe(200);
  });
});

describe('an administrator is out at the next request', () => {
  let token: string;
  /** On the organization as well: what is asked there is asked of another object. */
  const attempt = async () => {
    const above = await as(token, 'POST', '/v1/organizations/1:testIamPermissions', { permissions: [] });
    const answer = reasonOf(await as(token, 'GET', pools(home)));
    expect(above.status).toBe(isKnown(answer) ? 200 : 401);
    return answer;
  };
  const isKnown = (answer: unknown): boolean => JSON.stringify(answer) !== JSON.stringify(UNKNOWN);

  beforeEach(async () => {
    await setPolicy(`/v1/projects/${home.number}`, [{ role: POOL_ADMIN, members: [byRepository()] }]);
    token = await signIn();
    expect(await attempt()).toEqual([200, undefined]);
  });

  it('when his binding is gone', async () => {
    await setPolicy(`/v1/projects/${home.number}`, []);
    expect(await attempt()).toEqual(REFUSED);
  });

  it('when his pool is disabled, and in again when it is enabled', async () => {
    await must('PATCH', `${pools(home)}/${POOL}`, { disabled: true });
    expect(await attempt()).toEqual(UNKNOWN);
    await must('PATCH', `${pools(home)}/${POOL}`, { disabled: false });
    expect(await attempt()).toEqual([200, undefined]);
  });

  it('when his provider is deleted, and in again when it is undeleted', async () => {
    await must('DELETE', provider());
    expect(await attempt()).toEqual(UNKNOWN);
    await must('POST', `${provider()}:undelete`, {});
    expect(await attempt()).toEqual([200, undefined]);
  });

  it('but not when his provider is disabled: that stops new exchanges only, and what he has ends by itself', async () => {
    await must('PATCH', provider(), { disabled: true });
    expect(await attempt()).toEqual([200, undefined]);
    expect((await postToken(tokenForm(audience(), await ciToken()))).body['error']).toBe('invalid_target');
    await must('PATCH', provider(), { disabled: false });
  });

  it('when he may not exchange any more', async () => {
    const on = encodeURIComponent(`cloudresourcemanager.googleapis.com/projects/${home.number}`);
    const denyRule = { deniedPrincipals: [byRepository()], deniedPermissions: ['sts.tokens.exchange'] };
    await must('POST', `/v2/policies/${on}/denypolicies?policyId=no-exchange`, { rules: [{ denyRule }] });
    expect(await attempt()).toEqual(UNKNOWN);
    await must('DELETE', `/v2/policies/${on}/denypolicies/no-exchange`);
    expect(await attempt()).toEqual([200, undefined]);
  });

  it('when the key that vouched for him is distrusted', async () => {
    await must('POST', `${provider()}:distrustKey`, { thumbprint });
    expect(await attempt()).toEqual(UNKNOWN);
  });
});

describe('a pod that administers', () => {
  let project: TestProject;
  let cluster: Cluster;
  const uid = '7c1b4f2e-0000-4000-8000-00000000aaaa';

  beforeAll(async () => {
    project = await createProject();
    cluster = await addCluster(project);
  });

  const signedIn = async (): Promise<string> => {
    const answer = await postToken(tokenForm(cluster.audience, await cluster.token({ uid, pod: true })));
    expect(claimsOf(answer)['aud']).toBe(ORIGIN);
    return String(answer.body['access_token']);
  };

  it.each<[string, () => string]>([
    ['its subject', () => member(project, cluster.pool, 'subject/ns/shop/sa/checkout')],
    ['its uid', () => member(project, cluster.pool, `kubernetes.serviceaccount.uid/${uid}`)],
    ['its namespace', () => member(project, cluster.pool, 'namespace/shop', 'principalSet')],
    ['its cluster', () => member(project, cluster.pool, `kubernetes.cluster/${cluster.clusterUri}`, 'principalSet')],
    ['the legacy spelling', () => `serviceAccount:${cluster.pool}[shop/checkout]`],
  ])('is known by %s', async (_what, text) => {
    await setPolicy(`/v1/projects/${project.number}`, [{ role: POOL_ADMIN, members: [text()] }]);
    expect((await as(await signedIn(), 'GET', pools(project))).status).toBe(200);
  });

  it('is out when its uid is denied', async () => {
    await setPolicy(`/v1/projects/${project.number}`, [
      { role: POOL_ADMIN, members: [member(project, cluster.pool, 'namespace/shop', 'principalSet')] },
    ]);
    const token = await signedIn();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await must('POST', `${pools(project)}/${cluster.pool}:denyUids`, { uids: [uid], until });
    expect(reasonOf(await as(token, 'GET', pools(project)))).toEqual(UNKNOWN);
  });
});

/** Tokens of every kind of cluster, who they become, and which bindings keep them apart (issue 01, "Done when" 3). */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  exchange,
  headerOf,
  member,
  must,
  ORIGIN,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';

const audit = captureAudit();
let project: TestProject;
let role: string;

beforeAll(async () => {
  project = await createProject();
  role = await addRole(project);
});

describe('clusters of every make', () => {
  const GKE = 'https://container.googleapis.com/v1/projects/p/locations/europe-west1/clusters/c';
  const EKS = 'https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
  const AKS =
    'https://westeurope.oic.prod-aks.azure.com/00000000-0000-0000-0000-000000000000/11111111-0000-0000-0000-000000000000/';
  const now = Math.floor(Date.now() / 1_000);

  it.each([
    [
      'EKS, exactly 24 h with warnafter',
      EKS,
      'RS256',
      (claims: Record<string, unknown>) => ({
        ...claims,
        exp: Number(claims['iat']) + 86_400,
        'kubernetes.io': { ...(claims['kubernetes.io'] as object), warnafter: now + 3_607 },
      }),
    ],
    ['GKE', GKE, 'RS256', (claims: Record<string, unknown>) => claims],
    ['AKS, issuer with a trailing slash', AKS, 'RS256', (claims: Record<string, unknown>) => claims],
    [
      'kubeadm 1.21: no jti, no node',
      undefined,
      'RS256',
      ({ jti: _jti, ...claims }: Record<string, unknown>) => ({
        ...claims,
        'kubernetes.io': { ...(claims['kubernetes.io'] as object), node: undefined },
      }),
    ],
    ['kubeadm 1.33: pod with node', undefined, 'ES256', (claims: Record<string, unknown>) => claims],
    [
      'kubectl create token: no pod',
      undefined,
      'RS256',
      (claims: Record<string, unknown>) => ({
        ...claims,
        'kubernetes.io': { ...(claims['kubernetes.io'] as object), pod: undefined, node: undefined },
      }),
    ],
    [
      'bound to a Secret',
      undefined,
      'RS256',
      (claims: Record<string, unknown>) => ({
        ...claims,
        'kubernetes.io': {
          ...(claims['kubernetes.io'] as object),
          pod: undefined,
          node: undefined,
          secret: { name: 's', uid: 'u' },
        },
      }),
    ],
    [
      'a node without uid',
      undefined,
      'RS256',
      (claims: Record<string, unknown>) => ({
        ...claims,
        'kubernetes.io': { ...(claims['kubernetes.io'] as object), node: { name: 'n' } },
      }),
    ],
  ] as const)('%s', async (_make, issuerUri, alg, shape) => {
    const cluster = await addCluster(project, { issuer: await createIssuer(alg), ...(issuerUri ? { issuerUri } : {}) });
    const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience: `https:${cluster.audience}` });
    const answer = await exchange(cluster, undefined, await cluster.issuer.sign(shape(claims)));
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)['sub']).toBe('ns/shop/sa/checkout');
  });

  it('the audience with and without https:, and as one text instead of a list', async () => {
    const cluster = await addCluster(project);
    expect((await exchange(cluster, undefined, await cluster.token({ audience: cluster.audience }))).status).toBe(200);
    expect(
      (await exchange(cluster, undefined, await cluster.token({ audience: `https:${cluster.audience}` }))).status,
    ).toBe(200);
    const claims = { ...workloadClaims({ issuerUri: cluster.issuerUri, audience: '' }), aud: cluster.audience };
    expect((await exchange(cluster, undefined, await cluster.issuer.sign(claims))).status).toBe(200);
  });

  it('an audience of its own replaces the default one', async () => {
    const extra = { kubernetes: undefined };
    const issuer = await createIssuer();
    const cluster = await addCluster(project, { issuer, ...extra });
    const path = `/v1/${cluster.name}?updateMask=kubernetes.allowedAudiences`;
    await must('PATCH', path, { kubernetes: { allowedAudiences: ['sts.example.com'] } });
    expect((await exchange(cluster, undefined, await cluster.token({ audience: 'sts.example.com' }))).status).toBe(200);
    expect((await exchange(cluster)).body['error']).toBe('invalid_grant');
  });

  it("the token's own audience names the provider where the parameter is absent", async () => {
    const cluster = await addCluster(project);
    expect((await postToken(tokenForm(undefined, await cluster.token()))).status).toBe(200);
  });
});

describe('the minted token', () => {
  it('has exactly the members of CONTRACT, with and without a target', async () => {
    const cluster = await addCluster(project);
    const target = await addTarget(project, { allowedScopes: ['read', 'write'] });
    await setPolicy(target.path, [{ role, members: [member(project, cluster.pool, 'subject/ns/shop/sa/checkout')] }]);
    const answer = await exchange(cluster, target.uri, undefined, { scope: 'read admin' });
    expect(answer.status, answer.text).toBe(200);
    expect(Object.keys(answer.body).toSorted()).toEqual([
      'access_token',
      'expires_in',
      'issued_token_type',
      'scope',
      'token_type',
    ]);
    expect(answer.body).toMatchObject({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      scope: 'read',
    });
    const claims = claimsOf(answer);
    const principal = member(project, cluster.pool, 'subject/ns/shop/sa/checkout');
    expect(claims).toEqual({
      iss: `${ORIGIN}/${project.number}/${cluster.pool}`,
      sub: 'ns/shop/sa/checkout',
      aud: target.uri,
      iat: expect.any(Number),
      nbf: claims['iat'],
      exp: Number(claims['iat']) + Number(answer.body['expires_in']),
      jti: expect.any(String),
      client_id: cluster.name,
      scope: 'read',
      roles: [role],
      principal,
      'kubernetes.io': {
        namespace: 'shop',
        serviceaccount: { name: 'checkout', uid: '7c1b4f2e-0000-4000-8000-000000000001' },
        pod: { name: 'checkout-5d9c', uid: '11110000-0000-4000-8000-000000000002' },
        node: { name: 'node-1', uid: '5f0a0000-0000-4000-8000-000000000009' },
        cluster: cluster.clusterUri,
      },
    });
    expect(headerOf(answer)).toEqual({ alg: 'ES256', kid: expect.any(String), typ: 'at+jwt' });
    const line = await audit.lineFor(answer);
    expect(line).toMatchObject({
      event: 'exchange',
      outcome: 'granted',
      reason: 'granted',
      project: project.number,
      pool: cluster.pool,
      provider: cluster.name,
      principal,
      target: `projects/${project.number}/targets/${target.id}`,
      roles: [role],
      binding: `projects/${project.number}/targets/${target.id} ${role}`,
      jti: claims['jti'],
      expiresIn: answer.body['expires_in'],
    });
    expect(line['subjectTokenSha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(Number(line['admittedAtMs'])).toBeGreaterThan(1_700_000_000_000);

    const own = await exchange(cluster);
    const ownClaims = claimsOf(own);
    expect(ownClaims).toMatchObject({ aud: ORIGIN, client_id: cluster.name });
    expect(ownClaims).not.toHaveProperty('roles');
    expect(ownClaims).not.toHaveProperty('scope');
    expect(own.body).not.toHaveProperty('scope');
  });

  it('lives no longer than the subject token, an hour, or the target allows', async () => {
    const cluster = await addCluster(project);
    const target = await addTarget(project, { maxLifetime: '120s' });
    await setPolicy(target.path, [{ role, members: [member(project, cluster.pool, '*', 'principalSet')] }]);
    const inside = (answer: { body: Record<string, unknown> }): number => Number(answer.body['expires_in']);
    expect(inside(await exchange(cluster, undefined, await cluster.token({ lifetimeSeconds: 86_400 })))).toBe(3_600);
    expect(
      inside(await exchange(cluster, undefined, await cluster.token({ lifetimeSeconds: 300 }))),
    ).toBeLessThanOrEqual(300);
    expect(inside(await exchange(cluster, undefined, await cluster.token({ lifetimeSeconds: 300 })))).toBeGreaterThan(
      290,
    );
    expect(inside(await exchange(cluster, target.uri))).toBe(120);
  });

  it('is RS256 and JWT where the target says so, and echoes the requested type', async () => {
    const cluster = await addCluster(project);
    const target = await addTarget(project, { tokenSigningAlg: 'RS256', tokenType: 'JWT' });
    await setPolicy(target.path, [{ role, members: [member(project, cluster.pool, '*', 'principalSet')] }]);
    const jwt = 'urn:ietf:params:oauth:token-type:jwt';
    const answer = await exchange(cluster, target.uri, undefined, { requested_token_type: jwt });
    expect(answer.body['issued_token_type']).toBe(jwt);
    expect(headerOf(answer)).toMatchObject({ alg: 'RS256', typ: 'JWT' });
  });
});

describe('two clusters with one issuer URL', () => {
  let one: Cluster;
  let two: Cluster;
  let target: TestTarget;

  beforeAll(async () => {
    [one, two] = [await addCluster(project), await addCluster(project)];
    target = await addTarget(project);
  });

  it('never pass for each other, even with one key id', async () => {
    const claims = workloadClaims({ issuerUri: one.issuerUri, audience: `https:${two.audience}` });
    const answer = await exchange(two, undefined, await one.issuer.sign(claims, { kid: two.issuer.kid }));
    expect(answer.body['error']).toBe('invalid_grant');
    expect(await audit.lineFor(answer)).toMatchObject({ check: 'signature' });
  });

  it('are one principal by name: sameness of the built-in pool', async () => {
    await setPolicy(target.path, [{ role, members: [member(project, one.pool, 'subject/ns/shop/sa/checkout')] }]);
    const [first, second] = [await exchange(one, target.uri), await exchange(two, target.uri)];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(claimsOf(first)['principal']).toBe(claimsOf(second)['principal']);
    expect(claimsOf(first)['client_id']).not.toBe(claimsOf(second)['client_id']);
  });

  it('are kept apart by a binding on the cluster', async () => {
    await setPolicy(target.path, [
      { role, members: [member(project, one.pool, `kubernetes.cluster/${one.clusterUri}`, 'principalSet')] },
    ]);
    expect((await exchange(one, target.uri)).status).toBe(200);
    expect((await exchange(two, target.uri)).body['error']).toBe('invalid_target');
  });

  it('a recreated ServiceAccount fails a binding on the uid', async () => {
    const uid = '7c1b4f2e-0000-4000-8000-000000000001';
    await setPolicy(target.path, [
      { role, members: [member(project, one.pool, `kubernetes.serviceaccount.uid/${uid}`)] },
    ]);
    expect((await exchange(one, target.uri)).status).toBe(200);
    const recreated = await one.token({ uid: '7c1b4f2e-0000-4000-8000-00000000ffff' });
    expect((await exchange(one, target.uri, recreated)).body['error']).toBe('invalid_target');
  });

  it.each([
    ['namespace/shop', 'principalSet'],
    ['*', 'principalSet'],
    ['subject/ns/shop/sa/checkout', 'principal'],
  ])('%s lets in and, with another value, does not', async (selector, kind) => {
    await setPolicy(target.path, [{ role, members: [member(project, one.pool, selector, kind)] }]);
    expect((await exchange(one, target.uri)).status).toBe(200);
    if (selector === '*') return;
    expect((await exchange(one, target.uri, await one.token({ namespace: 'shop-2' }))).body['error']).toBe(
      'invalid_target',
    );
  });

  it('the legacy member works', async () => {
    await setPolicy(target.path, [{ role, members: [`serviceAccount:${one.pool}[shop/checkout]`] }]);
    expect((await exchange(one, target.uri)).status).toBe(200);
  });

  it("another project's pool of the same name lets nobody in", async () => {
    const other = await createProject();
    await setPolicy(target.path, [{ role, members: [member(other, one.pool, '*', 'principalSet')] }]);
    expect((await exchange(one, target.uri)).body['error']).toBe('invalid_target');
  });
});

describe('conditions', () => {
  let cluster: Cluster;
  const everyone = (): string => member(project, cluster.pool, '*', 'principalSet');

  beforeAll(async () => {
    cluster = await addCluster(project);
  });

  it('see the time, the resource and its tags; what is missing does not grant', async () => {
    const target = await addTarget(project, {
      resource: {
        type: 'storage.googleapis.com/Bucket',
        service: 'storage.googleapis.com',
        name: 'projects/_/buckets/orders',
      },
      tags: { '123/env': 'prod' },
      tagIds: { 'tagKeys/1': 'tagValues/2' },
    });
    const verdict = async (expression: string): Promise<number> => {
      await setPolicy(target.path, [{ role, members: [everyone()], condition: { expression, title: 'test' } }]);
      return (await exchange(cluster, target.uri)).status;
    };
    expect(await verdict('request.time < timestamp("2099-01-01T00:00:00Z")')).toBe(200);
    expect(await verdict('request.time > timestamp("2099-01-01T00:00:00Z")')).toBe(400);
    expect(await verdict('resource.matchTag("123/env", "prod")')).toBe(200);
    expect(await verdict('resource.matchTag("123/env", "dev")')).toBe(400);
    expect(await verdict('resource.matchTagId("tagKeys/1", "tagValues/2") && resource.hasTagKey("123/env")')).toBe(200);
    expect(
      await verdict(
        'resource.name.startsWith("projects/_/buckets/o") && resource.type == "storage.googleapis.com/Bucket"',
      ),
    ).toBe(200);
    expect(await verdict('resource.service == "compute.googleapis.com"')).toBe(400);
    expect(await verdict('request.path == "/x"')).toBe(400);
  });

  it('a role inherited from the project opens the target, under its condition', async () => {
    const prod = await addTarget(project, { tags: { '123/env': 'prod' } });
    const dev = await addTarget(project, { tags: { '123/env': 'dev' } });
    const condition = { expression: 'resource.matchTag("123/env", "prod")', title: 'prod only' };
    await setPolicy(`/v1/projects/${project.number}`, [{ role, members: [everyone()], condition }]);
    const answer = await exchange(cluster, prod.uri);
    expect(answer.status).toBe(200);
    expect(await audit.lineFor(answer)).toMatchObject({ binding: `projects/${project.number} ${role} (prod only)` });
    expect((await exchange(cluster, dev.uri)).status).toBe(400);
    await setPolicy(`/v1/projects/${project.number}`, []);
  });

  it('no token outlives the condition that granted it; a role about to end is left out where another lasts', async () => {
    const target = await addTarget(project);
    const other = await addRole(project);
    const inSeconds = (seconds: number): string =>
      new Date(Date.now() + seconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
    const until = (seconds: number): { expression: string } => ({
      expression: `request.time < timestamp("${inSeconds(seconds)}")`,
    });
    await setPolicy(target.path, [{ role, members: [everyone()], condition: until(300) }]);
    const short = await exchange(cluster, target.uri);
    expect(Number(short.body['expires_in'])).toBeLessThanOrEqual(300);
    expect(Number(short.body['expires_in'])).toBeGreaterThan(285);
    await setPolicy(target.path, [
      { role, members: [everyone()], condition: until(600) },
      { role: other, members: [everyone()], condition: until(30) },
    ]);
    const both = await exchange(cluster, target.uri);
    expect(claimsOf(both)['roles']).toEqual([role]);
    expect(Number(both.body['expires_in'])).toBeGreaterThan(500);
    await setPolicy(target.path, [{ role: other, members: [everyone()], condition: until(30) }]);
    const only = await exchange(cluster, target.uri);
    expect(claimsOf(only)['roles']).toEqual([other]);
    expect(Number(only.body['expires_in'])).toBeLessThanOrEqual(30);
  });
});

describe('an oidc provider', () => {
  it('maps by CEL, and its principals are named as WIRE.md B.6 says', async () => {
    const issuer = await createIssuer('RS256');
    const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
    await must('POST', `${pools}?workloadIdentityPoolId=ci-pool`, {});
    const issuerUri = 'https://ci.example.com';
    await must('POST', `${pools}/ci-pool/providers?workloadIdentityPoolProviderId=runner`, {
      oidc: { issuerUri, jwksJson: issuer.jwksJson },
      attributeMapping: {
        'google.subject': '"repo:" + assertion.repository',
        'google.groups': 'assertion.teams',
        'attribute.owner': 'assertion.repository.extract("{owner}/")',
      },
      attributeCondition: 'assertion.ref == "refs/heads/main" && attribute.owner == "org"',
    });
    const name = `projects/${project.number}/locations/global/workloadIdentityPools/ci-pool/providers/runner`;
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: issuerUri,
      sub: 'x',
      aud: `//iam.googleapis.com/${name}`,
      iat: now,
      exp: now + 300,
      repository: 'org/app',
      teams: ['ops'],
      ref: 'refs/heads/main',
    };
    const post = async (more: object, resource?: string): Promise<Awaited<ReturnType<typeof postToken>>> =>
      postToken(
        tokenForm(
          `//iam.googleapis.com/${name}`,
          await issuer.sign({ ...claims, ...more }, { typ: 'JWT', x5t: 'abc' }),
          { resource },
        ),
      );
    const answer = await post({});
    expect(answer.status, answer.text).toBe(200);
    expect(claimsOf(answer)).toMatchObject({
      sub: 'repo:org/app',
      principal: member(project, 'ci-pool', 'subject/repo:org/app'),
    });
    expect(claimsOf(answer)).not.toHaveProperty('kubernetes.io');
    expect((await post({ ref: 'refs/heads/x' })).body['error']).toBe('unauthorized_client');
    expect((await post({ repository: undefined })).body['error']).toBe('unauthorized_client');
    expect((await post({ repository: `org/${'x'.repeat(130)}` })).body['error']).toBe('invalid_request');
    const target = await addTarget(project);
    for (const selector of ['group/ops', 'attribute.owner/org']) {
      await setPolicy(target.path, [{ role, members: [member(project, 'ci-pool', selector, 'principalSet')] }]);
      expect((await post({}, target.uri)).status).toBe(200);
      expect((await post({ teams: [], repository: 'org/app' }, target.uri)).status).toBe(
        selector.startsWith('group') ? 400 : 200,
      );
    }
  });
});

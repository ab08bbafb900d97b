/** `:troubleshoot` through the front door: what it says and what the exchange does are one thing, and the refused never see it. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  addRole,
  addTarget,
  admin,
  call,
  captureAudit,
  type Cluster,
  createProject,
  exchange,
  member,
  must,
  ORIGIN,
  setPolicy,
  type TestBinding,
  type TestProject,
  type TestTarget,
} from '../support/broker.ts';
import { createIssuer } from '../support/issuer.ts';

const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;
let target: TestTarget;
let reader: string;
let writer: string;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project, { resource: { type: 'x/Y' }, tags: { '1/env': 'prod' } });
  reader = await addRole(project);
  writer = await addRole(project, ['storage.objects.create']);
});

const who = (selector: string, kind?: string): string => member(project, project.builtInPool, selector, kind);

type Body = Record<string, unknown>;

async function troubleshoot(path: string, body: object): Promise<Body> {
  return must('POST', `${path}:troubleshoot`, body);
}

describe('an explanation by token', () => {
  it('names the decisive binding and its values, and is what the exchange does', async () => {
    await setPolicy(target.path, [
      {
        role: reader,
        members: [who('subject/ns/shop/sa/checkout')],
        condition: { title: 'on nodes of ours', expression: 'request.workload.node.name.startsWith("node-")' },
      },
      { role: writer, members: [who('namespace/other', 'principalSet')] },
    ]);
    const token = await cluster.token();
    const told = await troubleshoot(target.path, { token });
    const answer = await exchange(cluster, target.uri, token);
    expect(answer.status).toBe(200);
    expect(told).toMatchObject({
      overallAccessState: 'CAN_ACCESS',
      tokenExplanation: { verified: true, provider: cluster.name },
      exchange: { outcome: 'granted', roles: [reader], expiresIn: answer.body['expires_in'] },
    });
    const line = await audit.lineFor(answer);
    expect(told['exchange']).toMatchObject({ binding: line['binding'] });
    const [policy] = (told['allowPolicyExplanation'] as { explainedPolicies: Body[] }).explainedPolicies;
    const [first, second] = (policy ?? {})['bindingExplanations'] as Body[];
    expect(first).toMatchObject({
      allowAccessState: 'ALLOW_ACCESS_STATE_GRANTED',
      combinedMembership: { membership: 'MEMBERSHIP_MATCHED' },
      conditionExplanation: {
        value: true,
        evaluationStates: [{ expression: 'request.workload.node.name', value: '"node-1"' }],
      },
    });
    expect(second).toMatchObject({
      allowAccessState: 'ALLOW_ACCESS_STATE_NOT_GRANTED',
      combinedMembership: { membership: 'MEMBERSHIP_NOT_MATCHED' },
    });
    // An explanation is for administrators and still no place for a credential.
    expect(JSON.stringify(told)).not.toContain(token.split('.')[2]);
  });

  it('of a token that does not verify says which rule failed', async () => {
    const stranger = await addCluster(project);
    const token = await stranger.issuer.sign({ ...JSON.parse('{}'), iss: 'https://x' });
    const told = await troubleshoot(target.path, { token, audience: cluster.audience });
    expect(told).toMatchObject({
      overallAccessState: 'CANNOT_ACCESS',
      tokenExplanation: { verified: false, reason: 'unverified', check: 'unknown_kid' },
    });
  });

  it('looks at any time: a token that has expired since is explained as it was', async () => {
    await setPolicy(target.path, [{ role: reader, members: [who('*', 'principalSet')] }]);
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const token = await cluster.token({ issuedAtSeconds: nowSeconds - 7_200, lifetimeSeconds: 3_600 });
    expect(await troubleshoot(target.path, { token })).toMatchObject({ tokenExplanation: { check: 'expired' } });
    const time = new Date((nowSeconds - 7_000) * 1_000).toISOString();
    expect(await troubleshoot(target.path, { token, time })).toMatchObject({ overallAccessState: 'CAN_ACCESS' });
  });

  it('for the broker itself needs no binding', async () => {
    const told = await troubleshoot(`/v1/projects/${project.number}`, { token: await cluster.token(), target: ORIGIN });
    expect(told).toMatchObject({ overallAccessState: 'CAN_ACCESS', exchange: { outcome: 'granted', roles: [] } });
  });

  it('agrees with the exchange over random policies', async () => {
    const subjects = ['subject/ns/shop/sa/checkout', 'subject/ns/shop/sa/other'];
    const anyBinding = fc
      .record({
        role: fc.constantFrom('reader', 'writer'),
        selector: fc.oneof(
          fc.constantFrom(...subjects).map((text) => who(text)),
          fc
            .constantFrom('namespace/shop', 'namespace/other', `kubernetes.cluster/${cluster.clusterUri}`, '*')
            .map((text) => who(text, 'principalSet')),
        ),
        expression: fc.option(
          fc.constantFrom(
            'resource.type == "x/Y"',
            'resource.name == "x"',
            'resource.matchTag("1/env", "test")',
            'request.time.getFullYear() < 2001',
            'request.workload.serviceaccount.name == "checkout"',
            'has(request.workload.pod)',
          ),
          { nil: undefined },
        ),
      })
      .map(({ role, selector, expression }): TestBinding => ({
        role: role === 'reader' ? reader : writer,
        members: [selector],
        ...(expression === undefined ? {} : { condition: { expression } }),
      }));
    const seen = { granted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyBinding, { maxLength: 3 }),
        fc.constantFrom('checkout', 'other'),
        async (bindings, name) => {
          await setPolicy(target.path, bindings);
          const token = await cluster.token({ serviceAccount: name });
          const [told, answer] = [
            await troubleshoot(target.path, { token }),
            await exchange(cluster, target.uri, token),
          ];
          const isGranted = answer.status === 200;
          seen[isGranted ? 'granted' : 'refused'] += 1;
          expect(told['overallAccessState']).toBe(isGranted ? 'CAN_ACCESS' : 'CANNOT_ACCESS');
          const line = await audit.lineFor(answer);
          const { reason, check, binding, roles } = line;
          expect(told['exchange']).toMatchObject(isGranted ? { binding, roles } : { reason, check });
        },
      ),
      { numRuns: 40 },
    );
    expect(seen.granted).toBeGreaterThan(3);
    expect(seen.refused).toBeGreaterThan(3);
  }, 60_000);
});

describe('an explanation by name', () => {
  it('says what only a token would tell is unknown', async () => {
    await setPolicy(target.path, [{ role: reader, members: [who('kubernetes.serviceaccount.uid/u-1')] }]);
    const principal = who('subject/ns/shop/sa/checkout');
    expect(await troubleshoot(target.path, { principal })).toMatchObject({ overallAccessState: 'UNKNOWN_INFO' });
    await setPolicy(target.path, [{ role: reader, members: [who('namespace/shop', 'principalSet')] }]);
    expect(await troubleshoot(`/v1/projects/${project.id}`, { principal, target: target.uri })).toMatchObject({
      overallAccessState: 'CAN_ACCESS',
      accessTuple: { fullResourceName: `projects/${project.number}/targets/${target.id}` },
    });
  });

  it('of a permission goes up to the organization', async () => {
    const principal = who('subject/ns/kube-system/sa/pusher');
    const pool = `/v1/projects/${project.number}/locations/global/workloadIdentityPools/${project.builtInPool}`;
    const permission = 'iam.workloadIdentityPoolProviders.pushKeys';
    expect(await troubleshoot(pool, { principal, permission })).toMatchObject({ overallAccessState: 'CANNOT_ACCESS' });
    const pusher = await addRole(project, [permission]);
    await setPolicy(pool, [{ role: pusher, members: [principal] }]);
    expect(await troubleshoot(pool, { principal, permission })).toMatchObject({ overallAccessState: 'CAN_ACCESS' });
    // A push takes only a binding of exactly one principal: neither does its explanation count any other.
    await setPolicy(pool, [{ role: pusher, members: [who('namespace/kube-system', 'principalSet')] }]);
    expect(await troubleshoot(pool, { principal, permission })).toMatchObject({ overallAccessState: 'CANNOT_ACCESS' });
    const get = { principal, permission: 'resourcemanager.projects.get' };
    expect(await troubleshoot('/v1/organizations/1', get)).toMatchObject({ overallAccessState: 'CANNOT_ACCESS' });
  });
});

describe('at the edges', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 'CAN_ACCESS'],
    ['9998-12-31T23:59:59Z', 'CANNOT_ACCESS'],
  ])('of time, %s is one that conditions can be asked about', async (time, overallAccessState) => {
    const expression = 'request.time < timestamp("2030-01-01T00:00:00Z")';
    await setPolicy(target.path, [{ role: reader, members: [who('*', 'principalSet')], condition: { expression } }]);
    const principal = who('subject/ns/shop/sa/checkout');
    expect(await troubleshoot(target.path, { principal, time })).toMatchObject({ overallAccessState });
  });

  it('a name of a pool without clusters is in no namespace, whatever it looks like', async () => {
    const issuer = await createIssuer();
    const pools = `/v1/projects/${project.number}/locations/global/workloadIdentityPools`;
    await must('POST', `${pools}?workloadIdentityPoolId=ci-pool`, {});
    const principal = member(project, 'ci-pool', 'subject/ns/shop/sa/checkout');
    await setPolicy(target.path, [
      { role: reader, members: [member(project, 'ci-pool', 'namespace/shop', 'principalSet')] },
    ]);
    await must('POST', `${pools}/ci-pool/providers?workloadIdentityPoolProviderId=ci-provider`, {
      oidc: { issuerUri: 'https://ci.example.com', jwksJson: issuer.jwksJson },
      attributeMapping: { 'google.subject': 'assertion.sub' },
    });
    expect(await troubleshoot(target.path, { principal })).toMatchObject({ overallAccessState: 'CANNOT_ACCESS' });
    await setPolicy(target.path, [{ role: reader, members: [who('namespace/shop', 'principalSet')] }]);
    expect(await troubleshoot(target.path, { principal: who('subject/ns/shop/sa/checkout') })).toMatchObject({
      overallAccessState: 'CAN_ACCESS',
    });
  });

  it('a token that would be too large is no access, as the exchange says, and costs no permit', async () => {
    const uri = `https://large.example.com/${'x'.repeat(1_900)}`;
    const large = await addTarget(project, { uri });
    const path = `/v1/projects/${project.number}/roles`;
    const roles = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const roleId = `${'r'.repeat(60)}${100 + index}`;
        await must('POST', path, { roleId, role: { title: 't', includedPermissions: ['orders.get'] } });
        return `projects/${project.id}/roles/${roleId}`;
      }),
    );
    const grant = (some: readonly string[]) =>
      setPolicy(
        large.path,
        some.map((role) => ({ role, members: [who('*', 'principalSet')] })),
      );
    const quota = `/v1/projects/${project.number}/locations/global/services/sts/quotaInfos/TokenExchangeRequestsPerMinutePerProject`;
    await grant(roles.slice(0, 20));
    const token = await cluster.token();
    expect(await troubleshoot(large.path, { token })).toMatchObject({ overallAccessState: 'CAN_ACCESS' });
    expect((await exchange(cluster, uri, token)).status).toBe(200);
    await grant(roles);
    // By now the edge may hold a copy from before: what it learns with a permit, the next refusal is made of.
    expect((await exchange(cluster, uri, token)).status).toBe(400);
    const before = (await must('GET', quota))['usage'];
    const told = await troubleshoot(large.path, { token });
    const answer = await exchange(cluster, uri, token);
    const line = await audit.lineFor(answer);
    expect(line).toMatchObject({ reason: 'token_too_large' });
    expect(told).toMatchObject({
      overallAccessState: 'CANNOT_ACCESS',
      exchange: { outcome: 'refused', reason: 'token_too_large', check: line['check'] },
    });
    expect((await must('GET', quota))['usage']).toEqual(before);
  });
});

describe('a permission on a target', () => {
  const denies = (): string =>
    `/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F${project.number}/denypolicies`;

  it('is told as the exchange decides: with the target’s tags, and with the roles that go whole', async () => {
    await setPolicy(target.path, [
      { role: writer, members: [who('namespace/shop', 'principalSet')] },
      {
        role: reader,
        members: [who('namespace/tagged', 'principalSet')],
        condition: { expression: 'resource.matchTag("1/env", "prod")' },
      },
    ]);
    const shop = { token: await cluster.token(), permission: 'storage.objects.create' };
    const tagged = { token: await cluster.token({ namespace: 'tagged' }), permission: 'storage.objects.get' };
    expect(await troubleshoot(target.path, shop)).toMatchObject({ overallAccessState: 'CAN_ACCESS' });
    expect(await troubleshoot(target.path, tagged)).toMatchObject({ overallAccessState: 'CAN_ACCESS' });
    expect((await exchange(cluster, target.uri, tagged.token)).status).toBe(200);
    const rule = {
      deniedPrincipals: ['principalSet://goog/public:all'],
      exceptionPrincipals: [who('namespace/tagged', 'principalSet')],
      deniedPermissions: ['storage.objects.create'],
      denialCondition: { expression: 'resource.matchTag("1/env", "prod")' },
    };
    await must('POST', `${denies()}?policyId=freeze`, { rules: [{ denyRule: rule }] });
    expect(await troubleshoot(target.path, shop)).toMatchObject({ overallAccessState: 'CANNOT_ACCESS' });
    expect(await troubleshoot(target.path, tagged)).toMatchObject({ overallAccessState: 'CAN_ACCESS' });
    expect((await exchange(cluster, target.uri, shop.token)).status).toBe(400);
    await must('DELETE', `${denies()}/freeze`);
  });
});

describe('what a name does not tell', () => {
  it('is not made up: no cluster, no verdict', async () => {
    const expression = `request.workload.cluster == "${cluster.clusterUri}" && request.workload.namespace == "shop"`;
    await setPolicy(target.path, [
      { role: reader, members: [who('namespace/shop', 'principalSet')], condition: { expression } },
    ]);
    const told = await troubleshoot(target.path, { principal: who('subject/ns/shop/sa/checkout') });
    expect(told['overallAccessState']).toBe('UNKNOWN_INFO');
    expect(told).toMatchObject({
      allowPolicyExplanation: {
        explainedPolicies: [
          {
            bindingExplanations: [
              {
                conditionExplanation: {
                  evaluationStates: [
                    { expression: 'request.workload.cluster', errors: [{ message: 'only a token would tell' }] },
                    { expression: 'request.workload.namespace', value: '"shop"' },
                  ],
                },
              },
            ],
          },
        ],
      },
    });
    expect(JSON.stringify(told)).not.toContain('"value":false');
  });

  it('and a token that holds is verified, whoever is shut out then', async () => {
    const shut = await addCluster(project, { extra: { attributeCondition: 'false' } });
    expect(await troubleshoot(target.path, { token: await shut.token() })).toMatchObject({
      overallAccessState: 'CANNOT_ACCESS',
      tokenExplanation: { verified: true, reason: 'condition_false' },
    });
  });
});

describe('what is refused', () => {
  it('strangers: an explanation is not for the refused', async () => {
    const body = JSON.stringify({ token: await cluster.token() });
    const headers = { 'content-type': 'application/json' };
    expect((await call(`${target.path}:troubleshoot`, { method: 'POST', headers, body })).status).toBe(401);
    const own = String((await exchange(cluster)).body['access_token']);
    const withOwn = { ...headers, authorization: `Bearer ${own}` };
    expect((await call(`${target.path}:troubleshoot`, { method: 'POST', headers: withOwn, body })).status).toBe(403);
  });

  it.each([
    ['nobody', {}, 'principal'],
    ['both', { token: 'a.b.c', principal: 'x' }, 'principal'],
    ['no token', { token: 'nonsense' }, 'token'],
    ['no principal', { principal: 'user:x@example.com' }, 'principal'],
    ['no time', { principal: 'x', time: 'yesterday' }, 'time'],
    ['a time before 1970', { principal: 'x', time: '1969-12-31T23:59:59Z' }, 'time'],
    ['a time of the year 0', { principal: 'x', time: '0000-01-01T00:00:00Z' }, 'time'],
    ['a time of the year 9999', { principal: 'x', time: '9999-01-01T00:00:00Z' }, 'time'],
    ['a target twice', { principal: 'x', target: 'orders' }, 'target'],
    ['a permission and a target', { principal: 'x', permission: 'a.b', target: 'orders' }, 'permission'],
    ['an unknown field', { principle: 'x' }, 'principle'],
  ])('%s', async (_what, body, field) => {
    const answer = await admin('POST', `${target.path}:troubleshoot`, body);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(`"field":"${field}"`);
  });

  it('a target that is not there, and a principal of another project', async () => {
    const principal = who('subject/ns/shop/sa/checkout');
    const path = `/v1/projects/${project.number}:troubleshoot`;
    expect((await admin('POST', path, { principal, target: 'no-such' })).status).toBe(404);
    const foreign = principal.replace(project.number, '999999999999');
    const answer = await admin('POST', path, { principal: foreign, target: target.id });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("its provider's own project");
  });
});

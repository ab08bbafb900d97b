/** Deny policies through the front door: they win over what is granted, at the very next exchange, and nobody learns of them who was not let in anyway. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import denyPoliciesDoc from '../../docs/design/deny-policies.md?raw';
import { createBroker } from '../../src/worker.ts';
import {
  addCluster,
  addRole,
  addTarget,
  admin,
  administerThrough,
  type Answer,
  call,
  captureAudit,
  claimsOf,
  type Cluster,
  createProject,
  type Fetch,
  member,
  must,
  postToken,
  setPolicy,
  type TestProject,
  type TestTarget,
  tokenForm,
} from '../support/broker.ts';
import { laggingKv, throwingKv } from '../support/faulty-bindings.ts';
import { workloadClaims } from '../support/issuer.ts';

const EVERYBODY = 'principalSet://goog/public:all';
const audit = captureAudit();
let project: TestProject;
let cluster: Cluster;
let target: TestTarget;
let reader: string;

beforeEach(async () => {
  administerThrough();
  project = await createProject();
  cluster = await addCluster(project);
  target = await addTarget(project);
  reader = await addRole(project, ['orders.get']);
  await setPolicy(target.path, [{ role: reader, members: [who('*', 'principalSet')] }]);
});

const who = (selector: string, kind?: string): string => member(project, project.builtInPool, selector, kind);

/** Another isolate with bindings of its own, and a memory of its own. */
function isolate(bindings: Partial<Env> = {}): Fetch {
  const bound: Env = { ...env, ...bindings };
  const broker = createBroker(bound);
  return async (request) => broker.fetch(request, bound);
}

const onProject = (): string =>
  `policies/cloudresourcemanager.googleapis.com%2Fprojects%2F${project.number}/denypolicies`;
const onTarget = (one: TestTarget = target): string =>
  `policies/sts.googleapis.com%2Fprojects%2F${project.number}%2Ftargets%2F${one.id}/denypolicies`;

interface Rule {
  readonly deniedPrincipals?: readonly string[];
  readonly exceptionPrincipals?: readonly string[];
  readonly deniedPermissions?: readonly string[];
  readonly exceptionPermissions?: readonly string[];
  readonly denialCondition?: { readonly expression: string };
}

async function deny(rule: Rule = {}, parent = onProject(), policyId = 'no-orders'): Promise<string> {
  const denyRule = { deniedPrincipals: [who('*', 'principalSet')], deniedPermissions: ['orders.get'], ...rule };
  await must('POST', `/v2/${parent}?policyId=${policyId}`, { rules: [{ denyRule }] });
  return `${parent}/${policyId}`;
}

/** An exchange for a target, or with null for the broker itself. */
async function ask(
  resource: string | null = target.uri,
  fetch?: Fetch,
  workload: Parameters<Cluster['token']>[0] = {},
): Promise<Answer> {
  const form = tokenForm(cluster.audience, await cluster.token(workload), { resource: resource ?? undefined });
  return postToken(form, {}, fetch);
}

describe.each([
  ['with KV as it is here', (): Fetch => isolate()],
  ['with a KV that never catches up', (): Fetch => isolate({ CACHE: laggingKv(env.CACHE) })],
  ['with a KV that throws', (): Fetch => isolate({ CACHE: throwingKv(env.CACHE) })],
])('%s, the next exchange is decided by', (_which, start) => {
  it.each([
    ['the project', onProject],
    ['the target', onTarget],
  ])('a deny policy on %s that is written, replaced, deleted', async (_where, parent) => {
    const edge = start();
    administerThrough(edge);
    expect((await ask(target.uri, edge)).status).toBe(200);
    const name = await deny({}, parent());
    expect((await ask(target.uri, edge)).body['error']).toBe('unauthorized_client');
    const denyRule = { deniedPrincipals: [EVERYBODY], deniedPermissions: ['orders.list'] };
    await must('PUT', `/v2/${name}`, { rules: [{ denyRule }] });
    expect((await ask(target.uri, edge)).status).toBe(200);
    await must('PUT', `/v2/${name}`, { rules: [{ denyRule: { ...denyRule, deniedPermissions: ['orders.*'] } }] });
    expect((await ask(target.uri, edge)).status).toBe(400);
    await must('DELETE', `/v2/${name}`);
    expect((await ask(target.uri, edge)).status).toBe(200);
  });

  it('a role that comes to hold, or no longer holds, what is denied on project and target', async () => {
    const edge = start();
    administerThrough(edge);
    for (const [index, parent] of [onProject(), onTarget()].entries()) {
      const name = await deny({ deniedPermissions: ['orders.delete'] }, parent, `no-orders-${index}`);
      expect((await ask(target.uri, edge)).status).toBe(200);
      const patch = (includedPermissions: readonly string[]) =>
        must('PATCH', `/v1/${reader}?updateMask=includedPermissions`, { includedPermissions });
      await patch(['orders.get', 'orders.delete']);
      expect((await ask(target.uri, edge)).status).toBe(400);
      await patch(['orders.get']);
      expect((await ask(target.uri, edge)).status).toBe(200);
      await must('DELETE', `/v2/${name}`);
    }
  });
});

describe('a denied exchange', () => {
  it('is answered with one constant text, and the audit line names the policy and its rule', async () => {
    const name = await deny();
    const first = await ask();
    expect(first).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    const line = await audit.lineFor(first);
    expect(line).toMatchObject({ outcome: 'refused', reason: 'denied_by_policy', check: `${name} rules[0]` });
    for (const secret of ['no-orders', 'rules[0]', 'deny', target.id]) expect(first.text).not.toContain(secret);
    await must('DELETE', `/v2/${name}`);
    await deny({ deniedPrincipals: [EVERYBODY], deniedPermissions: ['*'] }, onTarget(), 'another');
    expect((await ask()).text).toBe(first.text);
  });

  it('looks to who is not granted like a target that he was never granted', async () => {
    const hidden = await addTarget(project);
    const before = await ask(hidden.uri);
    await deny({ deniedPermissions: ['*'], exceptionPermissions: ['sts.tokens.exchange'] });
    await deny({ deniedPrincipals: [EVERYBODY], deniedPermissions: ['*'] }, onTarget(hidden));
    const after = await ask(hidden.uri);
    const unknown = await ask('https://unknown.example.com');
    expect(after).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    for (const other of [before, unknown]) expect(after.text).toBe(other.text);
    expect(await audit.lineFor(after)).toMatchObject({ reason: 'not_granted' });
  });

  it('costs no quota', async () => {
    const quota = `/v1/projects/${project.number}/locations/global/services/sts/quotaInfos/TokenExchangeRequestsPerMinutePerProject`;
    await deny();
    const before = (await must('GET', quota))['usage'];
    expect((await ask()).status).toBe(400);
    expect((await must('GET', quota))['usage']).toEqual(before);
  });
});

describe('a rule', () => {
  it('takes away the roles that hold what is denied, and no other', async () => {
    const writer = await addRole(project, ['storage.objects.create', 'orders.put']);
    const roles = [reader, writer];
    await setPolicy(
      target.path,
      roles.map((role) => ({ role, members: [who('*', 'principalSet')] })),
    );
    await deny({ deniedPermissions: ['storage.googleapis.com/objects.create'] });
    expect(claimsOf(await ask())['roles']).toEqual([reader]);
  });

  it('excepts whom it says', async () => {
    await deny({ deniedPrincipals: [EVERYBODY], exceptionPrincipals: [who('namespace/shop', 'principalSet')] });
    expect((await ask(target.uri, undefined, { namespace: 'shop' })).status).toBe(200);
    expect((await ask(target.uri, undefined, { namespace: 'billing' })).status).toBe(400);
  });

  it('on one target leaves the others', async () => {
    const other = await addTarget(project);
    await setPolicy(other.path, [{ role: reader, members: [who('*', 'principalSet')] }]);
    await deny({ deniedPermissions: ['*'] }, onTarget());
    expect((await ask()).status).toBe(400);
    expect((await ask(other.uri)).status).toBe(200);
    expect((await ask(null)).status).toBe(200);
  });

  it('about everything shuts out of the exchange altogether, without resource too', async () => {
    const name = await deny({ deniedPermissions: ['*'] });
    for (const resource of [target.uri, null]) {
      const refused = await ask(resource);
      expect(refused).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
      expect(await audit.lineFor(refused)).toMatchObject({ reason: 'denied_by_policy', check: `${name} rules[0]` });
    }
    await must('DELETE', `/v2/${name}`);
    for (const resource of [target.uri, null]) expect((await ask(resource)).status).toBe(200);
    await deny({ deniedPermissions: ['sts.googleapis.com/tokens.exchange'] });
    for (const resource of [target.uri, null]) expect((await ask(resource)).status).toBe(400);
  });

  it('that begins soon ends the token before', async () => {
    const at = Math.floor(Date.now() / 1_000) + 600;
    const expression = `request.time >= timestamp("${new Date(at * 1_000).toISOString()}")`;
    await deny({ denialCondition: { expression } });
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(Number(claimsOf(answer)['exp'])).toBeLessThanOrEqual(at);
  });

  it.each([
    ['is true', 'request.workload.namespace == "shop"', 400],
    ['is false', 'request.workload.namespace == "billing"', 200],
    ['cannot be evaluated', 'resource.name == "x"', 400],
  ])('whose condition %s', async (_what, expression, status) => {
    await deny({ denialCondition: { expression } });
    expect((await ask(target.uri, undefined, { namespace: 'shop' })).status).toBe(status);
  });

  it('is what :troubleshoot says it is', async () => {
    const name = await deny();
    const token = await cluster.token();
    expect(await must('POST', `${target.path}:troubleshoot`, { token })).toMatchObject({
      overallAccessState: 'CANNOT_ACCESS',
      exchange: { outcome: 'refused', reason: 'denied_by_policy', check: `${name} rules[0]` },
    });
  });
});

describe('a deny that looks like a wall', () => {
  const attempt = (denyRule: object): Promise<Answer> =>
    admin('POST', `/v2/${onProject()}?policyId=wall`, { rules: [{ denyRule }] });

  it.each([
    [
      'another project’s pool',
      () => who('subject/ns/shop/sa/checkout').replace(/projects\/\d+/, 'projects/999999999999'),
    ],
    ['a namespace that Kubernetes cannot have', () => who('namespace/Shop', 'principalSet')],
    ['a group of a pool of clusters', () => who('group/admins', 'principalSet')],
    ['a subject that no cluster makes', () => who('subject/system:serviceaccount:shop:checkout')],
    ['the legacy form for another project', () => 'serviceAccount:other-project.svc.id.goog[shop/checkout]'],
  ])('%s is refused, by its place', async (_who, principal) => {
    const answer = await attempt({ deniedPrincipals: [EVERYBODY, principal()], deniedPermissions: ['orders.*'] });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('rules[0].denyRule.deniedPrincipals[1]');
    expect((await ask()).status).toBe(200);
  });

  it('a pool that is not there yet, and a permission that no role holds yet, are taken with a warning each', async () => {
    const deniedPrincipals = [member(project, 'no-such-pool', 'namespace/shop', 'principalSet')];
    const answer = await attempt({ deniedPrincipals, deniedPermissions: ['orders.gett'] });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        metadata: {
          warnings: [
            expect.stringMatching(/deniedPrincipals\[0\]: .*no-such-pool does not exist/),
            expect.stringMatching(/deniedPermissions\[0\]: .*orders\.gett/),
          ],
        },
      },
    });
  });

  it('a service in capitals is refused', async () => {
    const deniedPermissions = ['Orders.googleapis.com/items.delete'];
    const answer = await attempt({ deniedPrincipals: [EVERYBODY], deniedPermissions });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('small letters');
  });
});

describe('the example of docs/design/deny-policies.md', () => {
  it('does what it says', async () => {
    const [, text = ''] = /^```json deny\n(.*?)^```$/ms.exec(denyPoliciesDoc) ?? [];
    const pool = `iam.googleapis.com/projects/${project.number}/locations/global/workloadIdentityPools/${project.builtInPool}`;
    const filled = text.replaceAll('BUILT_IN', pool).replaceAll('PROJECT_NUMBER', project.number);
    const policy = JSON.parse(filled) as { readonly rules: readonly object[] };
    // Of two parts, as everywhere in our documents, and of three, as at Google.
    const deleters = [
      await addRole(project, ['orders.delete']),
      await addRole(project, ['orders.items.delete']),
      await addRole(project, ['orders.purge']),
    ];
    const bindings = [reader, ...deleters].map((role) => ({ role, members: [who('*', 'principalSet')] }));
    const production = await addTarget(project, { tags: { [`${project.number}/env`]: 'prod' } });
    for (const one of [production, target]) await setPolicy(one.path, bindings);
    const path = `/v2/${onProject().replace(project.number, project.id)}?policyId=nobody-deletes`;
    expect((await must('POST', path, policy))['metadata']).not.toHaveProperty('warnings');
    const rolesOf = async (one: TestTarget, namespace: string): Promise<unknown> =>
      claimsOf(await ask(one.uri, undefined, { namespace }))['roles'];
    expect(await rolesOf(production, 'shop')).toEqual([reader]);
    expect(await rolesOf(production, 'operators')).toEqual([reader, ...deleters].toSorted());
    expect(await rolesOf(target, 'shop')).toEqual([reader, ...deleters].toSorted());
  });
});

describe('a target', () => {
  it('takes its deny policies along: one made anew under its id and uri finds none', async () => {
    await deny({ deniedPermissions: ['*'] }, onTarget());
    expect((await ask()).status).toBe(400);
    await must('DELETE', target.path);
    await must('POST', `/v1/projects/${project.number}/targets?targetId=${target.id}`, { uri: target.uri });
    await setPolicy(target.path, [{ role: reader, members: [who('*', 'principalSet')] }]);
    expect((await ask()).status).toBe(200);
    expect(await must('GET', `/v2/${onTarget()}`)).toEqual({ policies: [] });
  });
});

describe('pushing keys', () => {
  const AGENT = { namespace: 'kube-system', serviceAccount: 'key-agent', uid: 'agent-uid' };

  async function push(): Promise<Answer> {
    const audience = `https:${cluster.audience}:pushKeys`;
    const claims = workloadClaims({ issuerUri: cluster.issuerUri, audience, ...AGENT });
    const headers = {
      authorization: `Bearer ${await cluster.issuer.sign(claims)}`,
      'content-type': 'application/json',
    };
    const body = JSON.stringify({ jwksJson: cluster.issuer.jwksJson });
    return call(`/v1/${cluster.name}:pushKeys`, { method: 'POST', headers, body });
  }

  it('is denied to who may push, in the words for who may not, until the rule is gone', async () => {
    const unbound = await push();
    expect(unbound.status).toBe(403);
    await setPolicy(`/v1/projects/${project.number}`, [
      { role: 'roles/owner', members: [who('subject/ns/kube-system/sa/key-agent')] },
    ]);
    expect((await push()).status).toBe(200);
    const name = await deny({
      deniedPrincipals: [who('namespace/kube-system', 'principalSet')],
      deniedPermissions: ['iam.googleapis.com/workloadIdentityPoolProviders.pushKeys'],
    });
    expect(await push()).toMatchObject({ status: 403, text: unbound.text });
    await must('DELETE', `/v2/${name}`);
    expect((await push()).status).toBe(200);
  });
});

describe('two writers with one etag', () => {
  it('exactly one wins', async () => {
    const name = await deny();
    const { etag, rules } = await must('GET', `/v2/${name}`);
    const write = (): Promise<Answer> => admin('PUT', `/v2/${name}`, { etag, rules });
    const answers = await Promise.all([write(), write(), write(), write()]);
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409]);
  });
});

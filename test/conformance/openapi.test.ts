/** The document of the API against the broker: every route is in it and nothing else, and every operation's real answers are what it says. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AwsV4Signer } from 'aws4fetch';
import { AWS_STS_PATHS } from '../../src/protocols/aws-sts/route.ts';
import { createRoutes } from '../../src/app.ts';
import { routesOf } from '../support/admin-rest.ts';
import { createIssuer } from '../support/issuer.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';
import { judgeBy, type OpenApi, operationsOf } from '../support/node/openapi.ts';
import { unreachable } from '../support/unreachable.ts';

const DOCUMENT = readFileSync(new URL('../../assets/openapi.json', import.meta.url), 'utf8');
const document = JSON.parse(DOCUMENT) as OpenApi;
const judge = judgeBy(document);

describe('the document', () => {
  it('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(DOCUMENT) as Record<string, unknown>)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  it('is small', () => {
    expect(gzipSync(DOCUMENT, { level: 9 }).byteLength).toBeLessThan(12 * 1_024);
  });

  it('has an id of its own for each operation', () => {
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.entries(item).flatMap(([method, { operationId }]) => (method === 'parameters' ? [] : [operationId])),
    );
    expect(new Set(ids).size).toBe(operationsOf(document).length);
    expect(ids).toContain('projects.workloadIdentityPools.providers.create');
  });

  it('has every route of the app, and nothing else', () => {
    const { v1, v2 } = routesOf();
    const tables: Readonly<Record<string, readonly string[]>> = {
      '/v1/*': [...v1.map(({ method, path }) => `${method} /v1/${path}`), `POST /v1/${PUSH}`],
      '/v1/projects/:project/serviceAccounts/:call': CREDENTIALS.map(
        (method) => `POST /v1/projects/{project}/serviceAccounts/{account}:${method}`,
      ),
      '/v2/*': v2.map(({ method, path }) => `${method} /v2/${path}`),
    };
    // Hono's own spelling of a path; what takes every method looks at it itself.
    const documented = operationsOf(document);
    const expected = createRoutes(unreachable()).routes.flatMap(({ path }) => {
      if (path === '/*' || path === '/v1/token/*') return [];
      // Pages for people.
      if (path === '/dashboard' || path.startsWith('/dashboard/')) return [];
      // AWS's own clients bring their own description of it: XML, by its query protocol.
      if (AWS_STS_PATHS.includes(path)) return [];
      // Pages for people, which speak no JSON.
      if (path.startsWith('/dashboard')) return [];
      const templated = path.replaceAll(/:(\w+)(\{[^}]*\}+)?/g, '{$1}');
      return (
        tables[path] ??
        documented
          .filter((one) => one.endsWith(` ${templated}`))
          .slice(0, 1)
          .concat(NOT_THERE(templated, documented))
      );
    });
    expect(documented.toSorted()).toEqual([...new Set(expected)].toSorted());
  });
});

const CREDENTIALS = ['generateAccessToken', 'generateIdToken', 'signJwt', 'signBlob'];
const PUSH = 'projects/{project}/locations/global/workloadIdentityPools/{pool}/providers/{provider}:pushKeys';

/** A route that nobody documented stands for itself. */
function NOT_THERE(path: string, documented: readonly string[]): readonly string[] {
  return documented.some((one) => one.endsWith(` ${path}`)) ? [] : [`undocumented ${path}`];
}

describe('a real answer of the running broker', () => {
  let world: World;
  /** Operations of which a good answer was judged. */
  const answered = new Set<string>();

  beforeAll(async () => {
    world = await startWorld();
  });

  afterAll(async () => {
    await world.broker.stop();
  });

  type Names = Readonly<Record<string, string>>;

  interface Sent {
    readonly names?: Names;
    readonly query?: string;
    readonly body?: object;
    readonly bearer?: string;
    readonly form?: URLSearchParams;
  }

  async function ask(method: string, path: string, { names = {}, query = '', body, bearer, form }: Sent = {}) {
    const all: Names = {
      project: 'world',
      projectNumber: world.projectNumber,
      poolId: world.pool,
      pool: 'jobs',
      ...names,
    };
    const concrete = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(all[name] ?? 'none'));
    const response = await fetch(`${world.broker.origin}${concrete}${query}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer ?? world.broker.adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(form === undefined ? {} : { body: form }),
    });
    const contentType = response.headers.get('content-type') ?? '';
    const text = await response.text();
    const read: unknown = contentType.includes('json') ? JSON.parse(text) : text;
    const faults = judge.faults(method, path, response.status, contentType, read);
    expect(faults, `${method} ${path}: ${response.status} ${text.slice(0, 2_000)}`).toEqual([]);
    return { status: response.status, body: read as Record<string, unknown>, text };
  }

  async function good(method: string, path: string, sent: Sent = {}): Promise<Record<string, unknown>> {
    const { status, body, text } = await ask(method, path, sent);
    expect([status, text], `${method} ${path}`).toEqual([200, text]);
    answered.add(`${method} ${path}`);
    const isJson = sent.body !== undefined && path !== '/v1/token';
    if (isJson) expect(judge.requestFaults(method, path, JSON.parse(JSON.stringify(sent.body)))).toEqual([]);
    return body;
  }

  const PROJECT = '/v1/projects/{project}';
  const POOLS = `${PROJECT}/locations/global/workloadIdentityPools`;
  const POOL = `${POOLS}/{pool}`;
  const PROVIDERS = `${POOL}/providers`;
  const PROVIDER = `${PROVIDERS}/{provider}`;
  const TARGETS = `${PROJECT}/targets`;
  const TARGET = `${TARGETS}/{target}`;
  const ACCOUNTS = `${PROJECT}/serviceAccounts`;
  const ACCOUNT = `${ACCOUNTS}/{account}`;
  const files = { target: 'files' };
  const account = { account: 'robot@world.iam.127.0.0.1' };
  const lastOf = (operation: Record<string, unknown>): string => String(operation['name']).split('/').at(-1) ?? '';
  const subject = (name: string): string =>
    `principal:${world.audience.replace(/\/providers\/.*/, '')}/subject/ns/shop/sa/${name}`;

  async function exchangeForm(more: Record<string, string> = {}): Promise<URLSearchParams> {
    return new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: world.audience,
      subject_token: await world.token(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      ...more,
    });
  }

  it('about projects, pools, providers and their operations is as documented', async () => {
    await good('POST', '/v1/projects', { body: { projectId: 'another', displayName: 'Another' } });
    await good('GET', '/v1/projects', { query: '?pageSize=1' });
    await good('PATCH', PROJECT, {
      body: { displayName: 'World', ownLimits: [{ principal: subject('busy'), tokenExchangesPerMinute: 5 }] },
    });
    await good('GET', PROJECT);
    const made = await good('POST', POOLS, { query: '?workloadIdentityPoolId=jobs', body: { displayName: 'CI' } });
    await good('GET', `${POOL}/operations/{operation}`, { names: { operation: lastOf(made) } });
    await good('PATCH', POOL, { body: { description: 'Jobs' } });
    await good('POST', `${POOL}:denyUids`, {
      body: { uids: ['u-1'], until: new Date(Date.now() + 3_600_000).toISOString() },
    });
    await good('GET', POOL);
    await good('GET', POOLS, { query: '?pageSize=1' });
    const { jwksJson, publicJwk } = await createIssuer('RS256');
    const provider = {
      oidc: { issuerUri: 'https://ci.example.com', jwksJson, allowedAudiences: ['https://sts.example.com/ci'] },
      attributeMapping: { 'google.subject': 'assertion.sub' },
      attributeCondition: "assertion.ref == 'main'",
      dryRunCondition: 'true',
      maxTokenLifetime: '3600s',
      singleUse: true,
    };
    const names = { provider: 'github' };
    const created = await good('POST', PROVIDERS, { query: '?workloadIdentityPoolProviderId=github', body: provider });
    await good('GET', `${PROVIDER}/operations/{operation}`, { names: { ...names, operation: lastOf(created) } });
    const read = await good('GET', PROVIDER, { names });
    await good('PATCH', PROVIDER, {
      names,
      query: '?updateMask=displayName',
      body: { ...read, displayName: 'GitHub' },
    });
    const found = { pool: world.pool, provider: 'found' };
    await good('POST', PROVIDERS, {
      names: found,
      query: '?workloadIdentityPoolProviderId=found',
      body: { kubernetes: { clusterUri: 'https://clusters.example.com/found', issuerUri: 'http://127.0.0.1:9' } },
    });
    await good('GET', PROVIDER, { names: found });
    await good('GET', PROVIDERS, { names: { pool: world.pool }, query: '?pageSize=1' });
    const { kids } = read['keys'] as { kids: readonly string[] };
    expect(kids).toEqual([publicJwk['kid']]);
    const { thumbprints } = read['keys'] as { thumbprints: readonly string[] };
    await good('POST', `${PROVIDER}:distrustKey`, { names, body: { thumbprint: thumbprints[0] } });
    await good('DELETE', PROVIDER, { names });
    await good('POST', `${PROVIDER}:undelete`, { names, body: {} });
    await good('DELETE', POOL);
    await good('GET', POOLS, { query: '?showDeleted=true' });
    await good('POST', `${POOL}:undelete`, { body: {} });
  });

  it('about targets, roles and policies is as documented', async () => {
    await good('POST', TARGETS, {
      query: '?targetId=files',
      body: {
        uri: 'https://files.example.com',
        resource: { type: 'example.com/Bucket', service: 'example.com', name: 'files' },
        tags: { '1/env': 'prod' },
        allowedScopes: ['read'],
      },
    });
    await good('PATCH', TARGET, { names: files, body: { displayName: 'Files' } });
    await good('GET', TARGET, { names: files });
    await good('GET', TARGETS);
    await good('POST', TARGETS, { query: '?targetId=gone', body: { uri: 'https://gone.example.com' } });
    await good('DELETE', TARGET, { names: { target: 'gone' } });
    const described = { accountId: 'robot', serviceAccount: { displayName: 'Robot', description: 'Works' } };
    await good('POST', ACCOUNTS, { body: described });
    await good('PATCH', ACCOUNT, { names: account, body: { maxTokenLifetime: '7200s' } });
    await good('GET', ACCOUNT, { names: account });
    await good('DELETE', ACCOUNT, { names: account });
    await good('GET', ACCOUNTS, { query: '?showDeleted=true' });
    for (const verb of ['undelete', 'disable', 'enable'])
      await good('POST', `${ACCOUNT}:${verb}`, { names: account, body: {} });
    await good('GET', `${ACCOUNT}/keys`, { names: account });
    for (const refused of ['keys', 'keys:upload']) {
      expect((await ask('POST', `${ACCOUNT}/${refused}`, { names: account, body: {} })).status).toBe(400);
      answered.add(`POST ${ACCOUNT}/${refused}`);
    }
    const role = { title: 'Reader', description: 'Reads', includedPermissions: ['files.get'] };
    await good('POST', `${PROJECT}/roles`, { body: { roleId: 'reader', role } });
    await good('PATCH', `${PROJECT}/roles/{role}`, { names: { role: 'reader' }, body: { title: 'Readers' } });
    await good('GET', `${PROJECT}/roles/{role}`, { names: { role: 'reader' } });
    await good('GET', `${PROJECT}/roles`);
    await good('POST', `${PROJECT}/roles`, { body: { roleId: 'gone', role } });
    await good('DELETE', `${PROJECT}/roles/{role}`, { names: { role: 'gone' } });
    const condition = { title: 'until 2100', expression: "request.time < timestamp('2100-01-01T00:00:00Z')" };
    const binding = { role: 'projects/world/roles/reader', members: [subject('checkout')], condition };
    const places = [PROJECT, POOL, TARGET, ACCOUNT, '/v1/organizations/1'];
    for (const place of places) {
      const names = { ...files, ...account };
      const bindings =
        place === TARGET
          ? [binding, { ...binding, condition: undefined, dryRunCondition: { expression: 'false' } }]
          : [];
      await good('POST', `${place}:setIamPolicy`, { names, body: { policy: { version: 3, bindings } } });
      await good('POST', `${place}:getIamPolicy`, { names, body: { options: { requestedPolicyVersion: 3 } } });
      await good('POST', `${place}:testIamPermissions`, { names, body: { permissions: ['sts.targets.get'] } });
    }
    const attachment = { attachment: 'sts.googleapis.com/projects/world/targets/files', policy: 'no-robots' };
    const DENY = '/v2/policies/{attachment}/denypolicies';
    const denied = {
      displayName: 'No robots',
      annotations: { why: 'none' },
      rules: [
        {
          description: 'robots',
          denyRule: {
            deniedPrincipals: [subject('robot').replace('principal:', 'principal:')],
            deniedPermissions: ['sts.googleapis.com/targets.exchange'],
            denialCondition: { expression: 'true' },
          },
        },
      ],
    };
    const tried = await ask('POST', DENY, { names: attachment, query: '?policyId=no-robots', body: denied });
    expect(tried.text).toContain('"done":true');
    answered.add(`POST ${DENY}`);
    await good('GET', `${DENY}/{policy}/operations/{operation}`, {
      names: { ...attachment, operation: lastOf(tried.body) },
    });
    await good('GET', `${DENY}/{policy}`, { names: attachment });
    await good('GET', DENY, { names: attachment });
    await good('PUT', `${DENY}/{policy}`, { names: attachment, body: { ...denied, displayName: 'None' } });
    const wished = [{ resource: 'target/wished', desired: { uri: 'https://wished.example.com' } }];
    await good('POST', `${PROJECT}/changeSets/{changeSet}:stage`, {
      names: { changeSet: 'set-1' },
      body: { part: 0, changes: wished },
    });
    await good('POST', `${PROJECT}:apply`, { body: { changeSet: 'set-1', stagedParts: 1, validateOnly: true } });
    await good('POST', `${PROJECT}:apply`, { body: { changes: wished, owner: 'team-a' } });
    await good('POST', `${PROJECT}:apply`, { body: { owner: 'team-a', prune: true } });
    await good('GET', `${PROJECT}/configuration`);
    const asked = { principal: subject('checkout'), target: 'projects/world/targets/files' };
    await good('POST', `${TARGET}:troubleshoot`, {
      names: files,
      body: { principal: asked.principal, token: undefined },
    });
    await good('POST', `${TARGET}:troubleshoot`, { names: files, body: { token: await world.token() } });
    for (const place of [PROJECT, POOL, ACCOUNT, '/v1/organizations/1']) {
      await good('POST', `${place}:troubleshoot`, {
        names: account,
        body: { principal: asked.principal, permission: 'sts.targets.get' },
      });
    }
    await good('DELETE', `${DENY}/{policy}`, { names: attachment });
  });

  it('about exchanges, keys, quota and use is as documented', async () => {
    await good('POST', '/v1/token', { form: await exchangeForm() });
    await good('POST', '/v1/token', {
      form: await exchangeForm({ resource: 'https://files.example.com', scope: 'read' }),
    });
    const parameters = Object.fromEntries(await exchangeForm());
    await good('POST', '/v1/token', { body: parameters });
    await good('GET', `${PROJECT}/signingKeys`);
    await good('POST', `${PROJECT}/signingKeys:rotate`, { body: { alg: 'ES256' } });
    const quota = { quota: 'TokenExchangeRequestsPerMinutePerProject', preference: 'more' };
    const INFOS = `${PROJECT}/locations/global/services/sts/quotaInfos`;
    await good('GET', INFOS);
    await good('GET', `${INFOS}/{quota}`, { names: quota });
    const PREFERENCES = `${PROJECT}/locations/global/quotaPreferences`;
    const wish = {
      quotaId: quota.quota,
      service: 'sts',
      quotaConfig: { preferredValue: '9000' },
      justification: 'A sale',
      contactEmail: 'ops@example.com',
      expireTime: new Date(Date.now() + 86_400_000).toISOString(),
    };
    for (const preference of ['more', 'refused', 'withdrawn']) {
      await good('POST', PREFERENCES, { query: `?quotaPreferenceId=${preference}`, body: wish });
      if (preference === 'more') {
        await good('PATCH', `${PREFERENCES}/{preference}`, { names: quota, body: { justification: 'A big sale' } });
        await good('POST', `${PREFERENCES}/{preference}:approve`, { names: quota, body: { comment: 'Good luck' } });
      }
      if (preference === 'refused') {
        await good('POST', `${PREFERENCES}/{preference}:refuse`, { names: { preference }, body: { comment: 'No' } });
      }
      if (preference === 'withdrawn') await good('DELETE', `${PREFERENCES}/{preference}`, { names: { preference } });
    }
    await good('GET', PREFERENCES);
    await good('GET', `${PREFERENCES}/{preference}`, { names: quota, query: '?view=FULL' });
    await good('GET', `${INFOS}/{quota}`, { names: quota });
    await good('GET', PROJECT);
    await good('GET', `${PROJECT}/recentExchanges`, { query: '?view=FULL' });
    const { recentExchanges } = await good('GET', `${PROJECT}/recentExchanges`);
    expect((recentExchanges as readonly object[]).length).toBeGreaterThan(0);
    for (const place of [PROJECT, TARGET]) {
      await good('POST', `${place}:simulate`, { names: files, body: { policy: { version: 3, bindings: [] } } });
    }
    for (const groupBy of ['reason', 'principal']) {
      const { points } = await good('GET', `${PROJECT}/usage`, { query: `?groupBy=${groupBy}` });
      expect((points as readonly object[]).length).toBeGreaterThan(0);
    }
  });

  it('about what was changed is as documented', async () => {
    await good('POST', '/v1/organizations/1:setIamPolicy', { body: { policy: { bindings: [] } } });
    for (const place of [PROJECT, '/v1/organizations/1']) {
      const { entries } = await good('GET', `${place}/history`, { query: '?pageSize=2' });
      const names = { sequence: (entries as readonly { sequence: string }[])[0]?.sequence ?? '' };
      await good('GET', `${place}/history/{sequence}`, { names });
      await good('GET', `${place}/history:compare`, { query: `?from=1&to=${names.sequence}` });
      await good('POST', `${place}/history/{sequence}:restore`, { names, body: { validateOnly: true } });
    }
  });

  it('of a service account’s credentials is as documented', async () => {
    const members = [subject('checkout')];
    const roles = ['roles/iam.workloadIdentityUser', 'roles/iam.serviceAccountTokenCreator'];
    const policy = { bindings: roles.map((role) => ({ role, members })) };
    await good('POST', `${ACCOUNT}:setIamPolicy`, { names: account, body: { policy } });
    const bearer = String((await good('POST', '/v1/token', { form: await exchangeForm() }))['access_token']);
    const names = { project: '-', ...account };
    const bodies = {
      generateAccessToken: { scope: ['https://www.googleapis.com/auth/cloud-platform'], lifetime: '60s' },
      generateIdToken: { audience: 'https://service.example.com', includeEmail: true },
      signJwt: { payload: '{"sub":"me"}', delegates: [] },
      signBlob: { payload: 'Ynl0ZXM=', delegates: null },
    };
    for (const path of ['/v1/tokeninfo', '/tokeninfo']) await good('GET', path, { bearer });
    const owner = { role: 'roles/sts.tokenAdmin', members };
    await good('POST', `${PROJECT}:setIamPolicy`, { body: { policy: { bindings: [owner] } } });
    await good('POST', '/v1/introspect', { form: new URLSearchParams({ token: bearer }), bearer });
    const other = String((await good('POST', '/v1/token', { form: await exchangeForm() }))['access_token']);
    await good('POST', '/v1/revoke', { form: new URLSearchParams({ token: other }), bearer });
    for (const [method, body] of Object.entries(bodies))
      await good('POST', `${ACCOUNT}:${method}`, { names, body, bearer });
    for (const path of [`${PROJECT}/serviceAccountSigningKeys`, `${ACCOUNT}/signingKeys`]) {
      await good('GET', path, { names: account });
      await good('POST', `${path}:rotate`, { names: account, body: { alg: 'ES256' } });
    }
  });

  it('to a push is as documented', async () => {
    const provider = world.audience.split('/').at(-1) ?? '';
    const names = { project: world.projectNumber, pool: world.pool, provider };
    const owner = { role: 'roles/owner', members: [subject('agent')] };
    await good('POST', `${POOL}:setIamPolicy`, { names, body: { policy: { bindings: [owner] } } });
    const audience = `https:${world.audience}:pushKeys`;
    const bearer = await world.token({ namespace: 'shop', serviceAccount: 'agent', audience });
    await good('POST', `/v1/${PUSH}`, { names, bearer, body: { jwksJson: world.issuer.jwksJson } });
    await good('GET', PROVIDER, { names });
  });

  it('of the public documents, of health and of metrics is as documented', async () => {
    for (const path of [
      '/{projectNumber}/{poolId}/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/{projectNumber}/{poolId}',
      '/{projectNumber}/{poolId}/jwks',
      '/healthz',
      '/readyz',
      '/metrics',
      '/openapi.json',
      '/{projectNumber}/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/{projectNumber}',
      '/{projectNumber}/jwks',
      '/v1/metadata/jwk/{account}',
      '/configuration.schema.json',
    ]) {
      await good('GET', path, { names: account });
    }
    expect((await ask('GET', '/metrics', { query: '?project=world' })).text).toContain(
      'edge_sts_quota_limit_per_minute{project="world"}',
    );
  });

  it('that refuses is as documented, whoever refuses', async () => {
    const refusals = await Promise.all([
      ask('POST', '/v1/token', { form: await exchangeForm({ subject_token: 'x.y.z' }) }),
      ask('POST', '/v1/token', { body: {} }),
      ask('GET', '/v1/projects', { bearer: 'nonsense' }),
      ask('GET', PROJECT, { names: { project: 'there-is-none' } }),
      ask('POST', '/v1/projects', { body: { projectId: 'world' } }),
      ask('POST', '/v1/projects', { body: { nonsense: 1 } }),
      ask('GET', '/metrics', { query: '?nonsense=1' }),
      ask('GET', '/{projectNumber}/{poolId}/jwks', { names: { poolId: 'there-is-none' } }),
    ]);
    expect(refusals.map(({ status }) => status)).toEqual([400, 400, 401, 404, 409, 400, 400, 404]);
  });

  it('about the end of a project is as documented', async () => {
    await good('DELETE', PROJECT);
    await good('GET', '/v1/projects', { query: '?showDeleted=true' });
    await good('POST', `${PROJECT}:undelete`, { body: {} });
  });

  it("to AWS's signed requests is as documented", async () => {
    await world.must('PATCH', `/v1/projects/${world.projectNumber}?updateMask=awsAccountId`, {
      awsAccountId: '444455556666',
    });
    const arn = 'arn:aws:iam::444455556666:role/files';
    const email = String(
      (await good('POST', ACCOUNTS, { body: { accountId: 'filesrole', serviceAccount: { awsRole: { arn } } } }))[
        'email'
      ],
    );
    await good('POST', `${ACCOUNT}:setIamPolicy`, {
      names: { account: email },
      body: { policy: { bindings: [{ role: 'roles/iam.workloadIdentityUser', members: [subject('checkout')] }] } },
    });
    const assumed = await fetch(`${world.broker.origin}/aws/sts`, {
      method: 'POST',
      body: new URLSearchParams({
        Action: 'AssumeRoleWithWebIdentity',
        Version: '2011-06-15',
        RoleArn: arn,
        RoleSessionName: 'one',
        WebIdentityToken: await world.token(),
      }),
    });
    const xml = await assumed.text();
    const of = (name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(xml)?.[1] ?? '';
    const signer = new AwsV4Signer({
      url: 'https://files.example.com/one?two=3',
      accessKeyId: of('AccessKeyId'),
      secretAccessKey: of('SecretAccessKey'),
      sessionToken: of('SessionToken'),
      service: 'files',
      region: 'here',
    });
    const { headers } = await signer.sign();
    const body = {
      method: 'GET',
      path: '/one',
      query: 'two=3',
      headers: { host: 'files.example.com', ...Object.fromEntries(headers) },
      expectedHost: 'files.example.com',
    };
    await good('POST', '/aws/verify', { body });
  });

  it('to the last call of the bootstrap token is as documented, and every operation was asked', async () => {
    const names = { project: world.projectNumber };
    const owner = { role: 'roles/owner', members: [subject('root')] };
    await good('POST', '/v1/organizations/1:setIamPolicy', { names, body: { policy: { bindings: [owner] } } });
    const form = await exchangeForm({
      subject_token: await world.token({ namespace: 'shop', serviceAccount: 'root' }),
    });
    const bearer = String((await good('POST', '/v1/token', { form }))['access_token']);
    await good('GET', '/v1/projects', { bearer });
    await good('POST', '/v1/organizations/1:retireBootstrapToken', { bearer, body: {} });
    expect([...answered].toSorted()).toEqual(operationsOf(document).toSorted());
  });

  it.each([
    ['a member that nobody told of', { status: 'ok', more: 1 }],
    ['a member of another type', { status: 1 }],
    ['a member that is missing', {}],
  ])('with %s would be found', (_what, body) => {
    expect(judge.faults('GET', '/healthz', 200, 'application/json', body)).toHaveLength(1);
    expect(judge.faults('GET', '/healthz', 200, 'application/json', { status: 'ok' })).toEqual([]);
  });

  it.each([
    ['a member that is not known', { resource: { kind: 'x' } }],
    ['a word that is none of those', { tokenType: 'JWS' }],
    ['tags that are no texts', { tags: { a: 1 } }],
  ])('to a request with %s would be a refusal, as the document says', async (_what, body) => {
    expect(judge.requestFaults('PATCH', TARGET, body)).toHaveLength(1);
    expect(judge.requestFaults('PATCH', TARGET, { displayName: 'x', name: 'read before' })).toEqual([]);
  });

  it('of the document itself is cached, and is the one that the sources make', async () => {
    const { origin } = world.broker;
    const first = await fetch(`${origin}/openapi.json`);
    expect(await first.text()).toBe(DOCUMENT);
    expect(first.headers.get('cache-control')).toBe('public, max-age=300');
    const etag = first.headers.get('etag') ?? '';
    const again = await fetch(`${origin}/openapi.json`, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const wrong = await fetch(`${origin}/openapi.json`, { method: 'POST' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it.each(['/dashboard/style.css', '/dashboard/client.js', '/dashboard/'])(
    'at %s is the Worker’s, with its headers: no file has an address of its own',
    async (path) => {
      const answer = await fetch(`${world.broker.origin}${path}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});

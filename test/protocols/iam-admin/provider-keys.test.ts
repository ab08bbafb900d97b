/** Keys of providers over REST: the status that is shown, pushing with a workload's token, distrust, and uids that are denied. */
import { describe, expect, it } from 'vitest';
import type { PushInput, PushKeys } from '../../../src/core/push-keys.ts';
import { err, ok } from '../../../src/core/result.ts';
import { badFields, createAdminRest, TOKEN, withDemo } from '../../support/admin-rest.ts';
import { bytes, CLUSTER, EC_KEY, jwks } from '../../support/admin-samples.ts';
import { sampleProvider } from '../../support/core-samples.ts';

const POOL = '/v1/projects/100000000001/locations/global/workloadIdentityPools/demo.svc.id.goog';
const PROVIDER = `${POOL}/providers/cluster-1`;
const CREATE = `${POOL}/providers?workloadIdentityPoolProviderId=cluster-1`;
const DISCOVERED = { kubernetes: { clusterUri: 'https://one.example.com', issuerUri: 'https://issuer.example.com' } };

describe('a provider shows where its keys come from', () => {
  const status = {
    keys: [{ kid: 'k1', thumbprint: bytes(32) }],
    lastSuccessTime: '2026-01-01T00:00:00.000Z',
    nextRefreshTime: '2026-01-01T00:08:00.000Z',
    lastError: 'The JWKS was not there.',
    warnings: ['keys[1] is skipped'],
  };

  it('discovery: with what the issuer answered, where it is asked for alone', async () => {
    const asked: string[] = [];
    const rest = await withDemo({
      issuerKeysStatus: async (...name) => {
        asked.push(name.join('/'));
        return ok(status);
      },
    });
    const made = await rest.call('POST', CREATE, DISCOVERED);
    expect(made.body).toMatchObject({ response: { keySource: 'discovery', keys: { source: 'discovery' } } });
    const read = await rest.call('GET', PROVIDER);
    expect(read.body['keys']).toEqual({
      source: 'discovery',
      kids: ['k1'],
      thumbprints: [bytes(32)],
      updateTime: status.lastSuccessTime,
      lastError: status.lastError,
      nextRefreshTime: status.nextRefreshTime,
      warnings: status.warnings,
    });
    expect(read.body['kubernetes']).toEqual(DISCOVERED.kubernetes);
    await rest.call('GET', `${POOL}/providers`);
    expect(asked).toEqual(['100000000001/demo.svc.id.goog/cluster-1']);
  });

  it('discovery: the provider is readable although its keys cannot be asked for', async () => {
    const away = { tag: 'unavailable', dependency: 'issuer_keys', description: 'away' } as const;
    const rest = await withDemo({ issuerKeysStatus: async () => err(away) });
    await rest.call('POST', CREATE, DISCOVERED);
    expect((await rest.call('GET', PROVIDER)).body['keys']).toEqual({ source: 'discovery' });
  });

  it('takes back what was read, and its sources stay', async () => {
    for (const document of [CLUSTER, DISCOVERED]) {
      const rest = await withDemo();
      await rest.call('POST', CREATE, document);
      await rest.call('POST', `${PROVIDER}:distrustKey`, { thumbprint: bytes(32) });
      const read = await rest.call('GET', PROVIDER);
      const sent = await rest.call('PATCH', PROVIDER, { ...read.body, displayName: 'New' });
      expect(sent.status).toBe(200);
      const { updateTime: _before, ...before } = read.body;
      expect((await rest.call('GET', PROVIDER)).body).toMatchObject({ ...before, displayName: 'New' });
    }
  });

  it('has its options checked and shown', async () => {
    const rest = await withDemo();
    await rest.call('POST', CREATE, DISCOVERED);
    const mask = 'allowedJwksHosts,max_stale,newKeyHold,pushedKeysMaxAge,singleUse,maxTokenLifetime';
    const options = {
      allowedJwksHosts: ['keys.example.com'],
      maxStale: '0s',
      newKeyHold: '60s',
      pushedKeysMaxAge: '3600s',
      singleUse: true,
      maxTokenLifetime: '3600s',
    };
    const patched = await rest.call('PATCH', `${PROVIDER}?updateMask=${mask}`, options);
    expect(patched.body).toMatchObject({ response: options });
    expect(
      badFields(await rest.call('PATCH', PROVIDER, { tokenReview: { url: 'https://a.example.com', uri: 'x' } })),
    ).toEqual(['tokenReview.uri']);
    expect(badFields(await rest.call('PATCH', `${PROVIDER}?updateMask=keys`, {}))).toEqual(['updateMask']);
  });
});

describe(':distrustKey and :denyUids', () => {
  it("are an administrator's, and answer with what is true now", async () => {
    const rest = await withDemo();
    await rest.call('POST', CREATE, CLUSTER);
    const distrusted = await rest.call('POST', `${PROVIDER}:distrustKey`, { thumbprint: bytes(32) });
    expect(distrusted.body).toMatchObject({ done: true, response: { distrustedThumbprints: [bytes(32)] } });
    const until = '2026-01-02T00:00:00Z';
    const denied = await rest.call('POST', `${POOL}:denyUids`, { uids: ['uid-1'], until });
    const deniedUids = [{ uid: 'uid-1', until: '2026-01-02T00:00:00.000Z' }];
    expect(denied.body).toMatchObject({ done: true, response: { deniedUids } });
    const read = await rest.call('GET', POOL);
    expect(read.body).toMatchObject({ deniedUids });
    expect((await rest.call('PATCH', POOL, read.body)).body).toMatchObject({ response: { deniedUids } });
    for (const path of [`${PROVIDER}:distrustKey`, `${POOL}:denyUids`]) {
      expect((await rest.send(path, { method: 'POST' })).status).toBe(401);
    }
    expect(rest.admin.history.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['provider.distrustKey', 'pool.denyUids']),
    );
  });

  it.each([
    [`${PROVIDER}:distrustKey`, {}, 'thumbprint'],
    [`${PROVIDER}:distrustKey`, { thumbprint: 'x' }, 'thumbprint'],
    [`${PROVIDER}:distrustKey`, { thumbprint: bytes(32), kid: 'k' }, 'kid'],
    [`${POOL}:denyUids`, { uids: ['a'] }, 'until'],
    [`${POOL}:denyUids`, { uids: 'a', until: '2026-01-02T00:00:00Z' }, 'uids'],
    [`${POOL}:denyUids`, { uids: ['a'], until: 1_800_000_000 }, 'until'],
  ])('%s refuses %j', async (path, body, field) => {
    const rest = await withDemo();
    await rest.call('POST', CREATE, CLUSTER);
    expect(badFields(await rest.call('POST', path, body))).toEqual([field]);
  });
});

describe(':pushKeys', () => {
  const path = `${PROVIDER}:pushKeys`;
  const body = JSON.stringify({ jwksJson: jwks(EC_KEY) });
  const request = (token: string | undefined, more: RequestInit = {}): RequestInit => ({
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'cf-connecting-ip': '192.0.2.1',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body,
    ...more,
  });

  it('hands the token to the core and answers with the keys alone', async () => {
    const inputs: PushInput[] = [];
    const pushKeys: PushKeys = async (input) => {
      inputs.push(input);
      const provider = sampleProvider({
        keySource: 'pushed',
        keysExpireAtSeconds: 1_800_000_000,
        displayName: 'secret',
      });
      return ok({ provider, warnings: ['w'] });
    };
    const response = await createAdminRest({}, pushKeys).send(path, request('a.b.c'));
    expect(inputs).toEqual([
      {
        name: { projectNumber: '100000000001', poolId: 'demo.svc.id.goog', providerId: 'cluster-1' },
        address: '192.0.2.1',
        token: 'a.b.c',
        jwksJson: jwks(EC_KEY),
      },
    ]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      name: expect.stringMatching(/\/providers\/cluster-a$/),
      keys: {
        source: 'pushed',
        kids: ['k1'],
        thumbprints: [expect.any(String)],
        updateTime: expect.any(String),
        expireTime: '2027-01-15T08:00:00.000Z',
      },
      warnings: ['w'],
    });
  });

  it.each([
    [{ tag: 'bad_credentials' }, 401, 'UNAUTHENTICATED'],
    [{ tag: 'permission_denied', permission: 'p', resource: 'r' }, 403, 'PERMISSION_DENIED'],
    [{ tag: 'failed_precondition', description: 'd' }, 400, 'FAILED_PRECONDITION'],
    [{ tag: 'etag_mismatch', resource: 'r' }, 409, 'ABORTED'],
    [{ tag: 'too_many_failures', retryAfterSeconds: 7 }, 429, 'RESOURCE_EXHAUSTED'],
    [{ tag: 'unavailable', dependency: 'configuration', description: 'd' }, 503, 'UNAVAILABLE'],
  ] as const)('answers %j with %i %s', async (denial, code, status) => {
    const response = await createAdminRest({}, async () => err(denial)).send(path, request('a.b.c'));
    expect(response.status).toBe(code);
    expect(await response.json()).toMatchObject({ error: { code, status } });
    expect(response.headers.get('retry-after')).toBe(
      denial.tag === 'too_many_failures' ? '7' : denial.tag === 'unavailable' ? '1' : null,
    );
  });

  const reached: PushKeys = async () => {
    throw new Error('this must not reach the core');
  };
  const json = { 'content-type': 'application/json', authorization: 'Bearer a.b.c' };

  it.each([
    ['no token', path, request(undefined), 401],
    ['another scheme', path, request(undefined, { headers: { ...json, authorization: 'Basic a' } }), 401],
    ['two tokens', path, request('a b'), 401],
    ['a project id', path.replace('100000000001', 'demo'), request('a.b.c'), 401],
    ['a name that cannot be', path.replace('cluster-1', '%2e%2e'), request('a.b.c'), 401],
    ['another method', path, request('a.b.c', { method: 'PUT' }), 405],
    ['a query', `${path}?access_token=x`, request('a.b.c'), 400],
    ['another media type', path, request('a.b.c', { headers: { ...json, 'content-type': 'text/plain' } }), 415],
    ['keys as an object', path, request('a.b.c', { body: '{"jwksJson":{"keys":[]}}' }), 400],
    ['an unknown member', path, request('a.b.c', { body: '{"jwksJson":"","x":1}' }), 400],
    ['a repeated member', path, request('a.b.c', { body: '{"jwksJson":"","jwks\\u004ason":""}' }), 400],
    ['a flood', path, request('a.b.c', { body: JSON.stringify({ jwksJson: 'x'.repeat(262_144) }) }), 413],
  ])('refuses %s before the core is asked', async (_name, at, init, status) => {
    expect((await createAdminRest({}, reached).send(at, init)).status).toBe(status);
  });

  it('is nothing that an administrator can do', async () => {
    const rest = await withDemo({}, async () => err({ tag: 'bad_credentials' }));
    await rest.call('POST', CREATE, CLUSTER);
    expect((await rest.send(path, request(TOKEN))).status).toBe(401);
    expect(rest.admin.history.map(({ type }) => type)).not.toContain('provider.pushKeys');
  });
});

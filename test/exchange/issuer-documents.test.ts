/** Discovery, RFC 8414 and JWKS of a pool's issuer, as relying parties need them (WIRE.md H.2; SECURITY.md §5.1). */
import { exports } from 'cloudflare:workers';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  addCluster,
  call,
  type Cluster,
  createProject,
  exchange,
  must,
  ORIGIN,
  type TestProject,
} from '../support/broker.ts';

let project: TestProject;
let cluster: Cluster;
let path: string;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  path = `/${project.number}/${project.builtInPool}`;
});

describe('discovery', () => {
  it('says the issuer it is served under, at both places, cacheable and for all origins', async () => {
    const oidc = await call(`${path}/.well-known/openid-configuration`);
    const oauth = await call(`/.well-known/oauth-authorization-server${path}`);
    for (const answer of [oidc, oauth]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    }
    expect(oidc.body).toMatchObject({
      issuer: `${ORIGIN}${path}`,
      jwks_uri: `${ORIGIN}${path}/jwks`,
      token_endpoint: `${ORIGIN}/v1/token`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256', 'RS256'],
    });
    expect(oauth.body).toEqual(oidc.body);
  });

  it('is not changed by the Host header', async () => {
    // The URL of the request is the Host header and the path, as the runtime hands it in.
    const response = await exports.default.fetch(
      new Request(`https://evil.example${path}/.well-known/openid-configuration`),
    );
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ issuer: `${ORIGIN}${path}` });
    expect(text).not.toContain('evil');
  });

  it.each(['/999999999999/demo.svc.id.goog', '/1/demo', '/nowhere'])('%s does not exist', async (other) => {
    expect((await call(`${other}/.well-known/openid-configuration`)).status).toBe(404);
    expect((await call(`${other}/jwks`)).status).toBe(404);
  });

  it('an unknown pool of a known project does not exist; a new one does at once', async () => {
    const other = `/${project.number}/another-pool`;
    expect((await call(`${other}/jwks`)).status).toBe(404);
    await must(
      'POST',
      `/v1/projects/${project.number}/locations/global/workloadIdentityPools?workloadIdentityPoolId=another-pool`,
      {},
    );
    expect((await call(`${other}/jwks`)).status).toBe(200);
  });

  it('takes GET, HEAD and a preflight, nothing else', async () => {
    expect((await call(`${path}/jwks`, { method: 'HEAD' })).status).toBe(200);
    expect((await call(`${path}/jwks`, { method: 'OPTIONS' })).status).toBe(204);
    const post = await call(`${path}/jwks`, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });
});

describe('JWKS', () => {
  it('holds public members only, no key_ops, and answers 304 to its own ETag', async () => {
    const answer = await call(`${path}/jwks`);
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
    const { keys } = answer.body as unknown as JSONWebKeySet;
    expect(keys.length).toBeGreaterThanOrEqual(4);
    for (const key of keys) {
      const allowed =
        key.kty === 'RSA' ? ['kty', 'kid', 'use', 'alg', 'n', 'e'] : ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y'];
      expect(Object.keys(key).toSorted()).toEqual(allowed.toSorted());
    }
    expect(answer.text).not.toMatch(/"(d|p|q|dp|dq|qi|k|key_ops|ext|x5c)"/);
    const again = await call(`${path}/jwks`, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });

  it('verifies the token, and only under its own issuer', async () => {
    const token = String((await exchange(cluster)).body['access_token']);
    const keys = createLocalJWKSet((await call(`${path}/jwks`)).body as unknown as JSONWebKeySet);
    const verified = await jwtVerify(token, keys, { issuer: `${ORIGIN}${path}`, audience: ORIGIN, typ: 'at+jwt' });
    expect(verified.payload.sub).toBe('ns/shop/sa/checkout');
    await expect(
      jwtVerify(token, keys, { issuer: `${ORIGIN}/${project.number}/other`, audience: ORIGIN }),
    ).rejects.toThrow('iss');
    const other = await createProject();
    const foreign = createLocalJWKSet(
      (await call(`/${other.number}/${other.builtInPool}/jwks`)).body as unknown as JSONWebKeySet,
    );
    await expect(jwtVerify(token, foreign)).rejects.toThrow();
  });

  it('after an emergency rotation the dropped key is gone and new tokens verify by keys that were published before', async () => {
    const mine = await createProject();
    const workload = await addCluster(mine);
    const jwks = `/${mine.number}/${mine.builtInPool}/jwks`;
    const before = (await call(jwks)).body as unknown as JSONWebKeySet;
    const old = String((await exchange(workload)).body['access_token']);
    await must('POST', `/v1/projects/${mine.number}/signingKeys:rotate`, { alg: 'ES256', emergency: true });
    const fresh = String((await exchange(workload)).body['access_token']);
    await expect(jwtVerify(fresh, createLocalJWKSet(before))).resolves.toBeDefined();
    const after = (await call(jwks)).body as unknown as JSONWebKeySet;
    await expect(jwtVerify(old, createLocalJWKSet(after))).rejects.toThrow('no applicable key');
    await expect(jwtVerify(fresh, createLocalJWKSet(after))).resolves.toBeDefined();
    const { keys } = (await must('GET', `/v1/projects/${mine.number}/signingKeys`)) as {
      keys: { state: string; alg: string }[];
    };
    expect(
      keys
        .filter((key) => key.alg === 'ES256')
        .map((key) => key.state)
        .toSorted(),
    ).toEqual(['ACTIVE', 'DISTRUSTED', 'NEXT']);
  });
});

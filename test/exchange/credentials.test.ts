/** IAM Credentials through the front door: what each method answers, and that it verifies by the account's own documents and by no others. */
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  accessToken,
  addAccount,
  bind,
  brokerToken,
  CREATOR,
  impersonate,
  SCOPE,
  type TestAccount,
  USER,
  workloadMember,
} from '../support/accounts.ts';
import { addCluster, call, type Cluster, createProject, must, ORIGIN, type TestProject } from '../support/broker.ts';

let project: TestProject;
let cluster: Cluster;
let account: TestAccount;
let federated: string;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  account = await addAccount(project, 'builder');
  const members = [workloadMember(cluster)];
  await bind(account, { role: USER, members }, { role: CREATOR, members });
  federated = await brokerToken(cluster);
});

async function keysAt(path: string): Promise<JSONWebKeySet> {
  const answer = await call(path);
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.body as unknown as JSONWebKeySet;
}

describe('an access token of a service account', () => {
  it('is the account’s, under the issuer of the project’s accounts, and says who acts as it', async () => {
    const answer = await impersonate(account, federated, 'generateAccessToken', { lifetime: '600s' });
    const { accessToken: token, expireTime } = answer.body as Record<string, string>;
    const issuer = `${ORIGIN}/${project.number}`;
    const keys = createLocalJWKSet(await keysAt(`/${project.number}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(token ?? '', keys, { issuer, audience: ORIGIN });
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    expect(payload).toMatchObject({
      sub: account.uniqueId,
      client_id: account.uniqueId,
      email: account.email,
      principal: `serviceAccount:${account.email}`,
      scope: SCOPE,
      act: { sub: workloadMember(cluster) },
      exp: (payload.iat ?? 0) + 600,
    });
    expect(expireTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(expireTime ?? '') / 1_000).toBe(payload.exp);
  });

  it('administers by the policies that name the account, and is nobody else', async () => {
    const token = await accessToken(account, federated);
    const path = `/v1/projects/${project.number}`;
    const headers = { authorization: `Bearer ${token}` };
    expect((await call(path, { headers })).status).toBe(403);
    const bindings = [{ role: 'roles/iam.securityReviewer', members: [`serviceAccount:${account.email}`] }];
    await must('POST', `${path}:setIamPolicy`, { policy: { bindings } });
    expect((await call(path, { headers })).status).toBe(200);
    const narrow = await accessToken(account, federated, { scope: ['https://www.googleapis.com/auth/devstorage'] });
    expect((await call(path, { headers: { authorization: `Bearer ${narrow}` } })).status).toBe(403);
    await must('POST', `${path}:setIamPolicy`, { policy: {} });
  });
});

describe('an ID token of a service account', () => {
  it('is for its audience, and says the address where that is asked for', async () => {
    const answer = await impersonate(account, federated, 'generateIdToken', { includeEmail: true });
    const keys = createLocalJWKSet(await keysAt(`/${project.number}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(String(answer.body['token']), keys, {
      issuer: `${ORIGIN}/${project.number}`,
      audience: 'https://service.example.com',
    });
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT' });
    expect(payload).toMatchObject({
      sub: account.uniqueId,
      azp: account.uniqueId,
      email: account.email,
      email_verified: true,
      exp: (payload.iat ?? 0) + 3_600,
    });
    const plain = await impersonate(account, federated, 'generateIdToken');
    expect(decodeJwt(String(plain.body['token']))).not.toHaveProperty('email');
  });

  it('for the broker itself opens nothing: it is no access token', async () => {
    const answer = await impersonate(account, federated, 'generateIdToken', { audience: ORIGIN });
    const headers = { authorization: `Bearer ${String(answer.body['token'])}` };
    expect((await call('/v1/projects', { headers })).status).toBe(401);
    expect((await impersonate(account, String(answer.body['token']))).status).toBe(401);
  });
});

describe('what a service account signs', () => {
  it('verifies by its own keys: claims, with its issuer where they name none', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 60;
    const answer = await impersonate(account, federated, 'signJwt', { payload: JSON.stringify({ sub: 'me', exp }) });
    const { keyId, signedJwt } = answer.body as Record<string, string>;
    const keys = createLocalJWKSet(await keysAt(`/v1/metadata/jwk/${account.email}`));
    const { payload } = await jwtVerify(signedJwt ?? '', keys);
    expect(payload).toEqual({ iss: `${ORIGIN}/${project.number}`, sub: 'me', exp });
    expect(decodeProtectedHeader(signedJwt ?? '')).toEqual({ alg: 'RS256', kid: keyId, typ: 'JWT' });
  });

  it('verifies by its own keys: bytes', async () => {
    const answer = await impersonate(account, federated, 'signBlob', { payload: btoa('these bytes') });
    const { keyId, signedBlob } = answer.body as Record<string, string>;
    const { keys } = await keysAt(`/v1/metadata/jwk/${account.email}`);
    const jwk = keys.find((key) => key.kid === keyId);
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('jwk', jwk as JsonWebKey, algorithm, false, ['verify']);
    const signature = Uint8Array.from(atob(signedBlob ?? ''), (character) => character.charCodeAt(0));
    const bytes = new TextEncoder().encode('these bytes');
    expect(await crypto.subtle.verify(algorithm, key, signature, bytes)).toBe(true);
  });

  it('is signed by no key that the project’s issuers publish', async () => {
    const own = (await keysAt(`/v1/metadata/jwk/${account.email}`)).keys.map((key) => key.kid);
    const issuers = [
      await keysAt(`/${project.number}/jwks`),
      await keysAt(`/${project.number}/${project.builtInPool}/jwks`),
    ].map(({ keys }) => keys.map((key) => key.kid));
    expect(own.length).toBeGreaterThan(0);
    const all = [...own, ...issuers.flat()];
    expect(new Set(all).size).toBe(all.length);
    for (const { alg } of (await keysAt(`/v1/metadata/jwk/${account.email}`)).keys)
      expect(['RS256', 'ES256']).toContain(alg);
  });
});

describe('in an emergency', () => {
  it('the key of accounts’ tokens is dropped: they are dead at once, new ones verify, and exchanged ones go on', async () => {
    const before = await accessToken(account, federated);
    const info = async (token: string): Promise<number> =>
      (await call('/v1/tokeninfo', { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await info(before)).toBe(200);
    await must('POST', `/v1/projects/${project.number}/serviceAccountSigningKeys:rotate`, { emergency: true });
    expect(await info(before)).toBe(400);
    expect([await info(await accessToken(account, federated)), await info(federated)]).toEqual([200, 200]);
  });

  it('the key of what one account signs is dropped from its document, and another signs', async () => {
    const sign = async (): Promise<unknown> => (await impersonate(account, federated, 'signBlob')).body['keyId'];
    const kids = async () => (await keysAt(`/v1/metadata/jwk/${account.email}`)).keys.map((key) => key.kid);
    const kid = await sign();
    expect(await kids()).toContain(kid);
    await must('POST', `${account.path}/signingKeys:rotate`, { emergency: true, alg: 'RS256' });
    expect(await kids()).not.toContain(kid);
    expect(await kids()).toContain(await sign());
  });
});

/**
 * Forging with the broker's own hand: whoever may have bytes or claims signed in an account's name assembles tokens of every other kind with
 * it, and shows them wherever tokens are taken. None verifies by the keys of any issuer, and none is taken anywhere.
 */
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
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
import {
  addCluster,
  type Answer,
  call,
  type Cluster,
  createProject,
  must,
  ORIGIN,
  postToken,
  type TestProject,
  tokenForm,
} from '../support/broker.ts';
import { base64Url } from '../support/issuer.ts';

let project: TestProject;
let cluster: Cluster;
let account: TestAccount;
let federated: string;
/** A real token of each kind: what a forger copies. */
let real: Record<string, string>;

beforeAll(async () => {
  project = await createProject();
  cluster = await addCluster(project);
  account = await addAccount(project, 'signer');
  const members = [workloadMember(cluster)];
  await bind(account, { role: USER, members }, { role: CREATOR, members });
  federated = await brokerToken(cluster);
  // Whoever the forger says he is owns the project.
  const owners = [workloadMember(cluster), `serviceAccount:${account.email}`];
  const bindings = [{ role: 'roles/owner', members: owners }];
  await must('POST', `/v1/projects/${project.number}:setIamPolicy`, { policy: { bindings } });
  const id = await impersonate(account, federated, 'generateIdToken', { audience: ORIGIN });
  real = { federated, access: await accessToken(account, federated), id: String(id.body['token']) };
});

function payloadOf(token: string): Record<string, unknown> {
  const text = atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(text) as Record<string, unknown>;
}

async function keysAt(path: string): Promise<JSONWebKeySet> {
  return (await call(path)).body as unknown as JSONWebKeySet;
}

/** Signed bytes that read as a token: any header, any claims. */
async function byBlob(header: object, claims: object): Promise<string> {
  const input = `${base64Url(JSON.stringify(header))}.${base64Url(JSON.stringify(claims))}`;
  const answer = await impersonate(account, federated, 'signBlob', { payload: btoa(input) });
  const signature = String(answer.body['signedBlob']);
  return `${input}.${signature.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

async function isTaken(token: string): Promise<readonly string[]> {
  const headers = { authorization: `Bearer ${token}` };
  const doors: readonly (readonly [string, () => Promise<Answer>])[] = [
    ['administration', () => call(`/v1/projects/${project.number}`, { headers })],
    [
      'deny policies',
      () => call('/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fx/denypolicies', { headers }),
    ],
    ['metrics', () => call('/metrics', { headers })],
    ['IAM Credentials', () => impersonate(account, token)],
    ['exchange', () => postToken(tokenForm(cluster.audience, token))],
  ];
  const taken = [];
  for (const [name, door] of doors) if ((await door()).status < 400) taken.push(name);
  return taken;
}

const JWKS = (): readonly string[] => [`/${project.number}/jwks`, `/${project.number}/${project.builtInPool}/jwks`];

/** Each of these verifies where it should, so that a refusal is the signature's and nothing else's. */
it('has a real token of each kind to copy', async () => {
  expect(await isTaken(real['federated'] ?? '')).toEqual(['administration', 'metrics', 'IAM Credentials']);
  expect(await isTaken(real['access'] ?? '')).toContain('administration');
});

describe.each(['federated', 'access', 'id'])('a copy of a real %s token', (kind) => {
  it.each(['as it is', 'by its own kid', 'by the kid of the real one', 'by no kid'])(
    'signed as bytes is nobody’s token: %s',
    async (how) => {
      const token = real[kind] ?? '';
      const header = decodeProtectedHeader(token);
      const own = (await keysAt(`/v1/metadata/jwk/${account.email}`)).keys[0]?.kid;
      const kid = { 'by its own kid': own, 'by the kid of the real one': header.kid, 'by no kid': undefined }[how];
      const forged = await byBlob(how === 'as it is' ? header : { ...header, alg: 'RS256', kid }, {
        ...payloadOf(token),
        jti: crypto.randomUUID(),
      });
      expect(await isTaken(forged)).toEqual([]);
      for (const path of JWKS()) {
        await expect(jwtVerify(forged, createLocalJWKSet(await keysAt(path)))).rejects.toThrow();
      }
    },
  );

  it('signed as claims is refused, or is nobody’s token', async () => {
    const payload = JSON.stringify({ ...payloadOf(real[kind] ?? ''), jti: crypto.randomUUID() });
    const answer = await impersonate(account, federated, 'signJwt', { payload });
    if (kind === 'federated') {
      expect(answer.status).toBe(400);
      return;
    }
    const forged = String(answer.body['signedJwt']);
    expect(decodeProtectedHeader(forged).typ).toBe('JWT');
    expect(await isTaken(forged)).toEqual([]);
    for (const path of JWKS()) {
      await expect(jwtVerify(forged, createLocalJWKSet(await keysAt(path)))).rejects.toThrow(/no applicable key/);
    }
  });
});

describe('signJwt', () => {
  it.each([
    ['the broker’s own origin', () => ORIGIN],
    ['a pool', () => `${ORIGIN}/${project.number}/${project.builtInPool}`],
    ['the accounts of another project', () => `${ORIGIN}/999999999999`],
  ])('signs in the name of no other issuer of ours: %s', async (_what, iss) => {
    const answer = await impersonate(account, federated, 'signJwt', { payload: JSON.stringify({ iss: iss() }) });
    expect(answer.status).toBe(400);
  });
});

it('an access token of an account under the name of a pool’s issuer is not the pool’s, nor the other way round', async () => {
  const ofAccounts = createLocalJWKSet(await keysAt(`/${project.number}/jwks`));
  const ofPool = createLocalJWKSet(await keysAt(`/${project.number}/${project.builtInPool}/jwks`));
  await expect(jwtVerify(real['access'] ?? '', ofPool)).rejects.toThrow(/no applicable key/);
  await expect(jwtVerify(real['federated'] ?? '', ofAccounts)).rejects.toThrow(/no applicable key/);
  expect((await jwtVerify(real['access'] ?? '', ofAccounts)).payload['scope']).toBe(SCOPE);
});

/** Google's own clients, unmodified, impersonate service accounts over real HTTP: an `external_account` file, `Impersonated`, an ID-token client, and `@googleapis/iamcredentials`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auth as googleAuth, iamcredentials, type iamcredentials_v1 } from '@googleapis/iamcredentials';
import {
  DownscopedClient,
  type ExternalAccountClient,
  type gaxios,
  GoogleAuth,
  IdTokenClient,
  Impersonated,
} from 'google-auth-library';
import { createRemoteJWKSet, type JWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/node/demo-world.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

let world: World;
let folder: string;
let builder: string;
let deployer: string;
let issuer: string;

beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), 'edge-sts-accounts-'));
  issuer = `${world.broker.origin}/${world.projectNumber}`;
  const workload = `principal:${world.audience.replace(/\/providers\/.*/, '')}/subject/ns/shop/sa/checkout`;
  builder = await account('builder', [
    { role: 'roles/iam.workloadIdentityUser', members: [workload] },
    { role: 'roles/iam.serviceAccountTokenCreator', members: [workload] },
  ]);
  deployer = await account('deployer', [
    { role: 'roles/iam.serviceAccountTokenCreator', members: [`serviceAccount:${builder}`] },
  ]);
});

afterAll(async () => {
  await world.broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function account(accountId: string, bindings: readonly object[]): Promise<string> {
  const path = `/v1/projects/${world.projectNumber}/serviceAccounts`;
  const made = await world.must('POST', path, { accountId });
  const email = String(made['email']);
  await world.must('POST', `${path}/${email}:setIamPolicy`, { policy: { bindings } });
  return email;
}

const urlOf = (email: string): string =>
  `${world.broker.origin}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;

async function credentialsFile(more: object = {}): Promise<string> {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, await world.token());
  const config = {
    type: 'external_account',
    audience: world.audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${world.broker.origin}/v1/token`,
    credential_source: { file: tokenFile },
    ...more,
  };
  const file = join(folder, `${crypto.randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(config));
  return file;
}

async function sourceClient(
  more: object = {},
): Promise<NonNullable<ReturnType<typeof ExternalAccountClient.fromJSON>>> {
  const client = await new GoogleAuth({ keyFilename: await credentialsFile(more), scopes: SCOPE }).getClient();
  return client as NonNullable<ReturnType<typeof ExternalAccountClient.fromJSON>>;
}

const impersonated = async (targetPrincipal: string, more: object = {}): Promise<Impersonated> =>
  new Impersonated({
    sourceClient: await sourceClient(),
    targetPrincipal,
    targetScopes: [SCOPE],
    delegates: [],
    endpoint: world.broker.origin,
    ...more,
  });

const keys = () => createRemoteJWKSet(new URL(`${issuer}/jwks`));

describe('google-auth-library', () => {
  it('impersonates by the url in its credentials file, and the token verifies from discovery', async () => {
    const client = await sourceClient({
      service_account_impersonation_url: urlOf(builder),
      service_account_impersonation: { token_lifetime_seconds: 900 },
    });
    const { token } = await client.getAccessToken();
    const discovery = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as {
      issuer: string;
      jwks_uri: string;
    };
    expect(discovery.issuer).toBe(issuer);
    const { payload } = await jwtVerify(String(token), createRemoteJWKSet(new URL(discovery.jwks_uri)), { issuer });
    expect(payload).toMatchObject({ email: builder, scope: SCOPE, exp: (payload.iat ?? 0) + 900 });
  });

  it('impersonates over a delegate, and signs', async () => {
    const client = await impersonated(deployer, {
      delegates: [`projects/-/serviceAccounts/${builder}`],
      lifetime: 600,
    });
    const { token } = await client.getAccessToken();
    const { payload } = await jwtVerify(String(token), keys(), { issuer });
    expect(payload).toMatchObject({ email: deployer, act: { sub: `serviceAccount:${builder}` } });
    const { keyId, signedBlob } = await client.sign('to be signed');
    const jwks = (await (await fetch(`${world.broker.origin}/v1/metadata/jwk/${deployer}`)).json()) as {
      keys: JWK[];
    };
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const jwk = jwks.keys.find(({ kid }) => kid === keyId);
    const key = await crypto.subtle.importKey('jwk', jwk ?? {}, algorithm, false, ['verify']);
    const bytes = new TextEncoder().encode('to be signed');
    expect(await crypto.subtle.verify(algorithm, key, Buffer.from(signedBlob, 'base64'), bytes)).toBe(true);
  });

  it('gets ID tokens for whoever they are meant for', async () => {
    const audience = 'https://service.example.com';
    const client = new IdTokenClient({ targetAudience: audience, idTokenProvider: await impersonated(builder) });
    const headers = await client.getRequestHeaders();
    const token = (headers.get('authorization') ?? '').replace('Bearer ', '');
    const { payload } = await jwtVerify(token, keys(), { issuer, audience });
    expect(payload).toMatchObject({ email: builder, email_verified: true, azp: builder });
  });

  it('goes on from account to account: an impersonated client is the source of the next', async () => {
    const first = await impersonated(builder);
    const next = new Impersonated({
      sourceClient: first,
      targetPrincipal: deployer,
      targetScopes: [SCOPE],
      endpoint: world.broker.origin,
    });
    const { payload } = await jwtVerify(String((await next.getAccessToken()).token), keys(), { issuer });
    expect(payload).toMatchObject({ email: deployer, act: { sub: `serviceAccount:${builder}`, act: {} } });
  });

  it('hears why it may not: status and message', async () => {
    const client = await impersonated(deployer);
    await expect(client.getAccessToken()).rejects.toThrow(
      /PERMISSION_DENIED: unable to impersonate: Permission 'iam.serviceAccounts.getAccessToken' denied on resource/,
    );
    await expect((await impersonated(builder, { lifetime: 7_200 })).getAccessToken()).rejects.toThrow(
      /INVALID_ARGUMENT: unable to impersonate: Invalid value at 'lifetime'/,
    );
  });
});

describe('a downscoped client', () => {
  const boundary = (...emails: readonly string[]) => ({
    accessBoundary: {
      accessBoundaryRules: emails.map((email) => ({
        availableResource: `//iam.googleapis.com/projects/-/serviceAccounts/${email}`,
        availablePermissions: ['inRole:roles/iam.serviceAccountTokenCreator'],
      })),
    },
  });

  /** Its endpoint is `sts.UNIVERSE` and nothing else: whoever owns the universe's domain leads it here, and the hook stands in for that. */
  async function downscoped(...emails: readonly string[]): Promise<DownscopedClient> {
    const client = new DownscopedClient({
      authClient: await sourceClient(),
      credentialAccessBoundary: boundary(...emails),
      universeDomain: 'sts.example.com',
    });
    const { stsCredential } = client as unknown as { stsCredential: { transporter: gaxios.Gaxios } };
    stsCredential.transporter.interceptors.request.add({
      resolved: async (config) => {
        expect(config.url.href).toBe('https://sts.sts.example.com/v1/token');
        return { ...config, url: new URL(`${world.broker.origin}/v1/token`) };
      },
    });
    return client;
  }

  const sign = (email: string, bearer: string): Promise<Response> =>
    fetch(`${world.broker.origin}/v1/projects/-/serviceAccounts/${email}:signBlob`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ payload: 'YQ==' }),
    });

  it('gets a token that may less, and says until when', async () => {
    const other = await account('bystander', [
      {
        role: 'roles/iam.serviceAccountTokenCreator',
        members: [`principal:${world.audience.replace(/\/providers\/.*/, '')}/subject/ns/shop/sa/checkout`],
      },
    ]);
    const { token, expirationTime } = await (await downscoped(builder)).getAccessToken();
    expect(expirationTime).toBeGreaterThan(Date.now());
    expect((await sign(builder, String(token))).status).toBe(200);
    expect((await sign(other, String(token))).status).toBe(403);
    expect((await sign(other, String((await (await sourceClient()).getAccessToken()).token))).status).toBe(200);
  });

  it('hears what is wrong with its boundary', async () => {
    const client = await downscoped(builder);
    const { credentialAccessBoundary } = client as unknown as { credentialAccessBoundary: ReturnType<typeof boundary> };
    credentialAccessBoundary.accessBoundary.accessBoundaryRules[0]?.availablePermissions.push('storage.objects.get');
    await expect(client.getAccessToken()).rejects.toThrow(/invalid_request.*accessBoundaryRules\[0\]/);
  });
});

describe('@googleapis/iamcredentials', () => {
  async function client(): Promise<iamcredentials_v1.Resource$Projects$Serviceaccounts> {
    const oauth = new googleAuth.OAuth2();
    const { token } = await (await sourceClient()).getAccessToken();
    oauth.setCredentials({ access_token: String(token) });
    return iamcredentials({ version: 'v1', rootUrl: world.broker.origin, auth: oauth, retry: false }).projects
      .serviceAccounts;
  }

  const name = (): string => `projects/-/serviceAccounts/${builder}`;

  it('does all four', async () => {
    const accounts = await client();
    const access = await accounts.generateAccessToken({
      name: name(),
      requestBody: { scope: [SCOPE], lifetime: '60s' },
    });
    expect(Date.parse(access.data.expireTime ?? '')).toBeGreaterThan(Date.now());
    const id = await accounts.generateIdToken({ name: name(), requestBody: { audience: 'me', includeEmail: true } });
    expect((await jwtVerify(String(id.data.token), keys(), { audience: 'me' })).payload['email']).toBe(builder);
    const jwt = await accounts.signJwt({
      name: name(),
      requestBody: { payload: JSON.stringify({ sub: builder, iss: builder }) },
    });
    const own = createRemoteJWKSet(new URL(`${world.broker.origin}/v1/metadata/jwk/${builder}`));
    expect((await jwtVerify(String(jwt.data.signedJwt), own)).payload.iss).toBe(builder);
    const blob = await accounts.signBlob({ name: name(), requestBody: { payload: 'YQ==' } });
    expect(blob.data.keyId).toBe(jwt.data.keyId);
  });

  it.each<
    [number, string, string, (accounts: iamcredentials_v1.Resource$Projects$Serviceaccounts) => Promise<unknown>]
  >([
    [
      400,
      'INVALID_ARGUMENT',
      'no time at all',
      (accounts) => accounts.generateAccessToken({ name: name(), requestBody: { scope: [SCOPE], lifetime: '0s' } }),
    ],
    [
      400,
      'INVALID_ARGUMENT',
      'an expired payload',
      (accounts) => accounts.signJwt({ name: name(), requestBody: { payload: '{"exp":1}' } }),
    ],
    [
      403,
      'PERMISSION_DENIED',
      'another account',
      (accounts) =>
        accounts.signBlob({ name: `projects/-/serviceAccounts/${deployer}`, requestBody: { payload: 'YQ==' } }),
    ],
  ])('raises %i %s for %s', async (code, status, _what, call) => {
    const accounts = await client();
    await expect(call(accounts)).rejects.toMatchObject({
      response: { status: code, data: { error: { code, status } } },
    });
  });

  it('raises 401 without a token that holds, and 429 where the quota is used up', async () => {
    const oauth = new googleAuth.OAuth2();
    oauth.setCredentials({ access_token: 'nonsense' });
    const stranger = iamcredentials({ version: 'v1', rootUrl: world.broker.origin, auth: oauth, retry: false });
    const asked = { name: name(), requestBody: { payload: 'YQ==' } };
    await expect(stranger.projects.serviceAccounts.signBlob(asked)).rejects.toMatchObject({
      response: { status: 401 },
    });
    const path = `/v1/projects/${world.projectNumber}?updateMask=credentialGenerationsPerMinute`;
    await world.must('PATCH', path, { credentialGenerationsPerMinute: 0 });
    const accounts = await client();
    await expect(accounts.signBlob(asked)).rejects.toMatchObject({
      response: { status: 429, data: { error: { status: 'RESOURCE_EXHAUSTED' } } },
    });
    await world.must('PATCH', path, { credentialGenerationsPerMinute: 60_000 });
  });
});

/** A real issuer over real HTTP: its keys are discovered, followed through a rotation, and served on while it is away. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createIssuer, type Issuer, workloadClaims } from '../support/issuer.ts';
import { startWorld, type World } from '../support/node/demo-world.ts';

let world: World;
let server: Server;
let issuerUri: string;
let published: Issuer[];
let requests: string[];
let audience: string;
let provider: string;

beforeAll(async () => {
  requests = [];
  published = [await createIssuer('RS256')];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const body =
      request.url === '/keys'
        ? { keys: published.map((issuer) => issuer.publicJwk) }
        : { issuer: issuerUri, jwks_uri: `${issuerUri}/keys` };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuerUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  world = await startWorld();
  provider = `projects/${world.projectNumber}/locations/global/workloadIdentityPools/${world.pool}/providers/discovered`;
  audience = `//iam.googleapis.com/${provider}`;
  const path = provider.replace('/providers/discovered', '/providers?workloadIdentityPoolProviderId=discovered');
  await world.must('POST', `/v1/${path}`, {
    kubernetes: { clusterUri: 'https://clusters.example.com/discovered', issuerUri },
  });
});

afterAll(async () => {
  await world.broker.stop();
  server.close();
});

async function exchange(issuer: Issuer): Promise<{ status: number; body: Record<string, unknown> }> {
  const token = await issuer.sign(workloadClaims({ issuerUri, audience: `https:${audience}` }));
  const response = await fetch(`${world.broker.origin}/v1/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience,
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

it('exchanges by discovered keys, fetched once for many', async () => {
  const [issuer] = published;
  if (issuer === undefined) throw new Error('no issuer');
  for (let round = 0; round < 5; round++) expect(await exchange(issuer)).toMatchObject({ status: 200 });
  expect(requests).toEqual(['/.well-known/openid-configuration', '/keys']);
});

it('shows the keys on the provider', async () => {
  const shown = await world.must('GET', `/v1/${provider}`);
  expect(shown).toMatchObject({ keySource: 'discovery' });
  expect(JSON.stringify(shown['keys'])).toContain(published[0]?.kid ?? 'none');
});

it('asks nobody upstream for unknown kids within the cool-down, and refuses them', async () => {
  const stranger = await createIssuer('RS256');
  for (let round = 0; round < 5; round++) expect((await exchange(stranger)).body['error']).toBe('invalid_grant');
  expect(requests.length).toBeLessThanOrEqual(4);
});

it('serves on while the issuer is away', async () => {
  const [issuer] = published;
  if (issuer === undefined) throw new Error('no issuer');
  await new Promise((resolve) => server.close(resolve));
  expect(await exchange(issuer)).toMatchObject({ status: 200 });
});

/** google-auth-library for Node, unmodified, with an `external_account` file whose `token_url` is the broker (WIRE.md A.11). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExternalAccountClient, GoogleAuth } from 'google-auth-library';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from '../support/node/demo-world.ts';

let world: World;
let folder: string;
let tokenFile: string;

beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), 'edge-sts-google-'));
  tokenFile = join(folder, 'token');
});

afterAll(async () => {
  await world.broker.stop();
  rmSync(folder, { recursive: true, force: true });
});

const config = (): object => ({
  type: 'external_account',
  audience: world.audience,
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: `${world.broker.origin}/v1/token`,
  credential_source: { file: tokenFile },
});

function client(): NonNullable<ReturnType<typeof ExternalAccountClient.fromJSON>> {
  const made = ExternalAccountClient.fromJSON(config() as Parameters<typeof ExternalAccountClient.fromJSON>[0]);
  if (made === null) throw new Error('the library does not take the configuration');
  return made;
}

it('gets a token from a credentials file, and it verifies from discovery', async () => {
  // The newline is what most token files end in; the library sends it along.
  writeFileSync(tokenFile, `${await world.token()}\n`);
  const configFile = join(folder, 'credentials.json');
  writeFileSync(configFile, JSON.stringify(config()));
  const auth = new GoogleAuth({ keyFilename: configFile, scopes: 'https://www.googleapis.com/auth/cloud-platform' });
  const token = await auth.getAccessToken();
  const keys = createRemoteJWKSet(new URL(`${world.issuerUrl}/jwks`));
  const { payload } = await jwtVerify(String(token), keys, { issuer: world.issuerUrl, audience: world.broker.origin });
  expect(payload.sub).toBe('ns/shop/sa/checkout');
});

it('hears a 400 as it is: the code and the description of the broker, after one request', async () => {
  writeFileSync(tokenFile, await world.token({ issuedAtSeconds: Math.floor(Date.now() / 1_000) - 7_200 }));
  const before = world.lines.length;
  await expect(client().getAccessToken()).rejects.toThrow(/invalid_grant.*expired/i);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(world.lines.slice(before).filter((line) => line.includes('"event":"exchange"'))).toHaveLength(1);
});

it('hears a 429 and tries four times, as WIRE.md A.6 says', async () => {
  writeFileSync(tokenFile, await world.token());
  const path = `/v1/projects/${world.projectNumber}?updateMask=tokenExchangesPerMinute`;
  await world.must('PATCH', path, { tokenExchangesPerMinute: 0 });
  const before = world.lines.length;
  await expect(client().getAccessToken()).rejects.toThrow(/quota_exceeded/);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(world.lines.slice(before).filter((line) => line.includes('"reason":"over_quota"'))).toHaveLength(4);
  await world.must('PATCH', path, { tokenExchangesPerMinute: 6_000 });
  expect(decodeJwt(String((await client().getAccessToken()).token)).aud).toBe(world.broker.origin);
});

/** The bundle that would be deployed: its size, and one exchange through it in plain workerd. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { buildBundle } from '../../src/local/bundle.ts';
import { openCluster } from '../../src/local/demo/clusters.ts';
import { DEMO_POOL_PATH, DEMO_PROJECT_NUMBER, DEMO_TARGET_URI, seed } from '../../src/local/demo/seed.ts';
import { signWorkloadToken } from '../../src/local/demo/workload-token.ts';
import { startPlainWorkerd, type PlainWorkerd } from '../support/node/workerd.ts';

/** What an isolate has to load and parse before its first answer: nothing grows beyond this unnoticed. */
const GZIP_LIMIT_BYTES = 300 * 1_024;
const ADMIN_TOKEN = `test-only-admin-${randomBytes(32).toString('base64url')}`;

let bundle = '';
let workerd: PlainWorkerd;
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edge-sts-bundle-'));
  bundle = await buildBundle();
  workerd = await startPlainWorkerd(bundle, (origin) => ({
    PUBLIC_ORIGIN: origin,
    EDGE_STS_KEK: Buffer.from(`test-only-kek-${randomBytes(9).toString('hex')}`).toString('base64'),
    EDGE_STS_ADMIN_TOKEN: ADMIN_TOKEN,
  }));
});
afterAll(async () => {
  await workerd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('the bundle stays small', () => {
  // As `npm run build` prints it.
  const bytes = gzipSync(readFileSync(bundle)).byteLength;
  process.stdout.write(`bundle: ${(bytes / 1_024).toFixed(1)} KiB gzip\n`);
  expect(bytes).toBeLessThan(GZIP_LIMIT_BYTES);
});

test('the bundle is ASCII, so that V8 keeps and reads one byte a character and not two', () => {
  const text = readFileSync(bundle, 'latin1');
  const foreign = [...text.matchAll(/[\u0080-\u00ff]+/g)].map(({ index }) =>
    text.slice(Math.max(0, index - 40), index + 20),
  );
  expect(foreign).toEqual([]);
});

test('without its folder of assets the document of the API is missing, and nothing else', async () => {
  const { origin } = workerd;
  const missing = await fetch(`${origin}/openapi.json`);
  expect([missing.status, await missing.json()]).toEqual([
    503,
    { error: 'temporarily_unavailable', error_description: 'This document is not at hand here.' },
  ]);
  const page = await (await fetch(`${origin}/dashboard/sign-in`)).text();
  expect(page).toContain('<h1');
  const style = await fetch(new URL(/href="([^"]+\.css)"/.exec(page)?.[1] ?? '', origin));
  expect([style.status, await style.text()]).toEqual([200, '']);
});

test('an exchange in plain workerd, verified from discovery', async () => {
  const { origin } = workerd;
  const client = createClient({ origin, token: ADMIN_TOKEN, fetch });
  const cluster = await openCluster(folder, 'a');
  await seed(client, [cluster]);
  const audience = `//iam.googleapis.com/${DEMO_POOL_PATH}/providers/${cluster.providerId}`;
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const reply = await client.exchange({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience,
    resource: DEMO_TARGET_URI,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: await signWorkloadToken(cluster, `https:${audience}`, nowSeconds, 3_600),
  });
  expect(reply, workerd.output()).toMatchObject({ ok: true, value: { token_type: 'Bearer' } });
  if (!reply.ok) return;

  const issuer = `${origin}/${DEMO_PROJECT_NUMBER}/demo.svc.id.goog`;
  const discovery: unknown = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  expect(discovery).toMatchObject({ issuer, jwks_uri: `${issuer}/jwks` });
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const { payload } = await jwtVerify(reply.value.access_token, keys, { issuer, audience: DEMO_TARGET_URI });
  expect(payload.sub).toBe('ns/shop/sa/checkout');
  expect(workerd.output()).toContain('"event":"exchange"');
});

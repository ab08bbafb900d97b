/** State survives a restart; a wrong KEK stops the broker, says so, and destroys nothing ("Done when" 1 and 6). */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBroker } from '../../src/local/broker.ts';
import { startWorld } from '../support/node/demo-world.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edge-sts-restart-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const json = async (
  url: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(url, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

it('keeps projects, keys and quota; a wrong KEK is refused everywhere and changes nothing', async () => {
  const kek = randomBytes(32).toString('base64');
  const adminToken = randomBytes(32).toString('base64url');
  const authorization = `Bearer ${adminToken}`;
  const platformPath = join(folder, 'platform');

  const world = await startWorld({ platformPath, kek, adminToken });
  const token = await world.token();
  const exchange = (origin: string): ReturnType<typeof json> =>
    json(`${origin}/v1/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        audience: world.audience,
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      }),
    });
  expect((await exchange(world.broker.origin)).status).toBe(200);
  const jwksPath = `/${world.projectNumber}/${world.pool}/jwks`;
  const keys = (await json(`${world.broker.origin}${jwksPath}`)).body;
  await world.broker.stop();

  const wrong = await startBroker({ platformPath, kek: randomBytes(32).toString('base64'), adminToken });
  const ready = await json(`${wrong.origin}/readyz`);
  expect(ready.status).toBe(503);
  expect(String(ready.body['reason'])).toContain('EDGE_STS_KEK');
  expect((await exchange(wrong.origin)).body['error']).toBe('temporarily_unavailable');
  for (const [path, body] of [
    ['/v1/projects', { projectId: 'another' }],
    [`/v1/projects/${world.projectNumber}/roles`, { roleId: 'reader', role: { includedPermissions: ['a.b'] } }],
    [`/v1/projects/${world.projectNumber}/signingKeys:rotate`, { emergency: true }],
  ] as const) {
    const write = await json(`${wrong.origin}${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect({ path, status: write.status }).toEqual({ path, status: 503 });
  }
  await wrong.stop();

  const right = await startBroker({ platformPath, kek, adminToken });
  expect((await json(`${right.origin}/readyz`)).status).toBe(200);
  expect((await json(`${right.origin}${jwksPath}`)).body).toEqual(keys);
  expect((await exchange(right.origin)).status).toBe(200);
  expect((await json(`${right.origin}/v1/projects/another`, { headers: { authorization } })).status).toBe(404);
  await right.stop();

  // The way to another KEK: the old one opens, the new one seals.
  const next = randomBytes(32).toString('base64');
  const changing = await startBroker({
    platformPath,
    kek: next,
    adminToken,
    variables: { EDGE_STS_KEK_PREVIOUS: kek },
  });
  expect((await json(`${changing.origin}/readyz`)).status).toBe(200);
  expect((await exchange(changing.origin)).status).toBe(200);
  expect((await json(`${changing.origin}${jwksPath}`)).body).toEqual(keys);
  await changing.stop();
});

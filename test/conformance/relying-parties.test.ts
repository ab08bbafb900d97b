/** Relying parties of ours that nobody here wrote: openid-client reads discovery, a resource server of jose alone verifies both algorithms. */
import * as jose from 'jose';
import * as client from 'openid-client';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/node/demo-world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(async () => {
  await world.broker.stop();
});

describe('openid-client', () => {
  it.each(['oidc', 'oauth2'] as const)('takes our %s metadata and exchanges by it', async (algorithm) => {
    const config = await client.discovery(new URL(world.issuerUrl), 'any-client', undefined, client.None(), {
      algorithm,
      // The local broker is http on loopback; everything else is checked as always.
      execute: [client.allowInsecureRequests],
    });
    expect(config.serverMetadata().issuer).toBe(world.issuerUrl);
    const answer = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      audience: world.audience,
      subject_token: await world.token(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    expect(answer.token_type).toBe('bearer');
    expect(answer.expiresIn()).toBeGreaterThan(3_500);
  });
});

describe('a resource server of jose alone', () => {
  let server: Server;
  let url: string;
  const uri = 'https://orders.example.com';

  beforeAll(async () => {
    const discovery = (await (await fetch(`${world.issuerUrl}/.well-known/openid-configuration`)).json()) as {
      issuer: string;
      jwks_uri: string;
    };
    const keys = jose.createRemoteJWKSet(new URL(discovery.jwks_uri));
    server = createServer((request, response) => {
      const bearer = request.headers.authorization?.replace('Bearer ', '') ?? '';
      jose
        .jwtVerify(bearer, keys, { issuer: discovery.issuer, audience: uri, requiredClaims: ['exp', 'sub'] })
        .then(({ payload, protectedHeader }) =>
          response.end(JSON.stringify({ alg: protectedHeader.alg, roles: payload['roles'] })),
        )
        .catch(() => response.writeHead(401).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.close();
  });

  it('lets ES256 and RS256 tokens in, and refuses tokens for somebody else', async () => {
    const projects = `/v1/projects/${world.projectNumber}`;
    await world.must('POST', `${projects}/roles`, {
      roleId: 'reader',
      role: { title: 'Reader', includedPermissions: ['orders.get'] },
    });
    await world.must('POST', `${projects}/targets?targetId=orders`, { uri });
    await world.must('POST', `${projects}/targets/orders:setIamPolicy`, {
      policy: {
        bindings: [
          {
            role: 'projects/world/roles/reader',
            members: [`principal:${world.audience.replace(/\/providers.*/, '')}/subject/ns/shop/sa/checkout`],
          },
        ],
      },
    });
    for (const alg of ['ES256', 'RS256']) {
      await world.must('PATCH', `${projects}/targets/orders?updateMask=tokenSigningAlg,tokenType`, {
        tokenSigningAlg: alg,
        tokenType: alg === 'ES256' ? 'at+jwt' : 'JWT',
      });
      const answer = await fetch(url, { headers: { authorization: `Bearer ${await exchange(uri)}` } });
      expect(await answer.json()).toEqual({ alg, roles: ['projects/world/roles/reader'] });
    }
    expect((await fetch(url, { headers: { authorization: `Bearer ${await exchange(undefined)}` } })).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: `Bearer ${await world.token()}` } })).status).toBe(401);
  });
});

async function exchange(resource: string | undefined): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: world.audience,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: await world.token(),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    ...(resource === undefined ? {} : { resource }),
  });
  const answer = (await (await fetch(`${world.broker.origin}/v1/token`, { method: 'POST', body })).json()) as {
    access_token?: string;
  };
  return answer.access_token ?? '';
}

/** The client against a server that answers as told: what it sends, and what it makes of each dialect of refusal. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

let server: Server;
let origin = '';
let seen: Seen[] = [];
let answer: { readonly status: number; readonly body: string } = { status: 200, body: '{}' };

beforeAll(async () => {
  server = createServer((request, response) => {
    void readBody(request).then((body) => {
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        authorization: request.headers.authorization,
        body,
      });
      response.writeHead(answer.status, { 'x-request-id': 'r-1' }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(() => void server.close());

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

test('an administrator sends JSON and the bearer token', async () => {
  seen = [];
  answer = { status: 200, body: '{"name":"operations/1","done":true}' };
  const client = createClient({ origin, token: 'secret', fetch });
  const reply = await client.createProvider('demo', 'demo.svc.id.goog', 'cluster-a', {
    kubernetes: { clusterUri: 'https://a', issuerUri: 'https://i' },
  });
  expect(reply).toEqual({ ok: true, value: { name: 'operations/1', done: true }, requestId: 'r-1' });
  expect(seen).toEqual([
    {
      method: 'POST',
      url: '/v1/projects/demo/locations/global/workloadIdentityPools/demo.svc.id.goog/providers?workloadIdentityPoolProviderId=cluster-a',
      authorization: 'Bearer secret',
      body: '{"kubernetes":{"clusterUri":"https://a","issuerUri":"https://i"}}',
    },
  ]);
});

test('an exchange is a form and never carries the administrator token', async () => {
  seen = [];
  answer = { status: 200, body: '{"access_token":"t","expires_in":10}' };
  await createClient({ origin, token: 'secret', fetch }).exchange({ audience: '//x/y z', scope: '' });
  expect(seen).toEqual([
    { method: 'POST', url: '/v1/token', authorization: undefined, body: 'audience=%2F%2Fx%2Fy%20z&scope=' },
  ]);
});

test.each([
  [
    409,
    '{"error":{"code":409,"message":"there is one","status":"ALREADY_EXISTS"}}',
    { status: 409, code: 'ALREADY_EXISTS', message: 'there is one' },
  ],
  [400, '{"error":"invalid_grant","error_description":"no"}', { status: 400, code: 'invalid_grant', message: 'no' }],
  [502, '<html>bad gateway</html>', { status: 502, code: 'UNKNOWN', message: '<html>bad gateway</html>' }],
  [200, 'not JSON', { status: 200, code: 'UNKNOWN', message: 'not JSON' }],
  [200, '', { status: 200, code: 'UNKNOWN', message: '' }],
])('%d %s', async (status, body, error) => {
  answer = { status, body };
  const reply = await createClient({ origin, fetch }).getIamPolicy('projects/demo');
  expect(reply).toEqual({ ok: false, error, requestId: 'r-1' });
});

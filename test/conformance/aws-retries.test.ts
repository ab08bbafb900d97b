/** What of WIRE.md F.3 is ours to blame, as the AWS SDK hears it: it tries three times. A real server over an app whose ports fail. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { ConfigUnavailable } from '../../src/core/ports.ts';
import { createIssuer, workloadClaims } from '../support/issuer.ts';
import { unreachable } from '../support/unreachable.ts';

let server: Server | undefined;

afterEach(() => new Promise((resolve) => void (server === undefined ? resolve(undefined) : server.close(resolve))));

async function serve(fault: Error, lines: string[]): Promise<string> {
  const base = unreachable();
  const app = createApp({
    ...base,
    aws: { ...base.aws, projectOfAccount: async () => ({ ok: true, value: '123456789012' }) },
    exchange: {
      ...base.exchange,
      openConfig: () => {
        throw fault;
      },
      record: ({ reason }) => void lines.push(reason),
    },
  });
  const made = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', async () => {
      const headers = { 'content-type': incoming.headers['content-type'] ?? '' };
      const url = `http://${incoming.headers.host}${incoming.url}`;
      const answer = await app.fetch(new Request(url, { method: 'POST', headers, body: Buffer.concat(chunks) }));
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}/aws/sts`;
}

it.each([
  ['ServiceUnavailable', 503, new ConfigUnavailable('away')],
  ['InternalFailure', 500, new TypeError('broken')],
])('%s, three times', async (name, status, fault) => {
  const lines: string[] = [];
  const client = new STSClient({ endpoint: await serve(fault, lines), region: 'eu-west-1' });
  const issuer = await createIssuer();
  const WebIdentityToken = await issuer.sign(workloadClaims({ issuerUri: 'https://x.example.com', audience: 'a' }));
  const input = { RoleArn: 'arn:aws:iam::111122223333:role/one', RoleSessionName: 'test', WebIdentityToken };
  const error: unknown = await client
    .send(new AssumeRoleWithWebIdentityCommand(input))
    .catch((raised: unknown) => raised);
  expect(error).toMatchObject({ name, $metadata: { httpStatusCode: status } });
  expect(lines).toHaveLength(3);
});

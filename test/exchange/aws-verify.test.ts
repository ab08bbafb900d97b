/** `POST /aws/verify`: a service asks who signed a request that it received. Every published vector's request as HTTP carries it, and what an attacker would try. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import sigv4Text from '../vectors/sigv4.ndjson?raw';
import {
  addAwsRole,
  assumeRole,
  createAwsProject,
  type Keys,
  keysOf,
  signed,
  type TestRole,
  trusting,
} from '../support/aws.ts';
import { addCluster, admin, type Answer, call, type Cluster } from '../support/broker.ts';
import { workloadClaims } from '../support/issuer.ts';

const ISSUER = 'https://oidc.example.com/id/VERIFY';
const HOST = 'files.example.com';
const URL_OF_FILES = `https://${HOST}/a/b?x=1&y=2`;

let keys: Keys;
let account: string;
let role: TestRole;
let cluster: Cluster;

beforeAll(async () => {
  const project = await createAwsProject();
  ({ account } = project);
  cluster = await addCluster(project, { issuerUri: ISSUER });
  role = await addAwsRole(project, {
    ...trusting(project, ISSUER),
  });
  const token = await cluster.issuer.sign(workloadClaims({ issuerUri: ISSUER, audience: 'sts.amazonaws.com' }));
  keys = keysOf(await assumeRole(role.arn, token));
});

interface Parts {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly headers: Record<string, string | string[]>;
  readonly body?: string;
  readonly expectedHost: string;
}

/** As the service received it. */
async function received(sent: Request): Promise<Parts> {
  const url = new URL(sent.url);
  const body = await sent.text();
  return {
    method: sent.method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: { host: url.host, ...Object.fromEntries(sent.headers) },
    ...(body === '' ? {} : { body: btoa(body) }),
    expectedHost: url.host,
  };
}

type SignOptions = Omit<Parameters<typeof signed>[1], 'url'>;

async function request(options: SignOptions = {}, by: Keys = keys): Promise<Parts> {
  return received(await signed(by, { url: URL_OF_FILES, method: 'GET', service: 'files', ...options }));
}

const verify = (parts: object): Promise<Answer> => admin('POST', '/aws/verify', parts);

async function reason(parts: object): Promise<string> {
  const { status, body } = await verify(parts);
  const error = body['error'] as { details?: readonly { reason?: string }[] } | undefined;
  return `${status} ${error?.details?.[0]?.reason ?? ''}`.trim();
}

it('answers who signed, and what is signed', async () => {
  const parts = await request({
    method: 'POST',
    body: '{"a":1}',
    headers: { 'content-type': 'application/json', 'x-id': 'one' },
  });
  const { status, body } = await verify(parts);
  expect([status, body]).toEqual([
    200,
    {
      arn: `arn:aws:sts::${account}:assumed-role/checkout/test`,
      account,
      userId: expect.stringMatching(/^AROA[A-Z2-7]+:test$/),
      roleArn: role.arn,
      principal: expect.stringContaining('/subject/ns/shop/sa/checkout'),
      tags: {},
      sessionExpireTime: expect.stringMatching(/Z$/),
      signed: {
        method: 'POST',
        host: HOST,
        path: '/a/b',
        query: 'x=1&y=2',
        headers: expect.objectContaining({ host: HOST, 'content-type': 'application/json', 'x-id': 'one' }),
        bodySha256: '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862',
        service: 'files',
        region: 'us-east-1',
        time: expect.stringMatching(/Z$/),
      },
    },
  ]);
});

it('a header that is not signed is not answered: it may be anybody’s', async () => {
  const parts = await request();
  const { body } = await verify({ ...parts, headers: { ...parts.headers, 'x-user': 'root' } });
  expect(JSON.stringify(body)).not.toContain('root');
});

describe('what an attacker would try', () => {
  it.each([
    ['another method', (parts: Parts) => ({ ...parts, method: 'PUT' }), '403 SIGNATURE_DOES_NOT_MATCH'],
    ['another path', (parts: Parts) => ({ ...parts, path: '/a/c' }), '403 SIGNATURE_DOES_NOT_MATCH'],
    [
      'a path that is signed as if it were the same',
      (parts: Parts) => ({ ...parts, path: '/z/../a/b' }),
      '403 SIGNATURE_INCOMPLETE',
    ],
    ['another query', (parts: Parts) => ({ ...parts, query: 'x=1&y=3' }), '403 SIGNATURE_DOES_NOT_MATCH'],
    [
      'a parameter more',
      (parts: Parts) => ({ ...parts, query: `${parts.query}&admin=1` }),
      '403 SIGNATURE_DOES_NOT_MATCH',
    ],
    ['another body', (parts: Parts) => ({ ...parts, body: btoa('other') }), '403 SIGNATURE_DOES_NOT_MATCH'],
    [
      'a request for another service',
      (parts: Parts) => ({ ...parts, expectedHost: 'other.example.com' }),
      '403 SIGNATURE_DOES_NOT_MATCH',
    ],
    [
      'two hosts',
      (parts: Parts) => ({ ...parts, headers: { ...parts.headers, host: [HOST, HOST] } }),
      '403 SIGNATURE_DOES_NOT_MATCH',
    ],
    [
      'the token of nobody',
      (parts: Parts) => ({ ...parts, headers: { ...parts.headers, 'x-amz-security-token': 'AQ' } }),
      '403 KEY_UNKNOWN',
    ],
    [
      'a header of AWS’s that is not signed',
      (parts: Parts) => ({ ...parts, headers: { ...parts.headers, 'x-amz-acl': 'public' } }),
      '403 SIGNATURE_INCOMPLETE',
    ],
    [
      'a body that is said not to be signed',
      (parts: Parts) => ({ ...parts, headers: { ...parts.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
      '403 SIGNATURE_INCOMPLETE',
    ],
    ['no signature', (parts: Parts) => ({ ...parts, headers: { host: HOST } }), '403 NOT_SIGNED'],
  ])('%s', async (_what, change, expected) => {
    const parts = await request();
    expect(await reason(parts)).toBe('200');
    expect(await reason(change(parts))).toBe(expected);
  });

  it('an old signature, one from the future, one presigned for hours', async () => {
    const at = (offsetSeconds: number): string =>
      new Date(Date.now() + offsetSeconds * 1_000).toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
    expect(await reason(await request({ datetime: at(-310) }))).toBe('403 SIGNATURE_EXPIRED');
    expect(await reason(await request({ datetime: at(310) }))).toBe('403 SIGNATURE_EXPIRED');
    expect(await reason(await request({ datetime: at(-280) }))).toBe('200');
    const presigned = async (seconds: number): Promise<string> => {
      const url = `${URL_OF_FILES}&X-Amz-Expires=${seconds}`;
      return reason(await received(await signed(keys, { url, method: 'GET', service: 'files', signQuery: true })));
    };
    expect([await presigned(900), await presigned(901)]).toEqual(['200', '403 SIGNATURE_EXPIRED']);
  });

  it('each byte of the session token that is changed makes it nobody’s', async () => {
    const parts = await request();
    const token = String(parts.headers['x-amz-security-token']);
    for (let at = 0; at < token.length; at += 7) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      const headers = { ...parts.headers, 'x-amz-security-token': changed };
      expect(await reason({ ...parts, headers }), String(at)).toBe('403 KEY_UNKNOWN');
    }
  });

  it('nobody asks who does not say who he is', async () => {
    const body = JSON.stringify(await request());
    const headers = { 'content-type': 'application/json' };
    expect((await call('/aws/verify', { method: 'POST', headers, body })).status).toBe(401);
    const wrong = { ...headers, authorization: `Bearer ${env.EDGE_STS_ADMIN_TOKEN ?? ''}x` };
    expect((await call('/aws/verify', { method: 'POST', headers: wrong, body })).status).toBe(401);
    expect((await call('/aws/verify', { method: 'GET' })).status).toBe(405);
  });

  it.each([
    ['no expectedHost', { expectedHost: undefined }],
    ['a body that is no base64', { body: '***' }],
    ['a method in small letters', { method: 'get' }],
    ['a member that is none', { more: 1 }],
    ['headers that are no texts', { headers: { host: 1 } }],
  ])('%s: 400 with the place', async (_what, change) => {
    const answer = await verify({ ...(await request()), ...change });
    expect([answer.status, (answer.body['error'] as { status: string }).status]).toEqual([400, 'INVALID_ARGUMENT']);
  });
});

describe('the requests of the published vectors, signed with a session', () => {
  /** Their paths are signed as if they were others: a service must not take the one for the other. */
  const ANOTHER_PATH = /^get-(relative|slash)/;
  const EMPTY_SEGMENTS = ['get-slash-normalized', 'get-slashes-normalized'];
  /** Spelt otherwise than they are signed. */
  const RESPELT = ['get-vanilla-utf8-query', 'get-utf8', 'get-space-normalized'];
  const rows = sigv4Text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; normalize: boolean; header: { request: string } })
    .filter(({ normalize }) => normalize);

  it.each(rows)('$id', async ({ id, header }) => {
    const [head = '', ...rest] = header.request.split('\n\n');
    const [first = '', ...lines] = head.replaceAll(/\n +/g, ' ').split('\n');
    const [, method = '', target = ''] = /^(\S+) (.*?)(?: HTTP\/1\.1)?$/.exec(first) ?? [];
    const headers = new Headers();
    for (const line of lines) {
      const name = line.slice(0, line.indexOf(':'));
      if (!/^(host|authorization|x-amz-.*|content-length)$/i.test(name))
        headers.append(name, line.slice(name.length + 1).trim());
    }
    const body = rest.join('').trim();
    // What a URL makes of the path is what HTTP carries.
    const url = `https://example.amazonaws.com${target}`;
    const options = { method, service: 'service', headers, ...(body === '' ? {} : { body }) };
    const parts = await received(await signed(keys, { url, ...options }));
    // Dot segments are gone by then, empty ones are not.
    expect(await reason(parts)).toBe(EMPTY_SEGMENTS.includes(id) ? '403 SIGNATURE_INCOMPLETE' : '200');
    // And as the vector itself spells it.
    const [path = '', query = ''] = target.split('?');
    const asWritten = await reason({ ...parts, path, query });
    if (ANOTHER_PATH.test(id) || RESPELT.includes(id)) expect(asWritten).toMatch(/^403/);
    else expect(asWritten).toBe('200');
  });
});

it('a role that is disabled or renamed is nobody’s at the next request', async () => {
  const parts = await request();
  expect(await reason(parts)).toBe('200');
  await admin('POST', `${role.path}:disable`, {});
  expect(await reason(parts)).toBe('403 ROLE_GONE');
  await admin('POST', `${role.path}:enable`, {});
  expect(await reason(parts)).toBe('200');
  const awsRole = { arn: `${role.arn}-renamed` };
  await admin('PATCH', `${role.path}?updateMask=awsRole`, { awsRole });
  expect(await reason(parts)).toBe('403 ROLE_GONE');
});

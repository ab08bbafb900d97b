/** Signature Version 4 as an attacker meets it: requests that aws4fetch and the AWS SDK's own signer made, changed byte by byte. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { AwsV4Signer } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import type { SignedParts } from '../../../src/core/aws/sigv4/parts.ts';
import { rewrittenHeader } from '../../../src/core/aws/sigv4/rewritten.ts';
import { readSignature } from '../../../src/core/aws/sigv4/signature.ts';
import { checkForm, checkSignature } from '../../../src/core/aws/sigv4/verify.ts';
import { nodeCrypto, partsOfRequest, sha256 } from './sigv4-support.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z') / 1_000;
const KEY_ID = 'ASIAEXAMPLEEXAMPLE12';
const SECRET = 'test-only-secret/abcdefghijklmnopqrstuvw';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

async function verdict(parts: SignedParts, nowSeconds = NOW, secret = SECRET): Promise<string> {
  const read = readSignature(parts);
  if (!read.ok) return read.error.tag;
  const fault = checkForm(parts, read.value, nowSeconds);
  if (fault !== undefined) return fault.tag;
  // The key's id is no part of what is signed: it chooses the secret.
  const held = await checkSignature(
    parts,
    read.value,
    read.value.accessKeyId === KEY_ID ? secret : 'other',
    nodeCrypto,
  );
  return held.ok ? 'holds' : held.error.tag;
}

async function problem(parts: SignedParts, nowSeconds = NOW): Promise<string> {
  const read = readSignature(parts);
  const fault = read.ok ? checkForm(parts, read.value, nowSeconds) : read.error;
  return fault !== undefined && 'problem' in fault ? fault.problem : '';
}

async function signedBy4fetch(
  change: Partial<ConstructorParameters<typeof AwsV4Signer>[0]> = {},
  body = BODY,
): Promise<SignedParts> {
  const signer = new AwsV4Signer({
    method: 'POST',
    url: 'https://sts.example.com/aws/sts/?b=2&a=1%2F3',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-extra': 'one  two' },
    body,
    accessKeyId: KEY_ID,
    secretAccessKey: SECRET,
    sessionToken: 'session-token',
    service: 'sts',
    region: 'eu-west-1',
    datetime: '20261126T120000Z',
    allHeaders: true,
    ...change,
  });
  const { method, url, headers } = await signer.sign();
  const isGet = method === 'GET';
  return partsOfRequest(new Request(url, { method, headers, ...(isGet ? {} : { body }) }));
}

const presigned = (expires: string): Promise<SignedParts> =>
  signedBy4fetch(
    {
      method: 'GET',
      url: `https://sts.example.com/aws/sts/?Action=GetCallerIdentity&X-Amz-Expires=${expires}`,
      headers: { 'x-k8s-aws-id': 'cluster-one' },
      signQuery: true,
    },
    '',
  );

describe('what real signers sign holds', () => {
  it('aws4fetch, in a header', async () => {
    expect(await verdict(await signedBy4fetch())).toBe('holds');
    expect(await verdict(await signedBy4fetch(), NOW, 'another secret')).toBe('mismatch');
  });

  it('aws4fetch, presigned as the token of an EKS cluster is', async () => {
    expect(await verdict(await presigned('60'))).toBe('holds');
  });

  it('the AWS SDK, with a path that is encoded, and without the length that the runtime may not hand on', async () => {
    const parts = await signedBySdk();
    expect(parts.path).toBe('/a%20b/c%3Ad/');
    const now = readSignature(parts);
    const at = now.ok ? now.value.signedAtSeconds : 0;
    expect(await verdict(parts, at)).toBe('holds');
    const withoutLength = { ...parts, headers: parts.headers.filter(([name]) => name !== 'content-length') };
    expect(await verdict(withoutLength, at)).toBe('holds');
    expect(await verdict({ ...withoutLength, bodyBytes: 1 }, at)).toBe('mismatch');
  });
});

describe('every single-byte change to a signed part is refused', () => {
  const change = (text: string, at: number, by: number): string =>
    text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ by) + text.slice(at + 1);

  /** Every part, as a list of ways to write it changed. */
  function* changed(parts: SignedParts): Generator<readonly [string, SignedParts]> {
    // Another case, another digit, another character.
    for (const by of [0x20, 0x01, 0x06]) {
      for (const part of ['method', 'path', 'query'] as const) {
        for (let at = 0; at < parts[part].length; at++) {
          yield [`${part} ${change(parts[part], at, by)}`, { ...parts, [part]: change(parts[part], at, by) }];
        }
      }
      for (const [index, [name, value]] of parts.headers.entries()) {
        for (let at = 0; at < value.length; at++) {
          const header = [name, change(value, at, by)] as const;
          yield [header.join(': '), { ...parts, headers: parts.headers.with(index, header) }];
        }
        for (let at = 0; at < name.length; at++) {
          const other = change(name, at, by);
          // Header names have no case (RFC 9110 §5.1).
          if (other.toLowerCase() === name) continue;
          yield [`${other}: ${value}`, { ...parts, headers: parts.headers.with(index, [other, value]) }];
        }
      }
    }
    for (let at = 0; at < BODY.length; at++)
      yield [`body ${at}`, { ...parts, bodySha256: sha256(change(BODY, at, 1)) }];
  }

  it.each([
    ['in a header', () => signedBy4fetch()],
    ['presigned', () => presigned('900')],
  ])('signed %s', async (_way, sign) => {
    const parts = await sign();
    expect(await verdict(parts)).toBe('holds');
    let tried = 0;
    for (const [what, other] of changed(parts)) {
      tried += 1;
      expect(await verdict(other), what).not.toBe('holds');
    }
    expect(tried).toBeGreaterThan(500);
  });

  it('a header more under a signed name, a parameter more, the same twice', async () => {
    const parts = await signedBy4fetch();
    for (const header of [
      ['X-Extra', 'three'],
      ['x-amz-meta', 'new'],
      ['X-Amz-Date', '20261126T120000Z'],
    ] as const) {
      expect(await verdict({ ...parts, headers: [...parts.headers, header] }), header[0]).not.toBe('holds');
    }
    expect(await verdict({ ...parts, query: `${parts.query}&a=1` })).toBe('mismatch');
    expect(await verdict({ ...parts, query: `${parts.query}&` })).toBe('incomplete');
    expect(await verdict({ ...parts, query: `${parts.query}&X-Amz-Signature=${'0'.repeat(64)}` })).toBe('incomplete');
  });

  it('another spelling of the same query', async () => {
    const parts = await presigned('900');
    expect(await verdict({ ...parts, query: parts.query.replace('GetCaller', 'Get%43aller') })).toBe('incomplete');
    expect(await verdict({ ...parts, query: parts.query.replaceAll('%2F', '%2f') })).toBe('incomplete');
  });
});

describe('time', () => {
  it.each([
    [-301, 'time'],
    [-300, 'holds'],
    [300, 'holds'],
    [301, 'time'],
  ])('a header signature is good for 5 minutes on both sides: %d s', async (after, expected) => {
    expect(await verdict(await signedBy4fetch(), NOW + after)).toBe(expected);
  });

  it.each([
    ['900', 899, 'holds'],
    ['900', 900, 'time'],
    ['900', -301, 'time'],
    ['901', 0, 'time'],
    ['86400', 0, 'time'],
    ['0', 0, 'incomplete'],
    ['1e3', 0, 'incomplete'],
  ])('presigned for %s s, %d s later: %s', async (expires, after, expected) => {
    expect(await verdict(await presigned(expires), NOW + after)).toBe(expected);
  });

  it('a day that does not exist is none', async () => {
    expect(await verdict(await signedBy4fetch({ datetime: '20260231T120000Z' }))).toBe('incomplete');
  });
});

describe('what leaves something unsigned is refused by name', () => {
  const withHash = (said: string): Promise<SignedParts> =>
    signedBy4fetch({ headers: { 'x-amz-content-sha256': said } });
  it.each(['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'])(
    '%s',
    async (said) => {
      const parts = await withHash(said);
      expect(await verdict(parts)).toBe('incomplete');
      expect(await problem(parts)).toContain(said);
    },
  );

  it('a hash that is said and is not that of the body', async () => {
    expect(await verdict(await withHash(sha256('another body')))).toBe('mismatch');
  });

  it('host, which every signature must cover', async () => {
    const parts = await signedBy4fetch();
    const headers = parts.headers.map(([name, value]) => [name, value.replace('host;', '')] as const);
    expect(await problem({ ...parts, headers })).toContain('host');
  });

  it('a header that the platform rewrites', () => {
    expect(rewrittenHeader(['content-type', 'host', 'x-amz-date'])).toBeUndefined();
    for (const name of ['accept-encoding', 'cf-connecting-ip', 'connection', 'x-forwarded-for']) {
      expect(rewrittenHeader(['host', name])).toBe(name);
    }
  });
});

/** What the SDK would have sent. */
async function signedBySdk(): Promise<SignedParts> {
  let sent: SignedParts | undefined;
  const client = new STSClient({
    endpoint: 'https://sts.example.com/a%20b/c%3Ad',
    region: 'eu-west-1',
    credentials: { accessKeyId: KEY_ID, secretAccessKey: SECRET, sessionToken: 'a+b/c=' },
    maxAttempts: 1,
    requestHandler: {
      handle: async ({ method, path, headers, body }: HttpRequest) => {
        const bytes = Buffer.from(body);
        const all = Object.entries(headers);
        sent = { method, path, query: '', headers: all, bodySha256: sha256(bytes), bodyBytes: bytes.length };
        throw new Error('goes nowhere');
      },
    },
  });
  await client.send(new GetCallerIdentityCommand({})).catch(() => undefined);
  if (sent === undefined) throw new Error('the SDK sent nothing');
  return sent;
}

interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

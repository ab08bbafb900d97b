/** The official vectors as parts of requests, and cryptography for verifiers under test. */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SignedParts } from '../../../src/core/aws/sigv4/parts.ts';
import type { SigV4Crypto } from '../../../src/core/aws/sigv4/verify.ts';

export interface Signed {
  readonly request: string;
  readonly canonicalRequest: string | null;
  readonly stringToSign: string | null;
}

export interface Vector {
  readonly id: string;
  readonly normalize: boolean;
  readonly header?: Signed;
  readonly query?: Signed;
}

/** Of every vector. */
export const EXAMPLE_SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const EXAMPLE_SECONDS = Date.parse('2015-08-30T12:36:00Z') / 1_000;

export const vectors = (): readonly Vector[] =>
  readFileSync(new URL('../../vectors/sigv4.ndjson', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector);

export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

export const nodeCrypto: SigV4Crypto = {
  sha256Hex: async (data) => sha256(data),
  hmacSha256: async (key, text) => Uint8Array.from(createHmac('sha256', key).update(text).digest()),
};

/** Reads HTTP/1.1 as the vectors spell it: no blank after the colon, lines that go on in the next (RFC 7230 §3.2.4). */
export function partsOfText(text: string): SignedParts {
  const [head = '', ...rest] = text.split('\n\n');
  const body = rest.join('\n\n').replace(/^\n+|\n+$/g, '');
  const [first = '', ...lines] = head.replaceAll(/\n +/g, ' ').split('\n');
  const [, method = '', target = ''] = /^(\S+) (.*?)(?: HTTP\/1\.1)?$/.exec(first) ?? [];
  const question = target.indexOf('?');
  return {
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? '' : target.slice(question + 1),
    headers: lines
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const),
    bodySha256: sha256(body),
    bodyBytes: Buffer.byteLength(body),
  };
}

export async function partsOfRequest(request: Request): Promise<SignedParts> {
  const url = new URL(request.url);
  const body = new Uint8Array(await request.arrayBuffer());
  const headers = [...request.headers];
  return {
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: headers.some(([name]) => name === 'host') ? headers : [...headers, ['host', url.host]],
    bodySha256: sha256(body),
    bodyBytes: body.length,
  };
}

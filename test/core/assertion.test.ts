import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAssertion } from '../../src/core/assertion.ts';
import { decodeBase64Url } from '../../src/core/base64url.ts';
import { base64Url } from '../support/issuer.ts';

const HEADER = { alg: 'RS256', kid: 'k1' };
const compact = (header: unknown, payload: unknown, signature = 'c2ln'): string =>
  `${base64Url(text(header))}.${base64Url(text(payload))}.${signature}`;
const text = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part));
const checkOf = (token: string): string => {
  const parsed = parseAssertion(token);
  if (parsed.ok) return 'taken';
  return parsed.error.tag === 'unverified' ? parsed.error.check : parsed.error.tag;
};

describe('parseAssertion', () => {
  it('takes a plain token and what GitHub and Entra put into the header', () => {
    expect(parseAssertion(compact(HEADER, { sub: 'x' }))).toMatchObject({
      ok: true,
      value: { header: HEADER, claims: { sub: 'x' } },
    });
    expect(checkOf(compact({ ...HEADER, typ: 'JWT', x5t: 'abc', 'x5t#S256': 'def' }, {}))).toBe('taken');
    expect(checkOf(compact({ ...HEADER, typ: 'jwt' }, {}))).toBe('taken');
  });

  it.each([
    ['an embedded key', { ...HEADER, jwk: { kty: 'oct' } }, 'header_member'],
    ['a key address', { ...HEADER, jku: 'https://evil.example/jwks' }, 'header_member'],
    ['a certificate', { ...HEADER, x5c: ['AA=='] }, 'header_member'],
    ['a certificate address', { ...HEADER, x5u: 'https://evil.example' }, 'header_member'],
    ['crit', { ...HEADER, crit: ['exp'] }, 'header_member'],
    ['b64 without crit', { ...HEADER, b64: false }, 'header_member'],
    ['compression', { ...HEADER, zip: 'DEF' }, 'header_member'],
    ['encryption', { ...HEADER, enc: 'A256GCM' }, 'header_member'],
    ['a nested token', { ...HEADER, cty: 'JWT' }, 'header_member'],
    ['no algorithm', { kid: 'k1' }, 'header_alg'],
    ['a list of algorithms', { alg: ['RS256'], kid: 'k1' }, 'header_alg'],
    ['no key id', { alg: 'RS256' }, 'header_kid'],
    ['an empty key id', { alg: 'RS256', kid: '' }, 'header_kid'],
    ['a number as key id', { alg: 'RS256', kid: 1 }, 'header_kid'],
    ['an object as key id', { alg: 'RS256', kid: {} }, 'header_kid'],
    ['a key id of 100 kB', { alg: 'RS256', kid: 'k'.repeat(100_000) }, 'header_kid'],
    ['our own kind of token', { ...HEADER, typ: 'at+jwt' }, 'header_typ'],
    ['a logout token', { ...HEADER, typ: 'logout+jwt' }, 'header_typ'],
    ['a DPoP proof', { ...HEADER, typ: 'dpop+jwt' }, 'header_typ'],
    ['a type that is no text', { ...HEADER, typ: 1 }, 'header_typ'],
    ['an algorithm twice', '{"alg":"RS256","kid":"k1","alg":"none"}', 'header_json'],
    ['a list as header', '[]', 'header_json'],
  ])('refuses %s', (_what, header, check) => {
    expect(checkOf(compact(header, { sub: 'x' }))).toBe(check);
  });

  it.each([
    ['a subject twice', '{"sub":"a","sub":"b"}'],
    ['a subject twice, once escaped', '{"sub":"a","\\u0073ub":"b"}'],
    ['something else than an object', '"sub"'],
    ['no JSON', 'sub'],
  ])('refuses %s', (_what, payload) => {
    expect(checkOf(compact(HEADER, payload))).toBe('payload_json');
  });

  it('refuses every other spelling of a token', () => {
    const [header = '', payload = '', signature = ''] = compact(
      HEADER,
      { sub: 'x' },
      base64Url(new Uint8Array(64).fill(7)),
    ).split('.');
    const last = signature.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const taken = [...alphabet].filter(
      (letter) => checkOf(`${header}.${payload}.${signature.slice(0, -1)}${letter}`) === 'taken',
    );
    expect(taken).toEqual([...alphabet].filter((letter) => alphabet.indexOf(letter) % 16 === 0));
    expect(taken).toContain(last);
    for (const other of [
      `${signature}=`,
      `${signature}==`,
      ` ${signature}`,
      `${signature}\n`,
      signature.replace('B', '+'),
    ]) {
      expect(checkOf(`${header}.${payload}.${other}`)).toBe('token_format');
    }
  });

  it.each(['', '.', '..', 'a.b', 'a.b.c.d', '.'.repeat(1_000_000), '{"payload":"x","signatures":[]}', 'a.b.'])(
    'refuses %.20s',
    (token) => {
      expect(checkOf(token)).toBe('token_format');
    },
  );

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { maxLength: 5 }).map((parts) => parts.join('.')),
        ),
        (token) => {
          expect(typeof parseAssertion(token).ok).toBe('boolean');
        },
      ),
    );
  });
});

describe('decodeBase64Url', () => {
  it('reads back exactly what was written, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        expect(decodeBase64Url(base64Url(bytes))).toEqual(bytes);
      }),
    );
  });
});

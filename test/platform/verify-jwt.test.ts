/** Tokens that an attacker would send to the verifier of our own tokens and of Access, each held against jose: whatever jose refuses is refused here too. */
import { beforeAll, describe, expect, it } from 'vitest';
import { base64Url, createIssuer, type Issuer } from '../support/issuer.ts';
import {
  AUDIENCE,
  claims,
  EXPECTED,
  FOR_ANY_AUDIENCE,
  ISSUER,
  joseTakes,
  NOW_SECONDS,
  oursTakes,
  signedWithPublicKey,
  withPart,
} from './verify-jwt-support.ts';

let ec: Issuer;
let rsa: Issuer;
let stranger: Issuer;
let keys: readonly unknown[];

beforeAll(async () => {
  ec = await createIssuer('ES256');
  rsa = await createIssuer('RS256');
  stranger = await createIssuer('ES256', ec.kid);
  keys = [ec.publicJwk, rsa.publicJwk];
});

const signed = (changes: object, header: Record<string, unknown> = {}) => ec.sign(claims(changes), header);
const verdicts = async (token: string, among = keys, expected = EXPECTED) => ({
  ours: await oursTakes(token, among, expected),
  jose: await joseTakes(token, among, expected),
});
const BOTH_REFUSE = { ours: false, jose: false };
const BOTH_TAKE = { ours: true, jose: true };
/** Where jose's word was not enough (SECURITY.md §0.1). */
const OURS_REFUSES = { ours: false, jose: true };

describe('a good token', () => {
  it.each<[string, () => Promise<string>]>([
    ['of ES256', () => signed({})],
    ['of RS256', () => rsa.sign(claims())],
    ['with a type', () => signed({}, { typ: 'at+jwt' })],
    ['for one audience', () => signed({ aud: AUDIENCE })],
    ['for two audiences', () => signed({ aud: ['other', AUDIENCE] })],
    ['without nbf', () => signed({ nbf: undefined })],
    ['made a second ahead of our clock', () => signed({ iat: NOW_SECONDS + 1 })],
    ['in its last second', () => signed({ iat: NOW_SECONDS - 60, exp: NOW_SECONDS + 1 })],
  ])('%s is taken', async (_what, token) => {
    expect(await verdicts(await token())).toEqual(BOTH_TAKE);
  });

  it('needs no audience, nor the time when it was made, where none is asked for', async () => {
    expect(await verdicts(await signed({ aud: undefined, iat: undefined }), keys, FOR_ANY_AUDIENCE)).toEqual(BOTH_TAKE);
  });
});

describe('a forged token is refused, as by jose:', () => {
  it.each<[string, () => Promise<string>]>([
    ['signed by nobody', async () => withPart(await signed({}), 2, () => '')],
    ['alg none', async () => withPart(await signed({}, { alg: 'none' }), 2, () => '')],
    ['alg none with a signature', () => signed({}, { alg: 'none' })],
    ['alg in other letters', () => signed({}, { alg: 'es256' })],
    ['no alg', () => signed({}, { alg: undefined })],
    ['a list of algs', () => signed({}, { alg: ['ES256'] })],
    ['the public key as an HMAC secret', () => signedWithPublicKey(ec, JSON.stringify(ec.publicJwk))],
    ['the RSA modulus as an HMAC secret', () => signedWithPublicKey(rsa, String(rsa.publicJwk['n']))],
    ['an alg of the other key', () => signed({}, { alg: 'RS256' })],
    ['an alg that is not ours', () => signed({}, { alg: 'ES384' })],
    ['RSA-PSS by the RSA key', () => rsa.sign(claims(), { alg: 'PS256' })],
    ['the kid of the other key', () => signed({}, { kid: rsa.kid })],
    ['a kid that there is not', () => signed({}, { kid: 'none' })],
    ['a kid of the prototype', () => signed({}, { kid: '__proto__' })],
    ['a kid that is no text', () => signed({}, { kid: [ec.kid] })],
    ['somebody else’s key of the same name', () => stranger.sign(claims())],
    ['somebody else’s key in the header', () => stranger.sign(claims(), { jwk: stranger.publicJwk })],
    ['somebody else’s key at an address', () => stranger.sign(claims(), { jku: 'https://evil.example/jwks' })],
    ['crit', () => signed({}, { crit: ['exp'] })],
    ['crit of b64', () => signed({}, { crit: ['b64'], b64: false })],
    ['a signature of noughts', async () => withPart(await signed({}), 2, () => base64Url(new Uint8Array(64)))],
    ['half a signature', async () => withPart(await signed({}), 2, (part) => part.slice(0, 43))],
    ['a signature and a half', async () => withPart(await signed({}), 2, (part) => part.slice(0, 84).repeat(2))],
    [
      'other claims',
      async () => withPart(await signed({}), 1, () => base64Url(JSON.stringify(claims({ sub: 'u-2' })))),
    ],
    [
      'another header',
      async () =>
        withPart(await signed({}), 0, () => base64Url(JSON.stringify({ alg: 'ES256', kid: ec.kid, typ: 'x' }))),
    ],
    ['four parts', async () => `${await signed({})}.AA`],
    ['five parts, as a JWE has', async () => `${await signed({})}.AA.AA`],
    [
      'a JWS in JSON',
      async () => {
        const [p, payload, signature] = (await signed({})).split('.');
        return JSON.stringify({ protected: p, payload, signature });
      },
    ],
    ['claims that are a list', () => ec.signText(JSON.stringify({ alg: 'ES256', kid: ec.kid }), '[]')],
    [
      'claims that are a token',
      async () => ec.signText(JSON.stringify({ alg: 'ES256', kid: ec.kid }), await signed({})),
    ],
    [
      'claims in no UTF-8',
      () => ec.signText(JSON.stringify({ alg: 'ES256', kid: ec.kid }), new Uint8Array([0x7b, 0xff, 0x7d])),
    ],
    ['nothing', async () => ''],
    ['a megabyte of dots', async () => '.'.repeat(1_000_000)],
  ])('%s', async (_what, token) => {
    expect(await verdicts(await token())).toEqual(BOTH_REFUSE);
  });
});

describe('a true signature over odd claims is refused, as by jose:', () => {
  it.each<[string, object]>([
    ['no exp', { exp: undefined }],
    ['an exp in the past', { exp: NOW_SECONDS - 1, iat: NOW_SECONDS - 60 }],
    ['an exp of this second', { exp: NOW_SECONDS, iat: NOW_SECONDS - 60 }],
    ['an exp as text', { exp: String(NOW_SECONDS + 60) }],
    ['an exp of null', { exp: null }],
    ['an exp below nought', { exp: -1 }],
    ['an nbf in a second', { nbf: NOW_SECONDS + 1 }],
    ['an nbf as text', { nbf: '0' }],
    ['an nbf of null', { nbf: null }],
    ['no iat', { iat: undefined }],
    ['an iat as text', { iat: String(NOW_SECONDS) }],
    ['another issuer', { iss: 'https://evil.cloudflareaccess.com' }],
    ['our issuer with a slash', { iss: `${ISSUER}/` }],
    ['our issuer among others', { iss: [ISSUER] }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: ['b'.repeat(64)] }],
    ['our audience in capitals', { aud: [AUDIENCE.toUpperCase()] }],
    ['a longer audience', { aud: `${AUDIENCE} ` }],
    ['our audience in a list in a list', { aud: [[AUDIENCE]] }],
    ['our audience as a member', { aud: { [AUDIENCE]: AUDIENCE } }],
    ['no audience at all', { aud: [] }],
    ['no audience', { aud: undefined }],
    ['no subject', { sub: undefined }],
  ])('%s', async (_what, changes) => {
    expect(await verdicts(await signed(changes))).toEqual(BOTH_REFUSE);
  });
});

describe('a true signature is refused where jose would have taken it:', () => {
  const text = (payload: string) => ec.signText(JSON.stringify({ alg: 'ES256', kid: ec.kid }), payload);
  const withExp = (number: string) => text(JSON.stringify(claims()).replace(/"exp":\d+/, `"exp":${number}`));

  it.each<[string, () => Promise<string>]>([
    ['an exp of 1e999, which is never', () => withExp('1e999')],
    ['an exp beyond the year 9999', () => withExp('253402300800')],
    ['an exp with a fraction', () => withExp(`${NOW_SECONDS + 60}.5`)],
    ['an nbf with a fraction', () => signed({ nbf: NOW_SECONDS - 0.5 })],
    ['an iat tomorrow', () => signed({ iat: NOW_SECONDS + 86_400, exp: NOW_SECONDS + 90_000 })],
    ['an iat below nought', () => signed({ iat: -1 })],
    ['an end before the beginning', () => signed({ iat: NOW_SECONDS + 30, exp: NOW_SECONDS + 20 })],
    ['a subject twice', () => text(JSON.stringify(claims()).replace('{', '{"sub":"u-0",'))],
    ['a subject twice, once escaped', () => text(JSON.stringify(claims()).replace('{', '{"\\u0073ub":"u-0",'))],
    [
      'an algorithm twice',
      () => ec.signText(`{"alg":"none","alg":"ES256","kid":"${ec.kid}"}`, JSON.stringify(claims())),
    ],
    ['an empty subject', () => signed({ sub: '' })],
    ['a list as subject', () => signed({ sub: ['u-1'] })],
    ['half a character as subject', () => text(JSON.stringify(claims()).replace('u-1', '\\ud800'))],
    ['our audience beside a number', () => signed({ aud: [AUDIENCE, 1] })],
    [
      'seventeen levels',
      () => text(JSON.stringify(claims({ x: 0 })).replace('"x":0', `"x":${'['.repeat(16)}${']'.repeat(16)}`)),
    ],
    ['no kid', () => signed({}, { kid: undefined })],
    ['b64 without crit', () => signed({}, { b64: false })],
    ['b64 as it is anyway', () => signed({}, { b64: true })],
    ['a key in the header', () => signed({}, { jwk: stranger.publicJwk })],
    ['the address of a key', () => signed({}, { jku: 'https://evil.example/jwks' })],
    ['a certificate', () => signed({}, { x5c: ['AA=='] })],
    ['compression', () => signed({}, { zip: 'DEF' })],
    ['a type that is no text', () => signed({}, { typ: 1 })],
    ['a token in a token', () => signed({}, { cty: 'JWT' })],
    [
      'stray bits in the signature',
      async () =>
        withPart(await signed({}), 2, (part) => part.slice(0, -1) + { A: 'B', Q: 'R', g: 'h', w: 'x' }[part.slice(-1)]),
    ],
    ['padding', async () => `${await signed({})}==`],
    ['a line break', async () => `${await signed({})}\n`],
  ])('%s', async (_what, token) => {
    expect(await verdicts(await token())).toEqual(OURS_REFUSES);
  });
});

describe('a key verifies nothing but what it is for:', () => {
  it.each<[string, () => readonly unknown[], object]>([
    ['no keys', () => [], BOTH_REFUSE],
    ['a key for encryption', () => [{ ...ec.publicJwk, use: 'enc' }], BOTH_REFUSE],
    ['a key for another algorithm', () => [{ ...ec.publicJwk, alg: 'ES384' }], BOTH_REFUSE],
    ['a key of another type', () => [{ ...ec.publicJwk, kty: 'RSA' }], BOTH_REFUSE],
    ['a key on another curve', () => [{ ...ec.publicJwk, alg: undefined, crv: 'P-384' }], BOTH_REFUSE],
    ['a symmetric key', () => [{ kty: 'oct', k: 'AAAA', kid: ec.kid, alg: 'ES256' }], BOTH_REFUSE],
    ['a key off its curve', () => [{ ...ec.publicJwk, y: ec.publicJwk['x'] }], BOTH_REFUSE],
    ['half a key', () => [{ ...ec.publicJwk, y: undefined }], BOTH_REFUSE],
    ['two keys of one name', () => [ec.publicJwk, stranger.publicJwk], BOTH_REFUSE],
    [
      'two keys of one name, one of them of another type',
      () => [ec.publicJwk, { ...rsa.publicJwk, kid: ec.kid }],
      OURS_REFUSES,
    ],
    ['a key that says nothing of itself', () => [{ ...ec.publicJwk, alg: undefined, use: undefined }], BOTH_TAKE],
  ])('%s', async (_what, among, verdict) => {
    expect(await verdicts(await signed({}), among())).toEqual(verdict);
  });

  it('a key of an algorithm that neither we nor Access sign with', async () => {
    const other = await createIssuer('ES384');
    expect(await verdicts(await other.sign(claims()), [...keys, other.publicJwk])).toEqual(BOTH_REFUSE);
  });

  it('an RSA key of fewer than 2048 bits', async () => {
    const algorithm = {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: 1_024,
      publicExponent: new Uint8Array([1, 0, 1]),
    };
    const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
    const { n, e } = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey;
    const input = `${base64Url('{"alg":"RS256","kid":"k"}')}.${base64Url(JSON.stringify(claims()))}`;
    const signature = await crypto.subtle.sign(algorithm, pair.privateKey, new TextEncoder().encode(input));
    const token = `${input}.${base64Url(new Uint8Array(signature))}`;
    expect(await verdicts(token, [{ kty: 'RSA', kid: 'k', n, e }])).toEqual(BOTH_REFUSE);
  });
});

/** Uploaded key sets: which keys are taken, which are passed over, and what refuses the whole set. */
import { describe, expect, it } from 'vitest';
import { idleKeys, readJwks } from '../../../src/core/admin/jwks.ts';
import {
  bytes,
  EC_KEY,
  infineonModulus,
  jwks,
  POINTS,
  RSA_KEY,
  rsaModulus,
  spelled,
} from '../../support/admin-samples.ts';

function refusal(text: string): string {
  const read = readJwks(text, 8);
  if (read.ok) throw new Error('accepted');
  return read.error.join('\n');
}

function accepted(text: string) {
  const read = readJwks(text, 8);
  if (!read.ok) throw new Error(read.error.join('\n'));
  return read.value;
}

describe('keys that are taken', () => {
  it('keeps only the members that verification needs', () => {
    const { keys, warnings } = accepted(
      jwks({
        ...RSA_KEY,
        alg: 'RS256',
        use: 'sig',
        key_ops: ['verify'],
        x5c: ['abc'],
        x5t: 'x',
        'x5t#S256': 'y',
        extra: 1,
      }),
    );
    expect(keys).toEqual([{ ...RSA_KEY, alg: 'RS256', use: 'sig' }]);
    expect(warnings).toEqual([]);
  });

  it.each(['P-256', 'P-384', 'P-521'] as const)('a point of %s', (crv) => {
    const key = { kty: 'EC', kid: 'k', crv, ...POINTS[crv] };
    expect(accepted(jwks(key)).keys).toEqual([key]);
  });

  it.each([2_048, 2_049, 4_096, 8_192])('RSA of %i bits', (bits) => {
    expect(accepted(jwks({ ...RSA_KEY, n: rsaModulus(bits) })).keys).toHaveLength(1);
  });

  it('drops the members of another key type', () => {
    expect(accepted(jwks({ ...EC_KEY, n: 'AQAB' })).keys).toEqual([EC_KEY]);
  });

  it('ignores members beside "keys"', () => {
    expect(accepted(JSON.stringify({ keys: [EC_KEY], issued: 1 })).keys).toEqual([EC_KEY]);
  });

  it('takes eight keys', () => {
    const keys = Array.from({ length: 8 }, (_, index) => ({ ...EC_KEY, kid: `k${index}` }));
    expect(accepted(jwks(...keys)).keys).toHaveLength(8);
    expect(readJwks(jwks(...keys, { ...EC_KEY, kid: 'k8' }), 9).ok).toBe(true);
  });
});

describe('keys that are passed over', () => {
  it.each([
    ['unknown type', { kty: 'OKP', crv: 'Ed25519', x: bytes(32), kid: 'o' }, 'OKP'],
    ['encryption key', { ...RSA_KEY, kid: 'enc', use: 'enc' }, 'use'],
    ['other algorithm', { ...RSA_KEY, kid: 'pss', alg: 'PS256' }, 'PS256'],
  ])('%s, with a warning, and never alone', (_name, odd, word) => {
    const { keys, warnings } = accepted(jwks(odd, EC_KEY));
    expect(keys).toEqual([EC_KEY]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(word);
    expect(warnings[0]).toContain('keys[0]');
    expect(refusal(jwks(odd))).toContain('no key that can verify');
  });

  it('warns of keys that no allowed algorithm uses', () => {
    const p384 = { kty: 'EC', kid: 'p384', crv: 'P-384', ...POINTS['P-384'] };
    const { keys } = accepted(jwks(p384, EC_KEY, { ...RSA_KEY, alg: 'RS512' }));
    expect(idleKeys(keys, ['RS256', 'ES256'])).toEqual([
      expect.stringContaining('"p384"'),
      expect.stringContaining('"rsa-1"'),
    ]);
    expect(idleKeys(keys, ['ES256', 'ES384', 'RS512'])).toEqual([]);
  });
});

describe('what refuses the whole set', () => {
  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth', 'priv'])(
    'the secret member %s, even on an unknown type',
    (member) => {
      expect(refusal(jwks({ ...RSA_KEY, [member]: 'AQAB' }, EC_KEY))).toContain(`"${member}"`);
      expect(refusal(jwks({ kty: 'OKP', [member]: '' }, EC_KEY))).toContain(`"${member}"`);
    },
  );

  it.each([
    ['symmetric key', { kty: 'oct', kid: 'k' }, 'symmetric'],
    ['no kty', { kid: 'k' }, 'kty'],
    ['kty that is no string', { ...RSA_KEY, kty: 7 }, 'kty'],
    ['no kid', { ...EC_KEY, kid: undefined }, 'kid'],
    ['empty kid', { ...EC_KEY, kid: '' }, 'kid'],
    ['kid that is no string', { ...EC_KEY, kid: 1 }, 'kid'],
    ['endless kid', { ...EC_KEY, kid: 'k'.repeat(257) }, 'kid'],
    ['1024 bits', { ...RSA_KEY, n: bytes(128) }, '1024 bits'],
    ['2047 bits', { ...RSA_KEY, n: bytes(256, 0x40) }, '2047 bits'],
    ['8193 bits', { ...RSA_KEY, n: bytes(1_025, 1) }, '8193 bits'],
    ['leading zero', { ...RSA_KEY, n: bytes(257, 0) }, 'zero byte'],
    ['no modulus', { ...RSA_KEY, n: undefined }, '"n"'],
    ['padded modulus', { ...RSA_KEY, n: `${RSA_KEY.n}==` }, '"n"'],
    ['exponent 3', { ...RSA_KEY, e: 'Aw' }, '"e"'],
    ['exponent 1', { ...RSA_KEY, e: 'AQ' }, '"e"'],
    ['unknown curve', { ...EC_KEY, crv: 'secp256k1' }, 'crv'],
    ['short x', { ...EC_KEY, x: bytes(31) }, '"x"'],
    ['long y', { ...EC_KEY, y: bytes(33) }, '"y"'],
    ['alg of another type', { ...RSA_KEY, alg: 'ES256' }, 'does not fit'],
    ['alg of another curve', { ...EC_KEY, alg: 'ES384' }, 'does not fit'],
    ['a control character in the kid', { ...EC_KEY, kid: 'a\u001b[2J' }, 'control character'],
    ['no object', 'key', 'not an object'],
    ['null', null, 'not an object'],
  ])('%s', (_name, key, word) => {
    expect(refusal(jwks(key))).toContain(word);
    expect(refusal(jwks({ ...EC_KEY, kid: 'good' }, key))).toContain('keys[1]');
  });

  it.each([
    ['no JSON', 'keys', 'JSON'],
    ['an array', '[]', '"keys"'],
    ['no keys', '{}', '"keys"'],
    ['keys that are no array', '{"keys":{}}', '"keys"'],
    ['empty', '{"keys":[]}', 'no key'],
    ['repeated member', '{"keys":[],"keys":[]}', 'twice'],
    ['nine keys', jwks(...Array.from({ length: 9 }, (_, index) => ({ ...EC_KEY, kid: `k${index}` }))), '9 keys'],
    ['one kid twice', jwks(EC_KEY, { ...RSA_KEY, kid: 'ec-1' }), '"ec-1" twice'],
    ['too long', jwks({ ...EC_KEY, x5c: ['a'.repeat(70_000)] }), 'longer than'],
  ])('%s', (_name, text, word) => {
    expect(refusal(text)).toContain(word);
  });

  it.each([
    ['P-256', 32, 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn],
    ['P-384', 48, 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn],
    ['P-521', 66, (1n << 521n) - 1n],
  ] as const)('a point that is not on %s', (crv, length, p) => {
    const key = { kty: 'EC', kid: 'k', crv, ...POINTS[crv] };
    const x = BigInt(`0x${Array.from(atob(key.x.replaceAll('-', '+').replaceAll('_', '/')), hexOf).join('')}`);
    const zero = spelled(0n, length);
    expect(refusal(jwks({ ...key, y: spelled(1n, length) }))).toContain('not on its curve');
    expect(refusal(jwks({ ...key, x: zero, y: zero }))).toContain('not on its curve');
    expect(refusal(jwks({ ...key, x: key.y, y: key.x }))).toContain('not on its curve');
    expect(refusal(jwks({ ...key, y: spelled(p, length) }))).toContain('not on its curve');
    // The same point to arithmetic modulo p, and a second spelling of the key.
    if (x + p < 1n << BigInt(length * 8)) {
      expect(refusal(jwks({ ...key, x: spelled(x + p, length) }))).toContain('not on its curve');
    }
  });

  it('a modulus with a small factor', () => {
    const odd = BigInt(`0x${'c5'.repeat(256)}`);
    for (const factor of [2n, 3n, 97n, 167n]) {
      expect(refusal(jwks({ ...RSA_KEY, n: spelled(odd * factor) }))).toMatch(/divisible by \d+/);
    }
  });

  it.each([17, 29, 101])('a modulus of the Infineon sort (CVE-2017-15361), exponents from %i', (start) => {
    const n = infineonModulus(start);
    expect(n.toString(2).length).toBeGreaterThanOrEqual(2_048);
    expect(refusal(jwks({ ...RSA_KEY, n: spelled(n) }))).toContain('CVE-2017-15361');
    expect(refusal(jwks({ ...RSA_KEY, n: spelled(n + 2n) }))).not.toContain('CVE-2017-15361');
  });

  it('never repeats key material', () => {
    expect(refusal(jwks({ ...RSA_KEY, d: 'c2VjcmV0' }))).not.toContain('c2VjcmV0');
  });
});

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0');
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPublishedJwks } from '../../src/core/jwks-document.ts';
import { EC_KEY, jwks, RSA_KEY } from '../support/admin-samples.ts';

const kidsOf = (text: string) => {
  const judged = readPublishedJwks(text);
  return judged.ok ? judged.value.keys.map((key) => key.kid) : judged.error;
};

describe('a published key set', () => {
  it('gives its usable keys, in their order, and nothing that stands beside them', () => {
    const judged = readPublishedJwks(jwks({ ...RSA_KEY, x5c: ['AA'], x5t: 'AA', key_ops: ['verify'] }, EC_KEY));
    expect(judged).toMatchObject({ ok: true, value: { keys: [RSA_KEY, EC_KEY], warnings: [] } });
    expect(JSON.stringify(judged)).not.toMatch(/x5|key_ops/);
  });

  it('skips what cannot be used here: a foreign type, a foreign curve, no name', () => {
    const { kid: _kid, ...nameless } = EC_KEY;
    const judged = readPublishedJwks(
      jwks(
        { kty: 'AKP', kid: 'a' },
        { ...EC_KEY, kid: 'b', crv: 'secp256k1' },
        { ...EC_KEY, kid: '' },
        nameless,
        RSA_KEY,
      ),
    );
    expect(judged).toMatchObject({ ok: true, value: { keys: [RSA_KEY] } });
    const warnings = judged.ok ? judged.value.warnings : [];
    expect([0, 1, 2, 3].map((n) => warnings.filter((warning) => warning.startsWith(`keys[${n}] `)).length)).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it('two nameless keys are no repetition', () => {
    expect(kidsOf(jwks({ ...EC_KEY, kid: '' }, { ...EC_KEY, kid: '' }, RSA_KEY))).toEqual([RSA_KEY.kid]);
  });

  it.each([
    ['{', 'not valid JSON'],
    ['{"keys":[],"keys":[]}', 'twice'],
    ['{"keys":[],"\\u006beys":[]}', 'twice'],
    ['[]', '"keys"'],
    ['{"keys":{}}', '"keys"'],
    ['{"keys":[]}', 'no key'],
    ['{"keys":[1]}', 'not an object'],
    [jwks({ ...EC_KEY, kid: '' }), 'no key'],
    [jwks(EC_KEY, EC_KEY), 'twice'],
    [jwks(RSA_KEY, { kty: 'oct', kid: 'o', k: 'AA' }), 'secret'],
    [jwks(RSA_KEY, { ...EC_KEY, kid: '', d: 'AA' }), 'secret'],
    [jwks(RSA_KEY, { ...EC_KEY, crv: 'secp256k1', d: 'AA' }), 'secret'],
    [jwks(RSA_KEY, { kty: 'OKP', kid: 'ed', d: 'AA' }), 'secret'],
    [jwks(RSA_KEY, { ...RSA_KEY, kid: '', e: 'Aw' }), 'exponent'],
    [JSON.stringify({ keys: Array.from({ length: 10_000 }, () => EC_KEY) }), '10000 keys'],
  ])('row %# is refused whole', (text, because) => {
    expect(kidsOf(text).join(' ')).toContain(because);
    expect(readPublishedJwks(text).ok).toBe(false);
  });

  it('of 100 keys is taken', () => {
    expect(kidsOf(jwks(...Array.from({ length: 100 }, (_, n) => ({ ...EC_KEY, kid: `k${n}` })))).length).toBe(100);
  });

  it('never throws, and no key without a name or of a foreign curve ever comes out of it', () => {
    const member = fc.constantFrom('kty', 'kid', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use', 'd', '__proto__');
    const broken = fc
      .tuple(fc.constantFrom(EC_KEY, RSA_KEY), member, fc.jsonValue())
      .map(([key, name, value]) => ({ ...key, [name]: value }));
    fc.assert(
      fc.property(fc.array(fc.oneof(broken, fc.jsonValue()), { maxLength: 4 }), (keys) => {
        const judged = readPublishedJwks(JSON.stringify({ keys }));
        expect(judged.ok || judged.error.length > 0).toBe(true);
        if (!judged.ok) return;
        for (const key of judged.value.keys) {
          expect(key.kid === '' || key.kid.startsWith('edge-sts')).toBe(false);
          expect(key.kty === 'RSA' || ['P-256', 'P-384', 'P-521'].includes(key.crv ?? '')).toBe(true);
        }
      }),
    );
  });
});

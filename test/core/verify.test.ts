/** The policy of verification, with a signature that always holds: each rule alone refuses. */
import { describe, expect, it } from 'vitest';
import type { Provider, PublicJwk } from '../../src/core/resources.ts';
import type { Purpose } from '../../src/core/audiences.ts';
import { verify, type VerifySignature } from '../../src/core/verify.ts';
import {
  NOW_SECONDS,
  SAMPLE_AUDIENCE,
  SAMPLE_KEY,
  SAMPLE_NAME,
  sampleAssertion,
  sampleClaims,
  sampleProvider,
} from '../support/core-samples.ts';

async function verdict(
  claims: Record<string, unknown> = {},
  provider: Partial<Provider> = {},
  header = { alg: 'ES256', kid: 'k1' },
  purpose: Purpose = 'exchange',
): Promise<string> {
  const signed = async (): Promise<boolean> => true;
  const row = sampleProvider(provider);
  const result = await verify(
    sampleAssertion(sampleClaims(claims), header),
    SAMPLE_NAME,
    row,
    row.keys,
    purpose,
    signed,
    NOW_SECONDS,
  );
  if (result.ok) return 'verified';
  return result.error.tag === 'unverified' ? result.error.check : result.error.tag;
}

it('takes the sample', async () => {
  expect(await verdict()).toBe('verified');
});

it('asks for the signature with the key and the algorithm of the store', async () => {
  const asked: unknown[] = [];
  const never: VerifySignature = async (...question) => {
    asked.push(question);
    return false;
  };
  const row = sampleProvider();
  const result = await verify(sampleAssertion(), SAMPLE_NAME, row, row.keys, 'exchange', never, NOW_SECONDS);
  expect(asked).toEqual([[sampleAssertion(), SAMPLE_KEY, 'ES256']]);
  expect(result).toEqual({ ok: false, error: { tag: 'unverified', check: 'signature' } });
});

describe('the key', () => {
  const rsa: PublicJwk = { kty: 'RSA', kid: 'k1', n: 'n', e: 'AQAB', thumbprint: 'thumb-rsa' };
  it.each([
    ['another kid', SAMPLE_KEY, 'ES256', 'k2', 'unknown_kid'],
    ['the kid in other letters', SAMPLE_KEY, 'ES256', 'K1', 'unknown_kid'],
    ['an algorithm the provider does not allow', SAMPLE_KEY, 'ES384', 'k1', 'alg_not_allowed'],
    ['an EC key for RS256', SAMPLE_KEY, 'RS256', 'k1', 'key_alg_mismatch'],
    ['an RSA key for ES256', rsa, 'ES256', 'k1', 'key_alg_mismatch'],
    ['another curve', { ...SAMPLE_KEY, crv: 'P-384' }, 'ES256', 'k1', 'key_alg_mismatch'],
    ['a key made for another algorithm', { ...SAMPLE_KEY, alg: 'ES512' }, 'ES256', 'k1', 'key_alg_mismatch'],
    ['a key made for encryption', { ...SAMPLE_KEY, use: 'enc' }, 'ES256', 'k1', 'key_alg_mismatch'],
    ['a key that says what it is', { ...SAMPLE_KEY, alg: 'ES256', use: 'sig' }, 'ES256', 'k1', 'verified'],
    ['an RSA key', rsa, 'RS256', 'k1', 'verified'],
  ] as [string, PublicJwk, string, string, string][])('%s: %s', async (_what, key, alg, kid, check) => {
    expect(await verdict({}, { keys: [key] }, { alg, kid })).toBe(check);
  });
});

describe('times, to the second', () => {
  it.each([
    [{ exp: NOW_SECONDS + 2 }, 'verified'],
    [{ exp: NOW_SECONDS + 1 }, 'expired'],
    [{ exp: NOW_SECONDS }, 'expired'],
    [{ iat: NOW_SECONDS + 60, exp: NOW_SECONDS + 100 }, 'verified'],
    [{ iat: NOW_SECONDS + 61, exp: NOW_SECONDS + 100 }, 'issued_in_future'],
    [{ nbf: NOW_SECONDS + 60 }, 'verified'],
    [{ nbf: NOW_SECONDS + 61 }, 'not_yet_valid'],
    [{ nbf: 'soon' }, 'time_claims'],
    [{ iat: NOW_SECONDS - 10, exp: NOW_SECONDS - 10 + 86_400 }, 'verified'],
    [{ iat: NOW_SECONDS - 10, exp: NOW_SECONDS - 10 + 86_401 }, 'lifetime'],
    [{ iat: NOW_SECONDS - 10, exp: NOW_SECONDS - 10 + 31_536_000 }, 'one_year_token'],
    [{ iat: -1 }, 'time_claims'],
    [{ exp: null }, 'time_claims'],
    [{ exp: NOW_SECONDS + 0.5 }, 'time_claims'],
    [{ exp: 253_402_300_800 }, 'time_claims'],
    [{ iat: NOW_SECONDS + 50, exp: NOW_SECONDS + 50 }, 'time_claims'],
  ])('%j: %s', async (claims, check) => {
    expect(await verdict(claims)).toBe(check);
  });

  it('a provider may allow a year, and a week only where it says so', async () => {
    const year = { iat: NOW_SECONDS - 10, exp: NOW_SECONDS - 10 + 31_536_000 };
    expect(await verdict(year, { maxTokenLifetimeSeconds: 31_536_000 })).toBe('verified');
    expect(await verdict({ exp: NOW_SECONDS + 700 }, { maxTokenLifetimeSeconds: 600 })).toBe('lifetime');
  });
});

describe('the audience', () => {
  it.each([
    [SAMPLE_AUDIENCE, 'verified'],
    [[SAMPLE_AUDIENCE], 'verified'],
    [`https:${SAMPLE_AUDIENCE}`, 'verified'],
    [`http:${SAMPLE_AUDIENCE}`, 'audience'],
    [[SAMPLE_AUDIENCE, SAMPLE_AUDIENCE], 'audience'],
    [[], 'audience'],
    [[[SAMPLE_AUDIENCE]], 'audience'],
    [{ 0: SAMPLE_AUDIENCE }, 'audience'],
    [7, 'audience'],
    [null, 'audience'],
    [`${SAMPLE_AUDIENCE} `, 'audience'],
    [SAMPLE_AUDIENCE.replace('cluster-a', 'cluster-b'), 'audience'],
  ])('%j: %s', async (aud, check) => {
    expect(await verdict({ aud })).toBe(check);
  });

  it('is the configured one only, once one is configured', async () => {
    expect(await verdict({ aud: 'mine' }, { allowedAudiences: ['mine', 'yours'] })).toBe('verified');
    expect(await verdict({}, { allowedAudiences: ['mine'] })).toBe('audience');
    expect(await verdict({ aud: 'MINE' }, { allowedAudiences: ['mine'] })).toBe('audience');
  });
});

describe('what Kubernetes says of the workload', () => {
  const own = (change: object): object => ({
    'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'checkout', uid: 'u' }, ...change },
  });
  it.each([
    [own({}), 'verified'],
    [own({ pod: { name: 'p-1', uid: 'u' }, node: { name: 'n', uid: 'u' } }), 'verified'],
    [own({ node: { name: 'n' } }), 'verified'],
    [own({ node: { name: 'n', uid: '' } }), 'verified'],
    [own({ namespace: 'a/sa/b' }), 'kubernetes_claims'],
    [own({ namespace: 'Shop' }), 'kubernetes_claims'],
    [own({ namespace: 'x'.repeat(64) }), 'kubernetes_claims'],
    [own({ serviceaccount: { name: 'a/b', uid: 'u' } }), 'kubernetes_claims'],
    [own({ serviceaccount: { name: 'checkout', uid: 'a/b' } }), 'kubernetes_claims'],
    [own({ serviceaccount: { name: 'checkout', uid: '' } }), 'kubernetes_claims'],
    [own({ serviceaccount: { name: 'checkout' } }), 'kubernetes_claims'],
    [own({ serviceaccount: 'checkout' }), 'kubernetes_claims'],
    [own({ pod: { name: 'p/1', uid: 'u' } }), 'kubernetes_claims'],
    [own({ pod: { name: 'p', uid: 'u u' } }), 'kubernetes_claims'],
    [own({ pod: null }), 'kubernetes_claims'],
    [own({ node: { name: 'n/m' } }), 'kubernetes_claims'],
    [own({ node: { name: 'n', uid: 'a/b' } }), 'kubernetes_claims'],
    [{ 'kubernetes.io': [] }, 'kubernetes_claims'],
    [{ ...own({}), sub: 'system:serviceaccount:shop:other' }, 'subject_disagrees'],
    [{ ...own({}), sub: 'system:serviceaccount:shop:checkout ' }, 'subject_disagrees'],
    [{ iss: 'kubernetes/serviceaccount' }, 'legacy_token'],
    [{ 'kubernetes.io/serviceaccount/namespace': 'shop' }, 'legacy_token'],
  ])('%j: %s', async (claims, check) => {
    expect(await verdict({ ...claims })).toBe(check);
  });

  it('is not asked of other issuers', async () => {
    expect(await verdict({ sub: 'anything', 'kubernetes.io': undefined }, { kind: 'oidc' })).toBe('verified');
  });
});

describe('keys that may not verify', () => {
  it('a distrusted one is known by its thumbprint, whatever it is called', async () => {
    const renamed: PublicJwk = { ...SAMPLE_KEY, kid: 'k1', alg: 'ES256' };
    expect(await verdict({}, { keys: [renamed], distrustedThumbprints: ['other', SAMPLE_KEY.thumbprint] })).toBe(
      'distrusted_key',
    );
    expect(await verdict({}, { keys: [renamed], distrustedThumbprints: ['other'] })).toBe('verified');
  });

  it('a pushed one waits out its hold, to the second', async () => {
    expect(await verdict({}, { keys: [{ ...SAMPLE_KEY, trustedFromSeconds: NOW_SECONDS + 1 }] })).toBe('key_on_hold');
    expect(await verdict({}, { keys: [{ ...SAMPLE_KEY, trustedFromSeconds: NOW_SECONDS }] })).toBe('verified');
  });
});

describe('a token that is taken once', () => {
  it.each([
    [{ jti: 'id-1' }, 'verified'],
    [{ jti: 'x'.repeat(256) }, 'verified'],
    [{ jti: 'x'.repeat(257) }, 'token_id'],
    [{ jti: '' }, 'token_id'],
    [{ jti: 7 }, 'token_id'],
    [{}, 'token_id'],
  ])('has an id: %j', async (claims, check) => {
    expect(await verdict(claims, { singleUse: true })).toBe(check);
  });
});

describe('a token that pushes keys', () => {
  const header = { alg: 'ES256', kid: 'k1' };
  it.each([
    [{ aud: `${SAMPLE_AUDIENCE}:pushKeys`, jti: 'id' }, 'verified'],
    [{ aud: `https:${SAMPLE_AUDIENCE}:pushKeys`, jti: 'id' }, 'verified'],
    [{ aud: `${SAMPLE_AUDIENCE}:pushKeys` }, 'token_id'],
    [{ aud: SAMPLE_AUDIENCE, jti: 'id' }, 'audience'],
    [{ aud: [`${SAMPLE_AUDIENCE}:pushKeys`, SAMPLE_AUDIENCE], jti: 'id' }, 'audience'],
  ])('is made for nothing else: %j', async (claims, check) => {
    expect(await verdict(claims, {}, header, 'pushKeys')).toBe(check);
    expect(await verdict({ ...claims, aud: `${SAMPLE_AUDIENCE}:pushKeys` })).toBe('audience');
  });

  it('does not become one by an audience that an administrator allowed', async () => {
    const allowed = { allowedAudiences: ['mine'] };
    expect(await verdict({ aud: 'mine', jti: 'id' }, allowed, header, 'pushKeys')).toBe('audience');
  });
});

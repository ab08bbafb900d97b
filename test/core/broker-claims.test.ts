/** What a token for the broker says of its bearer: enough to know every member text of his again, never more than a token may hold, and nothing of rights. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holderIn } from '../../src/core/broker-claims.ts';
import { claimsOf, type Grant } from '../../src/core/grant.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { memberTexts, type Principal } from '../../src/core/principal.ts';
import { sizeDenial } from '../../src/core/token-size.ts';

const ORIGIN = 'https://sts.example.com';
const provider = { projectNumber: '100000000001', poolId: 'ci-pool', providerId: 'github' };
const NOW = 1_780_000_000;

const grantOf = (principal: Principal): Grant => ({
  principal,
  audience: ORIGIN,
  scopes: [],
  roles: [],
  alg: 'ES256',
  typ: 'at+jwt',
  notAfterSeconds: NOW + 600,
  maxLifetimeSeconds: 3_600,
});

/** As they come out of a token. */
function claims(principal: Principal, changes: object = {}): JsonObject {
  const read: JsonObject = JSON.parse(JSON.stringify(claimsOf(grantOf(principal), ORIGIN, 'token-id', NOW)));
  return { ...read, ...changes };
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const oidc = fc.record({
  subject: text,
  groups: fc.array(text, { maxLength: 5 }),
  attributes: fc.dictionary(fc.stringMatching(/^[a-z0-9_]{1,10}$/), text, { maxKeys: 5 }),
});
const kubernetes = fc.record(
  {
    namespace: fc.constantFrom('shop', 'a'),
    serviceAccount: fc.record({ name: fc.constantFrom('checkout', 'b'), uid: fc.uuid() }),
    pod: fc.record({ name: fc.constant('pod-1'), uid: fc.uuid() }),
    node: fc.oneof(fc.record({ name: fc.constant('n1') }), fc.record({ name: fc.constant('n1'), uid: fc.uuid() })),
    cluster: fc.constant('https://clusters.example.com/one'),
  },
  { requiredKeys: ['namespace', 'serviceAccount', 'cluster'] },
);

describe('an identity', () => {
  it('has the member texts of the principal that exchanged', () => {
    fc.assert(
      fc.property(oidc, fc.option(kubernetes, { nil: undefined }), (mapped, cluster) => {
        const principal: Principal =
          cluster === undefined
            ? { provider, ...mapped, claims: { secret: 'x' }, keyThumbprint: 'k'.repeat(43) }
            : { provider, subject: 'ns/shop/sa/x', groups: [], attributes: {}, kubernetes: cluster, claims: {} };
        const identity = holderIn(claims(principal), ORIGIN);
        expect(identity?.isWhole).toBe(true);
        expect([...memberTexts(identity?.principal ?? principal)]).toEqual([...memberTexts(principal)]);
        expect(identity?.principal).toEqual({ ...principal, claims: {} });
      }),
    );
  });

  it('is known not to be whole where the groups are more than a token should carry, and the token still fits', () => {
    const groups = Array.from({ length: 400 }, (_, index) => `group-${index}@example.com`);
    const principal: Principal = { provider, subject: 'x'.repeat(127), groups, attributes: {}, claims: {} };
    expect(sizeDenial(grantOf(principal), ORIGIN, NOW)).toBeUndefined();
    expect(holderIn(claims(principal), ORIGIN)).toMatchObject({ isWhole: false, principal: { groups: [] } });
  });

  const principal: Principal = { provider, subject: 'job', groups: ['a'], attributes: {}, claims: {} };

  it.each<[string, object]>([
    ['another pool’s issuer', { iss: `${ORIGIN}/100000000001/other-pool` }],
    ['another project’s issuer', { iss: `${ORIGIN}/100000000002/ci-pool` }],
    ['another broker’s issuer', { iss: 'https://evil.example.com/100000000001/ci-pool' }],
    ['no provider', { client_id: undefined }],
    ['what is no provider', { client_id: 'projects/1' }],
    ['another principal', { principal: 'principal://iam.googleapis.com/projects/1/x' }],
    ['another subject', { sub: 'boss' }],
    ['no subject', { sub: undefined }],
  ])('is none of a token that names %s', (_what, changes) => {
    expect(holderIn(claims(principal), ORIGIN)).toBeDefined();
    expect(holderIn(claims(principal, changes), ORIGIN)).toBeUndefined();
  });

  it('is not whole in a token from before there was such a claim', () => {
    expect(holderIn(claims(principal, { 'edge-sts': undefined }), ORIGIN)).toMatchObject({ isWhole: false });
  });
});

it('a token for a target says nothing of groups, attributes or keys', () => {
  const principal: Principal = { provider, subject: 'job', groups: ['a'], attributes: { repo: 'x' }, claims: {} };
  const toTarget = claimsOf({ ...grantOf(principal), targetId: 'files' }, ORIGIN, 'token-id', NOW);
  expect(toTarget).not.toHaveProperty('edge-sts');
});

/** What an exchange leaves behind: only of who has shown a token that holds, by how it ended, and never what is too large or of the token. */
import { describe, expect, it } from 'vitest';
import type { Denial } from '../../src/core/denial.ts';
import { recentExchange, type RecentExchange } from '../../src/core/recent.ts';
import { type Memory, rememberGrant, rememberRefusal } from '../../src/core/remember.ts';
import { policyPrincipal } from '../support/policy-world.ts';

function exchangeThat(changes: Partial<Memory> = {}): {
  readonly memory: Memory;
  readonly said: (readonly [string, RecentExchange])[];
  /** As they were announced, before any was made. */
  readonly endings: string[];
  readonly ports: Parameters<typeof rememberGrant>[2];
} {
  const said: (readonly [string, RecentExchange])[] = [];
  const endings: string[] = [];
  const memory = {
    requestId: 'r1',
    startMs: 5,
    principal: policyPrincipal,
    isKept: true,
    targetId: 'orders',
    ...changes,
  };
  const remember: Parameters<typeof rememberGrant>[2]['remember'] = (number, ending, make) => {
    endings.push(ending);
    said.push([number, make()]);
  };
  return { memory, said, endings, ports: { remember } };
}

const overQuota: Denial = { tag: 'over_quota', limit: 'project', retryAfterSeconds: 1 };
const replay: Denial = { tag: 'unverified', check: 'replay' };

describe('what is said', () => {
  it('of a grant: once, and anew where the roles became others', () => {
    const { memory, said, endings, ports } = exchangeThat();
    const roles = ['a'];
    rememberGrant(roles, memory, ports);
    rememberGrant(roles, memory, ports);
    rememberGrant(['b'], memory, ports);
    expect(said).toEqual([
      [
        '123456789012',
        expect.objectContaining({ id: 'r1', timeMs: 5, outcome: 'granted', roles: ['a'], targetId: 'orders' }),
      ],
      ['123456789012', expect.objectContaining({ id: 'r1', outcome: 'granted', roles: ['b'], again: true })],
    ]);
    expect(said[0]?.[1]).not.toHaveProperty('again');
    expect(endings).toEqual(['granted', 'again']);
  });

  it('of a refusal: its reason; after a grant was said even that the token was not good', () => {
    const refused = exchangeThat();
    rememberRefusal({ tag: 'not_granted', target: 'orders', why: 'because' }, refused.memory, refused.ports);
    expect(refused.said[0]?.[1]).toMatchObject({ outcome: 'refused', reason: 'not_granted', check: 'because' });
    for (const denial of [overQuota, replay]) {
      const { memory, said, ports } = exchangeThat();
      rememberGrant([], memory, ports);
      rememberRefusal(denial, memory, ports);
      expect(said.at(-1)?.[1]).toMatchObject({ outcome: 'refused', reason: denial.tag, again: true });
    }
  });

  it.each<readonly [string, Denial, Partial<Memory>]>([
    ['whose token does not hold', replay, {}],
    ['of a provider that is none', { tag: 'unknown_provider', why: 'pool' }, {}],
    ['of a provider that was switched off', { tag: 'disabled', what: 'pool' }, {}],
    ['who is slowed down', { tag: 'too_many_failures', retryAfterSeconds: 1 }, {}],
    ['of a project that keeps nothing', overQuota, { isKept: false }],
  ])('nothing of somebody %s', (_who, denial, changes) => {
    const { memory, said, ports } = exchangeThat(changes);
    rememberRefusal(denial, memory, ports);
    if (changes.isKept === false) rememberGrant([], memory, ports);
    expect(said).toEqual([]);
  });

  it('nothing where it never came to a principal', () => {
    const { principal: _nobody, ...memory } = exchangeThat().memory;
    const { said, ports } = exchangeThat();
    rememberRefusal({ tag: 'condition_false' }, memory, ports);
    expect(said).toEqual([]);
  });
});

describe('a record', () => {
  const seen = { id: 'r1', timeMs: 5, outcome: 'granted', reason: 'granted' } as const;
  const claimsOf = (bytes: number) => ({ x: 'é'.repeat((bytes - 8) / 2) });

  it('keeps claims of up to 2 KiB', () => {
    expect(recentExchange({ ...policyPrincipal, claims: claimsOf(2_048) }, seen)).toHaveProperty('claims');
    expect(recentExchange({ ...policyPrincipal, claims: claimsOf(2_050) }, seen)).not.toHaveProperty('claims');
  });

  it('lets go of the claims, then of groups and attributes, where all of it is more than 4 KiB; and says so', () => {
    const attributes = (bytes: number) => ({ a: 'é'.repeat((bytes - '[[],{"a":""}]'.length - 1) / 2) + 'x' });
    const made = (bytes: number, groups: readonly string[] = []) =>
      recentExchange({ ...policyPrincipal, groups, attributes: attributes(bytes), claims: claimsOf(1_000) }, seen);
    expect(made(3_096)).toMatchObject({ attributes: attributes(3_096), claims: claimsOf(1_000) });
    expect(made(3_098)).toMatchObject({ attributes: attributes(3_098) });
    expect(made(3_098)).not.toHaveProperty('claims');
    expect(made(4_096)).toMatchObject({ attributes: attributes(4_096) });
    expect(made(4_096)).not.toHaveProperty('isCut');
    for (const cut of [made(4_098), made(4_096, ['g'])]) {
      expect(cut).toMatchObject({ groups: [], attributes: {}, isCut: true, subject: policyPrincipal.subject });
      expect(cut).not.toHaveProperty('claims');
    }
  });

  it('holds what it names and nothing that came along', () => {
    const record = recentExchange(
      { ...policyPrincipal, token: 'secret' } as never,
      { ...seen, token: 'secret' } as never,
    );
    expect(JSON.stringify(record)).not.toContain('secret');
  });
});

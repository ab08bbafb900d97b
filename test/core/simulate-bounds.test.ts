/** How much a rehearsal may cost and say, and what it cannot know. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Allowance } from '../../src/core/frugal-map.ts';
import { POLICY_NOW } from '../support/policy-world.ts';
import { recordOf } from '../support/recent.ts';
import {
  POOL,
  type TestMember,
  fixed,
  worlds,
  principals,
  recordsOf,
  type TestWorld,
  simulated,
  EMPTY,
  everybody,
  named,
} from './simulate-support.ts';

describe('bounds', () => {
  const toAll = { roleId: 'reader', members: [everybody], condition: undefined };

  it('a list of a thousand changes is cut, and the counts are whole', () => {
    const records = Array.from({ length: 1_203 }, (_, n) => named(n));
    const result = simulated({ ...EMPTY, proposed: () => [toAll] }, records);
    expect(result).toMatchObject({ logCount: 1_203, differenceCount: 1_203, isTruncated: true });
    expect(result.changes).toHaveLength(1_000);
    expect(simulated({ ...EMPTY, proposed: () => [toAll] }, records.slice(0, 1_000)).isTruncated).toBe(false);
  });

  it('who asks alike is decided once, where no condition is about time or claims', () => {
    const condition = fixed('resource.matchTag("1/env", "prod")', () => false);
    const records = Array.from({ length: 5_000 }, (_, n) =>
      recordOf(`r${n}`, (POLICY_NOW + n) * 1_000, { targetId: 't0', claims: { jti: `${n}` } }),
    );
    // Work for one decision, not for two.
    expect(simulated({ ...EMPTY, proposed: () => [{ ...toAll, condition }] }, records, 1)).toMatchObject({
      unchangedCount: 5_000,
      errorCount: 0,
    });
  });

  it('where the work would be too much, what is left is not known rather than guessed', () => {
    const condition = fixed('request.time.getSeconds() % 2 == 0', () => true);
    const records = Array.from({ length: 60 }, (_, n) =>
      recordOf(`r${n}`, (POLICY_NOW + n) * 1_000, { targetId: 't0' }),
    );
    const result = simulated({ ...EMPTY, proposed: () => [{ ...toAll, condition }] }, records, 100);
    expect(result.errorCount).toBeGreaterThan(0);
    expect(result.errorCount).toBeLessThan(60);
    expect(result.logCount).toBe(60);
    expect(result.changes.map(({ change }) => change)).toContain('UNKNOWN_CHANGE');
  });

  it('what is remembered of who asked never exceeds its allowance, however much they said of themselves', () => {
    const condition = fixed('request.workload.claims.ref == "x"', () => true);
    const large = Array.from({ length: 3_000 }, (_, n) =>
      recordOf(`r${n}`, POLICY_NOW * 1_000 + n, {
        subject: `s${n}`,
        targetId: 't0',
        attributes: { a: `${n}${'"'.repeat(1_500)}` },
        claims: { ref: 'x', rest: `${n}${'r'.repeat(900)}` },
      }),
    );
    const allowance = new Allowance(500_000);
    const result = simulated({ ...EMPTY, proposed: () => [{ ...toAll, condition }] }, large, undefined, allowance);
    expect(result).toMatchObject({ differenceCount: 3_000, errorCount: 0 });
    expect(allowance.left).toBeLessThan(10_000);
    expect(allowance.left).toBeGreaterThanOrEqual(0);
  });

  it('where nothing changes, no conditions are remembered: a record weighs as much as the names in it', () => {
    const condition = fixed('resource.matchTag("1/env", "prod")', () => true);
    const alike = Array.from({ length: 200 }, (_, n) => ({
      ...toAll,
      condition: { ...condition, expression: `resource.matchTag("1/env", "${n}")` },
    }));
    const allowance = new Allowance(1_000_000);
    const world = { ...EMPTY, bindings: alike, proposed: () => alike };
    expect(
      simulated(
        world,
        Array.from({ length: 100 }, (_, n) => named(n)),
        undefined,
        allowance,
      ).unchangedCount,
    ).toBe(100);
    expect(1_000_000 - allowance.left).toBeLessThan(100 * 300);
  });

  it('an allowance of any size changes no answer', () => {
    fc.assert(
      fc.property(worlds, principals, fc.nat(), fc.nat(20_000), (world, of, seed, characters) => {
        const records = recordsOf(of, seed).slice(0, 500);
        const allowance = new Allowance(characters);
        expect(simulated(world, records, undefined, allowance)).toEqual(simulated(world, records));
        expect(allowance.left).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 40 },
    );
  });

  it('nothing remembered is nothing to say', () => {
    expect(simulated(EMPTY, [])).toEqual({
      logCount: 0,
      unchangedCount: 0,
      differenceCount: 0,
      errorCount: 0,
      changes: [],
      isTruncated: false,
    });
  });
});

describe('an exchange whose groups and attributes were too large to be kept', () => {
  const cut = recordOf('r', POLICY_NOW * 1_000, { subject: 's1', targetId: 't0', isCut: true });
  const textMember = (text: string): TestMember => ({ text, matches: () => false });
  const byGroup = textMember(`principalSet://${POOL}/my-pool/group/g1`);
  const byAttribute = textMember(`principalSet://${POOL}/my-pool/attribute.colour/red`);
  const grant = (...of: TestMember[]) => ({ roleId: 'reader', members: of, condition: undefined });
  const outcomeOf = (now: TestWorld['bindings'], then: TestWorld['bindings']) => {
    const { unchangedCount, errorCount, changes } = simulated({ ...EMPTY, bindings: now, proposed: () => then }, [cut]);
    return [unchangedCount, errorCount, changes.map(({ change }) => change)];
  };
  const unknown = [0, 1, ['UNKNOWN_CHANGE']];
  const unchanged = [1, 0, []];

  it.each<readonly [string, TestWorld['bindings'], TestWorld['bindings'], readonly unknown[]]>([
    ['a member by group comes', [], [grant(byGroup)], unknown],
    ['a member by attribute goes', [grant(byAttribute)], [], unknown],
    ['one by group takes the place of another', [grant(byGroup)], [grant(byAttribute)], unknown],
    [
      'a binding that names it for sure goes, beside one that may',
      [grant(byGroup), grant(everybody)],
      [grant(byGroup)],
      unknown,
    ],
    ['only the order differs', [grant(byGroup, byAttribute)], [grant(byAttribute, byGroup)], unchanged],
    [
      'only others are named anew',
      [grant(everybody)],
      [grant(everybody), grant(textMember(`principal://${POOL}/my-pool/subject/s2`))],
      unchanged,
    ],
    ['groups of another pool are', [], [grant(textMember(`principalSet://${POOL}/other-pool/group/g1`))], unchanged],
  ])('where %s', (_what, now, then, expected) => {
    expect(outcomeOf(now, then)).toEqual(expected);
  });
});

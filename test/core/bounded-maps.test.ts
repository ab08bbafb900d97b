/** Maps that forget: the one exactly what was used longest ago, the other by halves. Both against a list of what was used. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../../src/core/bounded-map.ts';
import { HotMap } from '../../src/core/hot-map.ts';

type Step = readonly ['get' | 'set' | 'delete', string];

const steps = fc.array(
  fc.tuple(fc.constantFrom('get' as const, 'set' as const, 'delete' as const), fc.constantFrom(...'abcdefgh')),
  { maxLength: 60, size: 'max' },
);
const KEYS = [...'abcdefgh'];

/** The `count` keys that were touched last, but for those that were deleted. */
function lastUsed(all: readonly Step[], count: number): readonly string[] {
  const kindOf = new Map<string, Step[0]>();
  for (const [kind, key] of all) {
    kindOf.delete(key);
    kindOf.set(key, kind);
  }
  return [...kindOf].slice(-count).flatMap(([key, kind]) => (kind === 'delete' ? [] : [key]));
}

function replayed(all: readonly Step[], half: number) {
  const map = new HotMap<number>(2 * half);
  const done: Step[] = [];
  for (const [kind, key] of all) {
    if (kind === 'set') map.set(key, 1);
    else if (kind === 'delete') map.delete(key);
    // What was forgotten is asked for in vain, and that is no use of it.
    else if (map.get(key) === undefined) continue;
    done.push([kind, key]);
  }
  return { map, done };
}

describe('BoundedMap', () => {
  it('holds exactly the keys that were used last', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 6 }), (all, max) => {
        const map = new BoundedMap<number>(max);
        // What was forgotten is not used by asking for it.
        let used: string[] = [];
        for (const [kind, key] of all) {
          if (kind === 'set') map.set(key, 1);
          else if (kind === 'delete') map.delete(key);
          else expect(map.get(key) !== undefined).toBe(used.includes(key));
          if (kind === 'get' && !used.includes(key)) continue;
          used = [...used.filter((one) => one !== key), ...(kind === 'delete' ? [] : [key])].slice(-max);
        }
        for (const key of used) expect(map.get(key)).toBe(1);
        expect(KEYS.filter((key) => map.get(key) !== undefined)).toHaveLength(used.length);
      }),
    );
  });
});

describe('HotMap', () => {
  it('holds at least half of what it may, what was used last, and never more than it may', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, half) => {
        const { done } = replayed(all, half);
        const mustHave = lastUsed(done, half);
        // To look is to use: so each look is at a map of its own.
        const held = KEYS.filter((key) => replayed(all, half).map.get(key) !== undefined);
        expect(held).toEqual(expect.arrayContaining([...mustHave]));
        expect(held.length).toBeLessThanOrEqual(2 * half);
      }),
      // Only the end of each is looked at.
      { numRuns: 3_000 },
    );
  });

  it('gives the newest value, whichever half it lay in', () => {
    const map = new HotMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    map.set('c', 4);
    expect([map.get('a'), map.get('c')]).toEqual([3, 4]);
  });
});

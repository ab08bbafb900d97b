/** Names of shards that are known again: nobody is given the name of another's, however alike the two are spelt. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { shardKey } from '../../src/core/resources.ts';

const part = fc.constantFrom('1', '2', 'a', 'b', 'a/b', '', '__proto__', 'constructor', 'x'.repeat(300));

test('a key says its own parts, whatever was asked for before it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part, part), { maxLength: 40 }), (asked) => {
      for (const [project, pool, provider] of asked) {
        expect(shardKey.project(project)).toBe(`project:${project}`);
        expect(shardKey.pool(project, pool)).toBe(`pool:${project}/${pool}`);
        expect(shardKey.provider(project, pool, provider)).toBe(`provider:${project}/${pool}/${provider}`);
        expect(shardKey.target(project, pool)).toBe(`target:${project}/${pool}`);
      }
    }),
    { numRuns: 500 },
  );
});

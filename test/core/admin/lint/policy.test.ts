/** Lint as a whole: it never throws, changes nothing that is stored, ends, and says no more than anybody reads. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkBindings } from '../../../../src/core/admin/bindings.ts';
import type { Page } from '../../../../src/core/admin/commands.ts';
import { lintPolicy } from '../../../../src/core/admin/lint/policy.ts';
import type { Binding, Provider } from '../../../../src/core/resources.ts';
import { ok } from '../../../../src/core/result.ts';
import { contextAt, PROJECT } from '../../../support/admin-samples.ts';
import { samplePool, sampleProvider } from '../../../support/core-samples.ts';
import { MemoryConfig } from '../../../support/memory-config.ts';
import {
  BUILT_IN,
  CI,
  EMPTY,
  furnished,
  ON_PROJECT,
  ON_TARGET,
  QUOTAS,
  READER,
  SOMEBODY,
  warningsOf,
} from './support.ts';

const NOW = Date.UTC(2026, 0, 1) / 1_000;

const selector = fc.oneof(
  fc.constantFrom('*', 'subject/ns/a/sa/b', 'namespace/a', 'kubernetes.cluster/x', 'group/g', 'attribute.repo/', 'x'),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `subject/${text}`),
  fc.string({ maxLength: 20 }).map((text) => `attribute.repo/${text}`),
);
const member = fc.oneof(
  fc
    .tuple(fc.constantFrom('principal', 'principalSet'), fc.constantFrom(BUILT_IN, CI, EMPTY, `${CI}-none`), selector)
    .map(([prefix, pool, text]) => `${prefix}:${pool}/${text}`),
  fc.constantFrom('user:A@example.com', 'deleted:user:a@example.com', 'serviceAccount:demo.svc.id.goog[a/b]'),
  fc.string({ maxLength: 30 }),
);
const operand = fc.oneof(
  fc.constantFrom(
    'request.time',
    'resource.name',
    'resource.type',
    'request.path',
    'true',
    '1',
    '[1]',
    'x',
    'date("2020-01-01")',
  ),
  fc.string({ maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"example.com"',
    '"https://example.com"',
    'request.time.getHours()',
    'timestamp(1)',
    'duration("1s")',
  ),
);
const expression = fc.oneof(
  fc
    .tuple(
      operand,
      fc.constantFrom('==', '<', 'in', '&&', '||', '+', '!='),
      operand,
      fc.constantFrom('&&', '||'),
      operand,
    )
    .map((parts) => parts.join(' ')),
  fc
    .tuple(operand, fc.constantFrom('endsWith', 'contains', 'matches', 'exists'), operand)
    .map(([a, f, b]) => `${a}.${f}(${b})`),
  fc.string({ maxLength: 40 }),
);
const binding: fc.Arbitrary<Binding> = fc
  .record({
    role: fc.constantFrom(READER, QUOTAS, 'roles/owner', 'roles/sts.targetViewer', 'projects/demo/roles/none', ''),
    members: fc.array(member, { maxLength: 4 }),
    expression: fc.option(expression),
  })
  .map(({ role, members, expression: text }) => ({
    role,
    members,
    ...(text === null ? {} : { condition: { expression: text } }),
  }));

it('never throws, whatever it is handed, accepted or not', () => {
  const { state } = furnished();
  let told = 0;
  fc.assert(
    fc.property(fc.array(binding, { maxLength: 5 }), fc.constantFrom(ON_PROJECT, ON_TARGET), (bindings, resource) => {
      told += lintPolicy(state, resource, bindings, NOW).length;
    }),
    { numRuns: 500 },
  );
  expect(told).toBeGreaterThan(100);
});

/** All of it acceptable, most of it not what its writer wants. */
const accepted: fc.Arbitrary<Binding> = fc
  .record({
    role: fc.constantFrom(READER, QUOTAS, 'roles/sts.targetViewer'),
    members: fc.array(
      fc.constantFrom(
        SOMEBODY,
        'user:A@example.com',
        `principal:${BUILT_IN}/subject/a`,
        `principalSet:${CI}/namespace/a`,
        `principalSet:${EMPTY}/*`,
      ),
      { maxLength: 4 },
    ),
    expression: fc.option(
      fc.constantFrom('true', 'false', 'request.path == "a"', 'resource.name.endsWith("example.com")'),
    ),
  })
  .map(({ role, members, expression: text }) => ({
    role,
    members,
    ...(text === null ? {} : { condition: { expression: text } }),
  }));

it('changes nothing: what is stored is the normal form of what was handed in, warnings or not', () => {
  let stored = 0;
  let warned = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 9, arbitrary: accepted }, binding), { maxLength: 4 }),
      fc.constantFrom(ON_PROJECT, ON_TARGET),
      (bindings, resource) => {
        const project = furnished();
        const before = JSON.stringify(bindings);
        const applied = project.try({ type: 'policy.set', resource, policy: { version: 3, bindings } });
        expect(JSON.stringify(bindings)).toBe(before);
        if (!applied.ok) return;
        stored += 1;
        const { answer, writes } = applied.value;
        if (answer.kind !== 'policy') throw new Error(answer.kind);
        if (answer.warnings !== undefined) warned += 1;
        const normal = checkBindings('policy.bindings', bindings, (name) => ok(name));
        expect(writes).toEqual([{ put: 'policy', resource, policy: answer.policy }]);
        expect(normal).toEqual(ok(answer.policy.bindings));
        expect(project.ask({ type: 'policy.get', resource })).toEqual({ kind: 'policy', policy: answer.policy });
      },
    ),
    { numRuns: 300 },
  );
  expect(stored).toBeGreaterThan(50);
  expect(warned).toBeGreaterThan(20);
});

it('says fifty things, and how many more there are', () => {
  const members = Array.from({ length: 60 }, (_, index) => `user:${index}@example.com`);
  const warnings = warningsOf(furnished(), [{ role: READER, members }]);
  expect(warnings).toHaveLength(51);
  expect(warnings.at(-1)).toBe('and 10 more');
  expect(warningsOf(furnished(), [{ role: READER, members: members.slice(0, 50) }])).toHaveLength(50);
});

it('is about the bindings as they were handed in, before they are merged', () => {
  const bindings = [
    { role: READER, members: [SOMEBODY] },
    { role: READER, members: [SOMEBODY, 'user:a@example.com'] },
  ];
  expect(warningsOf(furnished(), bindings)).toEqual([expect.stringMatching(/^bindings\[1\]\.members\[1\]: /)]);
});

/** Counts the rows that are handed out. */
class CountingConfig extends MemoryConfig {
  rows = 0;
  override providers(poolId: string, page: Page): readonly Provider[] {
    const found = super.providers(poolId, page);
    this.rows += found.length;
    return found;
  }
}

it('reads a bounded number of providers, and claims nothing of pools it did not read to the end', () => {
  const state = new CountingConfig(PROJECT, contextAt(1));
  for (const poolId of ['pool-a', 'pool-b', 'pool-c']) {
    state.commit([{ put: 'pool', pool: samplePool({ poolId, builtIn: false }) }]);
    for (let index = 0; index < 1_200; index += 1) {
      const providerId = `cluster-${String(index).padStart(4, '0')}`;
      const clusterUri = `https://clusters.example.com/${index}`;
      state.commit([{ put: 'provider', provider: sampleProvider({ poolId, providerId, clusterUri }) }]);
    }
  }
  const members = ['pool-a', 'pool-b', 'pool-c'].flatMap((poolId) =>
    Array.from(
      { length: 500 },
      (_, index) =>
        `principalSet:${CI.replace('ci-jobs', poolId)}/kubernetes.cluster/https://clusters.example.com/x${index}`,
    ),
  );
  const bindings = members.map((one) => ({ role: 'roles/owner', members: [one] }));
  const warnings = lintPolicy(state, ON_PROJECT, bindings, NOW);
  expect(state.rows).toBeLessThanOrEqual(2_200);
  // The first pool was read to the end, the others were not.
  expect(warnings).toHaveLength(51);
  expect(warnings.at(-1)).toBe('and 450 more');
  expect(warnings[0]).toBe(
    'bindings[0].members[0]: this matches nobody: no provider of the pool pool-a has this clusterUri',
  );
});

it('looks at each expression once, and at no more text than a bound', () => {
  const long = (index: number): string => `request.time > timestamp(${index}) && "${'x'.repeat(4_000)}" == ""`;
  const bindings = Array.from({ length: 100 }, (_, index) => ({
    role: READER,
    members: [SOMEBODY],
    condition: { expression: long(index) },
  }));
  const warnings = lintPolicy(furnished().state, ON_PROJECT, bindings, NOW);
  expect(warnings.length).toBeGreaterThan(20);
  expect(warnings.length).toBeLessThan(50);
  const same = bindings.map((one) => ({ ...one, condition: { expression: long(0) } }));
  expect(lintPolicy(furnished().state, ON_PROJECT, same, NOW).at(-1)).toBe('and 50 more');
});

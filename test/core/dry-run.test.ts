/** Conditions on trial have a budget of their own: they neither stall an exchange nor change what its decision can afford. */
import { expect, test } from 'vitest';
import { dryRunsOnTarget } from '../../src/core/dry-run.ts';
import { standingOnTarget } from '../../src/core/iam.ts';
import { budgetUsed } from '../../src/core/policy/budget.ts';
import { createPolicyCompiler } from '../../src/core/policy/cache.ts';
import type { Binding } from '../../src/core/resources.ts';
import { POLICY_NOW, policyPrincipal, policyWorld } from '../support/policy-world.ts';

const SOMEBODY =
  'principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/my-pool/subject/somebody';
const list = (length: number): string => `[${Array.from({ length }, (_, n) => n).join(',')}]`;
/** Some thousand units of 20,000. */
const loop = (n: number): string => `${list(60)}.exists(i, ${list(5)}.exists(j, i * 1000 + j == -${n + 1}))`;

function trials(count: number, trialOf: (n: number) => string): readonly Binding[] {
  return Array.from({ length: count }, (_, n) => ({
    role: `projects/demo/roles/r${n}`,
    members: [SOMEBODY],
    condition: { expression: `${n} < 100` },
    dryRunCondition: { expression: trialOf(n) },
  }));
}

function run(bindings: readonly Binding[]): ReturnType<typeof dryRunsOnTarget> {
  const { project, target } = policyWorld({ bindings, roleIds: bindings.map((_, n) => `r${n}`) });
  return dryRunsOnTarget(policyPrincipal, project, target, createPolicyCompiler(100), POLICY_NOW);
}

test('twenty trials cost two evaluations, and the rest say that they were not paid for', () => {
  const runs = run(trials(20, loop));
  const unpaid = { value: 'error', error: expect.stringContaining('costs too much') };
  expect(runs).toHaveLength(20);
  expect(runs[0]).toEqual({ on: expect.any(String), value: false, inForce: true });
  // The one in which it ends is not told of as if it had been heard to its end.
  const first = runs.findIndex(({ value }) => value === 'error');
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(20);
  for (const one of runs.slice(first)) expect(one).toMatchObject(unpaid);
});

test('the last evaluation has what is left, not a whole budget', () => {
  const dry = `${list(60)}.exists(i, ${list(60)}.exists(j, i * 1000 + j == -1))`;
  const runs = run(trials(3, (n) => (n === 0 ? loop(n) : dry)));
  expect(runs.map(({ value }) => value)).toEqual([false, 'error', 'error']);
  // It ran dry, of less than the second had.
  expect(budgetUsed()).toBeGreaterThan(1_000);
  expect(budgetUsed()).toBeLessThan(20_000);
});

test('honest trials are all heard', () => {
  const runs = run(trials(20, (n) => `request.time < timestamp("2030-01-01T00:00:00Z") && "a${n}".startsWith("a")`));
  expect(runs.map(({ value, inForce }) => [value, inForce])).toEqual(Array.from({ length: 20 }, () => [true, true]));
});

test('what trials cost is not taken from the decision', () => {
  const bindings = trials(20, loop);
  const { project, target } = policyWorld({ bindings, roleIds: bindings.map((_, n) => `r${n}`) });
  const compiler = createPolicyCompiler(100);
  dryRunsOnTarget(policyPrincipal, project, target, compiler, POLICY_NOW);
  const { held } = standingOnTarget(policyPrincipal, project, target, compiler, POLICY_NOW, 3_600);
  expect(held).toHaveLength(20);
});

/** How long a grant lasts, against oracles that look at every second, or count intervals without any CEL. */
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { evaluateCondition, type Condition } from '../../../src/core/policy/condition.ts';
import { longestRunSeconds, newRunBudget } from '../../../src/core/policy/run.ts';
import { bindingActivations } from '../../../src/core/policy/variables.ts';
import { Verdicts } from '../../../src/core/policy/verdicts.ts';
import { compiled, NOON, RESOURCE } from './support.ts';

// Looking at every second takes its time on a machine that has other things to do.
vi.setConfig({ testTimeout: 60_000 });

const seconds = (text: string): number => Date.parse(text) / 1000;
const iso = (epochSeconds: number): string => `timestamp('${new Date(epochSeconds * 1000).toISOString()}')`;

function run(sources: readonly (string | undefined)[], fromSeconds: number, maxSeconds: number): number {
  const standing = { allow: sources.map(conditionOf), deny: [] };
  return longestRunSeconds(standing, bindingActivations(RESOURCE), fromSeconds, maxSeconds, newRunBudget());
}

function conditionOf(source: string | undefined): Condition | undefined {
  return source === undefined ? undefined : compiled(source, 'binding');
}

function runBySecond(sources: readonly (string | undefined)[], fromSeconds: number, maxSeconds: number): number {
  const conditions = sources.map(conditionOf);
  const holds = (requestTimeSeconds: number): boolean =>
    conditions.some((condition) => {
      if (condition === undefined) return true;
      const result = evaluateCondition(condition, { requestTimeSeconds, resource: RESOURCE });
      return result.ok && result.value;
    });
  let length = 0;
  while (length < maxSeconds && holds(fromSeconds + length)) length += 1;
  return length;
}

describe('a run', () => {
  test.each<[string, (string | undefined)[], number]>([
    ['of nothing', [], 0],
    ['of a false condition', ['false'], 0],
    ['of an error', [`request.path == '/'`], 0],
    ['without a condition', [undefined], 43_200],
    ['of a condition on the resource', [`resource.matchTag('123/env', 'prod')`], 43_200],
    ['until a date', [`request.time < ${iso(NOON + 300)}`], 300],
    ['including an instant', [`request.time <= ${iso(NOON + 300)}`], 301],
    ['until a fraction of a second', [`request.time < timestamp('2026-03-10T12:00:10.5Z')`], 11],
    ['of one second', [`request.time == ${iso(NOON)}`], 1],
    ['before its window', [`request.time > ${iso(NOON)}`], 0],
    ['with durations on either side', [`request.time + duration('5m') < ${iso(NOON)} + duration('10m')`], 300],
    ['of a difference', [`request.time - ${iso(NOON - 60)} < duration('2m')`], 60],
    ['of a negated difference', [`${iso(NOON + 60)} - request.time > duration('10s')`], 50],
    ['of windows that meet', [`request.time < ${iso(NOON + 9)}`, `request.time >= ${iso(NOON + 9)}`], 43_200],
    ['of windows with a gap of a second', [`request.time < ${iso(NOON + 9)}`, `request.time > ${iso(NOON + 9)}`], 9],
    ['until midnight in Berlin', [`request.time.getDate('Europe/Berlin') == 10`], 11 * 3600],
    ['of office hours in New York', [`request.time.getHours('America/New_York') < 17`], 9 * 3600],
    ['of office hours by an offset', [`request.time.getHours('-03:30') < 17`], 8 * 3600 + 1800],
    ['of a shifted hour', [`(request.time + duration('30m')).getHours() == 12`], 1800],
    ['of minutes', [`request.time.getMinutes() < 5`], 300],
    ['of seconds', [`request.time.getSeconds() != 42`], 42],
    ['of an hour in seconds', [`request.time.getSeconds() >= 0 && request.time < ${iso(NOON + 3600)}`], 3600],
    ['of arithmetic on seconds', [`int(request.time) % 100 < 77 || int(request.time) % 100 > 77`], 77],
    ['in a loop', [`[1, 2].all(x, request.time < ${iso(NOON + 5)} || x > 0)`], 43_200],
    ['of a loop over times', [`[${iso(NOON + 5)}, ${iso(NOON + 7)}].all(t, request.time < t)`], 5],
  ])('%s', (_name, sources, expected) => {
    expect(run(sources, NOON, 43_200)).toBe(expected);
  });

  test('ends where the clocks go forward, and counts the repeated hour twice', () => {
    const night = [`request.time.getHours('Europe/Berlin') < 3`];
    expect(run(night, seconds('2026-03-29T00:00:00Z'), 43_200)).toBe(3600);
    expect(run(night, seconds('2026-10-25T00:00:00Z'), 43_200)).toBe(7200);
  });

  test('is cut where too many evaluations would be needed, never guessed', () => {
    const length = run([`request.time.getSeconds() >= 0`], NOON, 43_200);
    expect(length).toBeGreaterThanOrEqual(3600);
    expect(length).toBeLessThanOrEqual(8000);
    const dear = `[${'1,'.repeat(99)}1].all(a, request.time.getSeconds() >= a - 1)`;
    const start = performance.now();
    expect(run(Array(20).fill(dear), NOON, 43_200)).toBeLessThanOrEqual(8000);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

/** Near these, hours end and clocks change. */
const BASES = [
  '2026-03-29T00:50:00Z',
  '2026-10-25T00:53:11Z',
  '2026-03-08T06:51:00Z',
  '2026-04-04T14:52:30Z',
  '2026-12-31T23:49:59Z',
  '2024-02-29T23:55:00Z',
].map(seconds);

const MAX_SECONDS = 900;

const zone = fc.constantFrom(
  '',
  `'UTC'`,
  `'Europe/Berlin'`,
  `'America/New_York'`,
  `'Australia/Lord_Howe'`,
  `'+05:30'`,
  `'-00:15'`,
);
const comparison = fc.constantFrom('<', '<=', '>', '>=', '==', '!=');
const duration = fc.constantFrom('0s', '1s', '90s', '600s', '0.5s', '-61s', '1h').map((text) => `duration('${text}')`);
const flipped = (left: string, operator: string, right: string, flip: boolean): string =>
  flip ? `${right} ${operator} ${left}` : `${left} ${operator} ${right}`;

function atomAt(base: number): fc.Arbitrary<string> {
  const instant = fc
    .integer({ min: -120_000, max: 1_080_000 })
    .chain((ms) =>
      fc.constantFrom(
        `timestamp('${new Date(base * 1000 + ms).toISOString()}')`,
        `timestamp(${base + Math.round(ms / 1000)})`,
      ),
    );
  const now = fc.oneof(
    fc.constant('request.time'),
    fc.tuple(fc.constantFrom('+', '-'), duration).map(([sign, length]) => `(request.time ${sign} ${length})`),
  );
  const getter = fc.oneof(
    fc.tuple(fc.constant('getHours'), fc.integer({ min: 0, max: 23 })),
    fc.tuple(fc.constantFrom('getMinutes', 'getSeconds'), fc.integer({ min: 0, max: 59 })),
    fc.tuple(fc.constantFrom('getDayOfWeek', 'getDate', 'getMonth', 'getDayOfMonth'), fc.integer({ min: 0, max: 31 })),
    fc.tuple(fc.constant('getDayOfYear'), fc.constantFrom(0, 59, 87, 364, 365)),
  );
  return fc.oneof(
    fc.tuple(now, comparison, instant, fc.boolean()).map((parts) => flipped(...parts)),
    fc
      .tuple(now, instant, comparison, duration, fc.boolean())
      .map(([t, i, c, d, flip]) => flipped(`${t} - ${i}`, c, d, flip)),
    fc.tuple(now, getter, zone, comparison).map(([t, [name, value], z, c]) => `${t}.${name}(${z}) ${c} ${value}`),
    fc.tuple(fc.integer({ min: 2, max: 400 }), comparison).map(([n, c]) => `int(request.time) % ${n} ${c} ${n - 1}`),
    fc.constantFrom('true', 'false', `request.path == '/'`, `resource.matchTag('123/env', 'prod')`),
    instant.map((i) => `[${i}].exists(request, request < ${i}) || request.time < ${i}`),
  );
}

function conditionAt(base: number): fc.Arbitrary<string> {
  const atom = atomAt(base);
  return fc
    .tuple(atom, fc.array(fc.tuple(fc.constantFrom('&&', '||'), fc.constantFrom('', '!'), atom), { maxLength: 3 }))
    .map(([first, rest]) => rest.reduce((all, [operator, not, next]) => `(${all}) ${operator} ${not}(${next})`, first));
}

test('a run is what a look at every second finds', () => {
  const scenario = fc
    .constantFrom(...BASES)
    .chain((base) => fc.tuple(fc.constant(base), fc.array(conditionAt(base), { minLength: 1, maxLength: 3 })));
  let granted = 0;
  fc.assert(
    fc.property(scenario, ([base, sources]) => {
      const expected = runBySecond(sources, base, MAX_SECONDS);
      expect(run(sources, base, MAX_SECONDS)).toBe(expected);
      if (expected > 0 && expected < MAX_SECONDS) granted += 1;
    }),
    { numRuns: 300 },
  );
  expect(granted).toBeGreaterThan(20);
});

test('windows join up as intervals do', () => {
  const window = fc.tuple(fc.integer({ min: -100, max: 43_000 }), fc.integer({ min: 1, max: 20_000 }));
  fc.assert(
    fc.property(fc.array(window, { maxLength: 6 }), fc.integer({ min: 1, max: 43_200 }), (windows, maxSeconds) => {
      const sources = windows.map(
        ([start, length]) => `request.time >= ${iso(NOON + start)} && request.time < ${iso(NOON + start + length)}`,
      );
      let end = 0;
      for (const [start, length] of windows.toSorted(([one], [other]) => one - other)) {
        if (start <= end) end = Math.max(end, start + length);
      }
      const hasNow = windows.some(([start, length]) => start <= 0 && start + length > 0);
      expect(run(sources, NOON, maxSeconds)).toBe(hasNow ? Math.min(end, maxSeconds) : 0);
    }),
  );
});

describe('what conditions have said of a resource before', () => {
  const SOURCES = [
    'true',
    'false',
    'request.time.getSeconds() == 99',
    'request.time.getMinutes("UTC") % 2 == 0',
    `request.time < ${iso(NOON + 90)}`,
    `request.time >= ${iso(NOON + 40)} && request.time < ${iso(NOON + 200)}`,
    'request.workload.namespace == "shop"',
    'request.workload.namespace == "shop" || request.time.getSeconds() < 30',
    'has(request.workload.pod) && resource.name.startsWith("x")',
  ];
  const workload = (namespace: string) => ({
    namespace,
    provider: 'p',
    subject: 's',
    groups: [],
    attribute: {},
    claims: {},
  });

  test('changes no answer and no cost, whoever asked before and whenever', () => {
    const asking = fc.record({
      allow: fc.subarray(SOURCES, { minLength: 1 }),
      deny: fc.subarray(SOURCES),
      fromSeconds: fc.integer({ min: NOON - 100, max: NOON + 300 }),
      maxSeconds: fc.constantFrom(1, 70, 400),
      namespace: fc.constantFrom('shop', 'other'),
    });
    // The same condition each time it is asked for: what it said is remembered by it.
    const conditions = new Map(SOURCES.map((source) => [source, conditionOf(source)]));
    fc.assert(
      fc.property(fc.array(asking, { maxLength: 8 }), (all) => {
        const known = new Verdicts();
        for (const { allow, deny, fromSeconds, maxSeconds, namespace } of all) {
          const of = (sources: readonly string[]) => sources.map((source) => conditions.get(source));
          const standing = { allow: of(allow), deny: of(deny) };
          const activations = bindingActivations(RESOURCE, workload(namespace));
          const [fresh, remembering] = [newRunBudget(), newRunBudget()];
          const expected = longestRunSeconds(standing, activations, fromSeconds, maxSeconds, fresh);
          expect(longestRunSeconds(standing, activations, fromSeconds, maxSeconds, remembering, known)).toBe(expected);
          expect(remembering).toEqual(fresh);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('is asked for: what does not ask who asks is evaluated once until it can change', () => {
    const known = new Verdicts();
    const standing = { allow: [conditionOf(`request.time < ${iso(NOON + 1_000)}`)], deny: [] };
    const made: number[] = [];
    const activations = (second: number) => {
      made.push(second);
      return bindingActivations(RESOURCE)(second);
    };
    for (const second of [NOON, NOON + 1, NOON + 500]) {
      expect(longestRunSeconds(standing, activations, second, 100, newRunBudget(), known)).toBe(100);
    }
    expect(made).toEqual([NOON]);
    expect(longestRunSeconds(standing, activations, NOON + 1_000, 100, newRunBudget(), known)).toBe(0);
    expect(made).toEqual([NOON, NOON + 1_000]);
  });
});

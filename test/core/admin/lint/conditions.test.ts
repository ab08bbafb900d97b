/** Conditions that are never true again: told with their place, and never wrongly, which an oracle watches. The clock says January 2026. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCondition, evaluateCondition } from '../../../../src/core/policy/condition.ts';
import { neverTrue } from '../../../../src/core/policy/never-true.ts';
import { furnished, granting, ON_PROJECT, ON_TARGET, QUOTAS, warningsOf } from './support.ts';

const PAST = 'request.time < timestamp("2025-06-01T00:00:00Z")';
const FUTURE = 'request.time > timestamp("2030-01-01T00:00:00Z")';
const UNTIL_2030 = 'request.time < timestamp("2030-01-01T00:00:00Z")';

describe('never true, whatever the resource', () => {
  it.each([
    ['false', 1, 1, 'never true'],
    ['1 > 2', 1, 1, 'never true'],
    ['[1, 2].exists(n, n > 2)', 1, 1, 'never true'],
    ['resource.name == "a" && [1, 2].exists(n, n > 2)', 1, 25, 'never true'],
    ['resource.name == "a" && ![1, 2].all(n, n > 0)', 1, 25, 'never true'],
    ['1 / 0 == 1', 1, 1, 'never true'],
    [PAST, 1, 1, 'false now and ever after'],
    [`resource.name == "a" &&\n  ${PAST}`, 2, 3, 'false now and ever after'],
    [`resource.name == "a" && (${PAST} || false)`, 1, 26, 'false now and ever after'],
    [`(resource.name == "a" && ${PAST}) || (resource.name == "b" && false)`, 1, 26, 'false now and ever after'],
    [`${UNTIL_2030} && ${FUTURE}`, 1, 1, 'never hold together'],
    ['request.time + duration("1h") < date("2025-06-01")', 1, 1, 'false now and ever after'],
    ['request.time == timestamp("2025-06-01T00:00:00Z")', 1, 1, 'false now and ever after'],
    ['request.path == "/a"', 1, 1, 'request.path is not known'],
    ['resource.name == "a" && destination.ip == "10.0.0.1"', 1, 25, 'destination is not known'],
    ['"accessPolicies/1/accessLevels/a" in request.auth.access_levels', 1, 1, 'request.auth is not known'],
    ['request.time.getDayOfWeek("Europe/Berlin") == 7', 1, 1, 'getDayOfWeek() is 0 to 6, where 0 is Sunday'],
    ['request.time.getMonth() in [12, 13]', 1, 1, 'getMonth() is 0 to 11'],
    ['24 <= request.time.getHours()', 1, 1, 'getHours() is 0 to 23'],
    ['request.time.getFullYear() == 2024', 1, 1, 'getFullYear() is 2025 or later'],
    ['request.time.getFullYear() < 2025', 1, 1, 'getFullYear() is 2025 or later'],
  ])('%s', (expression, line, column, why) => {
    for (const role of [QUOTAS, 'projects/demo/roles/reader']) {
      const [warning, ...others] = warningsOf(furnished(), [granting(expression, role)], ON_PROJECT);
      expect(others).toEqual([]);
      expect(warning).toContain(`bindings[0].condition.expression: line ${line}, column ${column}: `);
      expect(warning).toContain(why);
    }
  });

  it.each([
    'true',
    UNTIL_2030,
    FUTURE,
    `${PAST} || ${FUTURE}`,
    `${PAST} || resource.name == "a"`,
    `!(${PAST})`,
    `${FUTURE} && request.time < timestamp("2030-01-01T00:00:02Z")`,
    'request.time == timestamp("2027-06-01T00:00:00Z")',
    'request.time.getDayOfWeek() == 0',
    'request.time.getHours() >= 23',
    'request.time.getMonth() in [11, 12]',
    'request.time.getFullYear() == 2031',
    'request.time.getDayOfYear() == 365',
    'request.time.getSeconds() == 59 && request.time.getMinutes() == 59',
    'has(request.path) || true',
    'api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []) == ["a"]',
    'resource.type == "no.such/Type"',
    'resource.matchTag("100000000001/env", "test")',
  ])('%s may be', (expression) => {
    expect(warningsOf(furnished(), [granting(expression)], ON_PROJECT)).toEqual([]);
  });
});

describe('never true for this target', () => {
  it.each([
    'resource.type == "other.example.com/Api"',
    'resource.service == "orders.example.com"',
    'resource.matchTag("100000000001/env", "test")',
    'resource.hasTagKeyId("tagKeys/1")',
    'resource.name.startsWith("invoices/")',
    `${UNTIL_2030} && resource.type == "other.example.com/Api"`,
    `resource.name == "orders/us" || ${PAST}`,
  ])('%s', (expression) => {
    const project = furnished();
    expect(warningsOf(project, [granting(expression)], ON_TARGET)).toEqual([
      expect.stringMatching(
        /^bindings\[0\]\.condition\.expression: line 1, column \d+: .* for this target as it stands$/,
      ),
    ]);
    expect(warningsOf(project, [granting(expression)], ON_PROJECT)).toEqual([]);
    // An administrator's role may be about something else than the target.
    expect(warningsOf(project, [granting(expression, 'roles/sts.targetAdmin')], ON_TARGET)).toEqual([
      expect.stringContaining('opens no target'),
    ]);
  });

  it.each([
    'resource.type == "orders.example.com/Api"',
    'resource.matchTag("100000000001/env", "prod")',
    `resource.name.extract("orders/{region}") == "eu" && ${UNTIL_2030}`,
    'resource.name == "orders/us" || resource.name == "orders/eu"',
    '!resource.hasTagKey("100000000001/team")',
  ])('%s is true of it', (expression) => {
    expect(warningsOf(furnished(), [granting(expression)], ON_TARGET)).toEqual([]);
  });
});

describe('against an oracle', () => {
  const NOW = Date.UTC(2026, 0, 1) / 1_000;
  const resource = { name: 'orders/eu', tags: {}, tagIds: {} };
  const seconds = fc.integer({ min: -40, max: 40 }).map((offset) => NOW + offset);
  const atom = fc.oneof(
    fc
      .tuple(fc.constantFrom('<', '<=', '>', '>=', '==', '!='), seconds)
      .map(([operator, second]) => `request.time ${operator} timestamp(${second})`),
    fc.constantFrom('true', 'false', 'resource.name == "orders/eu"', 'resource.name == "a"', 'resource.type == "a"'),
    fc.integer({ min: -1, max: 61 }).map((second) => `request.time.getSeconds() == ${second}`),
    fc.integer({ min: 0, max: 61 }).map((second) => `request.time.getMinutes() in [${second}]`),
  );
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atom,
      fc
        .tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression'))
        .map((parts) => `(${parts.join(' ')})`),
      tie('expression').map((inner) => `!(${inner})`),
    ),
  }));

  it('nothing that is true within the hour is called never true', () => {
    let told = 0;
    fc.assert(
      fc.property(expression, (source) => {
        const condition = compileCondition(source, 'binding');
        if (!condition.ok) throw new Error(condition.error.message);
        const never = neverTrue(
          source,
          { scope: 'binding', nowSeconds: NOW, resource },
          { evaluations: 500, work: 9_999 },
        );
        if (never === undefined) return;
        told += 1;
        for (let second = NOW; second < NOW + 120; second += 1) {
          const result = evaluateCondition(condition.value, { requestTimeSeconds: second, resource });
          expect(result.ok && result.value, `${source} at +${second - NOW}`).toBe(false);
        }
      }),
      { numRuns: 400 },
    );
    expect(told).toBeGreaterThan(40);
  });

  it('a budget that is used up says nothing', () => {
    const world = { scope: 'binding', nowSeconds: NOW } as const;
    expect(neverTrue('false', world, { evaluations: 1, work: 10 })).toBeDefined();
    expect(neverTrue('false', world, { evaluations: 0, work: 10 })).toBeUndefined();
    expect(neverTrue('false', world, { evaluations: 1, work: 0 })).toBeUndefined();
  });
});

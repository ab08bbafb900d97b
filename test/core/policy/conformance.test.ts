/** The public CEL conformance suite, run through the engine as we have changed it: what our own functions replace must mean the same. */
import { celMap, celUint, isCelError, parse, type CelInput, type CelValue } from '@bufbuild/cel';
import {
  getConformanceSuite,
  type IncrementalTest,
  type IncrementalTestSuite,
} from '@bufbuild/cel-spec/testdata/tests.js';
import { expect, test } from 'vitest';
import { refillBudget } from '../../../src/core/policy/budget.ts';
import { engineFor } from '../../../src/core/policy/engine.ts';
import { isSame } from '../../../src/core/policy/equality.ts';
import { lower } from '../../../src/core/policy/lower.ts';

const FILES = [
  'basic',
  'comparisons',
  'conversions',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'parse',
  'plumbing',
  'string',
  'string_ext',
  'timestamps',
];

/** `format` and `quote` are left out on purpose: no policy needs them, and a format can ask for work without end. */
const LEFT_OUT = ['string_ext/format/', 'string_ext/quote/'];

type Value = NonNullable<Extract<IncrementalTest['original']['resultMatcher'], { case: 'value' }>['value']>;

test('the conformance suite passes but for what is left out', () => {
  const suite = getConformanceSuite();
  const tests = suite.suites.filter(({ name }) => FILES.includes(name)).flatMap((file) => testsOf(file, file.name));
  const ours = tests.filter(({ test: { original } }) => isOurs(original));
  const failures = ours.filter(({ test: { original } }) => !passes(original)).map(({ name }) => name);
  expect(failures.filter((name) => !LEFT_OUT.some((prefix) => name.startsWith(prefix)))).toEqual([]);
  expect(ours.length).toBeGreaterThan(800);
});

function testsOf(suite: IncrementalTestSuite, path: string): { name: string; test: IncrementalTest }[] {
  return [
    ...suite.tests.map((each) => ({ name: `${path}/${each.name}`, test: each })),
    ...suite.suites.flatMap((inner) => testsOf(inner, `${path}/${inner.name}`)),
  ];
}

/** Claims are JSON: tests about protobuf messages are not about us. */
function isOurs({
  container,
  expr,
  resultMatcher,
  bindings,
  checkOnly,
  disableMacros,
}: IncrementalTest['original']): boolean {
  const values = [
    ...Object.values(bindings).map(({ kind }) => (kind.case === 'value' ? kind.value : undefined)),
    resultMatcher.case === 'value' ? resultMatcher.value : undefined,
  ];
  const isAboutMessages = container !== '' || /google\.protobuf|TestAllTypes/.test(expr) || values.some(hasMessage);
  return !isAboutMessages && !checkOnly && !disableMacros && ['value', 'evalError'].includes(resultMatcher.case ?? '');
}

function hasMessage(value: Value | undefined): boolean {
  switch (value?.kind.case) {
    case 'objectValue':
    case 'enumValue':
    case 'typeValue':
      return true;
    case 'listValue':
      return value.kind.value.values.some(hasMessage);
    case 'mapValue':
      return value.kind.value.entries.some((entry) => hasMessage(entry.key) || hasMessage(entry.value));
    default:
      return false;
  }
}

function passes({ expr, bindings, resultMatcher }: IncrementalTest['original']): boolean {
  const value = evaluated(expr, bindings);
  if (resultMatcher.case === 'evalError') return value === undefined;
  if (resultMatcher.case !== 'value' || value === undefined) return false;
  const wanted = engineValue(valueOf(resultMatcher.value));
  const isBothNaN =
    typeof value === 'number' && typeof wanted === 'number' && Number.isNaN(value) && Number.isNaN(wanted);
  return isBothNaN || (wanted !== undefined && typeof value === typeof wanted && isSame(value, wanted));
}

function evaluated(text: string, bindings: IncrementalTest['original']['bindings']): CelValue | undefined {
  refillBudget();
  try {
    const { expr } = parse(text);
    if (expr === undefined) return undefined;
    lower(expr);
    const variables = Object.entries(bindings).flatMap(([name, { kind }]) =>
      kind.case === 'value' ? [[name, valueOf(kind.value)] as const] : [],
    );
    const value = engineFor('attribute').plan(expr)({ __proto__: null, ...Object.fromEntries(variables) });
    return isCelError(value) || value instanceof Error ? undefined : value;
  } catch {
    return undefined;
  }
}

/** As the engine would hand it to a function. */
function engineValue(input: CelInput): CelValue | undefined {
  return celMap(new Map([['value', input]])).get('value');
}

function valueOf({ kind }: Value): CelInput {
  switch (kind.case) {
    case 'nullValue':
      return null;
    case 'uint64Value':
      return celUint(kind.value);
    case 'listValue':
      return kind.value.values.map(valueOf);
    case 'mapValue':
      return celMap(
        new Map(
          kind.value.entries.flatMap(({ key, value }) =>
            key && value ? [[valueOf(key) as string, valueOf(value)]] : [],
          ),
        ),
      );
    case 'boolValue':
    case 'bytesValue':
    case 'doubleValue':
    case 'int64Value':
    case 'stringValue':
      return kind.value;
    default:
      throw new Error('not a value of ours');
  }
}

/** One test of the suite, on the road that an expression takes here: limits, parser, checker, lowering, evaluation within its budget. */
import { isCelError, parse, type CelInput, type CelValue } from '@bufbuild/cel';
import { isBudgetSpent, refillBudget } from '../../../../src/core/policy/budget.ts';
import { check, type Language } from '../../../../src/core/policy/checker.ts';
import { TYPE_NAMES } from '../../../../src/core/policy/declarations.ts';
import { engineFor } from '../../../../src/core/policy/engine.ts';
import { MAX_CONDITION_CHARACTERS } from '../../../../src/core/policy/limits.ts';
import { lower } from '../../../../src/core/policy/lower.ts';
import { compile, evaluate } from '../../../../src/core/policy/program.ts';
import { newPatternBudget } from '../../../../src/core/policy/regex-cost.ts';
import { err, ok, type Result } from '../../../../src/core/result.ts';
import { typeName } from './types.ts';
import { inputOf, isWanted, type SpecTest } from './values.ts';

/**
 * `whole`: as a condition is compiled and evaluated, only that the variables of the test are declared and any type may come out.
 * `unchecked`: the test asks for no check phase, so our checker is left out; all else is the same.
 */
export type Road = 'whole' | 'unchecked';

export interface Verdict {
  readonly road: Road;
  readonly passed: boolean;
  /** An error was wanted, and our checker refuses already when the expression is written. */
  readonly refusedEarly: boolean;
  /** What came instead. */
  readonly detail: string;
}

const RESULT_TYPES = [...TYPE_NAMES, 'google.protobuf.Timestamp', 'google.protobuf.Duration'];

type Evaluated = Result<CelValue, { readonly reason: string; readonly early: boolean }>;

export function judge(test: SpecTest): Verdict {
  const road = test.disableCheck ? 'unchecked' : 'whole';
  const result = road === 'whole' ? wholly(test) : unchecked(test);
  const verdict = { road, refusedEarly: false } as const;
  if (test.resultMatcher.case === 'evalError') return { ...verdict, ...judgeError(test, result) };
  if (!result.ok) return { ...verdict, passed: false, detail: result.error.reason };
  if (!isWantedOf(test, result.value)) return { ...verdict, passed: false, detail: 'another value' };
  const passed = hasTypeOf(test);
  return { ...verdict, passed, detail: passed ? '' : 'another type' };
}

function judgeError(test: SpecTest, result: Evaluated): Pick<Verdict, 'passed' | 'refusedEarly' | 'detail'> {
  if (result.ok) return { passed: false, refusedEarly: false, detail: 'a value where an error is wanted' };
  const { reason, early } = result.error;
  // An engine that lacks a function would pass every test that wants it to err.
  const isLacking = reason.startsWith('unbound function') && !wantsUnbound(test);
  if (!early) return { passed: !isLacking, refusedEarly: false, detail: reason };
  // What is not even known here proves nothing by failing.
  const passed = !reason.startsWith('unknown ') && !unchecked(test).ok;
  return { passed, refusedEarly: passed, detail: reason };
}

function wantsUnbound({ resultMatcher: wanted }: SpecTest): boolean {
  return wanted.case === 'evalError' && wanted.value.errors.some(({ message }) => message === 'unbound function');
}

/** No result named means `true`. */
function isWantedOf({ resultMatcher: wanted }: SpecTest, value: CelValue): boolean {
  switch (wanted.case) {
    case 'value':
      return isWanted(value, wanted.value);
    case 'typedResult':
      return wanted.value.result !== undefined && isWanted(value, wanted.value.result);
    default:
      return wanted.case === undefined && value === true;
  }
}

/** Our checker knows that something is a list, not of what; and where it knows nothing it says so. */
function hasTypeOf(test: SpecTest): boolean {
  if (test.resultMatcher.case !== 'typedResult') return true;
  const wanted = test.resultMatcher.value.deducedType;
  const { expr, sourceInfo: positions } = parse(test.expr);
  if (wanted === undefined || expr === undefined) return false;
  const { type } = check(languageOf(test), { text: test.expr, positions }, expr, newPatternBudget());
  return type === 'dyn' || type === typeName(wanted);
}

function wholly(test: SpecTest): Evaluated {
  const program = compile(test.expr, languageOf(test), MAX_CONDITION_CHARACTERS, RESULT_TYPES);
  if (!program.ok) return err({ reason: program.error.message, early: true });
  const result = evaluate(program.value, activationOf(test));
  return result.ok ? result : err({ reason: result.error, early: false });
}

function unchecked(test: SpecTest): Evaluated {
  refillBudget();
  try {
    const { expr } = parse(test.expr);
    if (expr === undefined) return err({ reason: 'no expression', early: true });
    lower(expr);
    const value = engineFor('attribute').plan(expr)(activationOf(test));
    if (isBudgetSpent()) return err({ reason: 'the evaluation costs too much', early: false });
    return value instanceof Error || isCelError(value) ? err({ reason: value.message, early: false }) : ok(value);
  } catch {
    return err({ reason: 'does not parse', early: true });
  }
}

function languageOf({ typeEnv, bindings }: SpecTest): Language {
  const variables = new Map<string, string>(Object.keys(bindings).map((name) => [name, 'dyn']));
  for (const { name, declKind } of typeEnv) {
    const type = declKind.case === 'ident' && declKind.value.type ? typeName(declKind.value.type) : undefined;
    if (type !== undefined) variables.set(name, type);
  }
  return { engine: engineFor('attribute'), variables };
}

function activationOf({ bindings }: SpecTest): Readonly<Record<string, CelInput>> {
  const values = Object.entries(bindings).flatMap(([name, { kind }]) => {
    const input = kind.case === 'value' ? inputOf(kind.value) : undefined;
    return input === undefined ? [] : [[name, input] as const];
  });
  return { __proto__: null, ...Object.fromEntries(values) };
}

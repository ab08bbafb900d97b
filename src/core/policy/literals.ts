/** Literals that can never work are refused when they are written: at run time `||` might hide them for years. */
import { constantValue, type Engine, type Expr } from './engine.ts';
import { parseTemplate } from './extract.ts';
import { patternProblem } from './regex.ts';
import type { PatternBudget } from './regex-cost.ts';
import { stringLiteral } from './syntax.ts';
import { TIME_GETTERS } from './time-functions.ts';
import { isTimeZone } from './time-zone.ts';

const CONVERSIONS = new Set(['timestamp', 'duration', 'date', 'int', 'uint', 'double', 'bool']);

/** What a conversion that is often misspelt wants. */
const WANTED: ReadonlyMap<string, string> = new Map([
  ['timestamp', 'RFC 3339 with time and zone, such as "2030-01-31T00:00:00Z"'],
  ['duration', 'numbers with units (h, m, s, ms, us, ns), such as "90s" or "1h30m"'],
  ['date', 'a day that exists as YYYY-MM-DD, such as "2030-01-31"'],
]);
const WANTED_INT = 'seconds since 1970, in the years 1 to 9999';

/** What is wrong with the literal arguments of a call, and which of them. */
export function literalProblem(
  engine: Engine,
  expression: Expr,
  patterns: PatternBudget,
): { readonly argument: Expr; readonly problem: string } | undefined {
  if (expression.exprKind.case !== 'callExpr') return undefined;
  const { function: name, args } = expression.exprKind.value;
  const [argument] = args;
  if (argument?.exprKind.case !== 'constExpr') return undefined;
  const text = stringLiteral(argument);
  const problem =
    CONVERSIONS.has(name) && constantValue(engine, expression) === undefined
      ? unreadable(name, text === undefined)
      : text === undefined
        ? undefined
        : textProblem(name, text, patterns);
  return problem === undefined ? undefined : { argument, problem };
}

function unreadable(name: string, isNumber: boolean): string {
  const wanted = name === 'timestamp' && isNumber ? WANTED_INT : WANTED.get(name);
  return `${name}() cannot read this literal${wanted === undefined ? '' : `: it takes ${wanted}`}`;
}

function textProblem(name: string, text: string, patterns: PatternBudget): string | undefined {
  if (name === 'matches') return patternProblem(text, patterns);
  if (name === 'extract') return templateProblem(text);
  if (TIME_GETTERS.has(name) && !isTimeZone(text)) return 'unknown time zone';
  return undefined;
}

function templateProblem(text: string): string | undefined {
  try {
    parseTemplate(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'not a template';
  }
}

/** Literals that can never work are refused when they are written: at run time `||` might hide them for years. */
import { constantValue, type Engine, type Expr } from './engine.ts';
import { parseTemplate } from './extract.ts';
import { patternProblem } from './regex.ts';
import { stringLiteral } from './syntax.ts';
import { TIME_GETTERS } from './time-functions.ts';
import { isTimeZone } from './time-zone.ts';

const CONVERSIONS = new Set(['timestamp', 'duration', 'date', 'int', 'uint', 'double', 'bool']);

/** What is wrong with the literal arguments of a call, and which of them. */
export function literalProblem(
  engine: Engine,
  expression: Expr,
): { readonly argument: Expr; readonly problem: string } | undefined {
  if (expression.exprKind.case !== 'callExpr') return undefined;
  const { function: name, args } = expression.exprKind.value;
  const [argument] = args;
  if (argument?.exprKind.case !== 'constExpr') return undefined;
  const text = stringLiteral(argument);
  const problem =
    CONVERSIONS.has(name) && constantValue(engine, expression) === undefined
      ? `${name}() cannot read this literal`
      : text === undefined
        ? undefined
        : textProblem(name, text);
  return problem === undefined ? undefined : { argument, problem };
}

function textProblem(name: string, text: string): string | undefined {
  if (name === 'matches') return patternProblem(text);
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

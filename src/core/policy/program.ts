/** From text to something that runs, and from there to a value: every road by which an expression can fail ends in a refusal. */
import { isCelError, parse, type CelValue } from '@bufbuild/cel';
import { err, ok, type Result } from '../result.ts';
import { isBudgetSpent, isRefusal, refillBudget } from './budget.ts';
import { check, type Checked, type Language } from './checker.ts';
import { variablesOf } from './declarations.ts';
import { diagnose } from './diagnosis.ts';
import { engineFor, type Expr, type Run, type Scope } from './engine.ts';
import { faultAt, positionOf, type CelFault } from './fault.ts';
import { MAX_BRACKET_DEPTH } from './limits.ts';
import { lower } from './lower.ts';
import { newPatternBudget, type PatternBudget } from './regex-cost.ts';
import { shapeOf } from './source.ts';
import { faultIn, offsetOf, type Source } from './syntax.ts';
import { timeDependenceOf, type TimeDependence } from './time-dependence.ts';
import type { Activation } from './variables.ts';

export interface Program {
  readonly roots: ReadonlySet<string>;
  /** Who asks makes a difference. */
  readonly usesWorkload: boolean;
  /** Names `request.workload.claims`, which nobody keeps when the exchange is over. */
  readonly usesWorkloadClaims: boolean;
  readonly logicalOperators: number;
  readonly nodes: number;
  readonly timeDependence: TimeDependence;
  readonly run: Run;
  readonly source: Source;
}

export function languageOf(scope: Scope): Language {
  return { engine: engineFor(scope), variables: variablesOf(scope) };
}

const TOO_MANY_BLANKS = /\s{201}/;

export function compile(
  text: string,
  language: Language,
  maxCharacters: number,
  resultTypes: readonly string[],
  write: PatternBudget = newPatternBudget(),
): Result<Program, CelFault> {
  if (text.length > maxCharacters) return err(faultAt('', 0, `an expression has at most ${maxCharacters} characters`));
  // The parser looks at what follows a blank once for each blank before it: thousands in a row take it seconds.
  const blanks = text.search(TOO_MANY_BLANKS);
  if (blanks >= 0) return err(faultAt(text, blanks, 'more than 200 blanks in a row'));
  const shape = shapeOf(text);
  if (shape.bracketDepth > MAX_BRACKET_DEPTH) {
    return err(faultAt(text, shape.deepestOffset, `brackets are nested deeper than ${MAX_BRACKET_DEPTH}`));
  }
  try {
    const parsed = parse(text);
    if (parsed.expr === undefined) return err(faultAt(text, 0, 'this is no expression'));
    const source = { text, positions: parsed.sourceInfo };
    const available = Math.min(write.work, newPatternBudget().work);
    const patterns = { work: available };
    const checked = check(language, source, parsed.expr, patterns);
    write.work -= available - patterns.work;
    const fault = checked.fault ?? resultFault(source, parsed.expr, checked, resultTypes);
    return fault === undefined ? ok(ready(language, source, parsed.expr, checked, shape.logicalOperators)) : err(fault);
  } catch (error) {
    return err(parseFault(text, error));
  }
}

export function evaluate(program: Program, activation: Activation, units?: number): Result<CelValue, string> {
  refillBudget(units);
  try {
    const value = program.run(activation);
    // Asked even after a `true`: `||` may have absorbed the error of the side that ran out.
    if (isBudgetSpent()) return err('the evaluation costs too much');
    return value instanceof Error ? err(reasonOf(program.source, value)) : ok(value);
  } catch {
    return err('the evaluation failed');
  }
}

function ready(
  { engine }: Language,
  source: Source,
  expression: Expr,
  checked: Checked,
  logicalOperators: number,
): Program {
  const { roots, usesWorkload, usesWorkloadClaims } = checked;
  const timeDependence = timeDependenceOf(engine, expression);
  const nodes = lower(expression);
  const run = engine.plan(expression);
  return { roots, usesWorkload, usesWorkloadClaims, logicalOperators, nodes, timeDependence, run, source };
}

function resultFault(
  source: Source,
  expression: Expr,
  { type }: Checked,
  resultTypes: readonly string[],
): CelFault | undefined {
  if (type === 'dyn' || resultTypes.includes(type)) return undefined;
  return faultIn(source, expression, `the result must be a ${resultTypes.join(' or a ')}, not ${type}`);
}

/** The parser throws; deep nesting that is no bracket ends its stack. */
function parseFault(text: string, error: unknown): CelFault {
  if (error instanceof RangeError) return faultAt(text, 0, 'the expression is nested too deeply');
  const found = diagnose(text);
  if (found !== undefined) return found;
  const rawMessage = memberOf(error, 'rawMessage');
  const offset = memberOf(memberOf(memberOf(error, 'location'), 'start'), 'offset');
  const message = typeof rawMessage === 'string' ? rawMessage : 'not an expression of CEL';
  return faultAt(text, typeof offset === 'number' ? offset : 0, message);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** The engine's own messages quote values, and values are claims: only messages known to hold none are passed on. */
const HARMLESS =
  /^(?:found no matching overload|type mismatch|int overflow during|uint overflow during|(?:int|uint) (?:divide|modulus) by zero|duration out of range|timestamp out of range)/;

function reasonOf(source: Source, error: Error): string {
  const id = isCelError(error) ? error.exprId : undefined;
  if (id === undefined) return harmlessMessage(error);
  const { line, column } = positionOf(source.text, offsetOf(source, id));
  return `${harmlessMessage(error)} (at ${line}:${column})`;
}

function harmlessMessage(error: Error): string {
  if (isRefusal(error.message)) return error.message;
  if (error.message.startsWith('field not found')) return 'an attribute or key is absent';
  if (/^index .* out of bounds/.test(error.message)) return 'an index is out of bounds';
  return HARMLESS.test(error.message) ? error.message : 'the evaluation failed';
}

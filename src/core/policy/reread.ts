/** An expression that was accepted, taken apart once more to be looked at: what its author most likely did not mean. */
import { parse } from '@bufbuild/cel';
import type { Expr } from './engine.ts';
import { faultAt, type CelFault } from './fault.ts';
import { childrenOf, offsetOf, stringLiteral, type Source } from './syntax.ts';

export interface Reread {
  readonly expression: Expr;
  readonly source: Source;
}

/** Only for what compiles: the parser is not safe from texts that were never measured. */
export function reread(text: string): Reread | undefined {
  try {
    const { expr, sourceInfo } = parse(text);
    return expr === undefined ? undefined : { expression: expr, source: { text, positions: sourceInfo } };
  } catch {
    return undefined;
  }
}

export interface Call {
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export function callOf({ exprKind: kind }: Expr): Call | undefined {
  if (kind.case !== 'callExpr') return undefined;
  return { name: kind.value.function, target: kind.value.target, args: kind.value.args };
}

/** The sides of a chain of one operator: `a && b && c` is three. */
export function sidesOf(expression: Expr, operator: '_&&_' | '_||_'): readonly Expr[] {
  const call = callOf(expression);
  return call?.name === operator ? call.args.flatMap((side) => sidesOf(side, operator)) : [expression];
}

/** `a.b['c']` as its names, or undefined for whatever is more than names. `has(a.b)` asks for no value and is no path. */
export function pathOf(expression: Expr): readonly string[] | undefined {
  const { exprKind: kind } = expression;
  if (kind.case === 'identExpr') return [kind.value.name];
  if (kind.case === 'selectExpr') {
    const { operand, field, testOnly } = kind.value;
    const before = operand === undefined || testOnly ? undefined : pathOf(operand);
    return before === undefined ? undefined : [...before, field];
  }
  const call = callOf(expression);
  const [indexed, key] = call?.name === '_[_]' ? call.args : [];
  const name = stringLiteral(key);
  const before = indexed === undefined || name === undefined ? undefined : pathOf(indexed);
  return before === undefined || name === undefined ? undefined : [...before, name];
}

/** Every value that the expression reads, as paths; what `has()` asks about is not read. */
export function pathsIn(expression: Expr): readonly (readonly string[])[] {
  const path = pathOf(expression);
  if (path !== undefined) return [path];
  return isPresenceTest(expression) ? [] : childrenOf(expression).flatMap(pathsIn);
}

function isPresenceTest({ exprKind: kind }: Expr): boolean {
  return kind.case === 'selectExpr' && kind.value.testOnly;
}

export function isRequestTime(expression: Expr): boolean {
  return pathOf(expression)?.join('.') === 'request.time';
}

/** A remark at the place where the expression begins. */
export function remarkAt({ source }: Reread, expression: Expr, message: string): CelFault {
  return faultAt(source.text, startOf(source, expression), message);
}

/** An operator stands between its sides, so the place of the node itself is in the middle. */
function startOf(source: Source, expression: Expr): number {
  return Math.min(offsetOf(source, expression.id), ...childrenOf(expression).map((child) => startOf(source, child)));
}

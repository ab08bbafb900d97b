/** The forms of comparison that hold a value to literals of the author, and let no other value by. What is not listed here does not count. */
import type { Expr } from './engine.ts';
import { patternStart } from './pattern-start.ts';
import { callOf, pathOf } from './reread.ts';
import { isNamed, stringLiteral } from './syntax.ts';

export type Path = readonly string[];

/** What is to be compared: undefined for a value that does not matter. */
export type Wanted = (path: Path) => WantedValue | undefined;

export interface WantedValue {
  /** How far a literal must go so that whatever begins with it is the author's. Undefined: only the whole value will do. */
  readonly tellingStart?: RegExp | undefined;
}

/** Can this node have this outcome only with a wanted value that the author wrote down? */
export function comparesWanted(outcome: boolean, node: Expr, wanted: Wanted): boolean {
  const call = callOf(node);
  if (call === undefined) return outcome && isExistsEqual(node, wanted);
  const { name, target, args } = call;
  const [first, second] = args;
  if (name === '_!=_') return !outcome && isEquality(first, second, wanted);
  if (!outcome) return false;
  if (name === '_==_') return isEquality(first, second, wanted);
  if (name === '@in') return valueOf(first, wanted) !== undefined && isListOfLiterals(second);
  const text = stringLiteral(first);
  const value = valueOf(target, wanted);
  if (text === undefined || value === undefined || args.length !== 1) return false;
  // Not endsWith() nor contains(): a stranger chooses the end of his own subject, and may put our name in its middle.
  if (name === 'startsWith') return isTelling(value, text);
  if (name !== 'matches') return false;
  const { start, isWhole } = patternStart(text);
  return (isWhole && start !== '') || isTelling(value, start);
}

function isEquality(one: Expr | undefined, other: Expr | undefined, wanted: Wanted): boolean {
  return isHeldTo(one, other, wanted) || isHeldTo(other, one, wanted);
}

function isHeldTo(side: Expr | undefined, fixed: Expr | undefined, wanted: Wanted): boolean {
  if (valueOf(side, wanted) !== undefined) return isLiteral(fixed);
  // Numbers often come as text; no two whole numbers are one.
  const call = side === undefined ? undefined : callOf(side);
  const isInt = call?.name === 'int' && call.target === undefined && call.args.length === 1;
  return isInt && valueOf(call.args[0], wanted) !== undefined && isInteger(fixed);
}

/** `["a", "b"].exists(name, PATH == name)`, as the macro writes it out. */
function isExistsEqual({ exprKind: kind }: Expr, wanted: Wanted): boolean {
  if (kind.case !== 'comprehensionExpr') return false;
  const { iterRange, iterVar, iterVar2, accuVar, accuInit, loopStep, result } = kind.value;
  if (iterVar2 !== '' || !isFalse(accuInit) || !isNamed(result, accuVar) || !isListOfLiterals(iterRange)) return false;
  const step = loopStep === undefined ? undefined : callOf(loopStep);
  const [before, asked] = step?.args ?? [];
  if (step?.name !== '_||_' || !isNamed(before, accuVar) || asked === undefined) return false;
  const equal = callOf(asked);
  if (equal?.name !== '_==_') return false;
  const [one, other] = equal.args;
  // A loop variable called `assertion` is no claim.
  const outside: Wanted = (path) => (path[0] === iterVar ? undefined : wanted(path));
  return (
    (isNamed(other, iterVar) && valueOf(one, outside) !== undefined) ||
    (isNamed(one, iterVar) && valueOf(other, outside) !== undefined)
  );
}

function valueOf(node: Expr | undefined, wanted: Wanted): WantedValue | undefined {
  const path = node === undefined ? undefined : pathOf(node);
  return path === undefined ? undefined : wanted(path);
}

function isTelling({ tellingStart }: WantedValue, start: string): boolean {
  return tellingStart?.test(start) ?? false;
}

function isListOfLiterals(node: Expr | undefined): boolean {
  if (node?.exprKind.case !== 'listExpr') return false;
  const { elements } = node.exprKind.value;
  return elements.length > 0 && elements.every(isLiteral);
}

/** A text that is not empty, or a number: two claims compared with each other are both the stranger's. */
function isLiteral(node: Expr | undefined): boolean {
  const text = stringLiteral(node);
  if (text !== undefined) return text !== '';
  return isInteger(node) || constantCase(node) === 'doubleValue';
}

function isInteger(node: Expr | undefined): boolean {
  const kind = constantCase(node);
  return kind === 'int64Value' || kind === 'uint64Value';
}

function isFalse(node: Expr | undefined): boolean {
  if (node?.exprKind.case !== 'constExpr') return false;
  const { constantKind } = node.exprKind.value;
  return constantKind.case === 'boolValue' && !constantKind.value;
}

function constantCase(node: Expr | undefined): string | undefined {
  return node?.exprKind.case === 'constExpr' ? node.exprKind.value.constantKind.case : undefined;
}

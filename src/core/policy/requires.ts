/** Which values an expression reads, and whether it can be true without holding one of them against something fixed. */
import type { Expr } from './engine.ts';
import { callOf, isPresenceTest, pathOf, pathsIn, reread, type Call } from './reread.ts';
import { childrenOf } from './syntax.ts';

export type Path = readonly string[];

/** Of an expression that compiles. */
export function valuesRead(text: string): readonly Path[] {
  const read = reread(text);
  return read === undefined ? [] : pathsIn(read.expression);
}

/**
 * Does every way in which the expression becomes true compare a wanted value with a literal? `has(x)`, `x == x`, `x != "a"` and
 * `x == "a" || true` do not. What it cannot see through (a pattern that takes everything) it takes for honest.
 */
export function requires(text: string, isWanted: (path: Path) => boolean): boolean {
  const read = reread(text);
  return read !== undefined && becomes(true, read.expression);

  function becomes(outcome: boolean, node: Expr): boolean {
    const fixed = booleanLiteral(node);
    // What never has this outcome lets nobody by.
    if (fixed !== undefined) return fixed !== outcome;
    const call = callOf(node);
    return call === undefined ? outcome && compares(node) : callBecomes(outcome, node, call);
  }

  function callBecomes(outcome: boolean, node: Expr, { name, args }: Call): boolean {
    const [first, second, third] = args;
    switch (name) {
      case '_&&_':
        return outcome ? args.some((side) => becomes(true, side)) : args.every((side) => becomes(false, side));
      case '_||_':
        return outcome ? args.every((side) => becomes(true, side)) : args.some((side) => becomes(false, side));
      case '!_':
        return first !== undefined && becomes(!outcome, first);
      case '_?_:_':
        if (first === undefined || second === undefined || third === undefined) return false;
        return (becomes(true, first) || becomes(outcome, second)) && (becomes(false, first) || becomes(outcome, third));
      case '_!=_':
        return !outcome && compares(node);
      case '_<_':
      case '_<=_':
      case '_>_':
      case '_>=_':
        return false;
      default:
        return outcome && compares(node);
    }
  }

  function compares(node: Expr): boolean {
    return pathsIn(node).some(isWanted) && holdsLiteral(node);
  }
}

/** A text that is not empty, or a number: two claims compared with each other are both the stranger's. */
function holdsLiteral(node: Expr): boolean {
  if (pathOf(node) !== undefined || isPresenceTest(node)) return false;
  const { exprKind: kind } = node;
  if (kind.case !== 'constExpr') return childrenOf(node).some(holdsLiteral);
  const { constantKind: constant } = kind.value;
  if (constant.case === 'stringValue') return constant.value !== '';
  return constant.case === 'int64Value' || constant.case === 'uint64Value' || constant.case === 'doubleValue';
}

function booleanLiteral({ exprKind: kind }: Expr): boolean | undefined {
  if (kind.case !== 'constExpr') return undefined;
  const { constantKind: constant } = kind.value;
  return constant.case === 'boolValue' ? constant.value : undefined;
}

/** Which values an expression reads, and whether it can be true without holding one of them against something fixed. */
import { comparesWanted, type Path, type Wanted, type WantedValue } from './comparisons.ts';
import type { Expr } from './engine.ts';
import { callOf, pathsIn, reread, type Call } from './reread.ts';

export type { Path, Wanted, WantedValue };

/** Of an expression that compiles. */
export function valuesRead(text: string): readonly Path[] {
  const read = reread(text);
  return read === undefined ? [] : pathsIn(read.expression);
}

/**
 * Does every way in which the expression becomes true hold a wanted value against a literal, in one of the few forms that no other value
 * passes (`comparisons.ts`)? Only `&&`, `||`, `!` and `?:` are seen through: any other call, and any loop, may turn a comparison around
 * (`(x == "a") == false`), so nothing below it counts.
 */
export function requires(text: string, wanted: Wanted): boolean {
  const read = reread(text);
  return read !== undefined && becomes(true, read.expression);

  function becomes(outcome: boolean, node: Expr): boolean {
    const fixed = booleanLiteral(node);
    // What never has this outcome lets nobody by.
    if (fixed !== undefined) return fixed !== outcome;
    const call = callOf(node);
    return (call !== undefined && joins(outcome, call)) || comparesWanted(outcome, node, wanted);
  }

  function joins(outcome: boolean, { name, args }: Call): boolean {
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
      default:
        return false;
    }
  }
}

function booleanLiteral({ exprKind: kind }: Expr): boolean | undefined {
  if (kind.case !== 'constExpr') return undefined;
  const { constantKind: constant } = kind.value;
  return constant.case === 'boolValue' ? constant.value : undefined;
}

/** Reading the engine's syntax tree: kinds, children and places. */
import { faultAt, type CelFault } from './fault.ts';
import type { Expr, ParsedExpr } from './engine.ts';

export interface Source {
  readonly text: string;
  readonly positions: NonNullable<ParsedExpr['sourceInfo']> | undefined;
}

export function offsetOf({ text, positions }: Source, id: bigint): number {
  const offset = positions?.positions[String(id)] ?? 0;
  // An infix operator is placed before the blanks that precede it.
  return offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0);
}

export function faultIn(source: Source, expression: Expr, message: string): CelFault {
  return faultAt(source.text, offsetOf(source, expression.id), message);
}

export function childrenOf(expression: Expr): Expr[] {
  const { exprKind: kind } = expression;
  switch (kind.case) {
    case 'selectExpr':
      return present([kind.value.operand]);
    case 'callExpr':
      return present([kind.value.target, ...kind.value.args]);
    case 'listExpr':
      return kind.value.elements;
    case 'structExpr':
      return present(
        kind.value.entries.flatMap(({ keyKind, value }) => [
          keyKind.case === 'mapKey' ? keyKind.value : undefined,
          value,
        ]),
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = kind.value;
      return present([iterRange, accuInit, loopCondition, loopStep, result]);
    }
    default:
      return [];
  }
}

export function stringLiteral(expression: Expr | undefined): string | undefined {
  if (expression?.exprKind.case !== 'constExpr') return undefined;
  const { constantKind } = expression.exprKind.value;
  return constantKind.case === 'stringValue' ? constantKind.value : undefined;
}

export function isNamed(expression: Expr | undefined, name: string): boolean {
  return expression?.exprKind.case === 'identExpr' && expression.exprKind.value.name === name;
}

function present(expressions: readonly (Expr | undefined)[]): Expr[] {
  return expressions.filter((expression) => expression !== undefined);
}

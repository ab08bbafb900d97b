/** Makes a checked expression ready to run: each round of a loop costs something, and tag methods are handed the tags. */
import type { Expr } from './engine.ts';
import { RECEIVERS } from './resource-functions.ts';
import { childrenOf } from './syntax.ts';

/** Changes the tree in place; answers how many nodes it has. */
export function lower(expression: Expr): number {
  const { exprKind: kind } = expression;
  if (kind.case === 'callExpr' && kind.value.target !== undefined) {
    const receiver = RECEIVERS.get(kind.value.function);
    if (receiver !== undefined) kind.value.target.exprKind = identifier(receiver.variable);
  }
  const nodes = childrenOf(expression).reduce((sum, child) => sum + lower(child), 1);
  if (kind.case === 'comprehensionExpr') {
    const { loopCondition, iterRange } = kind.value;
    // The engine copies the whole range before the first round, though a loop inside a loop may need one element of it.
    if (iterRange !== undefined) kind.value.iterRange = call(expression.id, '@range', [iterRange]);
    if (loopCondition !== undefined) {
      // In the condition, not in the step: a step that errs would never reach its tick.
      kind.value.loopCondition = call(expression.id, '_&&_', [
        call(expression.id, '@tick', [integer(expression.id, nodes)]),
        loopCondition,
      ]);
    }
  }
  return nodes;
}

function identifier(name: string): Expr['exprKind'] {
  return { case: 'identExpr', value: { $typeName: 'cel.expr.Expr.Ident', name } };
}

function call(id: bigint, name: string, args: Expr[]): Expr {
  return {
    $typeName: 'cel.expr.Expr',
    id,
    exprKind: { case: 'callExpr', value: { $typeName: 'cel.expr.Expr.Call', function: name, args } },
  };
}

function integer(id: bigint, value: number): Expr {
  const constantKind = { case: 'int64Value' as const, value: BigInt(value) };
  return {
    $typeName: 'cel.expr.Expr',
    id,
    exprKind: { case: 'constExpr', value: { $typeName: 'cel.expr.Constant', constantKind } },
  };
}

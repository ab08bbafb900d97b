/** Why a condition is true or false: the attributes that it names, with their values at that moment. For operators only. */
import { isCelError, isCelList, isCelMap, isCelUint, parse, type CelValue } from '@bufbuild/cel';
import { budgetUsed, refillBudget } from './budget.ts';
import type { PolicyCompiler } from './cache.ts';
import { evaluateActivated, type ConditionScope } from './condition.ts';
import { engineFor, type Engine, type Expr } from './engine.ts';
import { nanosOf } from './equality.ts';
import { lower } from './lower.ts';
import { RECEIVERS } from './resource-functions.ts';
import { childrenOf, stringLiteral } from './syntax.ts';
import type { Activation } from './variables.ts';

export interface NamedValue {
  /** As in the condition: `request.time`, `resource.matchTag("123/env", "prod")`. */
  readonly expression: string;
  /** As CEL would spell it; absent where there is none. */
  readonly value?: string;
  /** What only a token would tell, of a principal who is known by name. */
  readonly onlyByToken?: true;
}

export interface ConditionExplanation {
  /** Absent where it cannot be evaluated. */
  readonly value?: boolean;
  readonly error?: string;
  readonly values: readonly NamedValue[];
  /** All that it names: what is decided by them must not hang on how many are shown. */
  readonly names: readonly string[];
}

const MAX_NAMED = 30;

/** What one explanation may cost: a policy may hold 1,500 conditions, and everybody else in the isolate waits. */
export interface ExplanationBudget {
  units: number;
}

export function newExplanationBudget(): ExplanationBudget {
  return { units: 1_000_000 };
}

/** Reading a source takes longer than visiting its nodes: so much a character, before anything is read. */
const UNITS_TO_READ_A_CHARACTER = 4;
export const NOT_LOOKED_AT = 'not looked at: too much';

export function explainCondition(
  source: string,
  scope: ConditionScope,
  activation: Activation,
  compiler: PolicyCompiler,
  budget: ExplanationBudget,
): ConditionExplanation {
  budget.units -= UNITS_TO_READ_A_CHARACTER * source.length;
  if (budget.units <= 0) return { error: NOT_LOOKED_AT, values: [], names: [] };
  const condition = compiler.condition(source, scope);
  if (!condition.ok) return { error: `does not compile: ${condition.error.message}`, values: [], names: [] };
  const result = evaluateActivated(condition.value, activation, budget.units);
  budget.units -= condition.value.program.nodes + budgetUsed();
  // Where it ended in the middle, half a condition is not told as a failure of its own.
  if (budget.units <= 0 && !result.ok) return { error: NOT_LOOKED_AT, values: [], names: [] };
  const named = valuesIn(source, engineFor(scope), activation, budget);
  return result.ok ? { value: result.value, ...named } : { error: result.error, ...named };
}

/** Parsed anew: what runs was changed when it was made ready. */
function valuesIn(
  source: string,
  engine: Engine,
  activation: Activation,
  budget: ExplanationBudget,
): Pick<ConditionExplanation, 'values' | 'names'> {
  const { expr } = parse(source);
  if (expr === undefined) return { values: [], names: [] };
  const named = new Map<string, Expr>();
  collect(expr, new Set());
  const values = [...named].slice(0, MAX_NAMED).map(([expression, piece]) => valueOf(expression, piece));
  return { values, names: [...named.keys()] };

  function collect(node: Expr, bound: ReadonlySet<string>): void {
    const text = nameOf(node, bound);
    if (text !== undefined) {
      if (!named.has(text)) named.set(text, node);
      return;
    }
    const { exprKind: kind } = node;
    const inner =
      kind.case === 'comprehensionExpr' ? new Set([...bound, kind.value.iterVar, kind.value.accuVar]) : bound;
    for (const child of childrenOf(node)) collect(child, inner);
  }

  function valueOf(expression: string, piece: Expr): NamedValue {
    if (budget.units <= 0) return { expression };
    const nodes = lower(piece);
    refillBudget(budget.units);
    const value = engine.plan(piece)(activation);
    budget.units -= nodes + budgetUsed();
    return isCelError(value) || value instanceof Error ? { expression } : { expression, value: shown(value) };
  }
}

/** The text of an attribute, or of a question to the tags; undefined for anything else, and for what hangs on a loop's variable. */
function nameOf(node: Expr, bound: ReadonlySet<string>): string | undefined {
  const { exprKind: kind } = node;
  if (kind.case === 'callExpr') {
    const { function: name, target, args } = kind.value;
    const literals = args.map((arg) => stringLiteral(arg));
    if (name === '_[_]') return indexed(args, bound);
    if (!RECEIVERS.has(name) || target === undefined || literals.includes(undefined)) return undefined;
    return `${pathOf(target, bound) ?? ''}.${name}(${literals.map((text) => JSON.stringify(text)).join(', ')})`;
  }
  if (kind.case !== 'selectExpr') return undefined;
  const path = pathOf(node, bound);
  return path !== undefined && kind.value.testOnly ? `has(${path})` : path;
}

function pathOf(node: Expr | undefined, bound: ReadonlySet<string>): string | undefined {
  const kind = node?.exprKind;
  if (kind?.case === 'identExpr') return bound.has(kind.value.name) ? undefined : kind.value.name;
  if (kind?.case === 'callExpr' && kind.value.function === '_[_]') return indexed(kind.value.args, bound);
  if (kind?.case !== 'selectExpr') return undefined;
  const operand = pathOf(kind.value.operand, bound);
  return operand === undefined ? undefined : `${operand}.${kind.value.field}`;
}

function indexed([operand, index]: readonly Expr[], bound: ReadonlySet<string>): string | undefined {
  const path = pathOf(operand, bound);
  const key = stringLiteral(index);
  return path === undefined || key === undefined ? undefined : `${path}[${JSON.stringify(key)}]`;
}

const MAX_SHOWN = 200;

function shown(value: CelValue): string {
  const text = spelled(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)} …` : text;
}

function spelled(value: CelValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (isCelList(value)) return `[${[...value].map((element) => spelled(element)).join(', ')}]`;
  if (isCelMap(value)) {
    return `{${[...value].map(([key, member]) => `${spelled(key)}: ${spelled(member)}`).join(', ')}}`;
  }
  const moment = nanosOf(value);
  if (moment?.kind === 'timestamp') return new Date(Number(moment.nanos / 1_000_000n)).toISOString();
  if (moment?.kind === 'duration') return `${Number(moment.nanos) / 1_000_000_000}s`;
  if (isCelUint(value)) return `${value.value}u`;
  const isPlain =
    typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' || value === null;
  return isPlain ? String(value) : 'a value that has no spelling';
}

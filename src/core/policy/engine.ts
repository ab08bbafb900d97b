/** The CEL engine with its faults mended: one environment a scope, made when it is first asked for. */
import {
  celEnv,
  celFunc,
  CelScalar,
  isCelError,
  isCelList,
  isCelMap,
  plan,
  type CelEnv,
  type CelValue,
  type parse,
} from '@bufbuild/cel';
import { refillBudget, spend, tick } from './budget.ts';
import { resourceFunctions } from './resource-functions.ts';
import { stringFunctions } from './string-functions.ts';
import { timeFunctions } from './time-functions.ts';
import { valueFunctions } from './value-functions.ts';
import type { Activation } from './variables.ts';

export type ParsedExpr = ReturnType<typeof parse>;
export type Expr = NonNullable<ParsedExpr['expr']>;
export type Scope = 'attribute' | 'binding' | 'mapping';
export type Run = (activation: Activation) => CelValue | Error;

/** One way to call a function; types by their CEL names. */
export interface Signature {
  readonly receiver: string | undefined;
  readonly parameters: readonly string[];
  readonly result: string;
}

export interface Engine {
  /** Every function there is: what the checker lets pass is by construction what can run. */
  readonly signatures: ReadonlyMap<string, readonly Signature[]>;
  plan(expression: Expr): Run;
}

const engines = new Map<Scope, Engine>();

export function engineFor(scope: Scope): Engine {
  const known = engines.get(scope);
  if (known !== undefined) return known;
  const environment = environmentFor(scope);
  const engine = { signatures: signaturesOf(environment), plan: (expression: Expr) => plan(environment, expression) };
  engines.set(scope, engine);
  return engine;
}

/** The value of an expression without variables, or undefined where it has none. */
export function constantValue(engine: Engine, expression: Expr): CelValue | undefined {
  refillBudget();
  const value = engine.plan(expression)({});
  return isCelError(value) || value instanceof Error ? undefined : value;
}

function environmentFor(scope: Scope): CelEnv {
  return celEnv({
    funcs: [
      ...valueFunctions(),
      ...stringFunctions(),
      ...timeFunctions(),
      ...(scope === 'binding' ? resourceFunctions() : []),
      // No source can spell these names; `lower` puts one before each round of a loop, and one around what it ranges over.
      celFunc('@tick', [CelScalar.INT], CelScalar.BOOL, (cost) => tick(Number(cost))),
      celFunc('@range', [CelScalar.DYN], CelScalar.DYN, (range) => {
        if (isCelList(range) || isCelMap(range)) spend(range.size >> 3);
        return range;
      }),
    ],
  });
}

function signaturesOf(environment: CelEnv): ReadonlyMap<string, readonly Signature[]> {
  const signatures = new Map<string, Signature[]>();
  for (const { name, target, arguments: parameters, result } of environment.funcs) {
    const signature = {
      receiver: target?.name,
      parameters: parameters.map((parameter) => parameter.name),
      result: result.name,
    };
    signatures.set(name, [...(signatures.get(name) ?? []), signature]);
  }
  return signatures;
}

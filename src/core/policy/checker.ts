/** Holds an expression against what its language declares, so that a typo is refused when it is written, not when a token arrives. */
import { STRING_MAP, TYPE_NAMES, WORKLOAD, type Declared } from './declarations.ts';
import type { Engine, Expr, Signature } from './engine.ts';
import type { CelFault } from './fault.ts';
import { MAX_DEPTH, MAX_LOOP_NESTING, MAX_NODES } from './limits.ts';
import { literalProblem } from './literals.ts';
import type { PatternBudget } from './regex-cost.ts';
import { RECEIVERS } from './resource-functions.ts';
import { faultIn, isNamed, offsetOf, type Source } from './syntax.ts';

/** What an expression may call and name. */
export interface Language {
  readonly engine: Engine;
  readonly variables: ReadonlyMap<string, Declared>;
}

export interface Checked {
  readonly type: string;
  readonly roots: ReadonlySet<string>;
  /** Names any of `request.workload`. */
  readonly usesWorkload: boolean;
  readonly usesWorkloadClaims: boolean;
  /** The first in the text. */
  readonly fault: CelFault | undefined;
}

/** Where we are: variables of the loops around, and how deep. */
interface Place {
  readonly locals: ReadonlyMap<string, string>;
  readonly depth: number;
  readonly loops: number;
}

const ANY = 'dyn';
const NUMBERS = new Set(['int', 'uint', 'double']);
const MACROS = new Set(['has', 'all', 'exists', 'exists_one', 'map', 'filter']);
const CONSTANTS: ReadonlyMap<string | undefined, string> = new Map([
  ['boolValue', 'bool'],
  ['bytesValue', 'bytes'],
  ['doubleValue', 'double'],
  ['int64Value', 'int'],
  ['nullValue', 'null_type'],
  ['stringValue', 'string'],
  ['uint64Value', 'uint'],
]);

export function check(language: Language, source: Source, expression: Expr, patterns: PatternBudget): Checked {
  const checker = new Checker(language, source, patterns);
  const type = checker.valueType(expression, { locals: new Map(), depth: 1, loops: 0 });
  const { roots, usesWorkload, usesWorkloadClaims, fault } = checker;
  return { type, roots, usesWorkload, usesWorkloadClaims, fault };
}

class Checker {
  readonly roots = new Set<string>();
  usesWorkload = false;
  usesWorkloadClaims = false;
  fault: CelFault | undefined;
  readonly #source: Source;
  readonly #engine: Engine;
  readonly #patterns: PatternBudget;
  readonly #variables: ReadonlyMap<string, Declared>;
  #faultOffset = Number.POSITIVE_INFINITY;
  #nodes = 0;

  constructor({ engine, variables }: Language, source: Source, patterns: PatternBudget) {
    this.#patterns = patterns;
    this.#source = source;
    this.#engine = engine;
    this.#variables = variables;
  }

  /** The type of something used as a value; a variable that has only attributes is none. */
  valueType(expression: Expr, place: Place): string {
    return this.#asValue(expression, this.#declaredType(expression, place));
  }

  #asValue(expression: Expr, type: Declared): string {
    if (typeof type !== 'string') return this.#refuse(expression, 'this is no value; name one of its attributes');
    return type === STRING_MAP ? 'map' : type;
  }

  #declaredType(expression: Expr, place: Place): Declared {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) return this.#refuse(expression, `the expression is larger than ${MAX_NODES} nodes`);
    if (place.depth > MAX_DEPTH) return this.#refuse(expression, `the expression is nested deeper than ${MAX_DEPTH}`);
    const inner = { ...place, depth: place.depth + 1 };
    const { exprKind: kind } = expression;
    switch (kind.case) {
      case 'constExpr':
        return this.#constantType(expression, kind.value);
      case 'identExpr':
        return this.#identifierType(expression, kind.value.name, place);
      case 'selectExpr':
        return this.#attributeType(expression, kind.value, inner);
      case 'callExpr':
        return this.#callType(expression, kind.value.function, kind.value.target, kind.value.args, inner);
      case 'listExpr':
        for (const element of kind.value.elements) this.valueType(element, inner);
        return 'list';
      case 'structExpr':
        return this.#mapType(expression, kind.value, inner);
      case 'comprehensionExpr':
        return this.#loopType(expression, kind.value, inner);
      default:
        return this.#refuse(expression, 'this is no expression');
    }
  }

  #constantType(expression: Expr, { constantKind: kind }: Kind<'constExpr'>): string {
    const isOutside =
      (kind.case === 'int64Value' && BigInt.asIntN(64, kind.value) !== kind.value) ||
      (kind.case === 'uint64Value' && BigInt.asUintN(64, kind.value) !== kind.value);
    if (isOutside) return this.#refuse(expression, 'this number has more than 64 bits');
    return CONSTANTS.get(kind.case) ?? ANY;
  }

  #identifierType(expression: Expr, name: string, place: Place): Declared {
    const local = place.locals.get(name);
    if (local !== undefined) return local;
    const declared = this.#variables.get(name);
    if (declared !== undefined) {
      this.roots.add(name);
      return declared;
    }
    return TYPE_NAMES.has(name) ? 'type' : this.#refuse(expression, `unknown variable '${name}'`);
  }

  #attributeType(expression: Expr, select: Kind<'selectExpr'>, place: Place): Declared {
    const { operand, field, testOnly } = select;
    if (operand === undefined) return this.#refuse(expression, 'this is no expression');
    const type = this.#declaredType(operand, place);
    if (typeof type !== 'string') {
      const declared = type.get(field);
      if (declared === undefined) return this.#refuse(expression, `unknown attribute '${field}'`);
      if (declared === WORKLOAD) this.usesWorkload = true;
      if (type === WORKLOAD && field === 'claims') this.usesWorkloadClaims = true;
      return testOnly ? 'bool' : declared;
    }
    if (type === STRING_MAP) return testOnly ? 'bool' : 'string';
    if (type !== 'map' && type !== ANY) return this.#refuse(expression, `${type} has no attributes`);
    return testOnly ? 'bool' : ANY;
  }

  #mapType(expression: Expr, struct: Kind<'structExpr'>, place: Place): string {
    if (struct.messageName !== '') return this.#refuse(expression, 'messages cannot be made here');
    for (const { keyKind, value } of struct.entries) {
      if (keyKind.case === 'mapKey') this.valueType(keyKind.value, place);
      if (value !== undefined) this.valueType(value, place);
    }
    return 'map';
  }

  #loopType(expression: Expr, loop: Kind<'comprehensionExpr'>, place: Place): string {
    const { iterRange, iterVar, accuVar, accuInit, loopCondition, loopStep, result } = loop;
    if (!iterRange || !accuInit || !loopCondition || !loopStep || !result) {
      return this.#refuse(expression, 'this is no expression');
    }
    if (place.loops >= MAX_LOOP_NESTING) {
      return this.#refuse(expression, `loops are nested deeper than ${MAX_LOOP_NESTING}`);
    }
    const range = this.valueType(iterRange, place);
    if (!['list', 'map', ANY].includes(range)) this.#refuse(iterRange, `${range} has no elements`);
    const accumulated = [...place.locals, [accuVar, this.valueType(accuInit, place)]] as const;
    const outside = { ...place, locals: new Map(accumulated) };
    const inside = { ...outside, loops: place.loops + 1, locals: new Map([...accumulated, [iterVar, ANY]]) };
    this.valueType(loopCondition, inside);
    this.valueType(loopStep, inside);
    return this.valueType(result, outside);
  }

  #elementType([container, index]: readonly Expr[], place: Place): string {
    if (container === undefined || index === undefined) return ANY;
    const declared = this.#declaredType(container, place);
    const type = this.#asValue(container, declared);
    this.valueType(index, place);
    if (!['list', 'map', ANY].includes(type)) this.#refuse(container, `${type} has no elements`);
    return declared === STRING_MAP ? 'string' : ANY;
  }

  #callType(expression: Expr, name: string, target: Expr | undefined, args: readonly Expr[], place: Place): string {
    if (name === '_[_]') return this.#elementType(args, place);
    const receiver = target === undefined ? undefined : this.#receiverType(name, target, place);
    const types = args.map((argument) => this.valueType(argument, place));
    switch (name) {
      case '_&&_':
      case '_||_':
        for (const [index, type] of types.entries()) this.#requireBool(args[index] ?? expression, type);
        return 'bool';
      case '@not_strictly_false':
        return 'bool';
      case '_?_:_':
        this.#requireBool(args[0] ?? expression, types[0] ?? ANY);
        return types[1] === types[2] ? (types[1] ?? ANY) : ANY;
      case '_==_':
      case '_!=_':
        if (!areComparable(types[0] ?? ANY, types[1] ?? ANY)) {
          this.#refuse(expression, `${types[0]} and ${types[1]} are never equal`);
        }
        return 'bool';
      default:
        return this.#resultType(expression, name, receiver, types);
    }
  }

  /** The methods of a variable are its own: `{}.matchTag(…)` would ask about other tags than it says. */
  #receiverType(name: string, target: Expr, place: Place): string {
    if (!this.#engine.signatures.has(name)) {
      // The misspelt method is the mistake, not that its variable is no value.
      this.#declaredType(target, place);
      return ANY;
    }
    const receiver = RECEIVERS.get(name);
    if (receiver === undefined || !this.#variables.has(receiver.root)) return this.valueType(target, place);
    if (!isNamed(target, receiver.root) || place.locals.has(receiver.root)) {
      return this.#refuse(target, `${name}() is a method of ${receiver.root}`);
    }
    this.roots.add(receiver.root);
    return 'map';
  }

  #resultType(expression: Expr, name: string, receiver: string | undefined, types: readonly string[]): string {
    const shown = name.replace(/^@|_/g, '');
    const all = this.#engine.signatures.get(name);
    if (all === undefined) {
      return this.#refuse(
        expression,
        MACROS.has(name) ? `${name}() is not used as a macro here` : `unknown function '${name}'`,
      );
    }
    const sameForm = all.filter((signature) => (signature.receiver === undefined) === (receiver === undefined));
    if (sameForm.length === 0) {
      return this.#refuse(expression, receiver === undefined ? `${name}() is a method` : `${name}() is no method`);
    }
    const sameCount = sameForm.filter(({ parameters }) => parameters.length === types.length);
    if (sameCount.length === 0) return this.#refuse(expression, `wrong number of arguments for ${name}()`);
    const fitting = sameCount.filter((signature) => fits(signature, receiver, types));
    if (fitting.length === 0) {
      const before = receiver === undefined ? '' : `${receiver}.`;
      return this.#refuse(expression, `there is no ${before}${shown}(${types.join(', ')})`);
    }
    const literal = literalProblem(this.#engine, expression, this.#patterns);
    if (literal !== undefined) this.#refuse(literal.argument, literal.problem);
    const results = new Set(fitting.map(({ result }) => result));
    return results.size === 1 ? (fitting[0]?.result ?? ANY) : ANY;
  }

  #requireBool(expression: Expr, type: string): void {
    if (type !== 'bool' && type !== ANY) this.#refuse(expression, `a bool is needed here, not ${type}`);
  }

  /** Notes the fault and goes on as if the type were any, so that one mistake is reported once. */
  #refuse(expression: Expr, message: string): string {
    const offset = offsetOf(this.#source, expression.id);
    if (offset < this.#faultOffset) {
      this.#faultOffset = offset;
      this.fault = faultIn(this.#source, expression, message);
    }
    return ANY;
  }
}

type Kind<C extends string> = Extract<Expr['exprKind'], { case: C }>['value'];

function fits({ receiver, parameters }: Signature, target: string | undefined, types: readonly string[]): boolean {
  return mayBe(target, receiver) && types.every((type, index) => mayBe(type, parameters[index]));
}

function mayBe(type: string | undefined, wanted: string | undefined): boolean {
  return type === wanted || type === ANY || wanted === ANY;
}

function areComparable(left: string, right: string): boolean {
  if (left === right || [left, right].some((type) => type === ANY || type === 'null_type')) return true;
  return NUMBERS.has(left) && NUMBERS.has(right);
}

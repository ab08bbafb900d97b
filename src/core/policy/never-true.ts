/**
 * Conditions that can be true for nobody from now on. A warning must not be wrong, so only what is known through and through is judged:
 * constants, `request.time` where every instant of change is known, the resource where there is but one, attributes that no exchange has.
 */
import { budgetUsed } from './budget.ts';
import type { ConditionScope } from './condition.ts';
import { engineFor, type Expr } from './engine.ts';
import type { CelFault } from './fault.ts';
import { lower } from './lower.ts';
import { evaluate, type Program } from './program.ts';
import { pathOf, remarkAt, reread, sidesOf, type Reread } from './reread.ts';
import { childrenOf } from './syntax.ts';
import { timeDependenceOf } from './time-dependence.ts';
import { unreachableTime } from './unreachable-time.ts';
import { bindingActivations, type Activation, type BindingVariables } from './variables.ts';

export interface World {
  readonly scope: ConditionScope;
  readonly nowSeconds: number;
  /** Where every grant is about this one resource. */
  readonly resource?: BindingVariables['resource'];
}

/** What all conditions of one policy may cost together. */
export interface SearchBudget {
  evaluations: number;
  /** Visited nodes. */
  work: number;
}

interface Known {
  readonly node: Expr;
  readonly program: Program;
  readonly why: string;
}

const LAST_SECOND = 253_402_300_799;
const NO_RESOURCE: BindingVariables['resource'] = { tags: {}, tagIds: {} };
/** Declared, so that a condition for a proxy can be stored, and never there. */
const UNAVAILABLE: ReadonlySet<string> = new Set(['request.path', 'request.host', 'request.auth', 'destination']);

/** Where and why the expression, which compiles, is never true; undefined where it may be. */
export function neverTrue(text: string, world: World, budget: SearchBudget): CelFault | undefined {
  const read = reread(text);
  return read === undefined ? undefined : search(read, read.expression, world, budget);
}

function search(read: Reread, node: Expr, world: World, budget: SearchBudget): CelFault | undefined {
  const sides = sidesOf(node, '_&&_');
  const known: Known[] = [];
  for (const side of sides) {
    const one = knownOf(read, side, world);
    if (one !== undefined) known.push(one);
    else {
      const found = searchSide(read, side, world, budget);
      if (found !== undefined) return found;
    }
  }
  return searchKnown(read, node, known, world, budget);
}

function searchSide(read: Reread, side: Expr, world: World, budget: SearchBudget): CelFault | undefined {
  const alternatives = sidesOf(side, '_||_');
  if (alternatives.length === 1) {
    const remark = unreachableTime(side, world.nowSeconds);
    return remark === undefined ? undefined : remarkAt(read, side, remark);
  }
  const first = alternatives.map((alternative) => search(read, alternative, world, budget));
  return first.includes(undefined) ? undefined : first[0];
}

/** Is there an instant, now or later, at which all of these are true? */
function searchKnown(
  read: Reread,
  node: Expr,
  known: readonly Known[],
  { scope, nowSeconds, resource }: World,
  budget: SearchBudget,
): CelFault | undefined {
  if (known.length === 0) return undefined;
  const later = known.flatMap(({ program }) => program.timeDependence.instants);
  const instants = [nowSeconds, ...later.filter((second) => second > nowSeconds && second <= LAST_SECOND)];
  const activationAt = scope === 'binding' ? bindingActivations(resource ?? NO_RESOURCE) : nothing;
  const wereTrue = new Set<Known>();
  for (const second of new Set(instants)) {
    const activation = activationAt(second);
    const holding: Known[] = [];
    for (const one of known) {
      if (budget.evaluations <= 0 || budget.work <= 0) return undefined;
      const result = evaluate(one.program, activation);
      budget.evaluations -= 1;
      budget.work -= one.program.nodes + budgetUsed();
      if (result.ok && result.value === true) holding.push(one);
    }
    if (holding.length === known.length) return undefined;
    for (const one of holding) wereTrue.add(one);
  }
  const never = known.find((one) => !wereTrue.has(one));
  if (never !== undefined) return remarkAt(read, never.node, never.why);
  return remarkAt(read, node, 'the sides of && never hold together, now or later');
}

/** Undefined where the node reads what is not known here, or may change at instants that cannot be listed. */
function knownOf(read: Reread, node: Expr, world: World): Known | undefined {
  const readings = readingsOf(node, world, new Set());
  if (readings === undefined) return undefined;
  const engine = engineFor(world.scope);
  const timeDependence = timeDependenceOf(engine, node);
  if (timeDependence.stepSeconds !== undefined) return undefined;
  const why = whyNever(readings);
  const nodes = lower(node);
  const { source } = read;
  const program = {
    roots: new Set<string>(),
    usesWorkload: false,
    usesWorkloadClaims: false,
    logicalOperators: 0,
    nodes,
    timeDependence,
    run: engine.plan(node),
    source,
  };
  return { node, program, why };
}

function whyNever(readings: ReadonlySet<string>): string {
  const unavailable = [...readings].find((name) => UNAVAILABLE.has(name));
  if (unavailable !== undefined) return `${unavailable} is not known to any exchange: this is never true`;
  const ofTarget = readings.has('resource') ? ' for this target as it stands' : '';
  return readings.has('request.time') ? `this is false now and ever after${ofTarget}` : `this is never true${ofTarget}`;
}

/** What the node reads, by short names; undefined where some of it is not known. */
function readingsOf(node: Expr, world: World, locals: ReadonlySet<string>): ReadonlySet<string> | undefined {
  const { exprKind: kind } = node;
  if (kind.case === 'identExpr') {
    const { name } = kind.value;
    if (locals.has(name)) return new Set();
    if (name === 'resource' && world.resource !== undefined) return new Set([name]);
    return name === 'destination' ? new Set([name]) : undefined;
  }
  const [root, member] = pathOf(node) ?? [];
  if (root === 'request' && member !== undefined && !locals.has(root)) {
    const name = `request.${member}`;
    return name === 'request.time' || UNAVAILABLE.has(name) ? new Set([name]) : undefined;
  }
  const inside =
    kind.case === 'comprehensionExpr' ? new Set([...locals, kind.value.iterVar, kind.value.accuVar]) : locals;
  const all = new Set<string>();
  for (const child of childrenOf(node)) {
    const readings = readingsOf(child, world, inside);
    if (readings === undefined) return undefined;
    for (const reading of readings) all.add(reading);
  }
  return all;
}

function nothing(): Activation {
  return { __proto__: null };
}

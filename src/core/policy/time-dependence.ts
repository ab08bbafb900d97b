/** When the truth of a condition can change while time passes and all else stands still. */
import type { CelValue } from '@bufbuild/cel';
import { constantValue, type Engine, type Expr } from './engine.ts';
import { nanosOf } from './equality.ts';
import { childrenOf, isNamed, stringLiteral } from './syntax.ts';
import { TIME_GETTERS } from './time-functions.ts';

export interface TimeDependence {
  /** Whole seconds at which the truth may change, ascending. */
  readonly instants: readonly number[];
  /** It may also change at each multiple of this: 60 for local hours and days, 1 for whatever is not understood. */
  readonly stepSeconds: 1 | 60 | undefined;
}

/** coefficient × request.time + nanos */
interface Linear {
  readonly kind: 'timestamp' | 'duration';
  readonly coefficient: bigint;
  readonly nanos: bigint;
}

const COMPARISONS = new Set(['_<_', '_<=_', '_>_', '_>=_', '_==_', '_!=_']);
const NANOS = 1_000_000_000n;

/** About 146 years. Farther from 1970 a difference may leave the range of durations, and its error is a change of truth too. */
const MAX_NANOS = 2n ** 62n;

/** Zones change on whole minutes only since 1973, and durations from 1970 fit only until this century ends. */
const UNDERSTOOD_FROM = Date.UTC(1973, 0, 1) / 1000;
const UNDERSTOOD_UNTIL = Date.UTC(2100, 0, 1) / 1000;

export function timeDependenceOf(engine: Engine, expression: Expr): TimeDependence {
  const instants = new Set<number>();
  const steps = new Set<1 | 60>();
  visit(expression);
  return {
    instants: [...instants].toSorted((one, other) => one - other),
    stepSeconds: steps.has(1) ? 1 : steps.has(60) ? 60 : undefined,
  };

  // A loop may call its own variable `request`. Taking it for the real one adds instants and loses none: what it holds was visited too.
  function visit(node: Expr): void {
    const { exprKind: kind } = node;
    if (isRequestTime(node)) steps.add(1);
    else if (kind.case === 'callExpr' && COMPARISONS.has(kind.value.function) && isUnderstood(kind.value.args)) return;
    else if (kind.case === 'callExpr' && TIME_GETTERS.has(kind.value.function) && isRead(kind.value)) return;
    else for (const child of childrenOf(node)) visit(child);
  }

  function isUnderstood([left, right]: readonly Expr[]): boolean {
    const one = linear(left);
    const other = linear(right);
    if (one === undefined || other === undefined || one.kind !== other.kind) return false;
    const coefficient = one.coefficient - other.coefficient;
    if (coefficient !== 0n) {
      const second = Number(floorDivide(other.nanos - one.nanos, coefficient * NANOS));
      instants.add(second).add(second + 1);
    }
    return true;
  }

  function isRead({
    function: name,
    target,
    args,
  }: {
    function: string;
    target?: Expr | undefined;
    args: readonly Expr[];
  }): boolean {
    const read = linear(target);
    const hasFixedZone = args.length === 0 || stringLiteral(args[0]) !== undefined;
    if (read === undefined || !hasFixedZone) return false;
    if (read.coefficient === 0n) return true;
    const isOnMinute = read.nanos % (60n * NANOS) === 0n;
    steps.add(name !== 'getSeconds' && name !== 'getMilliseconds' && isOnMinute ? 60 : 1);
    return true;
  }

  function linear(node: Expr | undefined): Linear | undefined {
    if (node === undefined) return undefined;
    if (isRequestTime(node)) return { kind: 'timestamp', coefficient: 1n, nanos: 0n };
    if (isConstant(node)) return linearConstant(constantValue(engine, node));
    if (node.exprKind.case !== 'callExpr') return undefined;
    const { function: name, args } = node.exprKind.value;
    if (name !== '_+_' && name !== '_-_') return undefined;
    return combined(name, linear(args[0]), linear(args[1]));
  }
}

/** Names the stretch of time around `second` throughout which the truth is one. */
export function stretchOf({ instants, stepSeconds }: TimeDependence, second: number): string {
  const step = stepAt(stepSeconds, second);
  const passed = instants.filter((instant) => instant <= second).length;
  return step === undefined ? `${passed}` : `${passed}/${Math.floor(second / step)}/${step}`;
}

/** The next second after `second` at which the truth may change. */
export function nextChange({ instants, stepSeconds }: TimeDependence, second: number): number {
  const step = stepAt(stepSeconds, second);
  const instant = instants.find((candidate) => candidate > second) ?? Number.POSITIVE_INFINITY;
  return step === undefined ? instant : Math.min(instant, (Math.floor(second / step) + 1) * step);
}

function stepAt(stepSeconds: TimeDependence['stepSeconds'], second: number): TimeDependence['stepSeconds'] {
  const isUnderstood = second >= UNDERSTOOD_FROM && second < UNDERSTOOD_UNTIL;
  return isUnderstood ? stepSeconds : 1;
}

function combined(name: '_+_' | '_-_', left: Linear | undefined, right: Linear | undefined): Linear | undefined {
  if (left === undefined || right === undefined) return undefined;
  const kind = kindOf(name, left.kind, right.kind);
  const sign = name === '_+_' ? 1n : -1n;
  const nanos = left.nanos + sign * right.nanos;
  const coefficient = left.coefficient + sign * right.coefficient;
  if (kind === undefined || nanos > MAX_NANOS || nanos < -MAX_NANOS || coefficient < -1n || coefficient > 1n) {
    return undefined;
  }
  return { kind, coefficient, nanos };
}

function kindOf(name: '_+_' | '_-_', left: Linear['kind'], right: Linear['kind']): Linear['kind'] | undefined {
  if (left === 'duration' && right === 'duration') return 'duration';
  if (name === '_-_' && right === 'timestamp') return left === 'timestamp' ? 'duration' : undefined;
  return left === right ? undefined : 'timestamp';
}

function linearConstant(value: CelValue | undefined): Linear | undefined {
  const read = value === undefined ? undefined : nanosOf(value);
  return read === undefined ? undefined : { ...read, coefficient: 0n };
}

function isRequestTime({ exprKind: kind }: Expr): boolean {
  return (
    kind.case === 'selectExpr' &&
    !kind.value.testOnly &&
    kind.value.field === 'time' &&
    isNamed(kind.value.operand, 'request')
  );
}

/** Made of calls and literals alone, such as `timestamp('…') + duration('1h')`. */
function isConstant(node: Expr): boolean {
  const { case: kind } = node.exprKind;
  return (kind === 'constExpr' || kind === 'callExpr') && childrenOf(node).every(isConstant);
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor !== 0n && dividend < 0n !== divisor < 0n ? quotient - 1n : quotient;
}

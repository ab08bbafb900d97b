/** Parts of a date that are compared with what they never are: a thirteenth month, a seventh weekday, a year gone by. */
import type { Expr } from './engine.ts';
import { callOf, isRequestTime } from './reread.ts';

const RANGES: ReadonlyMap<string, readonly [number, number, string]> = new Map([
  ['getMonth', [0, 11, '0 is January']],
  ['getDate', [1, 31, '1 is the first']],
  ['getDayOfMonth', [0, 30, '0 is the first']],
  ['getDayOfWeek', [0, 6, '0 is Sunday']],
  ['getDayOfYear', [0, 365, '0 is 1 January']],
  ['getHours', [0, 23, '0 is midnight']],
  ['getMinutes', [0, 59, '']],
  ['getSeconds', [0, 59, '']],
  ['getMilliseconds', [0, 999, '']],
]);

interface Range {
  readonly least: number;
  readonly most: number;
  readonly why: string;
}

type Comparison = (value: number, number: number) => boolean;

const COMPARISONS: ReadonlyMap<string, Comparison> = new Map([
  ['_==_', (left: number, right: number) => left === right],
  ['_<_', (left: number, right: number) => left < right],
  ['_<=_', (left: number, right: number) => left <= right],
  ['_>_', (left: number, right: number) => left > right],
  ['_>=_', (left: number, right: number) => left >= right],
]);

const MAX_YEAR = 9_999;
const DAY_SECONDS = 86_400;

/** Why this comparison is false at every time from now on, or undefined. */
export function unreachableTime(node: Expr, nowSeconds: number): string | undefined {
  const call = callOf(node);
  const [left, right] = call?.args ?? [];
  if (call === undefined || left === undefined || right === undefined) return undefined;
  const read = rangeOf(left, nowSeconds);
  if (call.name === '@in') return read !== undefined && areAllOutside(right, read) ? read.why : undefined;
  const holds = COMPARISONS.get(call.name);
  if (holds === undefined) return undefined;
  if (read !== undefined) return isEver(read, integer(right), holds) ? undefined : read.why;
  const mirrored = rangeOf(right, nowSeconds);
  if (mirrored === undefined) return undefined;
  return isEver(mirrored, integer(left), (value, number) => holds(number, value)) ? undefined : mirrored.why;
}

function isEver({ least, most }: Range, number: number | undefined, holds: Comparison): boolean {
  if (number === undefined) return true;
  // False at both ends and nowhere met between is false throughout.
  return [least, most, Math.min(Math.max(number, least), most)].some((value) => holds(value, number));
}

function areAllOutside({ exprKind: kind }: Expr, { least, most }: Range): boolean {
  if (kind.case !== 'listExpr') return false;
  const numbers = kind.value.elements.map(integer);
  return numbers.every((number) => number !== undefined && (number < least || number > most));
}

/** What a getter of `request.time` gives from now on. */
function rangeOf(node: Expr, nowSeconds: number): Range | undefined {
  const call = callOf(node);
  if (call?.target === undefined || !isRequestTime(call.target)) return undefined;
  if (call.name === 'getFullYear') {
    // Somewhere it is still yesterday.
    const year = new Date((nowSeconds - DAY_SECONDS) * 1_000).getUTCFullYear();
    const why = `getFullYear() is ${year} or later: this is false now and ever after`;
    return { least: year, most: MAX_YEAR, why };
  }
  const range = RANGES.get(call.name);
  if (range === undefined) return undefined;
  const [least, most, note] = range;
  const meaning = note === '' ? '' : `, where ${note}`;
  return { least, most, why: `${call.name}() is ${least} to ${most}${meaning}: this is never true` };
}

function integer({ exprKind: kind }: Expr): number | undefined {
  if (kind.case !== 'constExpr') return undefined;
  const { constantKind: constant } = kind.value;
  return constant.case === 'int64Value' ? Number(constant.value) : undefined;
}

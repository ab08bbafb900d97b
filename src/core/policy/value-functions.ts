/** Operators and conversions whose own versions in the engine are unbounded or too lenient: `int('')` is no zero. */
import {
  celFunc,
  celList,
  celMethod,
  CelScalar,
  celUint,
  listType,
  mapType,
  type CelFunc,
  type CelList,
  type CelMap,
  type CelValue,
} from '@bufbuild/cel';
import { Refusal, spend } from './budget.ts';
import { isSame } from './equality.ts';
import { MAX_LIST_ELEMENTS } from './limits.ts';
import { bounded } from './string-functions.ts';

const { BOOL, BYTES, DOUBLE, DYN, INT, STRING, UINT } = CelScalar;
const LIST = listType(DYN);
const MAP = mapType(DYN, DYN);

export function valueFunctions(): CelFunc[] {
  return [
    celFunc('_==_', [DYN, DYN], BOOL, isSame),
    celFunc('_!=_', [DYN, DYN], BOOL, (left, right) => !isSame(left, right)),
    celFunc('@in', [DYN, LIST], BOOL, isElement),
    // The engine's `in` says no to a key whose value is null.
    celFunc('@in', [STRING, MAP], BOOL, isKey),
    celFunc('@in', [BOOL, MAP], BOOL, isKey),
    celFunc('@in', [INT, MAP], BOOL, isKey),
    celFunc('@in', [UINT, MAP], BOOL, isKey),
    celFunc('@in', [DOUBLE, MAP], BOOL, isKey),
    celFunc('_+_', [STRING, STRING], STRING, (left, right) => {
      bounded(left.length + right.length);
      return left + right;
    }),
    celFunc('_+_', [BYTES, BYTES], BYTES, (left, right) => {
      bounded(left.length + right.length);
      return Uint8Array.of(...left, ...right);
    }),
    celFunc('_+_', [LIST, LIST], LIST, appended),
    celMethod('hasOnly', LIST, [LIST], BOOL, function (allowed) {
      for (const element of this) if (!isElement(element, allowed)) return false;
      return true;
    }),
    celFunc('int', [STRING], INT, (text) => BigInt.asIntN(64, wholeNumber(text, -(2n ** 63n), 2n ** 63n - 1n))),
    celFunc('uint', [STRING], UINT, (text) => celUint(wholeNumber(text, 0n, 2n ** 64n - 1n))),
    celFunc('double', [STRING], DOUBLE, decimalNumber),
  ];
}

function isElement(value: CelValue, list: CelList): boolean {
  for (const element of list) if (isSame(element, value)) return true;
  return false;
}

function isKey(key: Parameters<CelMap['get']>[0], map: CelMap): boolean {
  return map.get(key) !== undefined;
}

/** The engine nests each sum in the next, so that a long list of its making ends in a stack overflow. */
function appended(left: CelList, right: CelList): CelList {
  const size = left.size + right.size;
  spend(1 + (size >> 3));
  if (size > MAX_LIST_ELEMENTS) throw new Refusal('a list grows too long');
  return celList([...left, ...right]);
}

function wholeNumber(text: string, least: bigint, most: bigint): bigint {
  const value = /^[+-]?\d{1,20}$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  if (value === undefined || value < least || value > most) throw new Refusal('this string is not a whole number');
  return value;
}

function decimalNumber(text: string): number {
  spend(text.length);
  // Each digit can be matched in one way only: `\d+\.?\d*` would try them all, and a claim of 11,000 digits took seconds.
  if (!/^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|Infinity|NaN)$/.test(text)) {
    throw new Refusal('this string is not a number');
  }
  return Number(text);
}

/** CEL's equality, metered: lists that share their elements look small and cost exponentially much to compare. */
import { isCelList, isCelMap, isCelType, isCelUint, type CelList, type CelMap, type CelValue } from '@bufbuild/cel';
import { isMessage } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { spend } from './budget.ts';

export function isSame(left: CelValue, right: CelValue): boolean {
  spend(1);
  if (left === right) return true;
  const [leftNumber, rightNumber] = [numberOf(left), numberOf(right)];
  // An int and a double are equal when they are the same number; NaN is equal to nothing.
  if (leftNumber !== undefined && rightNumber !== undefined) return leftNumber == rightNumber;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && areSameBytes(left, right);
  if (isCelList(left)) return isCelList(right) && areSameLists(left, right);
  if (isCelMap(left)) return isCelMap(right) && areSameMaps(left, right);
  if (isCelType(left)) return isCelType(right) && left.kind === right.kind && left.name === right.name;
  const [leftNanos, rightNanos] = [nanosOf(left), nanosOf(right)];
  return leftNanos !== undefined && leftNanos.kind === rightNanos?.kind && leftNanos.nanos === rightNanos.nanos;
}

/** A timestamp or a duration as nanoseconds; undefined for everything else. */
export function nanosOf(
  value: CelValue,
): { readonly kind: 'timestamp' | 'duration'; readonly nanos: bigint } | undefined {
  if (!isReflectMessage(value)) return undefined;
  const message = value.message;
  if (isMessage(message, TimestampSchema)) return { kind: 'timestamp', nanos: joined(message.seconds, message.nanos) };
  if (isMessage(message, DurationSchema)) return { kind: 'duration', nanos: joined(message.seconds, message.nanos) };
  return undefined;
}

function joined(seconds: bigint, nanos: number): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

function numberOf(value: CelValue): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  return isCelUint(value) ? value.value : undefined;
}

function areSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function areSameLists(left: CelList, right: CelList): boolean {
  if (left.size !== right.size) return false;
  for (let index = 0; index < left.size; index += 1) {
    const [one, other] = [left.get(index), right.get(index)];
    if (one === undefined || other === undefined || !isSame(one, other)) return false;
  }
  return true;
}

function areSameMaps(left: CelMap, right: CelMap): boolean {
  if (left.size !== right.size) return false;
  for (const [key, value] of left) {
    const other = right.get(key);
    if (other === undefined || !isSame(value, other)) return false;
  }
  return true;
}

/** Values of the suite: how they enter the engine, and whether a value of the engine is exactly the one wanted. */
import {
  celList,
  celMap,
  celUint,
  isCelList,
  isCelMap,
  isCelType,
  isCelUint,
  type CelInput,
  type CelUint,
  type CelValue,
} from '@bufbuild/cel';
import type { IncrementalTest } from '@bufbuild/cel-spec/testdata/tests.js';
import { anyUnpack, DurationSchema, TimestampSchema, type Any } from '@bufbuild/protobuf/wkt';
import { nanosOf } from '../../../../src/core/policy/equality.ts';

export type SpecTest = IncrementalTest['original'];
export type Value = NonNullable<Extract<SpecTest['resultMatcher'], { case: 'value' }>['value']>;

/** Undefined for what JSON and our functions never make: messages and enumerations. */
export function inputOf({ kind }: Value): CelInput | undefined {
  switch (kind.case) {
    case 'nullValue':
      return null;
    case 'uint64Value':
      return celUint(kind.value);
    case 'objectValue':
      return instantOf(kind.value);
    case 'listValue': {
      const elements = kind.value.values.map(inputOf);
      const known = elements.filter((element) => element !== undefined);
      return known.length === elements.length ? celList(known) : undefined;
    }
    case 'mapValue':
      return mapOf(kind.value.entries);
    case 'boolValue':
    case 'bytesValue':
    case 'doubleValue':
    case 'int64Value':
    case 'stringValue':
      return kind.value;
    default:
      return undefined;
  }
}

type Entries = Extract<Value['kind'], { case: 'mapValue' }>['value']['entries'];
type Key = string | bigint | boolean | CelUint;

function mapOf(entries: Entries): CelInput | undefined {
  const map = new Map<Key, CelInput>();
  for (const entry of entries) {
    const key = entry.key === undefined ? undefined : inputOf(entry.key);
    const value = entry.value === undefined ? undefined : inputOf(entry.value);
    if (!isKey(key) || value === undefined) return undefined;
    map.set(key, value);
  }
  return celMap(map);
}

function isKey(key: CelInput | undefined): key is Key {
  return ['string', 'boolean', 'bigint'].includes(typeof key) || isCelUint(key);
}

/** Timestamps and durations are the only messages there are here. */
function instantOf(any: Any): CelInput | undefined {
  return anyUnpack(any, TimestampSchema) ?? anyUnpack(any, DurationSchema);
}

/** Kind by kind: an int is no double here, however equal CEL finds them. */
export function isWanted(value: CelValue, { kind }: Value): boolean {
  switch (kind.case) {
    case 'nullValue':
      return value === null;
    case 'boolValue':
    case 'int64Value':
    case 'stringValue':
      return value === kind.value;
    case 'uint64Value':
      return isCelUint(value) && value.value === kind.value;
    case 'doubleValue':
      return typeof value === 'number' && (value === kind.value || (Number.isNaN(value) && Number.isNaN(kind.value)));
    case 'bytesValue':
      return value instanceof Uint8Array && String(value) === String(kind.value);
    case 'typeValue':
      return isCelType(value) && value.name === kind.value;
    case 'objectValue':
      return isInstant(value, kind.value);
    case 'listValue':
      return isCelList(value) && areWanted([...value], kind.value.values);
    case 'mapValue':
      return isCelMap(value) && hasEntries(value, kind.value.entries);
    default:
      return false;
  }
}

function isInstant(value: CelValue, any: Any): boolean {
  const wanted = anyUnpack(any, TimestampSchema) ?? anyUnpack(any, DurationSchema);
  const nanos = nanosOf(value);
  if (wanted === undefined || nanos === undefined) return false;
  const kind = wanted.$typeName === TimestampSchema.typeName ? 'timestamp' : 'duration';
  return nanos.kind === kind && nanos.nanos === wanted.seconds * 1_000_000_000n + BigInt(wanted.nanos);
}

function areWanted(values: readonly CelValue[], wanted: readonly Value[]): boolean {
  return (
    values.length === wanted.length && values.every((value, index) => wanted[index] && isWanted(value, wanted[index]))
  );
}

function hasEntries(map: Extract<CelValue, ReadonlyMap<unknown, unknown>>, wanted: Entries): boolean {
  const entries = [...map];
  return (
    entries.length === wanted.length &&
    wanted.every(({ key, value }) =>
      entries.some(([k, v]) => key !== undefined && value !== undefined && isWanted(k, key) && isWanted(v, value)),
    )
  );
}

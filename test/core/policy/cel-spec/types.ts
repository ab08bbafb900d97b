/** Types that the suite declares or deduces, by the names that our checker has for them. */
import type { SpecTest } from './values.ts';

type Ident = Extract<SpecTest['typeEnv'][number]['declKind'], { case: 'ident' }>['value'];
export type SpecType = NonNullable<Ident['type']>;

const PRIMITIVES: readonly (string | undefined)[] = [undefined, 'bool', 'int', 'uint', 'double', 'string', 'bytes'];
const WELL_KNOWN: readonly (string | undefined)[] = [
  undefined,
  undefined,
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
];

/** Undefined for messages, wrappers, functions and types of the test's own. */
export function typeName({ typeKind: kind }: SpecType): string | undefined {
  switch (kind.case) {
    case 'primitive':
      return PRIMITIVES[kind.value];
    case 'wellKnown':
      return WELL_KNOWN[kind.value];
    case 'listType':
      return kind.value.elemType === undefined || typeName(kind.value.elemType) !== undefined ? 'list' : undefined;
    case 'mapType':
      return kind.value.valueType === undefined || typeName(kind.value.valueType) !== undefined ? 'map' : undefined;
    case 'dyn':
      return 'dyn';
    case 'messageType':
      return WELL_KNOWN.includes(kind.value) ? kind.value : undefined;
    case 'null':
      return 'null_type';
    case 'type':
      return 'type';
    default:
      return undefined;
  }
}

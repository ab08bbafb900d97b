/** Which tests of the suite are not put, decided before they run, and which are known to fail: each with its reason. */
import { typeName } from './types.ts';
import { inputOf, type SpecTest, type Value } from './values.ts';

/** By the beginning of `file/section/test`. */
const NOT_OFFERED: readonly (readonly [prefix: string, reason: string])[] = [
  ['bindings_ext/', 'the extension `cel.bind` is not offered'],
  ['block_ext/', 'the extension `cel.block` is not offered; it is made by optimizers, not by people'],
  ['encoders_ext/', 'the extension `base64` is not offered'],
  ['macros2/', 'macros with two variables are not offered'],
  ['math_ext/', 'the extension `math` is not offered'],
  ['optionals/', 'optional values are not offered'],
  ['string_ext/quote/', '`strings.quote` is not offered'],
  ['string_ext/format', '`format` is not offered: no policy needs it, and a format can ask for work without end'],
];

const MESSAGES = 'needs protobuf messages or their types; claims are JSON';

/** By the whole of `file/section/test`. One that passes after all is a fault of this list. */
const KNOWN_FAILURES: ReadonlyMap<string, string> = new Map([
  ...[
    'field_access_slash',
    'field_access_dash',
    'field_access_dot',
    'has_field_slash',
    'has_field_dash',
    'has_field_dot',
  ].map(
    (test) =>
      [
        `fields/quoted_map_fields/${test}`,
        "refused when written: the engine's parser has no names in backquotes; `x['a-b']` and `'a-b' in x` say the same",
      ] as const,
  ),
  [
    'fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous',
    'the engine takes `0` and `0u` for two keys of a map literal, and answers the first where an error is wanted',
  ],
]);

export function reasonFailed(name: string): string | undefined {
  return KNOWN_FAILURES.get(name);
}

/** Undefined for a test that is put. */
export function reasonLeftOut(name: string, test: SpecTest): string | undefined {
  const notOffered = NOT_OFFERED.find(([prefix]) => name.startsWith(prefix));
  if (notOffered !== undefined) return notOffered[1];
  if (isAboutMessages(test)) return MESSAGES;
  const isFunction = test.typeEnv.some(({ declKind }) => declKind.case === 'function');
  if (isFunction) return 'needs functions that the test declares';
  const hasDottedNames = test.typeEnv.some((declaration) => declaration.name.includes('.'));
  if (hasDottedNames) return 'needs variables with dots in their names; here a dot always selects';
  if (/\boptional\./.test(test.expr)) return 'optional values are not offered';
  if (test.checkOnly) return 'asks for the type of elements only; our checker knows `list` and `map`';
  return undefined;
}

function isAboutMessages({ expr, bindings, typeEnv, resultMatcher: wanted }: SpecTest): boolean {
  if (/\bgoogle\.protobuf\.|TestAllTypes|(?:Global|Nested)Enum\b|\bproto[23]\.|\b[A-Z]\w*\{/.test(expr)) return true;
  const bound = Object.values(bindings).map(({ kind }) => (kind.case === 'value' ? kind.value : undefined));
  const result = wanted.case === 'value' ? wanted.value : undefined;
  const types = typeEnv.map(({ declKind }) => (declKind.case === 'ident' ? declKind.value.type : undefined));
  return (
    [...bound, result].some((value) => value !== undefined && isMessage(value)) ||
    types.some((type) => type !== undefined && typeName(type) === undefined)
  );
}

function isMessage(value: Value): boolean {
  return value.kind.case !== 'typeValue' && inputOf(value) === undefined;
}

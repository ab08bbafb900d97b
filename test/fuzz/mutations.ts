/** How a right document is made wrong, or is only spelled otherwise: by value, by text and by byte. */
import fc from 'fast-check';

type Bytes = Uint8Array<ArrayBuffer>;
export type Edit = (bytes: Bytes) => Bytes;
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What parsers, databases, shells and people have stumbled over. */
const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  '-1',
  '1e999',
  '__proto__',
  'constructor',
  'toString',
  'none',
  'NONE',
  'HS256',
  'ES256 ',
  'es256',
  'RS256',
  '../..',
  '%00',
  '%2e%2e',
  '\\u0000',
  "' OR 1=1 --",
  '${jndi:x}',
  '<script>',
  '\u202e',
  '\ufeff',
  '\ufffd',
  '\u0130',
  '\u212a',
  'e\u0301',
  '\u00e9',
  '\u{1d11e}',
  'a'.repeat(300),
  'x'.repeat(3_000),
  '.',
  '..',
  '.'.repeat(500),
  '=',
  '&',
  '+',
  '%',
  '%zz',
  ';',
  ',',
  '[]',
  '{}',
  '"',
  'JWT',
  'jwt',
  'at+jwt',
  'https://evil.example',
  '//iam.googleapis.com/',
  'system:serviceaccount:shop:checkout',
  'system:serviceaccount:kube-system:admin',
  'shop',
  'kube-system',
  'a/b',
  'A',
  '-a',
  'a-',
];

const ODD_NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e10,
  253_402_300_799,
  253_402_300_800,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  1e30,
  1_799_999_990,
  1_800_000_001,
  1_800_000_002,
  1_800_000_060,
  1_800_000_061,
  1_800_086_400,
  1_799_913_600,
];

/** A text that is well-formed Unicode. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);

export const oddValue: fc.Arbitrary<Json> = fc.oneof(
  oddText,
  fc.constantFrom(...ODD_NUMBERS),
  fc.constantFrom<Json>(null, true, false, [], {}, [[]], [null], { '': '' }),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

/** Sets, removes or wraps the member at one of `paths` (a list of names each). */
export function valueEdit(paths: readonly (readonly string[])[]): fc.Arbitrary<(document: Json) => Json> {
  return fc.tuple(fc.constantFrom(...paths), fc.constantFrom('set', 'set', 'remove', 'wrap', 'respell'), oddValue).map(
    ([path, how, value]) =>
      (document: Json) =>
        changed(document, path, how, value),
  );
}

function changed(document: Json, path: readonly string[], how: string, value: Json): Json {
  const [name, ...rest] = path;
  if (name === undefined || typeof document !== 'object' || document === null || Array.isArray(document))
    return document;
  const members = new Map(Object.entries(document));
  const old = members.get(name);
  if (rest.length > 0) {
    if (old !== undefined) members.set(name, changed(old, rest, how, value));
  } else if (how === 'remove') members.delete(name);
  else if (how === 'wrap') members.set(name, [old ?? null]);
  else if (how === 'respell') {
    members.delete(name);
    members.set(name.toUpperCase(), old ?? null);
  } else members.set(name, value);
  return Object.fromEntries(members);
}

const SNIPPETS = [
  '"',
  '\\',
  '\\u0041',
  '\\ud800',
  '\\udc00',
  '\\ud834\\udd1e',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ' ',
  '\t',
  '\n',
  '\u0000',
  '0',
  '-',
  '.',
  'e9',
  '1e999',
  'null',
  'true',
  '//',
  '/**/',
  '\ufeff',
  '"sub":"x",',
  '"__proto__":{},',
  '"a":1,',
  '"alg":"none",',
  '"kid":"x",',
  '['.repeat(14),
  '['.repeat(20),
  '"x":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],',
  '"x":[[1]],',
];

/** Inserts, removes, doubles or replaces somewhere; `0` and `1` as a position are the ends. */
const textEdit: fc.Arbitrary<(text: string) => string> = fc
  .tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom('insert', 'after-brace', 'remove', 'double', 'escape', 'blank'),
    fc.constantFrom(...SNIPPETS),
    fc.integer({ min: 1, max: 8 }),
  )
  .map(([where, how, snippet, length]) => (text: string) => {
    const at = Math.round(where * text.length);
    const [before, after] = [text.slice(0, at), text.slice(at)];
    switch (how) {
      case 'insert':
        return before + snippet + after;
      case 'after-brace':
        return text.replace('{', `{${snippet.replaceAll('$', '$$$$')}`);
      case 'remove':
        return before + after.slice(length);
      case 'double':
        return before + after.slice(0, length * 8) + after;
      case 'escape':
        return before + after.replace(/[a-z]/, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
      default:
        return text.replaceAll(',"', ` ,${' '.repeat(length)}"`);
    }
  });

const byteEdit: fc.Arbitrary<Edit> = fc
  .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 }), fc.boolean())
  .map(([where, byte, insert]) => (bytes: Bytes) => {
    const at = Math.floor(where * bytes.length);
    return Uint8Array.from([...bytes.slice(0, at), byte, ...bytes.slice(insert ? at : at + 1)]);
  });

/** Mostly none or one: two wrongs hide each other. */
export const textEdits: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((bytes: Bytes) => bytes) },
  {
    weight: 4,
    arbitrary: textEdit.map(
      (edit) => (bytes: Bytes) => new TextEncoder().encode(edit(new TextDecoder().decode(bytes))),
    ),
  },
  { weight: 1, arbitrary: byteEdit },
);

export function encode(document: Json): Bytes {
  return new TextEncoder().encode(JSON.stringify(document));
}

import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseStrictJson, parseStrictJsonBytes } from '../../src/core/json.ts';
import { err, ok } from '../../src/core/result.ts';

interface Vector {
  readonly id: string;
  readonly expect: 'parse' | 'reject' | 'either' | 'either-but-consistent';
  readonly b64: string | null;
}

const vectors: Vector[] = readFileSync(new URL('../vectors/jsontestsuite.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

/** Documents that JSON allows and we refuse on purpose: a member twice, deeper than 16 levels, numbers beyond 2^53. */
const REFUSED_ON_PURPOSE = new Set([
  'jsonts/y_number.json',
  'jsonts/y_number_real_capital_e.json',
  'jsonts/y_number_real_exponent.json',
  'jsonts/y_number_real_fraction_exponent.json',
  'jsonts/y_object_extreme_numbers.json',
  'jsonts/y_object_duplicated_key.json',
  'jsonts/y_object_duplicated_key_and_value.json',
]);

describe('JSONTestSuite', () => {
  const inline = vectors.filter((vector) => vector.b64 !== null);

  it('has its documents', () => {
    expect(inline.length).toBeGreaterThan(330);
  });

  it.each(inline.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
    const bytes = Uint8Array.from(Buffer.from(vector.b64 ?? '', 'base64'));
    let parsed: ReturnType<typeof parseStrictJson> | undefined;
    try {
      parsed = parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      parsed = undefined;
    }
    const taken = parsed?.ok ?? false;
    if (vector.expect === 'reject') expect(taken).toBe(false);
    if (vector.expect === 'parse') expect(taken).toBe(!REFUSED_ON_PURPOSE.has(vector.id));
    expect(typeof taken).toBe('boolean');
  });
});

describe('parseStrictJsonBytes', () => {
  it('reads the bytes of a text as that text, and refuses what is no UTF-8', () => {
    const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');
    const text = fc.oneof(
      fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }).map((value) => JSON.stringify(value)),
      fc.string({ unit: fc.constantFrom(...'{}[]:,"aé💩\ufeff1 '), maxLength: 12 }),
    );
    fc.assert(
      fc.property(text, (one) => {
        expect(parseStrictJsonBytes(bytesOf(one))).toEqual(parseStrictJson(one));
      }),
      { numRuns: 2_000 },
    );
    for (const bytes of ['"\xff"', '"\xc0\x80"', '"\xed\xa0\x80"', '{"a":"\xe2\x82"}']) {
      expect(parseStrictJsonBytes(bytes)).toEqual({ ok: false, error: 'not UTF-8' });
    }
  });
});

describe('parseStrictJson', () => {
  it('reads what JSON.parse reads, wherever no member repeats and nothing is too deep', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        // Numbers beyond 2^53 are refused on purpose.
        const text = JSON.stringify(value, (_key, one: unknown) => (typeof one === 'number' ? one % 2 ** 53 : one));
        const parsed = parseStrictJson(text);
        expect(parsed).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it('says the same of a text whether it is walked through or not: a letter beyond ASCII beside it makes it walk', () => {
    const signs = '{ } [ ] , : "a": "b": "a" "{" "[[" ":" ":": "a:" "\\ud800" "\\u0061": "é" "" null true'.split(' ');
    signs.push('"a" :', '"a"\n:', '"b"\t:1', ' ');
    const numbers = '0 -0 1.0 1e3 1e21 1e+21 1e-7 9007199254740991 9007199254740992 9007199254740993 1e999'.split(' ');
    const piece = fc.constantFrom(...signs, ...numbers);
    const json = fc
      .jsonValue({ maxDepth: 4 })
      .map((value) => JSON.stringify(value))
      .chain((text) =>
        fc
          .tuple(fc.constant(text), fc.nat(text.length), piece)
          .map(([all, at, one]) => all.slice(0, at) + one + all.slice(at)),
      );
    const nested = fc.nat(20).map((levels) => '['.repeat(levels) + '"{[}]"' + ']'.repeat(levels));
    const object = fc
      .array(fc.tuple(fc.constantFrom('a', 'b', 'c', '1', ':', '__proto__'), fc.constantFrom(':', ' :'), piece), {
        maxLength: 4,
      })
      .map((members) => `{${members.map(([name, colon, value]) => `"${name}"${colon}${value}`).join(',')}}`);
    const texts = fc.oneof(
      json,
      nested,
      object,
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const beside = parseStrictJson(`["é",${text}]`);
        const parsed = parseStrictJson(text);
        if (!isJson(text)) expect(parsed).toEqual(err('not valid JSON'));
        else if (beside.ok) expect(parsed).toEqual(ok((beside.value as readonly unknown[])[1]));
        else if (beside.error.includes('deeper')) {
          // One level deeper than it is alone.
          expect(text.split(/[[{]/).length).toBeGreaterThan(16);
        } else expect(parsed).toEqual(beside);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['{"sub":"a","sub":"b"}', 'twice'],
    ['{"sub":"a","\\u0073ub":"b"}', 'twice'],
    ['{"x":{"a":1,"b":2,"a":3}}', 'twice'],
    ['{"a":[{"b":1},{"b":1,"c":[],"b":2}]}', 'twice'],
    ['{"a":"\\ud800"}', 'surrogate'],
    ['{"\\udc00":1}', 'surrogate'],
    ['['.repeat(17) + ']'.repeat(17), 'deeper'],
    ['['.repeat(100_000), 'not valid'],
    ['\u{feff}{}', 'not valid'],
    ['{"user_id":9007199254740992}', 'too large'],
    ['[-9007199254740993]', 'too large'],
    ['{"user_id":9007199254740993.0}', 'too large'],
    ['{"exp":1e999}', 'too large'],
  ])('refuses %s', (text, why) => {
    const parsed = parseStrictJson(text);
    expect(parsed.ok ? '' : parsed.error).toContain(why);
  });

  it.each([
    '{"a":{"a":1},"b":[{"a":1},{"a":1}]}',
    '{"a":"}","b":"{\\"a\\":1,\\"a\\":2}"}',
    '['.repeat(16) + ']'.repeat(16),
  ])('takes %s', (text) => {
    expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** One text for one byte string: both decoders against Buffer, which takes anything and writes the canonical spelling. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  binaryOfBase64Url,
  decodeBase64Url,
  decodeBase64UrlText,
  encodeBase64Url,
  encodeTextBase64Url,
  utf8Length,
} from '../../src/core/base64url.ts';

/** The bytes, where the text is what Buffer itself would write for them. */
function canonical(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}

function asText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const spelling = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc.string({ unit: fc.constantFrom(...'ABQRYZaghwz0189-_+/= .é\n\t\r\f\u00a0'), maxLength: 12 }),
);

it('takes the canonical spelling of any bytes, and no other text', () => {
  fc.assert(
    fc.property(spelling, (text) => {
      const bytes = canonical(text);
      expect(decodeBase64Url(text)).toEqual(bytes && new Uint8Array(bytes));
      expect(decodeBase64UrlText(text)).toBe(bytes && asText(bytes));
    }),
    { numRuns: 5_000 },
  );
});

it('refuses what a decoder passes over, wherever it stands in a text of any length', () => {
  const foreign = fc.constantFrom(' ', '\n', '\t', '\f', '\r', '=', '==', '+', '/', '\u0000', 'é');
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), foreign, fc.nat(), (bytes, sign, place) => {
      const text = Buffer.from(bytes).toString('base64url');
      expect(binaryOfBase64Url(text)).toBe(Buffer.from(bytes).toString('latin1'));
      const at = place % (text.length + 1);
      expect(binaryOfBase64Url(text.slice(0, at) + sign + text.slice(at))).toBeUndefined();
      expect(binaryOfBase64Url(text.slice(0, at) + sign + text.slice(at + sign.length))).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});

it('of one byte, each of the 64 last characters but the four that leave no bit over is refused', () => {
  const taken = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(
    (last) => decodeBase64Url(`A${last}`) !== undefined,
  );
  expect(taken.join('')).toBe('AQgw');
});

it('reads texts beyond ASCII, and no malformed UTF-8', () => {
  expect(decodeBase64UrlText(Buffer.from('{"name":"é💩"}').toString('base64url'))).toBe('{"name":"é💩"}');
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    expect(decodeBase64UrlText(Buffer.from(bytes).toString('base64url'))).toBeUndefined();
  }
});

it('writes what Buffer writes, and knows how long it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 50 }), (text) => {
      const bytes = Buffer.from(text);
      expect(encodeTextBase64Url(text)).toBe(bytes.toString('base64url'));
      expect(encodeBase64Url(bytes)).toBe(bytes.toString('base64url'));
      expect(utf8Length(text)).toBe(bytes.length);
    }),
  );
});

/** Texts as people read them: nothing hides in a name, no cell is a formula, numbers and times have their units. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { count, csvLine, duration, share, shortPrincipal, utc, visible } from '../../src/dashboard/format.ts';
import { naughtyStrings } from '../support/vectors.ts';

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe('names', () => {
  it('show what turns the direction, breaks the line or is not seen at all', () => {
    expect(visible('admin\u202Enimda')).toBe('admin⟨U+202E⟩nimda');
    expect(visible('a\u0000b\nc\u200Bd')).toBe('a⟨U+0000⟩b⏎c⟨U+200B⟩d');
    expect(visible('\uD800')).toBe('⟨U+D800⟩');
  });

  it('hold nothing hidden, whatever they were', () => {
    for (const text of naughtyStrings()) expect(HIDDEN.test(visible(text))).toBe(false);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !HIDDEN.test(visible(text))));
  });

  it('are cut where they are endless, and say so', () => {
    const megabyte = visible('x'.repeat(1_048_576));
    expect(megabyte.length).toBeLessThan(400);
    expect(megabyte).toContain('1,048,576 characters');
    expect(visible(`${'x'.repeat(299)}😀😀`)).not.toMatch(HIDDEN);
  });

  it('of principals are short, and another spelling stays as it is', () => {
    const principal =
      'principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/ns/a/sa/b';
    expect(shortPrincipal(principal)).toBe('ns/a/sa/b @ p');
    expect(shortPrincipal('user:a@example.com')).toBe('user:a@example.com');
  });
});

describe('CSV', () => {
  /** As RFC 4180 reads a line. */
  const cellsOf = (line: string): readonly string[] =>
    [...line.trimEnd().matchAll(/"((?:[^"]|"")*)"/g)].map((match) => (match[1] ?? '').replaceAll('""', '"'));
  const dangerous = /^\s*[=+\-@|%＝＋－＠]|^[\t\r\n]/;

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    ' =1',
    '|calc',
    '%0A=1',
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example")',
    '＝1+1',
    '＋1',
    '－1',
    '＠SUM(A1)',
  ])('a cell is no formula: %j', (text) => {
    expect(cellsOf(csvLine([text, 'b']))).toEqual([`'${text}`, 'b']);
  });

  it('comes back as it was, as many cells as there were, and none of them a formula', () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...naughtyStrings())), {
      minLength: 1,
    });
    fc.assert(
      fc.property(texts, (cells) => {
        const read = cellsOf(csvLine(cells));
        expect(read.length).toBe(cells.length);
        for (const [at, cell] of read.entries()) {
          expect(dangerous.test(cell)).toBe(false);
          expect(cell.endsWith(cells[at] ?? '')).toBe(true);
        }
      }),
    );
  });
});

describe('numbers', () => {
  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [61, '1 min 1 s'],
    [3_600, '1 h'],
    [90_061, '1 d 1 h'],
    [-5, '0 s'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it('are grouped, and shares of nothing are nothing', () => {
    expect([count(1_234_567), count(0.04), share(1, 3), share(0, 0)]).toEqual(['1,234,567', '0', '33.3%', '0%']);
  });

  it('times say their zone; what is none stays as it is', () => {
    expect([utc('2026-01-31T12:00:00.123Z'), utc('never')]).toEqual(['2026-01-31 12:00:00 UTC', 'never']);
  });
});

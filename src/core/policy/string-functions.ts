/** Functions on strings, counted in code points and bounded: the engine's own `replace` can be told to loop a billion times. */
import { celFunc, celMethod, CelScalar, listType, type CelFunc, type CelList } from '@bufbuild/cel';
import { Refusal, spend } from './budget.ts';
import { extract } from './extract.ts';
import { MAX_LIST_ELEMENTS, MAX_STRING_CHARACTERS } from './limits.ts';
import { matchesPattern } from './regex.ts';

const { BOOL, DYN, INT, STRING } = CelScalar;
const LIST = listType(DYN);

export function stringFunctions(): CelFunc[] {
  return [
    celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
      return matchesPattern(this, pattern);
    }),
    celMethod('contains', STRING, [STRING], BOOL, function (part) {
      spendOnSearch(this, part);
      return this.includes(part);
    }),
    celMethod('extract', STRING, [STRING], STRING, function (template) {
      spendOnSearch(this, template);
      return extract(this, template);
    }),
    celFunc('size', [STRING], INT, (text) => BigInt(pointsOf(text).length)),
    celMethod('size', STRING, [], INT, function () {
      return BigInt(pointsOf(this).length);
    }),
    celMethod('lowerAscii', STRING, [], STRING, function () {
      spend(1 + (this.length >> 3));
      return this.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    }),
    celMethod('upperAscii', STRING, [], STRING, function () {
      spend(1 + (this.length >> 3));
      return this.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
    }),
    celMethod('trim', STRING, [], STRING, function () {
      spend(1 + (this.length >> 3));
      return trimmed(this);
    }),
    celMethod('charAt', STRING, [INT], STRING, function (index) {
      return sliced(this, index, index === BigInt(pointsOf(this).length) ? index : index + 1n);
    }),
    celMethod('substring', STRING, [INT], STRING, function (start) {
      return sliced(this, start, BigInt(pointsOf(this).length));
    }),
    celMethod('substring', STRING, [INT, INT], STRING, function (start, end) {
      return sliced(this, start, end);
    }),
    celMethod('indexOf', STRING, [STRING], INT, function (part) {
      spendOnSearch(this, part);
      return pointIndex(this, this.indexOf(part));
    }),
    celMethod('indexOf', STRING, [STRING, INT], INT, function (part, from) {
      spendOnSearch(this, part);
      return pointIndex(this, this.indexOf(part, unitIndex(this, from)));
    }),
    celMethod('lastIndexOf', STRING, [STRING], INT, function (part) {
      spendOnSearch(this, part);
      return pointIndex(this, this.lastIndexOf(part));
    }),
    celMethod('lastIndexOf', STRING, [STRING, INT], INT, function (part, from) {
      spendOnSearch(this, part);
      return pointIndex(this, this.lastIndexOf(part, unitIndex(this, from)));
    }),
    celMethod('replace', STRING, [STRING, STRING], STRING, function (from, to) {
      return replaced(this, from, to, Number.POSITIVE_INFINITY);
    }),
    celMethod('replace', STRING, [STRING, STRING, INT], STRING, function (from, to, count) {
      return replaced(this, from, to, count < 0n ? Number.POSITIVE_INFINITY : Number(count));
    }),
    celMethod('split', STRING, [STRING], LIST, function (separator) {
      return pieces(this, separator, Number.POSITIVE_INFINITY);
    }),
    celMethod('split', STRING, [STRING, INT], LIST, function (separator, count) {
      return pieces(this, separator, count < 0n ? Number.POSITIVE_INFINITY : Number(count));
    }),
    celMethod('join', LIST, [], STRING, function () {
      return joined(this, '');
    }),
    celMethod('join', LIST, [STRING], STRING, function (separator) {
      return joined(this, separator);
    }),
  ];
}

/** The text itself, or a refusal of one that only grows to fill the memory. */
export function bounded(length: number): void {
  spend(1 + (length >> 6));
  if (length > MAX_STRING_CHARACTERS) throw new Refusal('a string grows too long');
}

function spendOnSearch(text: string, part: string): void {
  // Some texts make any search look at each pair of characters.
  spend(1 + (text.length >> 6) + ((text.length * part.length) >> 10));
}

function pointsOf(text: string): string[] {
  spend(1 + (text.length >> 4));
  return Array.from(text);
}

function pointIndex(text: string, index: number): bigint {
  return index < 0 ? -1n : BigInt(pointsOf(text.slice(0, index)).length);
}

/** Where in the string of UTF-16 the code point of this index begins. */
function unitIndex(text: string, index: bigint): number {
  return sliced(text, 0n, index).length;
}

/** JavaScript's own trim() leaves U+0085 and takes U+FEFF, which is no blank in Unicode. */
const BLANK = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  // Not `[…]+$`: that would look at every run of blanks from each of its blanks.
  while (start < end && BLANK.test(text.charAt(start))) start += 1;
  while (end > start && BLANK.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function sliced(text: string, start: bigint, end: bigint): string {
  const points = pointsOf(text);
  if (start < 0n || end > BigInt(points.length) || start > end) throw new Refusal('index out of range');
  return points.slice(Number(start), Number(end)).join('');
}

function replaced(text: string, from: string, to: string, count: number): string {
  spendOnSearch(text, from);
  // Before each character and at the end there is a place where nothing stands.
  const parts = separated(text, from, from === '' ? Math.max(count, 1) : count + 1);
  bounded(text.length + (parts.length + 1) * to.length);
  if (from !== '' || count === 0) return parts.join(to);
  return to + parts.join(to) + (count > parts.length ? to : '');
}

function pieces(text: string, separator: string, count: number): string[] {
  spendOnSearch(text, separator);
  if (count === 0) return [];
  const parts = separated(text, separator, count);
  spend(parts.length >> 3);
  if (parts.length > MAX_LIST_ELEMENTS) throw new Refusal('a list grows too long');
  return parts;
}

/** At most `count` parts, the last of which keeps the rest of the text. */
function separated(text: string, separator: string, count: number): string[] {
  const all = separator === '' ? pointsOf(text) : text.split(separator);
  if (all.length <= count) return all;
  return [...all.slice(0, count - 1), all.slice(count - 1).join(separator)];
}

function joined(list: CelList, separator: string): string {
  const texts: string[] = [];
  let length = 0;
  for (const text of list) {
    if (typeof text !== 'string') throw new Refusal('join() takes a list of strings');
    length += text.length + separator.length;
    bounded(length);
    texts.push(text);
  }
  return texts.join(separator);
}

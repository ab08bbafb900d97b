/** Ranges and classes of Unicode in a pattern, found as RE2 finds them: whoever reads otherwise can be told a small one for a large one. */

/** The first and the last character that have another case; RE2 walks between them, one by one. */
const FIRST = 0x41;
const LAST = 0x1e943;

export interface Classes {
  /** How many characters folding walks for each range or single character. */
  readonly walks: readonly number[];
  /** `L` of `\pL` and of `\P{^L}`. */
  readonly properties: readonly string[];
}

interface Found {
  readonly walks: number[];
  readonly properties: string[];
}

/** What comes after an error is never walked. */
export function classesOf(pattern: string): Classes {
  const found: Found = { walks: [], properties: [] };
  let at = 0;
  while (at < pattern.length) {
    if (pattern.startsWith(String.raw`\Q`, at)) {
      const end = pattern.indexOf(String.raw`\E`, at + 2);
      if (end < 0) break;
      at = end + 2;
    } else if (pattern[at] === '[') {
      at = readClass(pattern, at + 1, found);
    } else {
      at = group(pattern, at, found) ?? character(pattern, at).end;
    }
  }
  return found;
}

/** `at` is after the bracket; the answer is after the class. */
function readClass(pattern: string, start: number, found: Found): number {
  let at = pattern[start] === '^' ? start + 1 : start;
  // A bracket that comes first is a character.
  for (let isFirst = true; at < pattern.length && (isFirst || pattern[at] !== ']'); isFirst = false) {
    const afterGroup = group(pattern, at, found) ?? named(pattern, at);
    if (afterGroup !== undefined) {
      at = afterGroup;
      continue;
    }
    const low = character(pattern, at);
    const isRange = pattern[low.end] === '-' && low.end + 1 < pattern.length && pattern[low.end + 1] !== ']';
    const high = isRange ? character(pattern, low.end + 1) : low;
    if (high.point < low.point) return pattern.length;
    found.walks.push(walked(low.point, high.point));
    at = high.end;
  }
  return at + 1;
}

function walked(low: number, high: number): number {
  // Folding adds nothing to a range that holds all of them.
  if (low <= FIRST && high >= LAST) return 0;
  return Math.max(0, Math.min(high, LAST) - Math.max(low, FIRST) + 1);
}

/** Where `\pL`, `\p{Greek}`, `\d` and their like end, or undefined. */
function group(pattern: string, at: number, { properties }: Found): number | undefined {
  const read = /^\\(?:[pP](?:\{\^?([^}]*)\}|(.))|[dDsSwW])/su.exec(pattern.slice(at));
  if (read === null) return undefined;
  const property = read[1] ?? read[2];
  if (property !== undefined) properties.push(property);
  return at + read[0].length;
}

/** Where `[:alpha:]` ends, or undefined. */
function named(pattern: string, at: number): number | undefined {
  if (!pattern.startsWith('[:', at)) return undefined;
  const end = pattern.indexOf(':]', at);
  return end < 0 ? undefined : end + 2;
}

interface Character {
  readonly point: number;
  readonly end: number;
}

const ESCAPES: readonly (readonly [RegExp, number])[] = [
  [/^\\x\{([0-9a-fA-F]+)\}/, 16],
  [/^\\x([0-9a-fA-F]{2})/, 16],
  [/^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/, 8],
];

function character(pattern: string, at: number): Character {
  if (pattern[at] === '\\') {
    const rest = pattern.slice(at);
    for (const [escape, radix] of ESCAPES) {
      const [text, digits] = escape.exec(rest) ?? [];
      if (text !== undefined && digits !== undefined)
        return { point: Number.parseInt(digits, radix), end: at + text.length };
    }
    // \n and its like are no letters; what else is escaped is itself, or an error.
    const point = pattern.codePointAt(at + 1) ?? 0;
    return { point: /[afnrtv]/.test(pattern[at + 1] ?? '') ? 0 : point, end: at + 1 + lengthOf(point) };
  }
  const point = pattern.codePointAt(at) ?? 0;
  return { point, end: at + lengthOf(point) };
}

function lengthOf(point: number): number {
  return point > 0xffff ? 2 : 1;
}

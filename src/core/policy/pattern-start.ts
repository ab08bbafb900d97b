/** The text with which everything begins that a regular expression takes. Where that is not plain, it is the empty text. */

interface PatternStart {
  readonly start: string;
  /** The pattern takes this text and no other. */
  readonly isWhole: boolean;
}

const NOTHING: PatternStart = { start: '', isWhole: false };
const PLAIN = /^[\w:/@ \-=,~%#&;'"<>!]$/;
const ESCAPED = /^[.\-/:_@+*?()[\]{}|^$\\]$/;
/** `(?i)` and `\Q…\E`. An empty one is also no obstacle between a character and what repeats it: `acme/(?i)*` is `acme/*`. */
const CHANGES_READING = /\\[QE]|\(\?[a-zA-Z-]*\)/;

export function patternStart(pattern: string): PatternStart {
  const anchor = /^(?:\^|\\A)/.exec(pattern)?.[0];
  if (anchor === undefined || CHANGES_READING.test(pattern) || hasOpenAlternatives(pattern)) return NOTHING;
  let start = '';
  let before = '';
  let at = anchor.length;
  for (;;) {
    const character = characterAt(pattern, at);
    if (character === undefined) break;
    before = start;
    start += character.value;
    at += character.length;
  }
  const rest = pattern.slice(at);
  // What repeats the last character may leave it out: `acme/?`.
  if (/^[?*+{]/.test(rest)) return { start: before, isWhole: false };
  return { start, isWhole: rest === '$' || rest === '\\z' };
}

function characterAt(pattern: string, at: number): { readonly value: string; readonly length: number } | undefined {
  const [first = '', second = ''] = pattern.slice(at, at + 2);
  if (first === '\\') return ESCAPED.test(second) ? { value: second, length: 2 } : undefined;
  return PLAIN.test(first) ? { value: first, length: 1 } : undefined;
}

/** `^a|b` begins with anything. Beside a class parentheses are hard to count, so a `|` there is held for open. */
function hasOpenAlternatives(pattern: string): boolean {
  const text = pattern.replaceAll(/\\./gs, '');
  if (text.includes('[')) return text.includes('|');
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === '|' && depth === 0) return true;
  }
  return false;
}

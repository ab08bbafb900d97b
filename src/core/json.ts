/** Strict JSON: what two parsers could read differently is refused before anybody decides on it (SECURITY.md §0.1, CVE-2022-2385). */
import { err, ok, type Result } from './result.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: JsonValue;
}

const MAX_JSON_DEPTH = 16;

/**
 * The value of `text`, or why it is refused: not JSON, a member that stands twice (escaped spellings count), more than
 * 16 levels, a lone surrogate, which no UTF-8 text can carry on, or a number that another parser would read as another
 * one: two user ids beyond 2^53 must not become one principal, and `1e999` is no time to expire at.
 */
export function parseStrictJson(text: string): Result<JsonValue, string> {
  let value: JsonValue;
  try {
    value = parse(text);
  } catch {
    return err('not valid JSON');
  }
  const fault = isPlain(text, value) ? undefined : scan(text);
  return fault === undefined ? ok(value) : err(fault);
}

/**
 * Nearly every token, known in a third of the time that the walk takes. What is written as it was read stood there in the only spelling there
 * is: a member that stood twice would stand once now. Three things would come back as they were, and are looked for: an escaped lone surrogate
 * (there must be no escape), a number beyond 2^53 (no run of 16 digits, no exponent with a plus) and more levels than allowed (no more brackets
 * than that).
 */
function isPlain(text: string, value: JsonValue): boolean {
  return !wantsAWalk(text) && JSON.stringify(value) === text;
}

/** The longest number that is surely below 2^53. */
const SAFE_DIGITS = 15;

function wantsAWalk(text: string): boolean {
  let brackets = 0;
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      digits += 1;
      if (digits > SAFE_DIGITS) return true;
      continue;
    }
    digits = 0;
    if (code === 0x7b /* { */ || code === 0x5b /* [ */) brackets += 1;
    else if (code === 0x5c /* \ */ || code === 0x2b /* +, as an exponent has it */) return true;
  }
  return brackets > MAX_JSON_DEPTH;
}

/** What `JSON.parse` makes is a JsonValue by its own definition. */
function parse(text: string): JsonValue {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(text) as JsonValue;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NUMBER = /-?\d[\d.eE+-]*/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Walks a text that is known to be JSON: `JSON.parse` keeps the last of two equal members and tells nobody. */
function scan(text: string): string | undefined {
  // At once for all that is spelt out; what is escaped is looked at where it stands.
  if (LONE_SURROGATE.test(text)) return 'a string holds a lone surrogate';
  const hasEscapes = text.includes('\\');
  const open: (Set<string> | undefined)[] = [];
  let keyExpected = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22 /* " */: {
        const end = hasEscapes ? endOfString(text, at) : text.indexOf('"', at + 1);
        const members = keyExpected ? open.at(-1) : undefined;
        if (members !== undefined || hasEscapes) {
          const raw = text.slice(at, end + 1);
          const string = raw.includes('\\') ? unescaped(raw) : raw.slice(1, -1);
          if (hasEscapes && LONE_SURROGATE.test(string)) return 'a string holds a lone surrogate';
          if (members?.has(string) === true) return 'an object has the same member twice';
          members?.add(string);
        }
        keyExpected = false;
        at = end;
        break;
      }
      case 0x7b /* { */:
        open.push(new Set());
        keyExpected = true;
        if (open.length > MAX_JSON_DEPTH) return `nested deeper than ${MAX_JSON_DEPTH} levels`;
        break;
      case 0x5b /* [ */:
        open.push(undefined);
        keyExpected = false;
        if (open.length > MAX_JSON_DEPTH) return `nested deeper than ${MAX_JSON_DEPTH} levels`;
        break;
      case 0x7d /* } */:
      case 0x5d /* ] */:
        open.pop();
        keyExpected = false;
        break;
      case 0x2c /* , */:
        keyExpected = open.at(-1) !== undefined;
        break;
      case 0x3a /* : */:
        break;
      default: {
        NUMBER.lastIndex = at;
        const [number = ''] = NUMBER.exec(text) ?? [];
        if (number === '') break;
        if (!isSame(number)) return 'a number is too large to be read the same way by everybody';
        at += number.length - 1;
      }
    }
  }
  return undefined;
}

function isSame(number: string): boolean {
  return Math.abs(Number(number)) <= Number.MAX_SAFE_INTEGER;
}

function unescaped(raw: string): string {
  const value = parse(raw);
  return typeof value === 'string' ? value : raw;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1;
  return at;
}

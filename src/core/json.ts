/** Strict JSON: what two parsers could read differently is refused before anybody decides on it (SECURITY.md §0.1, CVE-2022-2385). */
import { textOfBinary } from './base64url.ts';
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
  return parsed(text, membersSpelt(text));
}

/** As above, of UTF-8 whose bytes are given as a character each: where the count finds ASCII alone, they are the text. */
export function parseStrictJsonBytes(binary: string): Result<JsonValue, string> {
  const spelt = membersSpelt(binary);
  const text = spelt === undefined ? textOfBinary(binary) : binary;
  return text === undefined ? err('not UTF-8') : parsed(text, spelt);
}

function parsed(text: string, spelt: number | undefined): Result<JsonValue, string> {
  let value: JsonValue;
  try {
    value = parse(text);
  } catch {
    return err('not valid JSON');
  }
  const fault = spelt !== undefined && membersOf(value) === spelt ? undefined : scan(text);
  return fault === undefined ? ok(value) : err(fault);
}

/**
 * Nearly every token, known in a third of the time that the walk takes. Where nothing is escaped, and no colon comes after a blank, each name of
 * a member ends in a quote and a colon; so of members that stand twice the text has more than the value. (A text that begins with a colon is
 * counted too: that makes more of them, never fewer, and more is for the walk to look at.) What else the walk finds is looked for as well:
 * letters beyond ASCII, among which a lone surrogate could be; more brackets than levels are allowed; a number beyond 2^53.
 *
 * How many members the text of a JSON value has; undefined where only a walk can tell, or is wanted anyway.
 */
function membersSpelt(text: string): number | undefined {
  let members = 0;
  let brackets = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x3a /* : */) {
      const before = text.charCodeAt(at - 1);
      if (before === 0x22 /* " */) members += 1;
      else if (before <= 0x20 /* a blank of any kind */) return undefined;
    } else if (code === 0x7b /* { */ || code === 0x5b /* [ */) brackets += 1;
    else if (code === 0x5c /* \ */ || code > LAST_OF_ASCII) return undefined;
  }
  return brackets > MAX_JSON_DEPTH ? undefined : members;
}

const LAST_OF_ASCII = 0x7f;

/** Of all objects in it; NaN, which equals nothing, where it holds a number that is not safe. No deeper than there are brackets. */
function membersOf(value: JsonValue): number {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? 0 : NaN;
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (isArray(value)) {
    for (const item of value) members += membersOf(item);
    return members;
  }
  // What `JSON.parse` makes has its own members and inherits none that could be enumerated.
  for (const member in value) {
    const inside = value[member];
    members += inside === undefined ? NaN : 1 + membersOf(inside);
  }
  return members;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
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

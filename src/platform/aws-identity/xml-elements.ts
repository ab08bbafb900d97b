/** XML → what stands in which element. It takes the part of XML 1.0 that AWS writes and refuses the rest, so that no other reader can read another thing in it. */

/** AWS's answers have three. Each element is remembered by its whole place, so without an end the places would be more than memory holds. */
const MAX_DEPTH = 8;

/** What XML 1.0 §2.2 has no place for: control characters, halves of surrogate pairs, U+FFFE and U+FFFF. */
const NO_CHARACTER = /[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const BLANK = /^[ \t\n]*$/;
const DECLARATION = /^<\?xml version="1\.0"(?: encoding="(?:UTF-8|utf-8)")?\?>/;
/** `/` where it closes, the name, `xmlns`, `/` where it is empty. Nothing in it can be read in two ways, so it takes time as the tag has characters. */
const TAG = /^(\/?)([A-Za-z_][\w.-]{0,63})([ \t\n]+xmlns="[^"&]*")?[ \t\n]*(\/?)$/;
const REFERENCE = /^(?:#(x[\dA-Fa-f]{1,6}|\d{1,7})|(lt|gt|amp|quot|apos));/;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * What stands in each element by its place, as `Root/Child`, in the order in which they open; '' where elements stand in it. Undefined where the document is
 * not well-formed, or not of this part of XML 1.0: one root, eight elements deep at most; each place once; an element has elements or a text and never both;
 * names of ASCII without a colon, of 64 characters at most; no attribute but `xmlns`, once, in double quotes, without `&` and `>`; references to characters and
 * to the five entities that are always there. Never a document type, CDATA, a comment, a processing instruction, another version or encoding, a byte order mark.
 */
export function readElements(document: string): ReadonlyMap<string, string> | undefined {
  if (NO_CHARACTER.test(document)) return undefined;
  const [before = '', ...pieces] = document.replace(DECLARATION, '').replaceAll(/\r\n?/g, '\n').split('<');
  if (!BLANK.test(before)) return undefined;
  const texts = new Map<string, string>();
  const open: string[] = [];
  // No `<` may stand in a text or a value, and we take no `>` in a value: so each piece is one tag and the text behind it.
  for (const piece of pieces) {
    const end = piece.indexOf('>');
    const tag = end === -1 ? null : TAG.exec(piece.slice(0, end));
    if (tag === null || !takeTag(tag, piece.slice(end + 1), open, texts)) return undefined;
  }
  return open.length === 0 && texts.size > 0 ? texts : undefined;
}

/** Opens or closes an element; false where it may not be there, or not with what is written behind it. */
function takeTag(
  [, closes, name = '', namespace, isEmpty]: RegExpExecArray,
  written: string,
  open: string[],
  texts: Map<string, string>,
): boolean {
  if (closes !== '') {
    const last = open.pop();
    return last === placeIn(open, name) && namespace === undefined && isEmpty === '' && BLANK.test(written);
  }
  const parent = open.at(-1);
  const place = placeIn(open, name);
  // What is there twice is two things, and which of them counts depends on who reads. A second root is no better.
  if (texts.has(place) || open.length >= MAX_DEPTH || (parent === undefined && texts.size > 0)) return false;
  if (parent !== undefined) {
    // So is a text with an element in it: one, two, or that of the element as well.
    if (!BLANK.test(texts.get(parent) ?? '')) return false;
    texts.set(parent, '');
  }
  if (isEmpty !== '') {
    texts.set(place, '');
    return BLANK.test(written);
  }
  const text = textOf(written);
  if (text === undefined) return false;
  texts.set(place, text);
  open.push(place);
  return true;
}

function placeIn(open: readonly string[], name: string): string {
  const parent = open.at(-1);
  return parent === undefined ? name : `${parent}/${name}`;
}

/** A text with its references put in; undefined where one is unknown or no character, or where `]]>` stands in it. */
function textOf(written: string): string | undefined {
  const [first = '', ...rest] = written.split('&');
  let text = first;
  for (const piece of rest) {
    const [reference, number, name = ''] = REFERENCE.exec(piece) ?? [];
    const code = Number(`0${number ?? ''}`);
    if (reference === undefined || code > 0x10_ff_ff) return undefined;
    const character = NAMED[name] ?? String.fromCodePoint(code);
    if (NO_CHARACTER.test(character)) return undefined;
    text += character + piece.slice(reference.length);
  }
  return written.includes(']]>') ? undefined : text;
}

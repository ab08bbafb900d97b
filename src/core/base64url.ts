/** Canonical base64url (RFC 7515 §2): one text for one byte string, so that nobody can respell a token he holds (SECURITY.md §0.2). */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
// oxlint-disable-next-line no-control-regex -- all of ASCII, whose characters are their bytes
const ASCII = /^[\u0000-\u007f]*$/;
const CHARACTERS = 128;
/** More than 63: no character of the alphabet. */
const NONE = 64;

const VALUES = new Uint8Array(CHARACTERS).fill(NONE);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/**
 * The bytes, or undefined where the text is not the one canonical spelling: padding, other characters, stray low bits. In one pass and by
 * hand, for every exchange decodes three of them: whatever is not in the alphabet sets a bit that no value has, and is found at the end.
 */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(decodedLength(text));
  return decodeBase64UrlInto(text, bytes) === undefined ? undefined : bytes;
}

function decodedLength({ length }: string): number {
  return (length * 3) >> 2;
}

/** As above, into the beginning of `bytes`; how many they are, or undefined where there is no room for them either. */
export function decodeBase64UrlInto(text: string, bytes: Uint8Array): number | undefined {
  const { length } = text;
  const rest = length % 4;
  if (length === 0 || rest === 1 || decodedLength(text) > bytes.length) return undefined;
  const whole = length - rest;
  let seen = 0;
  let to = 0;
  for (let at = 0; at < whole; at += 4) {
    const one = valueAt(text, at);
    const two = valueAt(text, at + 1);
    const three = valueAt(text, at + 2);
    const four = valueAt(text, at + 3);
    seen |= one | two | three | four;
    bytes[to++] = (one << 2) | (two >> 4);
    bytes[to++] = (two << 4) | (three >> 2);
    bytes[to++] = (three << 6) | four;
  }
  if (rest > 0) {
    const one = valueAt(text, whole);
    const two = valueAt(text, whole + 1);
    const three = rest === 3 ? valueAt(text, whole + 2) : 0;
    seen |= one | two | three;
    // Bits that no byte takes must be nought: else several texts would mean the same bytes.
    if ((rest === 2 ? two & 0b1111 : three & 0b11) !== 0) return undefined;
    bytes[to++] = (one << 2) | (two >> 4);
    if (rest === 3) bytes[to++] = (two << 4) | (three >> 2);
  }
  return seen < NONE ? to : undefined;
}

/** Strict: malformed UTF-8 is refused, not repaired. Without a stream it keeps nothing from one text to the next. */
const UTF8_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text whose UTF-8 it is, or undefined where it is that of none. */
export function decodeBase64UrlText(text: string): string | undefined {
  const binary = binaryOfBase64Url(text);
  return binary === undefined ? undefined : textOfBinary(binary);
}

/** The bytes, each as a character, or undefined where the text is not the one canonical spelling. Of a long text, in a third of the time. */
export function binaryOfBase64Url(text: string): string | undefined {
  const rest = text.length % 4;
  if (text === '' || rest === 1 || text.includes('+') || text.includes('/')) return undefined;
  if ((rest === 2 && !LAST_OF_TWO.test(text)) || (rest === 3 && !LAST_OF_THREE.test(text))) return undefined;
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    // It passes over blanks, and takes padding: either leaves fewer bytes than so many characters are.
    return binary.length === decodedLength(text) ? binary : undefined;
  } catch {
    return undefined;
  }
}

/** The text whose UTF-8 these bytes are, each given as a character; undefined where they are that of none. */
export function textOfBinary(binary: string): string | undefined {
  if (ASCII.test(binary)) return binary;
  try {
    return UTF8_DECODER.decode(Uint8Array.from(binary, (byte) => byte.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

const CANONICAL = /^[A-Za-z0-9_-]*$/;
/** Last characters of a group of two or three whose low bits are nought. */
const LAST_OF_TWO = /[AQgw]$/;
const LAST_OF_THREE = /[AEIMQUYcgkosw048]$/;

/** The one spelling of some bytes: no padding, no other characters, no stray low bits. */
export function isBase64Url(text: string): boolean {
  const rest = text.length % 4;
  if (text === '' || rest === 1 || !CANONICAL.test(text)) return false;
  return rest === 2 ? LAST_OF_TWO.test(text) : rest === 0 || LAST_OF_THREE.test(text);
}

function valueAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < CHARACTERS ? (VALUES[code] ?? NONE) : NONE;
}

export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBinary(String.fromCharCode(...bytes));
}

const UTF8 = new TextEncoder();

/** Of the text's UTF-8. */
export function encodeTextBase64Url(text: string): string {
  return ASCII.test(text) ? encodeBinary(text) : encodeBase64Url(UTF8.encode(text));
}

/** In bytes of UTF-8. */
export function utf8Length(text: string): number {
  return ASCII.test(text) ? text.length : UTF8.encode(text).length;
}

function encodeBinary(binary: string): string {
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

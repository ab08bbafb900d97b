/** UTF-8 for one call of WebCrypto: written into one buffer that stays, for three new ones an exchange would cost more than what is done with them. */
const ENCODER = new TextEncoder();
const BUFFER = new Uint8Array(32_768);

/**
 * The bytes of `text`, good until the next call: for an argument of `crypto.subtle.sign`, `verify` or `digest`, all of which take a copy before
 * they return ("get a copy of the bytes", Web Cryptography §14.3), so that no other exchange can write between. Never to be kept, nor awaited for.
 */
export function utf8ForOneCall(text: string): Uint8Array<ArrayBuffer> {
  const { read, written } = ENCODER.encodeInto(text, BUFFER);
  return read === text.length ? BUFFER.subarray(0, written) : Uint8Array.from(ENCODER.encode(text));
}

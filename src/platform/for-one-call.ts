/** Bytes for one call of WebCrypto: written into buffers that stay, for four new ones an exchange would cost more than what is done with them. */
import { decodeBase64UrlInto } from '../core/base64url.ts';

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

/** As long as the signature of an RSA key of 8,192 bits, the longest that is taken. */
const SIGNATURE = new Uint8Array(1_024);

/** The bytes of canonical base64url, good as those above; undefined where they are more than any signature has. */
export function signatureForOneCall(base64Url: string): Uint8Array<ArrayBuffer> | undefined {
  const length = decodeBase64UrlInto(base64Url, SIGNATURE);
  return length === undefined ? undefined : SIGNATURE.subarray(0, length);
}

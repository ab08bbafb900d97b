/** Request bodies: with a cap, in time, and as they were sent or not at all. */
import { utf8Length } from '../core/base64url.ts';
import { err, ok, type Result } from '../core/result.ts';

/** A sender that gives a byte a minute holds a connection and memory: after this it is over. */
const PATIENCE_MS = 10_000;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Reads a request body with a cap, whether or not it says its length: a chunked flood ends where the cap is. `broken`: it ended early
 * or did not come in time.
 */
export function readBody(
  request: Request,
  maxBytes: number,
  headers: Headers = request.headers,
): Promise<Bytes | 'too_large' | 'broken'> {
  const declaredBytes = Number(headers.get('content-length') ?? 0);
  if (declaredBytes > maxBytes) return refuse(request);
  // A length is there only where the server took the body's end from it (of a chunked body it hides what else was said), so no more can come.
  if (declaredBytes > 0) {
    return inTime(request.arrayBuffer(), (body) => ofLength(new Uint8Array(body), declaredBytes), 'broken');
  }
  return readUndeclared(request, maxBytes);
}

/**
 * The same as text, for the token endpoint: bytes that nobody looks at would cost more than reading the form. `not_utf8` also where U+FFFD
 * stands, which the platform puts in place of bytes that are no UTF-8: what was repaired is not what was sent.
 */
export function readText(
  request: Request,
  maxBytes: number,
  headers: Headers,
): Promise<Result<string, 'too_large' | 'broken' | 'not_utf8'>> {
  const declaredBytes = Number(headers.get('content-length') ?? 0);
  return declaredBytes > 0 && declaredBytes <= maxBytes
    ? inTime(request.text(), (text) => textOfLength(text, declaredBytes), err('broken'))
    : readUndeclaredText(request, maxBytes, headers);
}

async function readUndeclaredText(
  request: Request,
  maxBytes: number,
  headers: Headers,
): Promise<Result<string, 'too_large' | 'broken' | 'not_utf8'>> {
  const body = await readBody(request, maxBytes, headers);
  if (typeof body === 'string') return err(body);
  const text = decodeUtf8(body);
  return text === undefined ? err('not_utf8') : ok(text);
}

function textOfLength(text: string, bytes: number): Result<string, 'broken' | 'not_utf8'> {
  if (text.includes(REPLACEMENT)) return err('not_utf8');
  if (text.length === bytes) return ok(text);
  const textBytes = utf8Length(text);
  if (textBytes === bytes) return ok(text);
  // The platform takes it away; it was sent, and whoever reads the form or the JSON is to see it.
  return textBytes + BYTE_ORDER_MARK_BYTES === bytes ? ok(`\u{feff}${text}`) : err('broken');
}

const REPLACEMENT = '\u{fffd}';
const BYTE_ORDER_MARK_BYTES = 3;

async function refuse(request: Request): Promise<'too_large'> {
  await request.body?.cancel();
  return 'too_large';
}

function ofLength(body: Bytes, bytes: number): Bytes | 'broken' {
  return body.length === bytes ? body : 'broken';
}

async function readUndeclared(request: Request, maxBytes: number): Promise<Bytes | 'too_large' | 'broken'> {
  if (request.body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const body = await inTime<Bytes | 'too_large', Bytes | 'too_large' | 'broken'>(
    readAll(reader, maxBytes),
    (all) => all,
    'broken',
  );
  if (typeof body === 'string') await reader.cancel().catch(() => undefined);
  return body;
}

/**
 * So many may be waited for without a deadline: a few slow senders hold a few buffers and harm nobody, and a timer for each honest body would
 * take a thirtieth of an exchange. Whoever is cut off in the middle is never heard of again and stays counted, which only brings the timer back.
 */
const FEW_WAITING = 64;
let waiting = 0;

/** `otherwise`: where it did not come in time, and where the reading fails. */
function inTime<R, T>(reading: Promise<R>, take: (read: R) => T, otherwise: T): Promise<T> {
  if (waiting >= FEW_WAITING) return beforeDeadline(reading, take, otherwise);
  waiting += 1;
  return reading.then(
    (read) => {
      waiting -= 1;
      return take(read);
    },
    () => {
      waiting -= 1;
      return otherwise;
    },
  );
}

function beforeDeadline<R, T>(reading: Promise<R>, take: (read: R) => T, otherwise: T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS, otherwise);
    const end = (body: T): void => {
      clearTimeout(timer);
      resolve(body);
    };
    reading.then(
      (read) => end(take(read)),
      () => end(otherwise),
    );
  });
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<Bytes | 'too_large'> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.length;
    if (bytes > maxBytes) return 'too_large';
    chunks.push(part.value);
  }
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** Without a stream it keeps nothing from one text to the next. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes, or undefined: malformed UTF-8 is refused, not repaired into something nobody signed or sent. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

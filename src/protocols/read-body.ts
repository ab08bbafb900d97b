/** A sender that gives a byte a minute holds a connection and memory: after this it is over. */
const PATIENCE_MS = 10_000;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Reads a request body with a cap, whether or not it says its length: a chunked flood ends where the cap is. `broken`: it ended early
 * or did not come in time.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Bytes | 'too_large' | 'broken'> {
  if (request.body === null) return new Uint8Array(0);
  // A declared length is only believed when it is already too much.
  const declaredBytes = Number(request.headers.get('content-length') ?? 0);
  const reading = begin(request.body, declaredBytes, maxBytes);
  let stopWaiting = (): void => undefined;
  const late = new Promise<'broken'>((resolve) => {
    const timer = setTimeout(() => resolve('broken'), PATIENCE_MS);
    stopWaiting = () => clearTimeout(timer);
  });
  try {
    const body = declaredBytes > maxBytes ? 'too_large' : await Promise.race([reading.read(), late]);
    if (typeof body === 'string') await reading.cancel();
    return body;
  } catch {
    return 'broken';
  } finally {
    stopWaiting();
  }
}

interface Reading {
  read(): Promise<Bytes | 'too_large' | 'broken'>;
  cancel(): Promise<void>;
}

function begin(body: ReadableStream<Uint8Array>, declaredBytes: number, maxBytes: number): Reading {
  const whole = declaredBytes > 0 && declaredBytes <= maxBytes ? byteReader(body) : undefined;
  if (whole !== undefined) return { read: () => readDeclared(whole, declaredBytes), cancel: () => whole.cancel() };
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  return { read: () => readAll(reader, maxBytes), cancel: () => reader.cancel() };
}

/** Undefined for a stream that was made in JavaScript and hands out pieces as they are. */
function byteReader(body: ReadableStream<Uint8Array>): ByteReader | undefined {
  try {
    const reader: { releaseLock(): void } = body.getReader({ mode: 'byob' });
    if (isByteReader(reader)) return reader;
    reader.releaseLock();
    return undefined;
  } catch {
    return undefined;
  }
}

/** What workerd adds to the standard's reader. */
interface ByteReader {
  readAtLeast(bytes: number, into: Bytes): Promise<{ readonly value?: Bytes | undefined }>;
  cancel(): Promise<void>;
}

function isByteReader(reader: object): reader is ByteReader {
  return 'readAtLeast' in reader;
}

/** One read for all of it. One byte more is asked for than was declared, so that a lie would show, and cost no memory. */
async function readDeclared(reader: ByteReader, declaredBytes: number): Promise<Bytes | 'broken'> {
  const { value } = await reader.readAtLeast(declaredBytes + 1, new Uint8Array(declaredBytes + 1));
  return value?.length === declaredBytes ? value : 'broken';
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

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
  if (declaredBytes > 0) return inTime(request.arrayBuffer(), (body) => ofLength(new Uint8Array(body), declaredBytes));
  return readUndeclared(request, maxBytes);
}

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
  const body = await inTime(readAll(reader, maxBytes), (all) => all);
  if (typeof body === 'string') await reader.cancel().catch(() => undefined);
  return body;
}

/** `broken` also where the reading fails. */
function inTime<R, T>(reading: Promise<R>, take: (read: R) => T): Promise<T | 'broken'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('broken'), PATIENCE_MS);
    const end = (body: T | 'broken'): void => {
      clearTimeout(timer);
      resolve(body);
    };
    reading.then(
      (read) => end(take(read)),
      () => end('broken'),
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

/** A sender that gives a byte a minute holds a connection and memory: after this it is over. */
const PATIENCE_MS = 10_000;

/**
 * Reads a request body with a cap, whether or not it says its length: a chunked flood ends where the cap is. `broken`: it ended early
 * or did not come in time.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | 'too_large' | 'broken'> {
  if (request.body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  let stopWaiting = (): void => undefined;
  const late = new Promise<'broken'>((resolve) => {
    const timer = setTimeout(() => resolve('broken'), PATIENCE_MS);
    stopWaiting = () => clearTimeout(timer);
  });
  try {
    // A declared length is only believed when it is already too much.
    const declared = Number(request.headers.get('content-length') ?? 0);
    const body = declared > maxBytes ? 'too_large' : await Promise.race([readAll(reader, maxBytes), late]);
    if (typeof body === 'string') await reader.cancel();
    return body;
  } catch {
    return 'broken';
  } finally {
    stopWaiting();
  }
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | 'too_large'> {
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

/** The text of UTF-8 bytes, or undefined: malformed UTF-8 is refused, not repaired into something nobody signed or sent. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

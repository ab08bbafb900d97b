/**
 * One document from somebody else's server: no redirects, no credentials, 5 s and 256 KiB in all. Redirects would choose a host that we
 * did not (CVE-2026-49478); the other bounds hold against a server that answers slowly, endlessly or not at all (SECURITY.md T5, T6).
 */
import { err, ok, type Result } from '../core/result.ts';

/** The shape of the runtime's own `fetch`, as much as is used of it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface FetchedDocument {
  readonly text: string;
  readonly cacheControl: string;
}

const TIME_LIMIT_MS = 5_000;
const MAX_BYTES = 262_144;

/** Never rejects. The error completes a sentence that begins with the document's name, and holds nothing of what was answered. */
export async function fetchDocument(
  fetcher: Fetch,
  url: URL,
  timeLimitMs = TIME_LIMIT_MS,
): Promise<Result<FetchedDocument, string>> {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const tooLate = new Promise<Result<never, string>>((resolve) => {
    timer = setTimeout(() => resolve(err(`did not arrive in full within ${timeLimitMs / 1_000} s`)), timeLimitMs);
  });
  try {
    return await Promise.race([read(fetcher, url, abort.signal), tooLate]);
  } finally {
    clearTimeout(timer);
    // Whatever is still coming is not waited for: a body that drips would hold a connection for as long as it likes.
    abort.abort();
  }
}

async function read(fetcher: Fetch, url: URL, signal: AbortSignal): Promise<Result<FetchedDocument, string>> {
  try {
    const response = await fetcher(url.href, {
      method: 'GET',
      redirect: 'manual',
      // A copy in between would hide a rotation from us.
      cache: 'no-store',
      headers: { accept: 'application/json' },
      signal,
    });
    const fault = headFault(response);
    if (fault !== undefined) return err(fault);
    const bytes = await readBytes(response);
    if (bytes === undefined) return err(tooLong);
    const text = decode(bytes);
    if (text === undefined) return err('is not UTF-8');
    return ok({ text, cacheControl: response.headers.get('cache-control') ?? '' });
  } catch {
    return err('could not be fetched: no connection, or one that broke off');
  }
}

function headFault(response: Response): string | undefined {
  const { status, headers } = response;
  if (response.redirected || (status >= 300 && status < 400)) return 'is a redirect, and redirects are not followed';
  if (status !== 200) return `was answered with status ${status}`;
  // A sign-in page or a portal: say that rather than "not JSON".
  if (/html/i.test(headers.get('content-type') ?? '')) return 'is an HTML page';
  const said = headers.get('content-length') ?? '';
  return /^[0-9]+$/.test(said) && Number(said) > MAX_BYTES ? tooLong : undefined;
}

const tooLong = `is longer than ${MAX_BYTES / 1_024} KiB`;

/** Counted while it comes, for the length that was said may be a lie; undefined where it is too much. */
async function readBytes(response: Response): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a body of bytes was expected');
    total += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (total > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

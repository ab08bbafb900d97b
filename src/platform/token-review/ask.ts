/** One TokenReview posted to an API server: no redirects, 5 s and 64 KiB in all. It carries two tokens, so nothing of it is ever told on. */

/** The shape of the runtime's own `fetch`, as much as is used of it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

interface Question {
  readonly url: string;
  readonly bearer: string;
  readonly body: string;
}

const MAX_BYTES = 65_536;

/** The answer's text, or undefined where there is none to speak of. Never rejects. */
export async function askApiServer(
  fetcher: Fetch,
  question: Question,
  timeLimitMs: number,
): Promise<string | undefined> {
  const abort = new AbortController();
  let giveUp = (): void => undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });
  const timer = setTimeout(() => giveUp(), timeLimitMs);
  try {
    return await Promise.race([post(fetcher, question, abort.signal), tooLate]);
  } finally {
    clearTimeout(timer);
    // A body that drips would hold a connection for as long as it likes.
    abort.abort();
  }
}

async function post(fetcher: Fetch, question: Question, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetcher(question.url, {
      method: 'POST',
      // Followed, a redirect would carry a workload's token and our credential to a host that nobody named (CVE-2026-49478).
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        authorization: `Bearer ${question.bearer}`,
      },
      body: question.body,
      signal,
    });
    // The API server answers a review that it made with 201; every other status says that it made none.
    const made = !response.redirected && (response.status === 200 || response.status === 201);
    return made ? await readText(response) : undefined;
  } catch {
    return undefined;
  }
}

/** Counted while it comes, for the length that was said may be a lie; undefined where it is too much. Throws where it is no UTF-8. */
async function readText(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  let total = 0;
  for await (const chunk of response.body ?? []) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a body of bytes was expected');
    total += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (total > MAX_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** GetCallerIdentity, asked with somebody else's signature: one of AWS's own hosts, no redirects, 5 s and 64 KiB in all. What AWS does not vouch for is nobody. */
import type { AwsIdentity } from '../../core/aws/authenticate.ts';
import { AWS_QUESTION, type AwsRequest } from '../../core/aws/request.ts';
import { type Denial, unverified } from '../../core/denial.ts';
import { err, type Result } from '../../core/result.ts';
import { readCallerIdentity } from './caller-identity.ts';

/** The shape of the runtime's own `fetch`, as much as is used of it. */
type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const TIME_LIMIT_MS = 5_000;
const MAX_BYTES = 65_536;
const AWAY: Denial = { tag: 'unavailable', dependency: 'aws_sts' };

/** Set by whoever connects; the host is the one that was looked at, or nothing is asked. */
const NOT_FORWARDED = ['host', 'content-length'];

export function createAskAws(fetcher: Fetch): (request: AwsRequest) => Promise<Result<AwsIdentity, Denial>> {
  return async (request) => {
    const abort = new AbortController();
    let giveUp = (): void => undefined;
    const tooLate = new Promise<Result<never, Denial>>((resolve) => {
      giveUp = () => resolve(err(AWAY));
    });
    const timer = setTimeout(() => giveUp(), TIME_LIMIT_MS);
    try {
      return await Promise.race([post(fetcher, request, abort.signal), tooLate]);
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  };
}

async function post(fetcher: Fetch, request: AwsRequest, signal: AbortSignal): Promise<Result<AwsIdentity, Denial>> {
  try {
    const headers = new Headers([...request.headers].filter(([name]) => !NOT_FORWARDED.includes(name)));
    const response = await fetcher(`https://${request.host}${AWS_QUESTION}`, {
      method: 'POST',
      // Followed, a redirect would carry the signature and a session token to a host that nobody named.
      redirect: 'manual',
      headers,
      signal,
    });
    if (response.status >= 500 || response.status === 429 || response.redirected) return err(AWAY);
    if (response.status !== 200) return err(unverified('signature'));
    const text = await readText(response);
    return text === undefined ? err(AWAY) : readCallerIdentity(text);
  } catch {
    return err(AWAY);
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
    if (total > MAX_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

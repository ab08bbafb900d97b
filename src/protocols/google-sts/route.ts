/** POST /v1/token: bytes in, bytes out. The deciding is `core/exchange`. */
import type { Hono } from 'hono';
import { newRoutes } from '../routes.ts';
import type { Denial } from '../../core/denial.ts';
import { exchange } from '../../core/exchange.ts';
import type { ExchangePorts } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { downscope, type DownscopePorts } from '../../core/token-care/downscope.ts';
import { readText } from '../read-body.ts';
import { parseForm, parseJson, type TokenRequest } from './request.ts';
import { renderDenial, renderIssued, type RequestFault, withRequestId } from './response.ts';

const MAX_BODY_BYTES = 65_536;

type Routes = Hono<{ Variables: { requestId: string } }>;

/** Answers whatever comes to `/v1/token`. `method`, `url`: the request's, for each look at a request costs. */
export type TokenEndpoint = (request: Request, requestId: string, method: string, url: string) => Promise<Response>;

export function createTokenEndpoint(ports: ExchangePorts, downscoping: DownscopePorts): TokenEndpoint {
  return async (request, requestId, method, url) => {
    const { headers } = request;
    const parse = parserFor(method, headers);
    const body = parse.ok ? await readText(request, MAX_BODY_BYTES, headers) : undefined;
    const read = readRequest(parse, body, url);
    if (!read.ok) {
      await recordRefusal(requestId, read.error, ports);
      return withRequestId(renderDenial(read.error), requestId);
    }
    if (read.value.kind === 'downscope') {
      const { subjectToken, boundary, requestedTokenType } = read.value;
      const narrowed = await downscope({ requestId, subjectToken, boundary }, downscoping);
      return narrowed.ok
        ? renderIssued(narrowed.value, requestedTokenType, requestId)
        : withRequestId(renderDenial(narrowed.error), requestId);
    }
    const { subjectToken, isAws, provider, resource, scopes, requestedTokenType } = read.value;
    // Cloudflare sets this header itself and overwrites what a client sends; X-Forwarded-For is anybody's word.
    const address = headers.get('cf-connecting-ip') ?? 'unknown';
    const asked = { subjectToken, provider, resource, scopes, requestId, address };
    const input = isAws === undefined ? asked : { ...asked, isAws };
    const { issued, limitPerMinute } = await exchange(input, ports);
    return issued.ok
      ? renderIssued(issued.value, requestedTokenType, requestId, limitPerMinute)
      : withRequestId(renderDenial(issued.error, limitPerMinute), requestId);
  };
}

export function createGoogleStsRoutes(answer: TokenEndpoint, ports: ExchangePorts): Routes {
  const routes: Routes = newRoutes();
  routes.all('/v1/token', ({ req: { raw }, var: { requestId } }) => answer(raw, requestId, raw.method, raw.url));
  // A client whose token_url is slightly wrong still hears JSON with a string `error`.
  routes.all('/v1/token/*', async (context) => {
    const denial = { tag: 'not_found' } as const;
    await recordRefusal(context.get('requestId'), denial, ports);
    return renderDenial(denial);
  });
  return routes;
}

/** What is refused before it is an exchange leaves its line as well. */
async function recordRefusal(requestId: string, denial: Denial | RequestFault, ports: ExchangePorts): Promise<void> {
  const check = denial.tag === 'malformed' ? { check: `${denial.parameter}: ${denial.problem}` } : {};
  await ports.record({
    timeMs: ports.nowMs(),
    requestId,
    outcome: 'refused',
    reason: denial.tag,
    ...check,
    durationsMs: {},
  });
}

const FAULT_OF_BODY: Readonly<Record<'too_large' | 'broken' | 'not_utf8', Denial | RequestFault>> = {
  too_large: { tag: 'body_too_large' },
  broken: { tag: 'malformed', parameter: 'body', problem: 'ended early or did not come in time' },
  not_utf8: { tag: 'malformed', parameter: 'body', problem: 'is not UTF-8' },
};

const FORM = 'application/x-www-form-urlencoded';

type Parse = typeof parseForm;

/** How such a body is read, or why it is not. */
function parserFor(method: string, headers: Headers): Result<Parse, RequestFault> {
  if (method !== 'POST') return err({ tag: 'method_not_allowed' });
  const contentType = headers.get('content-type') ?? '';
  const mediaType = contentType === FORM ? FORM : contentType.split(';')[0]?.trim().toLowerCase();
  if (mediaType === FORM) return ok(parseForm);
  return mediaType === 'application/json' ? ok(parseJson) : err({ tag: 'unsupported_media_type' });
}

function readRequest(
  parse: Result<Parse, RequestFault>,
  body: Awaited<ReturnType<typeof readText>> | undefined,
  url: string,
): Result<TokenRequest, Denial | RequestFault> {
  if (!parse.ok) return parse;
  if (body === undefined || !body.ok) return err(FAULT_OF_BODY[body?.error ?? 'broken']);
  return parse.value(body.value, url.includes('?') ? new URL(url).searchParams : undefined);
}

/** POST /v1/token: bytes in, bytes out. The deciding is `core/exchange`. */
import { Hono } from 'hono';
import type { Denial } from '../../core/denial.ts';
import { exchange } from '../../core/exchange.ts';
import type { ExchangePorts } from '../../core/ports.ts';
import { err, type Result } from '../../core/result.ts';
import { downscope, type DownscopePorts } from '../../core/token-care/downscope.ts';
import { decodeUtf8, readBody } from '../read-body.ts';
import { parseForm, parseJson, type TokenRequest } from './request.ts';
import { renderDenial, renderIssued, type RequestFault } from './response.ts';

const MAX_BODY_BYTES = 65_536;

type Routes = Hono<{ Variables: { requestId: string } }>;

export function createGoogleStsRoutes(ports: ExchangePorts, downscoping: DownscopePorts): Routes {
  const routes: Routes = new Hono();
  routes.all('/v1/token', async (context) => {
    const requestId = context.get('requestId');
    const read = await readTokenRequest(context.req.raw);
    if (!read.ok) return refuse(requestId, read.error);
    const asked = read.value;
    if (asked.kind === 'downscope') {
      const { subjectToken, boundary } = asked;
      const narrowed = await downscope({ requestId, subjectToken, boundary }, downscoping);
      return narrowed.ok ? renderIssued(narrowed.value, asked.requestedTokenType) : renderDenial(narrowed.error);
    }
    const { requestedTokenType, kind: _exchange, ...input } = asked;
    // Cloudflare sets this header itself and overwrites what a client sends; X-Forwarded-For is anybody's word.
    const address = context.req.header('cf-connecting-ip') ?? 'unknown';
    const { issued, limitPerMinute } = await exchange({ ...input, requestId, address }, ports);
    return issued.ok
      ? renderIssued(issued.value, requestedTokenType, limitPerMinute)
      : renderDenial(issued.error, limitPerMinute);
  });
  // A client whose token_url is slightly wrong still hears JSON with a string `error`.
  routes.all('/v1/token/*', (context) => refuse(context.get('requestId'), { tag: 'not_found' }));
  return routes;

  /** What is refused before it is an exchange leaves its line as well. */
  function refuse(requestId: string, denial: Denial | RequestFault): Response {
    const check = denial.tag === 'malformed' ? { check: `${denial.parameter}: ${denial.problem}` } : {};
    ports.record({
      timeMs: ports.nowMs(),
      requestId,
      outcome: 'refused',
      reason: denial.tag,
      ...check,
      durationsMs: {},
    });
    return renderDenial(denial);
  }
}

async function readTokenRequest(request: Request): Promise<Result<TokenRequest, Denial | RequestFault>> {
  if (request.method !== 'POST') return err({ tag: 'method_not_allowed' });
  const mediaType = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  const parse =
    mediaType === 'application/x-www-form-urlencoded'
      ? parseForm
      : mediaType === 'application/json'
        ? parseJson
        : undefined;
  if (parse === undefined) return err({ tag: 'unsupported_media_type' });
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === 'too_large') return err({ tag: 'body_too_large' });
  if (body === 'broken')
    return err({ tag: 'malformed', parameter: 'body', problem: 'ended early or did not come in time' });
  const text = decodeUtf8(body);
  if (text === undefined) return err({ tag: 'malformed', parameter: 'body', problem: 'is not UTF-8' });
  return parse(text, request.url.includes('?') ? new URL(request.url).searchParams : undefined);
}

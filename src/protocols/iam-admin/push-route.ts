/**
 * `POST /v1/{provider}:pushKeys`: the one route here that no administrator may use. The Bearer token is a workload's, made for this provider's
 * keys alone; it goes to the core and nowhere else.
 */
import type { Cause } from '../../core/denial-check.ts';
import type { JsonObject } from '../../core/json.ts';
import { mayExist, type ProviderName, providerName } from '../../core/names.ts';
import type { ExchangePorts } from '../../core/ports.ts';
import type { PushInput, PushKeys } from '../../core/push-keys.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { readJsonBody } from '../json-body.ts';
import type { RestDenial } from '../http-denial.ts';
import { parseBody } from '../body-shape.ts';
import { readQuery } from './query.ts';
import { renderPushed } from './render.ts';
import { pushKeys as pushKeysBody } from './schemas.ts';

export interface PushDeps extends Pick<ExchangePorts, 'nowMs' | 'recordPush'> {
  readonly pushKeys: PushKeys;
}

/** 65,536 characters of a JWKS, as JSON may have to spell them. */
const MAX_BODY_BYTES = 262_144;

const PUSH = /^projects\/([^/]+)\/locations\/global\/workloadIdentityPools\/([^/]+)\/providers\/([^/]+):pushKeys$/;

export function isPush(path: string): boolean {
  return PUSH.test(path);
}

/** `path`: as `isPush` has seen it. Names of this route need no decoding, and none is done. */
export async function answerPush(
  request: Request,
  path: string,
  requestId: string,
  deps: PushDeps,
): Promise<Result<JsonObject, RestDenial>> {
  const [, projectNumber = '', poolId = '', providerId = ''] = PUSH.exec(path) ?? [];
  const name = { projectNumber, poolId, providerId };
  const read = await readPush(request, name);
  // What is refused before it is a push leaves its line as well.
  if (!read.ok) {
    deps.recordPush({
      timeMs: deps.nowMs(),
      requestId,
      outcome: 'refused',
      ...read.error.cause,
      // Whatever stands where a name belongs would stand in the log.
      ...(mayExist(name) ? { project: projectNumber, pool: poolId, provider: providerName(name) } : {}),
      durationsMs: {},
    });
    return err(read.error.denial);
  }
  const pushed = await deps.pushKeys({ ...read.value, requestId });
  return pushed.ok ? ok(renderPushed(pushed.value.provider, projectNumber, pushed.value.warnings)) : pushed;
}

/** What the caller hears, and what the operator reads: of the request itself it holds not a word. */
interface Unread {
  readonly denial: RestDenial;
  readonly cause: Cause;
}

async function readPush(request: Request, name: ProviderName): Promise<Result<Omit<PushInput, 'requestId'>, Unread>> {
  if (request.method !== 'POST') return unread({ tag: 'method_not_allowed', allow: ['POST'] });
  const authorization = (request.headers.get('authorization') ?? '').trim();
  if (authorization === '') return unread({ tag: 'unauthenticated' });
  const token = /^Bearer +([^ ]+)$/i.exec(authorization)?.[1];
  if (token === undefined) return unread({ tag: 'bad_credentials' }, malformed('authorization: is no Bearer token'));
  // Only the project's number serves here: an id would have to be looked up for whoever asks.
  if (!mayExist(name)) {
    return unread({ tag: 'bad_credentials' }, { reason: 'unknown_provider', check: 'unknown: malformed name' });
  }
  const query = readQuery(new URL(request.url).searchParams, []);
  if (!query.ok) return unread(query.error, malformed('query: this path takes no parameters'));
  const body = await readJsonBody(request, MAX_BODY_BYTES);
  if (!body.ok) {
    const { error } = body;
    return unread(error, error.tag === 'malformed_json' ? malformed(`body: ${error.problem}`) : undefined);
  }
  const input = parseBody(pushKeysBody, body.value);
  if (!input.ok) return unread(input.error, malformed('body: must hold jwksJson, as a string, and nothing else'));
  // Cloudflare sets this header itself and overwrites what a client sends.
  const address = request.headers.get('cf-connecting-ip') ?? 'unknown';
  return ok({ name, address, token, jwksJson: input.value.jwksJson });
}

function unread(denial: RestDenial, cause: Cause = { reason: denial.tag }): Result<never, Unread> {
  return err({ denial, cause });
}

function malformed(check: string): Cause {
  return { reason: 'malformed', check };
}

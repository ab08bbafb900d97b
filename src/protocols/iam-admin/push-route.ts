/**
 * `POST /v1/{provider}:pushKeys`: the one route here that no administrator may use. The Bearer token is a workload's, made for this provider's
 * keys alone; it goes to the core and nowhere else.
 */
import type { JsonObject } from '../../core/json.ts';
import { mayExist } from '../../core/names.ts';
import type { PushKeys } from '../../core/push-keys.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { readJsonBody } from './body.ts';
import type { RestDenial } from './denial.ts';
import { readQuery } from './query.ts';
import { renderPushed } from './render.ts';
import { parseBody, pushKeys as pushKeysBody } from './schemas.ts';

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
  pushKeys: PushKeys,
): Promise<Result<JsonObject, RestDenial>> {
  if (request.method !== 'POST') return err({ tag: 'method_not_allowed', allow: ['POST'] });
  const authorization = (request.headers.get('authorization') ?? '').trim();
  if (authorization === '') return err({ tag: 'unauthenticated' });
  const token = /^Bearer +([^ ]+)$/i.exec(authorization)?.[1];
  const [, projectNumber = '', poolId = '', providerId = ''] = PUSH.exec(path) ?? [];
  const name = { projectNumber, poolId, providerId };
  // Only the project's number serves here: an id would have to be looked up for whoever asks.
  if (token === undefined || !mayExist(name)) return err({ tag: 'bad_credentials' });
  const query = readQuery(new URL(request.url).searchParams, []);
  if (!query.ok) return query;
  const body = await readJsonBody(request, MAX_BODY_BYTES);
  if (!body.ok) return body;
  const input = parseBody(pushKeysBody, body.value);
  if (!input.ok) return input;
  // Cloudflare sets this header itself and overwrites what a client sends.
  const address = request.headers.get('cf-connecting-ip') ?? 'unknown';
  const pushed = await pushKeys({ name, address, token, jwksJson: input.value.jwksJson });
  return pushed.ok ? ok(renderPushed(pushed.value.provider, projectNumber, pushed.value.warnings)) : pushed;
}

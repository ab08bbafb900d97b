/** A request's JSON body: media type, size and strictness decided before anybody looks at a member. */
import { invalid, type AdminDenial } from '../../core/admin/denial.ts';
import { isJsonObject, parseStrictJson, type JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { decodeUtf8, readBody } from '../read-body.ts';
import type { RestDenial } from './denial.ts';

const MAX_BODY_BYTES = 1_048_576;

/** An absent body is an empty document, as Google has it. */
export async function readJsonBody(
  request: Request,
  maxBytes: number = MAX_BODY_BYTES,
): Promise<Result<JsonObject, RestDenial>> {
  const bytes = await readBody(request, maxBytes);
  if (bytes === 'too_large') return err({ tag: 'body_too_large', maxBytes });
  if (bytes === 'broken') return malformed('cut off, or too slow in coming');
  if (bytes.length === 0) return ok({});
  if (!isJson(request.headers)) return err({ tag: 'unsupported_media_type' });
  const text = decodeUtf8(bytes);
  if (text === undefined) return malformed('not UTF-8');
  const json = parseStrictJson(text);
  if (!json.ok) return malformed(json.error);
  return isJsonObject(json.value) ? ok(json.value) : malformed('not an object');
}

/** What a changing request says that it has seen. */
export function readEtag({ etag }: JsonObject): Result<{ readonly etag?: string }, AdminDenial> {
  if (etag === undefined) return ok({});
  return typeof etag === 'string' ? ok({ etag }) : err(invalid('etag', 'must be a string'));
}

/**
 * Where administration knows etags they are in the body, or for DELETE in the query. A precondition in a header that went by unread would
 * overwrite what its sender wanted to keep; `If-None-Match` of a reader is about caches, and there are none.
 */
export function checkPreconditions({ method, headers }: Request): Result<void, AdminDenial> {
  if (method === 'GET' || method === 'HEAD') return ok(undefined);
  const sent = ['If-Match', 'If-None-Match', 'If-Unmodified-Since'].find((name) => headers.has(name));
  if (sent === undefined) return ok(undefined);
  return err(invalid(sent, 'is not taken as a header: send the etag in the body, or of DELETE as ?etag='));
}

function isJson(headers: Headers): boolean {
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') return false;
  return /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(headers.get('content-type') ?? '');
}

function malformed(problem: string): Result<never, RestDenial> {
  return err({ tag: 'malformed_json', problem });
}

/** A request's JSON body: media type, size and strictness decided before anybody looks at a member. */
import { isJsonObject, parseStrictJson, type JsonObject } from '../core/json.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { RestDenial } from './http-denial.ts';
import { decodeUtf8, readBody } from './read-body.ts';

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

function isJson(headers: Headers): boolean {
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') return false;
  return /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(headers.get('content-type') ?? '');
}

function malformed(problem: string): Result<never, RestDenial> {
  return err({ tag: 'malformed_json', problem });
}

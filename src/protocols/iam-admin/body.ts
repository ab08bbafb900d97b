/** A request's JSON body: media type, size and strictness decided before anybody looks at a member. */
import { isJsonObject, parseStrictJson, type JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { RestDenial } from './denial.ts';

const MAX_BODY_BYTES = 1_048_576;

/** An absent body is an empty document, as Google has it. */
export async function readJsonBody(request: Request): Promise<Result<JsonObject, RestDenial>> {
  const bytes = await readCapped(request);
  if (bytes === undefined) return err({ tag: 'body_too_large', maxBytes: MAX_BODY_BYTES });
  if (bytes.length === 0) return ok({});
  if (!isJson(request.headers)) return err({ tag: 'unsupported_media_type' });
  const text = decode(bytes);
  if (text === undefined) return malformed('not UTF-8');
  const json = parseStrictJson(text);
  if (!json.ok) return malformed(json.error);
  return isJsonObject(json.value) ? ok(json.value) : malformed('not an object');
}

/** Counted while reading: Content-Length may be absent or a lie. */
async function readCapped(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return undefined;
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function isJson(headers: Headers): boolean {
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') return false;
  return /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(headers.get('content-type') ?? '');
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function malformed(problem: string): Result<never, RestDenial> {
  return err({ tag: 'malformed_json', problem });
}

/** What a request says that it has seen: etags in the body, and why not in headers. */
import { invalid, type AdminDenial } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';

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

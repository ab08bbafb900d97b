/** What `POST /aws/verify` takes, as a shape that its body is checked by. */
import * as v from 'valibot';

const texts = v.union([v.string(), v.array(v.string())], 'must be a string or a list of strings');

/** `expectedHost` is the caller's own name: taken from the request, it would be whatever its sender wrote. */
export const awsVerifyInput = v.strictObject({
  method: v.string(),
  /** As it came, percent-encoded, without the query. */
  path: v.string(),
  /** As it came, without the question mark. */
  query: v.exactOptional(v.string()),
  headers: v.record(v.string(), texts),
  /** Base64. Absent: there was none. */
  body: v.exactOptional(v.string()),
  expectedHost: v.string(),
});

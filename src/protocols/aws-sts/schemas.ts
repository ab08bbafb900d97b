/** What `POST /aws/verify` takes and answers, as shapes: the request is checked by its shape, the answer is told by it in the document of the API. */
import * as v from 'valibot';

const texts = v.union([v.string(), v.array(v.string())], 'must be a string or a list of strings');
const time = v.pipe(v.string(), v.isoTimestamp());

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

export const awsVerified = v.object({
  arn: v.string(),
  account: v.string(),
  userId: v.string(),
  roleArn: v.string(),
  principal: v.string(),
  sourceIdentity: v.exactOptional(v.string()),
  tags: v.record(v.string(), v.string()),
  sessionExpireTime: time,
  signed: v.object({
    method: v.string(),
    host: v.string(),
    path: v.string(),
    query: v.string(),
    headers: v.record(v.string(), v.string()),
    bodySha256: v.string(),
    service: v.string(),
    region: v.string(),
    time,
  }),
});

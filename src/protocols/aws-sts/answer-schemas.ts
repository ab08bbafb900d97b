/** What `POST /aws/verify` answers, as a shape: for the document of the API alone, so that it is no part of the Worker. */
import * as v from 'valibot';

const time = v.pipe(v.string(), v.isoTimestamp());

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

/** The XML of GetCallerIdentity (WIRE.md F.4) → who it is. Read by its place in the document, once each; a document of another shape is no answer. */
import type { AwsIdentity } from '../../core/aws/authenticate.ts';
import type { Denial } from '../../core/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { readElements } from './xml-elements.ts';

const RESULT = 'GetCallerIdentityResponse/GetCallerIdentityResult';
const MEMBERS = { Arn: 'arn', Account: 'account', UserId: 'userId' } as const;
const ARN = /^arn:aws(-[a-z-]{1,20})?:(iam|sts)::[0-9]{12}:[\u0021-\u007e]{1,512}$/;
const MALFORMED: Result<never, Denial> = err({ tag: 'unavailable', dependency: 'aws_sts' });

export function readCallerIdentity(xml: string): Result<AwsIdentity, Denial> {
  const texts = readElements(xml);
  if (texts === undefined) return MALFORMED;
  const found = Object.fromEntries(
    Object.entries(MEMBERS).map(([element, member]) => [member, texts.get(`${RESULT}/${element}`)?.trim() ?? '']),
  );
  const { arn = '', account = '', userId = '' } = found;
  if (!ARN.test(arn) || !/^[0-9]{12}$/.test(account) || userId === '') return MALFORMED;
  // The account stands in the ARN too: they must tell one story.
  return arn.split(':')[4] === account ? ok({ arn, account, userId }) : MALFORMED;
}

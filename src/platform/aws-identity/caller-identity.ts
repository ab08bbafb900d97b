/** The XML of GetCallerIdentity (WIRE.md F.4) → who it is. Read by its place in the document, once each; a document of another shape is no answer. */
import { SaxesParser } from 'saxes';
import type { AwsIdentity } from '../../core/aws/authenticate.ts';
import type { Denial } from '../../core/denial.ts';
import { err, ok, type Result } from '../../core/result.ts';

const RESULT = 'GetCallerIdentityResponse/GetCallerIdentityResult';
const MEMBERS = { Arn: 'arn', Account: 'account', UserId: 'userId' } as const;
const ARN = /^arn:aws(-[a-z-]{1,20})?:(iam|sts)::[0-9]{12}:[\u0021-\u007e]{1,512}$/;
/** AWS's has three. Every element is remembered by its whole place, so without an end the places would be more than memory holds. */
const MAX_DEPTH = 8;
const MALFORMED: Result<never, Denial> = err({ tag: 'unavailable', dependency: 'aws_sts' });

export function readCallerIdentity(xml: string): Result<AwsIdentity, Denial> {
  const texts = new Map<string, string>();
  const path: string[] = [];
  let isOdd = false;
  const parser = new SaxesParser();
  parser.on('opentag', ({ name }) => {
    path.push(name);
    if (path.length > MAX_DEPTH) isOdd = true;
    if (isOdd) return;
    const place = path.join('/');
    if (texts.has(place)) isOdd = true;
    texts.set(place, '');
  });
  parser.on('text', (text) => {
    if (isOdd) return;
    const place = path.join('/');
    texts.set(place, (texts.get(place) ?? '') + text);
  });
  parser.on('closetag', () => void path.pop());
  // Nothing of AWS's has any: entities and hidden text are ways to make two readers read two things.
  parser.on('doctype', () => (isOdd = true));
  parser.on('cdata', () => (isOdd = true));
  parser.on('error', () => (isOdd = true));
  try {
    parser.write(xml).close();
  } catch {
    return MALFORMED;
  }
  if (isOdd) return MALFORMED;
  const found = Object.fromEntries(
    Object.entries(MEMBERS).map(([element, member]) => [member, texts.get(`${RESULT}/${element}`)?.trim() ?? '']),
  );
  const { arn = '', account = '', userId = '' } = found;
  if (!ARN.test(arn) || !/^[0-9]{12}$/.test(account) || userId === '') return MALFORMED;
  // The account stands in the ARN too: they must tell one story.
  return arn.split(':')[4] === account ? ok({ arn, account, userId }) : MALFORMED;
}

/** What AWS answers, where it is not AWS's: read with little time and memory, whatever it holds. */
import { expect, it } from 'vitest';
import { readCallerIdentity } from '../../src/platform/aws-identity/caller-identity.ts';

const AWAY = { ok: false, error: { tag: 'unavailable', dependency: 'aws_sts' } };
const ARN = 'arn:aws:sts::123456789012:assumed-role/builder/one';

const said = (more: string): string =>
  `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${ARN}</Arn><UserId>AROA:one</UserId><Account>123456789012</Account>${more}</GetCallerIdentityResult></GetCallerIdentityResponse>`;

it('an answer of AWS’s is read', () => {
  expect(readCallerIdentity(said(''))).toEqual({
    ok: true,
    value: { arn: ARN, account: '123456789012', userId: 'AROA:one' },
  });
});

it('an answer that is nested without end is none, and is not remembered at every depth', () => {
  const depth = 9_000;
  const deep = said('<a>'.repeat(depth) + '</a>'.repeat(depth));
  expect(deep.length).toBeLessThan(65_536);
  expect(readCallerIdentity(deep)).toEqual(AWAY);
});

/** What AWS answers, and what answers in its place: read with little time and memory, whatever it holds. */
import { describe, expect, it } from 'vitest';
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

/** As AWS's reference prints it (API_GetCallerIdentity), and as it comes over the wire. */
const documented = (arn: string, userId: string, account: string, declaration = ''): string =>
  `${declaration}<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
   <Arn>${arn}</Arn>
    <UserId>${userId}</UserId>
    <Account>${account}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
`;

describe('whoever AWS says it is', () => {
  it.each([
    ['a user', 'arn:aws:iam::123456789012:user/Alice', 'AIDACKCEVSQ6C2EXAMPLE'],
    ['a user below a path', 'arn:aws:iam::123456789012:user/division_abc/Zhang@example.com', 'AIDACKCEVSQ6C2EXAMPLE'],
    [
      'a role that was taken',
      'arn:aws:sts::123456789012:assumed-role/my-role/my=s,e+s.s-ion@x',
      'AROA123EXAMPLE123:my=s',
    ],
    [
      'a federated user',
      'arn:aws:sts::123456789012:federated-user/my-federated-user',
      '123456789012:my-federated-user',
    ],
    ['the account itself', 'arn:aws:iam::123456789012:root', '123456789012'],
    ['a role in China', 'arn:aws-cn:sts::123456789012:assumed-role/r/s', 'AROA123EXAMPLE123:s'],
    ['a role of a government', 'arn:aws-us-gov:sts::123456789012:assumed-role/r/s', 'AROA123EXAMPLE123:s'],
  ])('%s', (_who, arn, userId) => {
    const value = { arn, account: '123456789012', userId };
    expect(readCallerIdentity(documented(arn, userId, value.account))).toEqual({ ok: true, value });
    const declared = documented(arn, userId, value.account, '<?xml version="1.0" encoding="UTF-8"?>\n');
    expect(readCallerIdentity(declared)).toEqual({ ok: true, value });
    expect(readCallerIdentity(declared.replaceAll('\n', '\r\n'))).toEqual({ ok: true, value });
  });

  // IAM's paths may have any of U+0021 to U+007E.
  it('below a path of characters that are something in XML', () => {
    const arn = `arn:aws:iam::123456789012:user/<a>&"b'/]]>/c`;
    const written = arn
      .replace('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replace('"', '&#34;')
      .replace("'", '&#x27;');
    expect(readCallerIdentity(documented(written, 'AIDA', '123456789012'))).toMatchObject({ ok: true, value: { arn } });
    expect(readCallerIdentity(documented(arn, 'AIDA', '123456789012'))).toEqual(AWAY);
  });
});

describe('is nobody where two readers may read two people', () => {
  const victim = 'arn:aws:iam::123456789012:user/victim';
  it.each([
    ['a second ARN', said(`<Arn>${victim}</Arn>`)],
    ['a second ARN that is hidden', said(`<!--><Arn>${victim}</Arn><!-->`)],
    ['a comment in the ARN', said('').replace('builder/', 'builder<!-- -->/')],
    ['an instruction in the account', said('').replace('<Account>', '<Account><?x?>')],
    ['an ARN in a CDATA section', said('').replace(ARN, `<![CDATA[${victim}]]>`)],
    ['an ARN that a document type writes', `<!DOCTYPE a [<!ENTITY e "${victim}">]>${said('').replace(ARN, '&e;')}`],
    ['an element in the ARN', said('').replace('builder', '<b>builder</b>')],
    ['the ARN in another element', said('').replaceAll('Arn>', 'ARN>')],
    [
      'the ARN beside the result',
      said('').replace(`<Arn>${ARN}</Arn>`, '').replace('<GetCallerIdentityResult>', `<Arn>${ARN}</Arn>$&`),
    ],
    ['the ARN in an element of another prefix', said('').replaceAll('Arn>', 'x:Arn>')],
    ['a second result', said('').replace('</GetCallerIdentityResult>', `$&<GetCallerIdentityResult/>`)],
    ['a second answer', said('') + said('')],
    ['an answer in another', `<a>${said('')}</a>`],
    ['an answer that breaks off', said('').slice(0, -1)],
    ['NUL in the user', said('').replace('AROA', 'AROA\0')],
    ['an account that the ARN does not name', said('').replace('<Account>1', '<Account>2')],
  ])('%s', (_what, answer) => {
    expect(readCallerIdentity(answer)).toEqual(AWAY);
  });
});

it('an answer that is nested without end is none, and is not remembered at every depth', () => {
  const depth = 9_000;
  const deep = said('<a>'.repeat(depth) + '</a>'.repeat(depth));
  expect(deep.length).toBeLessThan(65_536);
  expect(readCallerIdentity(deep)).toEqual(AWAY);
});

/** What AWS's clients hear: XML that a strict parser takes, whatever stands in a name; one code for each reason. */
import { SaxesParser } from 'saxes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Check, Denial } from '../../../src/core/denial.ts';
import { errorOfDenial } from '../../../src/protocols/aws-sts/errors.ts';
import { renderError } from '../../../src/protocols/aws-sts/response.ts';
import { documentOf, escapeXml } from '../../../src/protocols/aws-sts/xml.ts';

/** The texts of all elements, by a parser that takes nothing else than XML. */
function texts(document: string): Record<string, string> {
  const parser = new SaxesParser();
  const found: Record<string, string> = {};
  const open: string[] = [];
  parser.on('opentag', ({ name }) => open.push(name));
  parser.on('text', (text) => {
    const name = open.at(-1);
    if (name !== undefined) found[name] = (found[name] ?? '') + text;
  });
  parser.on('closetag', () => open.pop());
  parser.on('error', (fault) => {
    throw fault;
  });
  parser.write(document).close();
  return found;
}

it('every text comes back as it was, but for what is no character of XML', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const kept = Array.from(text)
        // oxlint-disable-next-line no-control-regex -- XML 1.0 §2.2
        .filter((one) => !/^[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]$|^\p{Surrogate}$/u.test(one))
        .join('')
        .replaceAll(/\r\n?/g, '\n');
      expect(texts(documentOf('A', [['B', text]]))['B'] ?? '').toBe(kept);
    }),
  );
});

it('the five characters, and nothing that opens an element', () => {
  expect(escapeXml(`<a b="c" d='e'>&amp;`)).toBe('&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;amp;');
});

it('an error has type, code, message and request id, and is not cached', async () => {
  const answer = renderError({ status: 403, code: 'AccessDenied', message: 'No <way> & no' }, 'id-1');
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
    403,
    'text/xml',
    'no-store',
  ]);
  expect(texts(await answer.text())).toMatchObject({
    Type: 'Sender',
    Code: 'AccessDenied',
    Message: 'No <way> & no',
    RequestId: 'id-1',
  });
  const ours = renderError({ status: 503, code: 'ServiceUnavailable', message: 'x' }, 'id-2');
  expect(texts(await ours.text())).toMatchObject({ Type: 'Receiver' });
});

describe('a reason to refuse', () => {
  const checks: readonly Check[] = [
    'signature',
    'unknown_kid',
    'issuer',
    'time_claims',
    'replay',
    'token_format',
    'distrusted_key',
  ];

  it('of verification sounds like every other, but for expiry and audience', () => {
    const heard = checks.map((check) => JSON.stringify(errorOfDenial({ tag: 'unverified', check })));
    expect(new Set(heard).size).toBe(1);
    expect(errorOfDenial({ tag: 'unverified', check: 'expired' }).code).toBe('ExpiredTokenException');
  });

  it.each<readonly [Denial, number, string]>([
    [{ tag: 'unavailable', dependency: 'issuer_keys' }, 400, 'IDPCommunicationError'],
    [{ tag: 'unavailable', dependency: 'token_review' }, 400, 'IDPCommunicationError'],
    [{ tag: 'unavailable', dependency: 'quota' }, 503, 'ServiceUnavailable'],
    [{ tag: 'unavailable', dependency: 'configuration' }, 503, 'ServiceUnavailable'],
    [{ tag: 'over_quota', limit: 'project', retryAfterSeconds: 1 }, 400, 'Throttling'],
    [{ tag: 'too_many_failures', retryAfterSeconds: 1 }, 400, 'Throttling'],
    [{ tag: 'disabled', what: 'project' }, 403, 'RegionDisabledException'],
    [{ tag: 'disabled', what: 'pool' }, 400, 'InvalidIdentityToken'],
    [{ tag: 'unknown_provider', why: 'ambiguous issuer' }, 400, 'InvalidIdentityToken'],
    [{ tag: 'denied_uid', uid: 'x' }, 403, 'IDPRejectedClaim'],
    [{ tag: 'not_granted', target: 'x', why: 'secret' }, 403, 'AccessDenied'],
    [{ tag: 'denied_by_policy', rule: 'secret' }, 403, 'AccessDenied'],
    [{ tag: 'token_too_large', bytes: 1 }, 400, 'PackedPolicyTooLarge'],
    [{ tag: 'internal', fault: 'secret' }, 500, 'InternalFailure'],
  ])('%j', (denial, status, code) => {
    const error = errorOfDenial(denial);
    expect([error.status, error.code, JSON.stringify(error).includes('secret')]).toEqual([status, code, false]);
  });
});

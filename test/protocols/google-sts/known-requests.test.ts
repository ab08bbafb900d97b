/** What stands around a token is read once and known again: never so that another token, or another place for it, would be read differently. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseForm } from '../../../src/protocols/google-sts/request.ts';

const GRANT = 'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange';
const TYPE = 'subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt';
const RESOURCE = 'resource=https%3A%2F%2Forders.example.com';

/** The same body, its token spelt with an escape: that is never known again, so it is read from the beginning. */
function escaped(token: string): string {
  return `%${(token.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}${token.slice(1)}`;
}

describe('a request that is known but for its token', () => {
  it('is that of the one before, with the token of its own', () => {
    const body = (token: string): string => `${GRANT}&${TYPE}&subject_token=${token}&${RESOURCE}`;
    const [one, other] = [parseForm(body('first.token.x')), parseForm(body('second.token.y'))];
    expect(one).toMatchObject({
      ok: true,
      value: { subjectToken: 'first.token.x', resource: 'https://orders.example.com' },
    });
    expect(other).toEqual({ ok: true, value: { ...(one.ok ? one.value : {}), subjectToken: 'second.token.y' } });
  });

  it.each([
    ['twice', `${GRANT}&${TYPE}&subject_token=a.b.c&subject_token=d.e.f`],
    ['twice, once in disguise', `${GRANT}&${TYPE}&subject_token=a.b.c&subject%5Ftoken=d.e.f`],
    ['twice, in disguise first', `${GRANT}&${TYPE}&subject%5Ftoken=d.e.f&subject_token=a.b.c`],
    ['of blanks', `${GRANT}&${TYPE}&subject_token=+%20`],
    ['that is too long', `${GRANT}&${TYPE}&subject_token=${'a'.repeat(16_385)}`],
  ])('refuses a token %s, also where the rest is known', (_what, body) => {
    expect(parseForm(`${GRANT}&${TYPE}&subject_token=g.h.i`).ok).toBe(true);
    expect(parseForm(body)).toMatchObject({ ok: false, error: { parameter: 'subject_token' } });
  });

  it('whatever stands around it is read as if nothing were known', () => {
    const around = fc.constantFrom(
      GRANT,
      TYPE,
      RESOURCE,
      'subject_token=',
      'subject_token',
      'subject_token=late.token.z',
      'subject%5Ftoken=x',
      'xsubject_token=y',
      'audience=',
      'scope=a+b',
      'scope=b',
      'options=%7B%7D',
      'actor_token=',
      '=subject_token=',
      '',
      'é=é',
    );
    // No escape, no plus, no ampersand: with those it is read from the beginning anyway.
    const tokens = fc.string({ unit: fc.constantFrom(...'aZ9._-~= '), minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(around, { maxLength: 4 }),
        fc.array(around, { maxLength: 4 }),
        tokens,
        tokens,
        (before, after, token, another) => {
          const body = (spelt: string): string => [...before, `subject_token=${spelt}`, ...after].join('&');
          parseForm(body(another));
          expect(parseForm(body(token))).toEqual(parseForm(body(escaped(token))));
          const usual = (spelt: string): string =>
            [GRANT, TYPE, ...before, `subject_token=${spelt}`, ...after].join('&');
          parseForm(usual(another));
          expect(parseForm(usual(token))).toEqual(parseForm(usual(escaped(token))));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

/** The form reader against the platform's own: whatever comes, both read the same. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readForm } from '../../../src/protocols/google-sts/form.ts';

/** The `&` keeps a leading `?` from being taken away, as it would be from a query. */
const asThePlatform = (body: string): unknown => [...new URLSearchParams(`&${body}`)];

it.each([
  ['nothing', ''],
  ['separators alone', '&&&'],
  ['a leading question mark', '?a=b&c=d'],
  ['a name without a value', 'a&b=&=c&='],
  ['equals signs in a value', 'a=b=c==d'],
  ['a plus, and one that is escaped', 'a+b=c+d%2B'],
  ['a stray percent sign', 'a=100%&b=%zz&c=%2&%=%'],
  ['bytes that are no UTF-8', 'a=%ff%fe&b=%c0%80&c=%ed%a0%80&d=%f4%90%80%80'],
  ['a byte order mark', '%EF%BB%BFa=%EF%BB%BFb'],
  ['a plus beside bytes that are no UTF-8', 'a=+%ff+&%ff+=b'],
  ['letters beyond ASCII, escaped and not', 'a=%C3%A9é%F0%9F%92%A9💩'],
  ['a null byte', 'a=%00&%00=b'],
])('%s', (_what, body) => {
  expect(readForm(body)).toEqual(asThePlatform(body));
});

it('whatever the body, as the platform reads it', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '&',
      '=',
      '+',
      '%',
      '%2',
      '%41',
      '%C3%A9',
      '%ff',
      '%E2%82',
      '?',
      'grant_type',
      'é',
      '%26',
      '%3D',
      '%25',
    ),
    fc.string({ unit: 'grapheme', maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const body = pieces.join('');
      expect(readForm(body)).toEqual(asThePlatform(body));
    }),
    { numRuns: 2_000 },
  );
});

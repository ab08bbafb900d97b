/** Keys by discovery: whatever an issuer publishes, a token is let in exactly where a key of its signer stands in the set under the token's `kid`. */
import fc from 'fast-check';
import { keyDocument, kidsOf } from '../key-documents.ts';
import { CLUSTERS } from '../names.ts';
import { keySetOf } from '../oracle/key-sets.ts';
import { subjectOf } from '../oracle/tokens.ts';
import type { FuzzProperty } from '../property.ts';
import { ask, decode, expectExchange, letIn, type Outcome } from '../speak.ts';
import { claimsFor, exchangeOf, expectedOf, makeToken, NO_EDITS, rareTokenEdits } from '../workload-tokens.ts';

const CLUSTER = CLUSTERS.discovery;

const step = fc.record({
  publishes: fc.oneof({ weight: 4, arbitrary: keyDocument }, { weight: 1, arbitrary: fc.constant(() => undefined) }),
  signer: fc.constantFrom('a', 'a', 'b', 'c'),
  kid: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('key-a', 'key-b', 'key-c', 'key-rsa', 'nobody') },
  ),
  edits: rareTokenEdits,
});

export const discovery: FuzzProperty = {
  name: 'keys by discovery: sets that an issuer publishes, names that it does not',
  share: 9,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 2 }), async (steps) => {
        for (const { publishes, signer, kid, edits } of steps) {
          const issuer = world.issuers[signer];
          world.outside.published = publishes(world.issuers);
          const set = keySetOf(world.outside.published ?? '', 'published');
          const { token, header, payload, isSigned } = await makeToken(issuer, claimsFor(CLUSTER), edits, kid);
          const expected = expectedOf(CLUSTER, kidsOf(set, issuer));
          const answer = await ask(world, '/v1/token', exchangeOf(CLUSTER, token), tally);
          let outcome: Outcome = letIn(isSigned ? subjectOf(header, payload, expected) : undefined);
          // What is no token at all is refused before anybody looks for a key.
          if (set === undefined) outcome = edits === NO_EDITS || answer.status === 503 ? 'unavailable' : 'refused';
          expectExchange(
            world,
            answer,
            outcome,
            `${decode(header)} . ${decode(payload)} by ${world.outside.published}`,
          );
        }
      }),
      options,
    ),
};

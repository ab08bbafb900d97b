/** Tokens that are taken once: of each `jti` exactly one exchange is granted, whatever else is changed of the token; a refusal uses nothing up. */
import fc from 'fast-check';
import { oddValue } from '../mutations.ts';
import { CLUSTERS } from '../names.ts';
import { subjectOf, tokenIdOf } from '../oracle/tokens.ts';
import type { FuzzProperty } from '../property.ts';
import { askOnce, decode, expectExchange, letIn } from '../speak.ts';
import { claimsFor, exchangeOf, expectedOf, makeToken, rareTokenEdits } from '../workload-tokens.ts';

const CLUSTER = CLUSTERS.singleUse;

const step = fc.record({
  jti: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('jti-1', 'jti-2', 'jti-3', 'JTI-1') },
    { weight: 1, arbitrary: oddValue },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(256), 'x'.repeat(257)) },
  ),
  edits: rareTokenEdits,
});

export const singleUse: FuzzProperty = {
  name: 'tokens that are taken once',
  share: 5,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        await world.reset();
        const taken = new Set<string>();
        for (const { jti, edits } of steps) {
          const { token, header, payload, isSigned } = await makeToken(
            world.issuers.a,
            claimsFor(CLUSTER, { jti }),
            edits,
          );
          const id = tokenIdOf(payload);
          const isFresh = id !== undefined && !taken.has(id);
          const expected = { ...expectedOf(CLUSTER), maxLifetimeSeconds: 3_600 };
          const subject = isSigned && isFresh ? subjectOf(header, payload, expected) : undefined;
          const answer = await askOnce(world, '/v1/token', exchangeOf(CLUSTER, token), tally);
          expectExchange(
            world,
            answer,
            letIn(subject),
            `${decode(header)} . ${decode(payload)} after ${[...taken].join()}`,
          );
          if (id !== undefined && answer.status === 200) taken.add(id);
        }
      }),
      options,
    ),
};

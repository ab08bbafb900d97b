/** Tokens: whatever stands in header, payload and signature, who is let in is who a second opinion lets in. */
import fc from 'fast-check';
import { CLUSTERS } from '../names.ts';
import { subjectOf } from '../oracle/tokens.ts';
import type { FuzzProperty } from '../property.ts';
import { ask, decode, expectExchange, letIn } from '../speak.ts';
import { claimsFor, exchangeOf, expectedOf, makeToken, tokenEdits } from '../workload-tokens.ts';

const CLUSTER = CLUSTERS.uploaded;

export const tokens: FuzzProperty = {
  name: 'tokens with changed headers and payloads, signed again',
  share: 22,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(tokenEdits, async (edits) => {
        const { token, header, payload, isSigned } = await makeToken(world.issuers.a, claimsFor(CLUSTER), edits);
        const subject = isSigned ? subjectOf(header, payload, expectedOf(CLUSTER)) : undefined;
        const answer = await ask(world, '/v1/token', exchangeOf(CLUSTER, token), tally);
        expectExchange(world, answer, letIn(subject), `${decode(header)} . ${decode(payload)} . ${edits.signature}`);
      }),
      options,
    ),
};

/** TokenReview: whatever the API server answers, only its plain yes lets in, its no refuses, anything else is 503; and nobody is asked about a token that does not hold. */
import fc from 'fast-check';
import { encode, type Json, textEdits, valueEdit } from '../mutations.ts';
import { CLUSTERS } from '../names.ts';
import { reviewOf } from '../oracle/reviews.ts';
import { subjectOf, uidOf } from '../oracle/tokens.ts';
import type { FuzzProperty } from '../property.ts';
import { ask, decode, expectExchange, letIn, type Outcome } from '../speak.ts';
import { claimsFor, exchangeOf, expectedOf, makeToken, rareTokenEdits } from '../workload-tokens.ts';

const CLUSTER = CLUSTERS.reviewed;
const USERNAME = 'system:serviceaccount:shop:checkout';
const UID = '7c1b4f2e-0000-4000-8000-000000000001';

const YES = { authenticated: true, user: { username: USERNAME, uid: UID }, audiences: [`https:${CLUSTER.audience}`] };
const STATUSES: readonly Json[] = [
  YES,
  YES,
  { ...YES, audiences: [] },
  { authenticated: false },
  { user: {}, error: 'gone' },
];
const PATHS = [
  ['apiVersion'],
  ['kind'],
  ['spec'],
  ['status'],
  ['status', 'authenticated'],
  ['status', 'user'],
  ['status', 'user', 'username'],
  ['status', 'user', 'uid'],
  ['status', 'audiences'],
  ['status', '__proto__'],
];

const review = fc
  .tuple(
    fc.constantFrom(...STATUSES),
    fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(valueEdit(PATHS), { maxLength: 2 }) },
    ),
    fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: textEdits }),
  )
  .map(([status, edits, textual]) => {
    const right: Json = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: {}, status };
    const bytes = encode(edits.reduce<Json>((document, edit) => edit(document), right));
    return textual?.(bytes) ?? bytes;
  });

const answered = fc.record({
  status: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(200, 201) },
    { weight: 1, arbitrary: fc.constantFrom(202, 302, 401, 500) },
  ),
  body: review,
});

const VERDICTS = { confirms: { subject: 'ns/shop/sa/checkout' }, refuses: 'refused', useless: 'unavailable' } as const;

export const tokenReview: FuzzProperty = {
  name: 'a second opinion of the cluster, right, wrong or away',
  share: 5,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 9, arbitrary: answered }, { weight: 1, arbitrary: fc.constant(undefined) }),
        rareTokenEdits,
        async (given, edits) => {
          await world.reset();
          const { outside, issuers } = world;
          if (given !== undefined) {
            outside.review = () => new Response(given.body, { status: given.status });
          }
          const { token, header, payload, isSigned } = await makeToken(issuers.a, claimsFor(CLUSTER), edits);
          const subject = isSigned ? subjectOf(header, payload, expectedOf(CLUSTER)) : undefined;
          const answer = await ask(world, '/v1/token', exchangeOf(CLUSTER, token), tally);
          const isAnswer = given !== undefined && given.status <= 201;
          const asked = { username: USERNAME, uid: UID, audiences: expectedOf(CLUSTER).audiences };
          const verdict = isAnswer ? reviewOf(given.body, asked) : 'useless';
          // A token that was changed and still holds is somebody else's, or the same: the answer must be about exactly him.
          const isOwn = subject === 'ns/shop/sa/checkout' && uidOf(payload) === UID;
          const strict: Outcome = isOwn ? VERDICTS[verdict] : verdict === 'useless' ? 'unavailable' : 'refused';
          const said = `${decode(header)} . ${decode(payload)} with ${given?.status} ${decode(given?.body ?? new Uint8Array())}`;
          expectExchange(world, answer, subject === undefined ? letIn(undefined) : strict, said);
          if (subject === undefined && outside.reviewsAsked > 0)
            throw new Error(`asked about a token that does not hold: ${said}`);
        },
      ),
      options,
    ),
};

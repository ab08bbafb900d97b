/** `:denyUids` and `:distrustKey`: a body is taken exactly when a second opinion takes it, and whom it shuts out is out at the next exchange, and nobody else. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { encode, type Json, oddText, textEdits, valueEdit } from '../mutations.ts';
import { CLUSTERS, NOW_SECONDS, POOL } from '../names.ts';
import { deniedBy, distrustedBy } from '../oracle/shut-out.ts';
import type { FuzzProperty } from '../property.ts';
import { administer, ask, decode, expectExchange, expectTaken, letIn } from '../speak.ts';
import { claimsFor, exchangeOf, makeToken } from '../workload-tokens.ts';
import type { World } from '../world.ts';

const CLUSTER = CLUSTERS.uploaded;
const SUBJECT = 'ns/shop/sa/checkout';
/** ServiceAccount, pod and node of every token here. */
const OWN_UIDS = [
  '7c1b4f2e-0000-4000-8000-000000000001',
  '11110000-0000-4000-8000-000000000002',
  '5f0a0000-0000-4000-8000-000000000009',
];
const TIMES = [
  '2027-01-15T08:10:00Z',
  '2027-01-15T09:00:00.5+00:30',
  '2027-02-14T07:00:00Z',
  '2027-01-15T07:00:00Z',
  '1999-12-31T23:59:59Z',
  '2027-02-15T09:00:00Z',
  '2027-02-30T00:00:00Z',
  '2027-01-15',
  '2027-01-15T08:10:00',
  '2027-01-15T24:10:00Z',
  '2027-01-15T08:10:60Z',
];

const edited = (paths: readonly string[]) =>
  fc.tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(valueEdit(paths.map((path) => [path])), { minLength: 1, maxLength: 1 }) },
    ),
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: textEdits }),
  );

type Edited = ReturnType<typeof edited> extends fc.Arbitrary<infer One> ? One : never;

const denial = fc.record({
  verb: fc.constant('denyUids' as const),
  uids: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...OWN_UIDS, 'somebody-else', 'x'.repeat(128)) },
      { weight: 1, arbitrary: fc.oneof(oddText, fc.constantFrom('x'.repeat(129), OWN_UIDS[0]?.toUpperCase() ?? '')) },
    ),
    { minLength: 0, maxLength: 3 },
  ),
  until: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...TIMES.slice(0, 3)) },
    { weight: 1, arbitrary: fc.constantFrom(...TIMES) },
  ),
  edits: edited(['uids', 'until', 'extra', '__proto__']),
});

const distrust = fc.record({
  verb: fc.constant('distrustKey' as const),
  whose: fc.constantFrom('a', 'b'),
  edits: edited(['thumbprint', 'extra', '__proto__']),
});

export const shutOut: FuzzProperty = {
  name: 'uids that are denied and keys that are distrusted',
  share: 5,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(fc.oneof(denial, distrust), async (call) => {
        await world.reset();
        const isDenial = call.verb === 'denyUids';
        const document: Json = isDenial
          ? { uids: call.uids, until: call.until }
          : { thumbprint: thumbprintOf(world, call.whose) };
        const body = written(document, call.edits);
        const path = isDenial ? POOL : CLUSTER.provider;
        const answer = await administer(world, 'POST', `/v1/${path}:${call.verb}`, body, tally);
        const denied = isDenial ? deniedBy(body, NOW_SECONDS) : undefined;
        const distrusted = isDenial ? undefined : distrustedBy(body);
        expectTaken(world, answer, (denied ?? distrusted) !== undefined, decode(body));
        const isOut =
          (denied !== undefined &&
            denied.untilSeconds > NOW_SECONDS &&
            denied.uids.some((uid) => OWN_UIDS.includes(uid))) ||
          distrusted === thumbprintOf(world, 'a');
        const { token } = await makeToken(world.issuers.a, claimsFor(CLUSTER));
        const asked = await ask(world, '/v1/token', exchangeOf(CLUSTER, token), tally);
        expectExchange(
          world,
          asked,
          letIn(isOut ? undefined : SUBJECT),
          `a right token after ${call.verb} ${decode(body)}`,
        );
      }),
      options,
    ),
};

function written(document: Json, [edits, textual]: Edited): Uint8Array<ArrayBuffer> {
  const bytes = encode(edits.reduce<Json>((one, edit) => edit(one), document));
  return textual?.(bytes) ?? bytes;
}

/** RFC 7638, by its own words. */
function thumbprintOf(world: World, whose: 'a' | 'b'): string {
  const { kty, crv, x, y } = world.issuers[whose].publicJwk;
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/**
 * Pushed keys: pushes and exchanges in a row, with tokens of both kinds, of whoever, used once or again, and with whatever set. A push is
 * taken exactly when a second opinion takes it; after each, the keys of the newest taken set verify and no others.
 */
import fc from 'fast-check';
import { isSameKey, keyDocument, kidsOf } from '../key-documents.ts';
import { encode, oddValue, textEdits } from '../mutations.ts';
import { type ClusterName, CLUSTERS } from '../names.ts';
import { type Jwk, type KeySet, keySetOf } from '../oracle/key-sets.ts';
import { isStrictObject } from '../oracle/strict-json.ts';
import { subjectOf, tokenIdOf } from '../oracle/tokens.ts';
import { JSON_TYPES, OTHER_TYPES, usually } from '../parameters.ts';
import type { FuzzProperty } from '../property.ts';
import { askOnce, decode, expectExchange, expectTaken, letIn } from '../speak.ts';
import { claimsFor, exchangeOf, expectedOf, makeToken, rareTokenEdits } from '../workload-tokens.ts';
import type { World } from '../world.ts';

const CLUSTER = CLUSTERS.pushed;
const AGENT = { namespace: 'kube-system', serviceAccount: 'key-agent' };
const AGENTS_SUBJECT = 'ns/kube-system/sa/key-agent';

const often = <T>(value: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const step = fc.record({
  pushes: fc.constantFrom(true, true, false),
  /** The door that the token is shown at is mostly the one it is made for. */
  isForThis: often<boolean | 'for both'>(true, false, 'for both'),
  /** Where a push goes; its token is always for the one cluster. */
  cluster: often<ClusterName>(CLUSTER, CLUSTERS.discovery, CLUSTERS.uploaded),
  signer: fc.constantFrom('a', 'a', 'a', 'a', 'b', 'c'),
  kid: often<string | undefined>(undefined, 'key-a', 'key-b', 'nobody'),
  account: often<typeof AGENT | undefined>(AGENT, undefined),
  jti: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('jti-1', 'jti-2', 'jti-3', 'jti-4') },
    { weight: 1, arbitrary: oddValue },
  ),
  edits: rareTokenEdits,
  document: keyDocument,
  body: fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: textEdits }),
  extra: often<object>({}, { displayName: 'x' }, { jwksJson: { keys: [] } }, { jwksJson: null }),
  type: usually(JSON_TYPES, OTHER_TYPES),
});

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** What the second opinion keeps of the steps so far. */
interface Standing {
  trusted: KeySet;
  readonly usedIds: Set<string>;
}

export const pushes: FuzzProperty = {
  name: 'pushes and exchanges in a row, with tokens of both kinds',
  share: 10,
  check: (world, tally, options) =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        await world.reset();
        const { jwksJson } = world.issuers.a;
        const standing: Standing = { trusted: keySetOf(jwksJson, 'handed over') ?? new Map(), usedIds: new Set() };
        for (const one of steps) {
          const made = await tokenOf(world, one);
          if (one.pushes) {
            const body = bodyOf(world, one);
            const headers = {
              authorization: `Bearer ${made.token}`,
              ...(one.type === '' ? {} : { 'content-type': one.type }),
            };
            const init = { method: 'POST', headers, body };
            const answer = await askOnce(world, `/v1/${one.cluster.provider}:pushKeys`, init, tally);
            const set = takenSet(one, made, body, standing, world);
            expectTaken(
              world,
              answer,
              set !== undefined,
              `${said(made)} with ${decode(body)} after ${[...standing.trusted.keys()].join()}`,
            );
            if (set === undefined) continue;
            standing.trusted = set;
            standing.usedIds.add(tokenIdOf(made.payload) ?? '');
          } else {
            const answer = await askOnce(world, '/v1/token', exchangeOf(CLUSTER, made.token), tally);
            const kids = kidsOf(standing.trusted, world.issuers[one.signer]);
            const subject = made.isSigned ? subjectOf(made.header, made.payload, expectedOf(CLUSTER, kids)) : undefined;
            expectExchange(world, answer, letIn(subject), said(made));
          }
        }
      }),
      options,
    ),
};

type Made = Awaited<ReturnType<typeof makeToken>>;

async function tokenOf(
  world: World,
  { pushes: isPush, isForThis, signer, kid, account, jti, edits }: Step,
): Promise<Made> {
  const [exchange, push] = [`https:${CLUSTER.audience}`, `https:${CLUSTER.audience}:pushKeys`];
  const one = isPush === isForThis ? push : exchange;
  const audience = isForThis === 'for both' ? [exchange, push] : one;
  const claims = claimsFor(CLUSTER, { audience, jti, ...(account === undefined ? {} : { account }) });
  return makeToken(world.issuers[signer], claims, edits, kid);
}

function bodyOf(world: World, { document, extra, body }: Step): Uint8Array<ArrayBuffer> {
  const bytes = encode({ jwksJson: document(world.issuers), ...extra });
  return body?.(bytes) ?? bytes;
}

/** The set that is trusted from now on, or undefined where nothing may change. */
function takenSet(
  { cluster, type, signer }: Step,
  { header, payload, isSigned }: Made,
  body: Uint8Array,
  { trusted, usedIds }: Standing,
  world: World,
): KeySet | undefined {
  const audience = `${CLUSTER.audience}:pushKeys`;
  const kids = kidsOf(trusted, world.issuers[signer]);
  const expected = { ...expectedOf(CLUSTER, kids), audiences: [audience, `https:${audience}`] };
  const isAgents = isSigned && subjectOf(header, payload, expected) === AGENTS_SUBJECT;
  const id = tokenIdOf(payload);
  if (cluster !== CLUSTER || !isAgents || id === undefined || usedIds.has(id) || !JSON_TYPES.includes(type))
    return undefined;
  const members = isStrictObject(body);
  const text = members?.get('jwksJson');
  const set = members?.size === 1 && typeof text === 'string' ? keySetOf(text, 'handed over') : undefined;
  const old = [...trusted.values()];
  const goesOn = [...(set?.values() ?? [])].some((key) => verifies(key) && old.some((known) => isSameKey(known, key)));
  return goesOn ? set : undefined;
}

/** The provider takes RS256 and ES256: a key for anything else carries no rotation on. */
function verifies({ kty, alg, crv }: Jwk): boolean {
  return alg === undefined ? kty === 'RSA' || crv === 'P-256' : alg === 'RS256' || alg === 'ES256';
}

function said({ header, payload }: Made): string {
  return `${decode(header)} . ${decode(payload)}`;
}

/** Parameters of a token request, changed one by one, and the rules of CONTRACT for them, said once more. */
import fc from 'fast-check';
import { oddText } from './mutations.ts';
import { CLUSTERS, TARGET_URI } from './names.ts';
import { isStrictObject } from './oracle/strict-json.ts';
import { claimsFor, GRANT_TYPE, makeToken, rightRequest, TOKEN_TYPE } from './workload-tokens.ts';
import type { World } from './world.ts';

/** Who asks: what is changed here is never the token. */
const CLUSTER = CLUSTERS.uploaded;
export const SUBJECT = 'ns/shop/sa/checkout';

const NAMES = [
  'grant_type',
  'audience',
  'scope',
  'requested_token_type',
  'subject_token',
  'subject_token_type',
  'options',
  'resource',
  'actor_token',
  'actor_token_type',
];
const VALUES = [
  GRANT_TYPE,
  CLUSTER.audience,
  `https:${CLUSTER.audience}`,
  TARGET_URI,
  `${TOKEN_TYPE}jwt`,
  `${TOKEN_TYPE}id_token`,
  `${TOKEN_TYPE}access_token`,
  `${TOKEN_TYPE}saml2`,
  '{}',
  '%7B%7D',
  '{"userProject":"x"}',
  '{"accessBoundary":{}}',
  '{"a":1,"a":2}',
  'read write',
  'openid',
  'a"b',
  CLUSTER.provider,
];
export const parameterName = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(...NAMES, 'grantType', 'subjectToken', 'subjectTokenType', 'requestedTokenType'),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      oddText,
      fc.constantFrom('Grant_Type', 'SUBJECT_TOKEN', 'subject_to\u212aen', 'audience[]', 'x'),
    ),
  },
);
const parameterValue = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: oddText },
);

/** One change to the list of parameters. */
export const parameterEdit = fc
  .tuple(fc.constantFrom('set', 'add', 'remove', 'double', 'token blank'), parameterName, parameterValue, fc.nat(20))
  .map(([how, key, text, at]) => (pairs: readonly Pair[]): readonly Pair[] => {
    switch (how) {
      case 'set':
        return [...pairs.filter(([one]) => one !== key), [key, text]];
      case 'add':
        return [...pairs.slice(0, at), [key, text], ...pairs.slice(at)];
      case 'remove':
        return pairs.filter((_, index) => index !== at % pairs.length);
      case 'double':
        return [...pairs, ...pairs.slice(at % pairs.length, (at % pairs.length) + 1)];
      default:
        return pairs.map(([one, said]) => [one, one === 'subject_token' ? ` ${String(said)}\n` : said] as const);
    }
  });

export type Pair = readonly [string, unknown];

export const FORM_TYPES = ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=UTF-8'];
export const JSON_TYPES = ['application/json', 'APPLICATION/JSON; charset=utf-8'];
export const OTHER_TYPES = [
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/json5',
  '',
  'application/x-www-form-urlencoded2',
];
export const usually = <T>(often: readonly T[], rarely: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...often) }, { weight: 1, arbitrary: fc.constantFrom(...rarely) });

/** The rules of CONTRACT for the parameters, said once more. An empty value is none, and so is null in JSON. */
export function mayBeGranted(pairs: readonly Pair[], token: string): boolean {
  const given = pairs.filter(([key]) => NAMES.includes(key));
  if (new Set(given.map(([key]) => key)).size !== given.length) return false;
  const present = given.filter(([, said]) => said !== '' && said !== null);
  if (present.some(([, said]) => typeof said !== 'string' || said.includes('\ufffd'))) return false;
  const all = new Map(present.map(([key, said]) => [key, String(said)]));
  const types = ['jwt', 'id_token'].map((one) => TOKEN_TYPE + one);
  return (
    all.get('grant_type') === GRANT_TYPE &&
    all.get('subject_token')?.trim() === token &&
    types.includes(all.get('subject_token_type') ?? '') &&
    [...types, `${TOKEN_TYPE}access_token`].includes(all.get('requested_token_type') ?? `${TOKEN_TYPE}jwt`) &&
    (all.get('audience') ?? CLUSTER.audience) === CLUSTER.audience &&
    (all.get('resource') ?? TARGET_URI) === TARGET_URI &&
    !all.has('actor_token') &&
    !all.has('actor_token_type') &&
    [...(all.get('scope') ?? '')].every(
      (letter) => letter >= ' ' && letter <= '~' && letter !== '"' && letter !== '\\',
    ) &&
    (all.get('scope') ?? '').length <= 4_096 &&
    optionsAreHarmless(all.get('options'))
  );
}

function optionsAreHarmless(options: string | undefined): boolean {
  if (options === undefined) return true;
  const plain = isStrictObject(new TextEncoder().encode(options));
  const members =
    plain ??
    (options.includes('%7B') ? isStrictObject(new TextEncoder().encode(decodeURIComponent(options))) : undefined);
  return members !== undefined && !members.has('accessBoundary');
}

const made = new WeakMap<World, Promise<string>>();
export function rightToken(world: World): Promise<string> {
  const known = made.get(world) ?? makeToken(world.issuers.a, claimsFor(CLUSTER)).then(({ token }) => token);
  made.set(world, known);
  return known;
}

/** A right request, as pairs to be changed. */
export function rightPairs(token: string): readonly Pair[] {
  return Object.entries(rightRequest(CLUSTER, token));
}

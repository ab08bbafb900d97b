/** Condition keys: those that every request here has, and those that a verified token brings under its issuer's name (WIRE.md F.5). */
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts';
import { issuerPrefix, oidcProviderArn } from '../arn.ts';
import type { SessionTags } from '../session-tags.ts';

/** By key in lower case. An empty list is as good as none. */
export type ConditionKeys = ReadonlyMap<string, readonly string[]>;

/** Keys of AWS's own that mean the same here. */
const GLOBAL = new Set([
  'aws:currenttime',
  'aws:epochtime',
  'aws:federatedprovider',
  'aws:tagkeys',
  'sts:durationseconds',
  'sts:rolesessionname',
  'sts:sourceidentity',
  'sts:transitivetagkeys',
]);

/** Those whose value passes with time. */
export const TIME_KEYS: ReadonlySet<string> = new Set(['aws:currenttime', 'aws:epochtime']);

const OWN = /^(?:aws|sts|iam):/;

/** Undefined: it may stand in a policy. */
export function faultOfKey(key: string): string | undefined {
  const lower = key.toLowerCase();
  // At AWS this key may have a value: a Deny that asks for it would never bind here.
  if (OWN.test(lower)) {
    const isKnown = GLOBAL.has(lower) || /^aws:requesttag\/./.test(lower);
    return isKnown ? undefined : 'this key has no value here, so nothing would enforce it';
  }
  return /^[^:\s]+(?::\d+)?[^:\s]*:[^:\s]+$/.test(key) ? undefined : 'a key is ISSUER:CLAIM or one of aws: or sts:';
}

export interface Asking {
  readonly accountId: string;
  readonly issuerUri: string;
  readonly claims: JsonObject;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly tags: SessionTags;
  readonly nowSeconds: number;
}

/** Never a condition's business: who signed it and when, which verification has settled. */
const NOT_KEYS = new Set(['aud', 'azp', 'oaud', 'iss', 'exp', 'iat', 'nbf']);

export function conditionKeys(asking: Asking): ConditionKeys {
  // An issuer that is called as AWS's own keys begin does not speak for the request.
  const ofToken = [...keysOfToken(asking)].filter(([key]) => !OWN.test(key));
  return new Map([...ofToken, ...keysOfRequest(asking)]);
}

function keysOfToken({ issuerUri, claims }: Asking): ConditionKeys {
  const keys = new Map<string, readonly string[]>();
  const keyOf = (name: string): string => `${issuerPrefix(issuerUri)}:${name}`.toLowerCase();
  for (const [name, value] of Object.entries(claims)) {
    // With a colon in it, a claim of this issuer could be spelt as one of another's.
    if (NOT_KEYS.has(name.toLowerCase()) || name.includes(':')) continue;
    // Two claims that differ in case only are one key, of two values: then nobody can say which was meant, and no Allow applies.
    keys.set(keyOf(name), [...(keys.get(keyOf(name)) ?? []), ...textsOf(value)]);
  }
  keys.set(keyOf('sub'), textsOf(claims['sub'] ?? null));
  const audience = textsOf(claims['aud'] ?? null);
  const authorized = textsOf(claims['azp'] ?? null);
  keys.set(keyOf('aud'), authorized.length > 0 ? authorized : audience);
  keys.set(keyOf('oaud'), authorized.length > 0 ? audience : []);
  return keys;
}

function keysOfRequest(asking: Asking): ConditionKeys {
  const { accountId, issuerUri, tags, nowSeconds } = asking;
  return new Map<string, readonly string[]>([
    ['aws:currenttime', [new Date(nowSeconds * 1_000).toISOString()]],
    ['aws:epochtime', [String(nowSeconds)]],
    ['aws:federatedprovider', [oidcProviderArn(accountId, issuerUri)]],
    ['aws:tagkeys', tags.tags.map(({ key }) => key)],
    ['sts:durationseconds', [String(asking.durationSeconds)]],
    ['sts:rolesessionname', [asking.sessionName]],
    ['sts:sourceidentity', tags.sourceIdentity === undefined ? [] : [tags.sourceIdentity]],
    ['sts:transitivetagkeys', tags.transitiveKeys],
    ...tags.tags.map(({ key, value }) => [`aws:requesttag/${key.toLowerCase()}`, [value]] as const),
  ]);
}

/** Texts, truth and numbers; lists of them. Objects are no values of conditions. */
function textsOf(value: JsonValue): readonly string[] {
  const list: readonly JsonValue[] = isList(value) ? value : [value];
  const isPlain = list.every((one) => one !== null && !isList(one) && !isJsonObject(one));
  return isPlain ? list.map(String) : [];
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

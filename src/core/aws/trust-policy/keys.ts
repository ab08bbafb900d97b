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

/** Undefined: it may stand in a policy. */
export function faultOfKey(key: string): string | undefined {
  const lower = key.toLowerCase();
  // At AWS this key may have a value: a Deny that asks for it would never bind here.
  if (/^(?:aws|sts|iam):/.test(lower)) {
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
  const { accountId, issuerUri, claims, tags, nowSeconds } = asking;
  const keys = new Map<string, readonly string[]>([
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
  const prefix = issuerPrefix(issuerUri).toLowerCase();
  const put = (name: string, values: readonly string[]): unknown => keys.set(`${prefix}:${name}`.toLowerCase(), values);
  for (const [name, value] of Object.entries(claims)) {
    // Two claims that differ in case only are one key, of two values: then nobody can say which was meant, and no Allow applies.
    const before = keys.get(`${prefix}:${name}`.toLowerCase()) ?? [];
    if (!NOT_KEYS.has(name.toLowerCase())) put(name, [...before, ...textsOf(value)]);
  }
  put('sub', textsOf(claims['sub'] ?? null));
  const audience = textsOf(claims['aud'] ?? null);
  const authorized = textsOf(claims['azp'] ?? null);
  put('aud', authorized.length > 0 ? authorized : audience);
  put('oaud', authorized.length > 0 ? audience : []);
  return keys;
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

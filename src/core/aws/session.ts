/** A role's session: what its sealed token says. Nothing of it is kept anywhere, so all that a verifier must know is in it. */
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from '../json.ts';
import type { SessionTag, SessionTags } from './session-tags.ts';

export interface RoleSession extends SessionTags {
  readonly projectNumber: string;
  /** Of the service account that the role is. */
  readonly uniqueId: string;
  readonly roleArn: string;
  readonly sessionName: string;
  /** Who took the role, in full. */
  readonly principal: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
}

/** Tags and their keys as JSON, in bytes; AWS counts otherwise and says as little about how (`PackedPolicySize`). */
export const MAX_PACKED_BYTES = 2_048;

/** As short as it may be: it travels with every request. */
export function encodeSession(session: RoleSession): string {
  const { projectNumber, uniqueId, roleArn, sessionName, principal, issuedAtSeconds, expiresAtSeconds } = session;
  const fixed = [projectNumber, uniqueId, roleArn, sessionName, principal, issuedAtSeconds, expiresAtSeconds];
  return JSON.stringify([...fixed, packedTags(session), session.sourceIdentity ?? null]);
}

/** Undefined for anything that `encodeSession` did not write. */
export function decodeSession(text: string): RoleSession | undefined {
  const parsed = parseStrictJson(text);
  if (!parsed.ok || !isList(parsed.value) || parsed.value.length !== 9) return undefined;
  const [projectNumber, uniqueId, roleArn, sessionName, principal, issued, expires, packed, source] = parsed.value;
  if (typeof projectNumber !== 'string' || typeof uniqueId !== 'string' || typeof roleArn !== 'string')
    return undefined;
  if (typeof sessionName !== 'string' || typeof principal !== 'string') return undefined;
  if (typeof issued !== 'number' || typeof expires !== 'number' || !isJsonObject(packed)) return undefined;
  return {
    projectNumber,
    uniqueId,
    roleArn,
    sessionName,
    principal,
    issuedAtSeconds: issued,
    expiresAtSeconds: expires,
    tags: Object.entries(packed).flatMap(([key, value]): SessionTag[] =>
      typeof value === 'string' ? [{ key: key.slice(1), value }] : [],
    ),
    transitiveKeys: Object.keys(packed).flatMap((key) => (key.startsWith('+') ? [key.slice(1)] : [])),
    ...(typeof source === 'string' ? { sourceIdentity: source } : {}),
  };
}

export function packedBytes(tags: SessionTags): number {
  if (tags.tags.length === 0) return 0;
  return new TextEncoder().encode(JSON.stringify(packedTags(tags))).length;
}

/** A plus sign before the key: it goes on from role to role. */
function packedTags({ tags, transitiveKeys }: SessionTags): JsonObject {
  const keyed = tags.map(({ key, value }) => [`${transitiveKeys.includes(key) ? '+' : '-'}${key}`, value] as const);
  return Object.fromEntries(keyed);
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** `AROA…`, the role's unique id as AWS has one: the account's own number in other letters, so never another role's. */
export function roleId(uniqueId: string): string {
  let rest = BigInt(uniqueId);
  let text = '';
  while (rest > 0n) {
    text = `${BASE32[Number(rest & 31n)]}${text}`;
    rest >>= 5n;
  }
  return `AROA${text.padStart(17, 'A')}`;
}

export function userId({ uniqueId, sessionName }: Pick<RoleSession, 'uniqueId' | 'sessionName'>): string {
  return `${roleId(uniqueId)}:${sessionName}`;
}

const KEY_ID = /^ASIA([A-Z2-7]{16})$/;
const ACCOUNT_BITS = 40n;

/** `ASIA` and 80 bits: the account, and as many of chance. `random`: of 40 bits. */
export function sessionKeyId(accountId: string, random: bigint): string {
  let bits = (BigInt(accountId) << ACCOUNT_BITS) | (random & ((1n << ACCOUNT_BITS) - 1n));
  let text = '';
  for (let at = 0; at < 16; at++) {
    text = `${BASE32[Number(bits & 31n)]}${text}`;
    bits >>= 5n;
  }
  return `ASIA${text}`;
}

/** Undefined: no id that we gave out looks so. */
export function accountOfKeyId(keyId: string): string | undefined {
  const [, text] = KEY_ID.exec(keyId) ?? [];
  if (text === undefined) return undefined;
  let bits = 0n;
  for (const character of text) bits = (bits << 5n) | BigInt(BASE32.indexOf(character));
  const account = String(bits >> ACCOUNT_BITS).padStart(12, '0');
  return account.length === 12 ? account : undefined;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A second opinion on key sets: which keys of a document may verify, or that the document is not taken. Points and moduli are left to OpenSSL and BigInt. */
import { createPublicKey } from 'node:crypto';
import { isStrictObject } from './strict-json.ts';

export interface Jwk {
  readonly kty: string;
  readonly alg: unknown;
  readonly crv: unknown;
  readonly x: unknown;
  readonly y: unknown;
  readonly n: unknown;
}

/** By name. `published`: by an issuer, where what has no name or an unknown curve is passed over instead of refusing the rest. */
export type KeySet = ReadonlyMap<string, Jwk>;
type Kind = 'handed over' | 'published';
type Members = ReadonlyMap<string, unknown>;

const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  RSA: ['RS256', 'RS384', 'RS512'],
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
};
const COORDINATE_BYTES: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };
const KNOWN_ALGORITHMS = Object.values(FAMILIES).flat();

export function keySetOf(text: string, kind: Kind): KeySet | undefined {
  if (text.length > 65_536) return undefined;
  const entries = isStrictObject(new TextEncoder().encode(text))?.get('keys');
  if (!Array.isArray(entries) || entries.length > (kind === 'published' ? 100 : 8)) return undefined;
  const keys = new Map<string, Jwk>();
  for (const entry of entries as readonly unknown[]) {
    const verdict = judge(entry, kind);
    if (verdict === 'spoils the set') return undefined;
    if (verdict === 'is passed over') continue;
    if (keys.has(verdict.kid)) return undefined;
    keys.set(verdict.kid, verdict.jwk);
  }
  return keys.size === 0 ? undefined : keys;
}

type Judged = 'spoils the set' | 'is passed over' | { readonly kid: string; readonly jwk: Jwk };

function judge(entry: unknown, kind: Kind): Judged {
  if (!(entry instanceof Map)) return 'spoils the set';
  const key: Members = entry;
  const isSecret = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth', 'priv'].some((member) => key.has(member));
  const texts = ['kty', 'alg', 'use', 'kid', 'n', 'e', 'crv', 'x', 'y'];
  const allTexts = texts.every((member) => !key.has(member) || typeof key.get(member) === 'string');
  const [kty, crv, alg, kid] = [key.get('kty'), key.get('crv'), key.get('alg'), key.get('kid') ?? ''];
  if (isSecret || !allTexts || kty === undefined || kty === 'oct') return 'spoils the set';
  if (kty !== 'RSA' && kty !== 'EC') return 'is passed over';
  const isForeignCurve = kty === 'EC' && typeof crv === 'string' && !Object.hasOwn(COORDINATE_BYTES, crv);
  if (kind === 'published' && isForeignCurve) return 'is passed over';
  if (key.has('use') && key.get('use') !== 'sig') return 'is passed over';
  if (key.has('alg') && !KNOWN_ALGORITHMS.includes(String(alg))) return 'is passed over';
  if (kind === 'handed over' && kid === '') return 'spoils the set';
  // oxlint-disable-next-line no-control-regex -- the rule is about control characters
  if (typeof kid !== 'string' || kid.length > 256 || /[\u0000-\u001f\u007f-\u009f]/.test(kid)) return 'spoils the set';
  const isSound = kty === 'RSA' ? isSoundModulus(key) : isPoint(key);
  if (!isSound) return 'spoils the set';
  const family = FAMILIES[kty === 'RSA' ? 'RSA' : String(crv)] ?? [];
  if (key.has('alg') && !family.includes(String(alg))) return 'spoils the set';
  return kid === ''
    ? 'is passed over'
    : { kid, jwk: { kty, alg, crv, x: key.get('x'), y: key.get('y'), n: key.get('n') } };
}

function isPoint(key: Members): boolean {
  const [crv, x, y] = [String(key.get('crv')), bytesOf(key.get('x')), bytesOf(key.get('y'))];
  const size = Object.hasOwn(COORDINATE_BYTES, crv) ? COORDINATE_BYTES[crv] : undefined;
  if (size === undefined || x?.length !== size || y?.length !== size) return false;
  try {
    createPublicKey({
      key: { kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') },
      format: 'jwk',
    });
    return true;
  } catch {
    return false;
  }
}

/** That a modulus is one of Infineon's by chance is not going to happen here. */
function isSoundModulus(key: Members): boolean {
  const modulus = bytesOf(key.get('n'));
  if (modulus === undefined || modulus.length === 0 || modulus[0] === 0 || key.get('e') !== 'AQAB') return false;
  const value = BigInt(`0x${modulus.toString('hex')}`);
  const bits = value.toString(2).length;
  if (bits < 2_048 || bits > 8_192) return false;
  for (let factor = 2n; factor <= 167n; factor++) if (value % factor === 0n) return false;
  return true;
}

function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string') return undefined;
  const bytes = Buffer.from(value, 'base64url');
  return bytes.toString('base64url') === value ? bytes : undefined;
}

/** A JWKS → the public keys that verification may use. What a platform would import only by mistake never gets that far. */
import { decodeBase64Url } from '../base64url.ts';
import { checkNoControl } from './fields.ts';
import { isJsonObject, parseStrictJson, type JsonObject, type JsonValue } from '../json.ts';
import type { PublicJwk, SubjectAlgorithm } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import { isOnCurve, modulusFault } from './weak-keys.ts';

/** A key as a document has it; its thumbprint is for others to compute. */
export type BareJwk = Omit<PublicJwk, 'thumbprint' | 'trustedFromSeconds'>;

export interface KeySet {
  readonly keys: readonly BareJwk[];
  readonly warnings: readonly string[];
}

const MAX_JWKS_CHARACTERS = 65_536;
const MAX_KID_CHARACTERS = 256;

/** The keys of `text`, or sentences saying why the whole set is refused. A key of an unknown sort never spoils its neighbours (CVE-2026-42576). */
export function readJwks(text: string, maxKeys: number): Result<KeySet, readonly string[]> {
  if (text.length > MAX_JWKS_CHARACTERS) return err([`longer than ${MAX_JWKS_CHARACTERS} characters`]);
  const json = parseStrictJson(text);
  if (!json.ok) return err([json.error]);
  const entries = isJsonObject(json.value) ? json.value['keys'] : undefined;
  if (!Array.isArray(entries)) return err(['must be a JSON object with an array "keys"']);
  if (entries.length > maxKeys) return err([`holds ${entries.length} keys; at most ${maxKeys} are taken`]);
  const verdicts = entries.map((entry: JsonValue, index) => judge(entry, `keys[${index}]`));
  const keys = verdicts.flatMap((verdict) => (verdict.tag === 'usable' ? [verdict.key] : []));
  const refusals = [
    ...verdicts.flatMap((verdict) => (verdict.tag === 'refused' ? [verdict.why] : [])),
    ...repeatedKids(keys),
  ];
  if (refusals.length > 0) return err(refusals);
  const warnings = verdicts.flatMap((verdict) => (verdict.tag === 'skipped' ? [verdict.why] : []));
  if (keys.length === 0) return err(['holds no key that can verify a token', ...warnings]);
  return ok({ keys, warnings });
}

/**
 * The set as a text of its own: the members that verification needs and nothing else. What was uploaded is not given back,
 * for beside its keys it may hold what its owner did not mean to show.
 */
export function jwksText(keys: readonly BareJwk[]): string {
  return JSON.stringify({ keys });
}

/** Warnings about keys that no allowed algorithm can ever use. */
export function idleKeys(keys: readonly BareJwk[], allowed: readonly SubjectAlgorithm[]): readonly string[] {
  return keys
    .filter((key) => isIdle(key, allowed))
    .map((key) => `key "${key.kid}" verifies nothing: allowedAlgorithms has no algorithm for it`);
}

export function isIdle(key: BareJwk, allowed: readonly SubjectAlgorithm[]): boolean {
  return !algorithmsOf(key).some((algorithm) => allowed.includes(algorithm));
}

type Verdict =
  | { readonly tag: 'usable'; readonly key: BareJwk }
  | { readonly tag: 'skipped'; readonly why: string }
  | { readonly tag: 'refused'; readonly why: string };

/** Members of private and symmetric keys, RFC 7518 §6 and the `AKP` type. */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth', 'priv'];
const KEPT_TEXTS = ['kty', 'alg', 'use', 'kid', 'n', 'e', 'crv', 'x', 'y'] as const;

function judge(entry: JsonValue, at: string): Verdict {
  if (!isJsonObject(entry)) return refused(at, 'is not an object');
  const secret = SECRET_MEMBERS.find((member) => Object.hasOwn(entry, member));
  // A private key that was pasted here has left its owner's hands: say so instead of dropping the member in silence.
  if (secret !== undefined)
    return refused(at, `has the secret member "${secret}": upload public keys only, and replace this key`);
  if (entry['kty'] === 'oct') return refused(at, 'is a symmetric key: who can verify with it can also sign');
  const notText = KEPT_TEXTS.find((member) => Object.hasOwn(entry, member) && typeof entry[member] !== 'string');
  if (notText !== undefined) return refused(at, `has a "${notText}" that is not a string`);
  const { kty } = entry;
  if (kty === undefined) return refused(at, 'has no "kty"');
  if (kty !== 'RSA' && kty !== 'EC') return skipped(at, `has the unknown key type ${JSON.stringify(kty)}`);
  if (entry['use'] !== undefined && entry['use'] !== 'sig') return skipped(at, 'is not for signatures ("use")');
  const { alg } = entry;
  if (typeof alg === 'string' && !isSubjectAlgorithm(alg)) {
    return skipped(at, `is for the algorithm ${JSON.stringify(alg)}, which is not used here`);
  }
  return judgeKnown(entry, kty, at);
}

function judgeKnown(entry: JsonObject, kty: 'RSA' | 'EC', at: string): Verdict {
  const kid = textOf(entry, 'kid');
  if (kid === '') return refused(at, 'has no "kid"');
  if (kid.length > MAX_KID_CHARACTERS) return refused(at, `has a "kid" longer than ${MAX_KID_CHARACTERS} characters`);
  if (checkNoControl('kid', kid).length > 0) return refused(at, 'has a "kid" with a control character');
  const fault = kty === 'RSA' ? rsaFault(entry) : ecFault(entry);
  if (fault !== undefined) return refused(at, fault);
  const members = kty === 'RSA' ? (['n', 'e'] as const) : (['crv', 'x', 'y'] as const);
  const kept = [...members, 'alg' as const, 'use' as const].filter((member) => typeof entry[member] === 'string');
  const key: BareJwk = { kty, kid, ...Object.fromEntries(kept.map((member) => [member, entry[member]])) };
  const { alg } = key;
  if (alg !== undefined && !algorithmsOf({ ...key, alg: undefined }).some((algorithm) => algorithm === alg)) {
    return refused(at, `has "alg" ${JSON.stringify(alg)}, which does not fit its type or curve`);
  }
  return { tag: 'usable', key };
}

const RSA_MIN_BITS = 2_048;
const RSA_MAX_BITS = 8_192;
/** 65537. Smaller exponents forge, larger ones are a way to burn our time. */
const RSA_EXPONENT = 'AQAB';

function rsaFault(entry: JsonObject): string | undefined {
  const modulus = decodeBase64Url(textOf(entry, 'n'));
  if (modulus === undefined) return 'has no "n" in canonical base64url';
  const [first = 0] = modulus;
  if (first === 0) return 'has an "n" that begins with a zero byte (RFC 7518 §6.3.1.1)';
  const bits = modulus.length * 8 - (Math.clz32(first) - 24);
  if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS) {
    return `has ${bits} bits; between ${RSA_MIN_BITS} and ${RSA_MAX_BITS} are accepted`;
  }
  if (textOf(entry, 'e') !== RSA_EXPONENT) return 'has an exponent "e" other than AQAB (65537)';
  return modulusFault(modulus);
}

const CURVES: ReadonlyMap<string, { readonly bytes: number; readonly algorithm: SubjectAlgorithm }> = new Map([
  ['P-256', { bytes: 32, algorithm: 'ES256' }],
  ['P-384', { bytes: 48, algorithm: 'ES384' }],
  ['P-521', { bytes: 66, algorithm: 'ES512' }],
]);

function ecFault(entry: JsonObject): string | undefined {
  const curve = CURVES.get(textOf(entry, 'crv'));
  if (curve === undefined) return 'has a curve "crv" other than P-256, P-384 and P-521';
  const coordinates = (['x', 'y'] as const).map((member) => decodeBase64Url(textOf(entry, member)));
  const [x, y] = coordinates.map((bytes) => (bytes?.length === curve.bytes ? bytes : undefined));
  if (x === undefined || y === undefined) {
    return `has an "${x === undefined ? 'x' : 'y'}" that is not ${curve.bytes} bytes in canonical base64url`;
  }
  return isOnCurve(textOf(entry, 'crv'), x, y) ? undefined : 'is a point that is not on its curve';
}

const RSA_ALGORITHMS: readonly SubjectAlgorithm[] = ['RS256', 'RS384', 'RS512'];
const SUBJECT_ALGORITHMS: readonly SubjectAlgorithm[] = [...RSA_ALGORITHMS, 'ES256', 'ES384', 'ES512'];

export function isSubjectAlgorithm(text: string): text is SubjectAlgorithm {
  return SUBJECT_ALGORITHMS.some((algorithm) => algorithm === text);
}

/** What a key may verify: by its own `alg` where it has one, else by type and curve. */
function algorithmsOf(key: { kty: string; alg?: string | undefined; crv?: string }): readonly SubjectAlgorithm[] {
  const { alg } = key;
  if (alg !== undefined) return isSubjectAlgorithm(alg) ? [alg] : [];
  if (key.kty === 'RSA') return RSA_ALGORITHMS;
  const curve = CURVES.get(key.crv ?? '');
  return curve === undefined ? [] : [curve.algorithm];
}

/** Two keys of one name: which of them verifies would depend on the reader. */
function repeatedKids(keys: readonly BareJwk[]): readonly string[] {
  const kids = keys.map((key) => key.kid);
  const repeated = new Set(kids.filter((kid, index) => kids.indexOf(kid) !== index));
  return [...repeated].map((kid) => `holds the "kid" ${JSON.stringify(kid)} twice`);
}

function textOf(entry: JsonObject, member: string): string {
  const value = entry[member];
  return typeof value === 'string' ? value : '';
}

function refused(at: string, why: string): Verdict {
  return { tag: 'refused', why: `${at} ${why}` };
}

function skipped(at: string, why: string): Verdict {
  return { tag: 'skipped', why: `${at} ${why}; it is skipped` };
}

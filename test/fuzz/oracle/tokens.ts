/** A second opinion on tokens: the rules of one for a cluster, said once more and sharing no line with the broker. */
import { isStrictObject } from './strict-json.ts';

export interface Expected {
  /** The names under which the signer's key is trusted. */
  readonly kids: readonly string[];
  readonly issuerUri: string;
  readonly audiences: readonly string[];
  readonly nowSeconds: number;
  readonly maxLifetimeSeconds?: number;
}

/** Who a validly signed token is for a cluster that expects this: `ns/NAMESPACE/sa/NAME`, or undefined for nobody. */
export function subjectOf(headerBytes: Uint8Array, payloadBytes: Uint8Array, expected: Expected): string | undefined {
  const [header, claims] = [isStrictObject(headerBytes), isStrictObject(payloadBytes)];
  if (header === undefined || claims === undefined) return undefined;
  const known = ['alg', 'kid', 'typ', 'x5t', 'x5t#S256'];
  if ([...header.keys()].some((name) => !known.includes(name))) return undefined;
  if (header.get('alg') !== 'ES256' || !expected.kids.some((kid) => kid === header.get('kid'))) return undefined;
  const typ = header.has('typ') ? header.get('typ') : 'JWT';
  if (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT') return undefined;
  if (claims.get('iss') !== expected.issuerUri || claims.has('kubernetes.io/serviceaccount/namespace'))
    return undefined;
  const aud = claims.get('aud');
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.length !== 1 || !expected.audiences.some((one) => one === audiences[0])) return undefined;
  if (!timesHold(claims, expected)) return undefined;
  const own = claims.get('kubernetes.io');
  if (!(own instanceof Map)) return undefined;
  const namespace: unknown = own.get('namespace');
  const account = nameOf(own.get('serviceaccount'), true);
  if (own.has('pod') && nameOf(own.get('pod'), true) === undefined) return undefined;
  if (own.has('node') && nameOf(own.get('node'), false) === undefined) return undefined;
  if (typeof namespace !== 'string' || namespace.length > 63 || !isLabel(namespace) || account === undefined)
    return undefined;
  if (claims.get('sub') !== `system:serviceaccount:${namespace}:${account}`) return undefined;
  const subject = `ns/${namespace}/sa/${account}`;
  return subject.length <= 127 ? subject : undefined;
}

function timesHold(
  claims: ReadonlyMap<string, unknown>,
  { nowSeconds, maxLifetimeSeconds = 86_400 }: Expected,
): boolean {
  const seconds = (name: string): number => {
    const value = claims.get(name);
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 253_402_300_800
      ? value
      : Number.NaN;
  };
  const [exp, iat] = [seconds('exp'), seconds('iat')];
  const nbf = claims.has('nbf') ? seconds('nbf') : 0;
  return (
    exp > iat &&
    exp - iat <= maxLifetimeSeconds &&
    exp - nowSeconds >= 2 &&
    iat <= nowSeconds + 60 &&
    nbf <= nowSeconds + 60
  );
}

/** The name of a thing of Kubernetes with its uid; only a node may come without one. */
function nameOf(thing: unknown, needsUid: boolean): string | undefined {
  if (!(thing instanceof Map)) return undefined;
  const [name, uid]: readonly unknown[] = [thing.get('name'), thing.get('uid')];
  if (typeof name !== 'string' || name.length > 253 || !name.split('.').every(isLabel)) return undefined;
  if (!needsUid && (uid === undefined || uid === '')) return name;
  return typeof uid === 'string' && uid !== '' && uid.length <= 128 && !/[^A-Za-z0-9_.-]/.test(uid) ? name : undefined;
}

function isLabel(label: string): boolean {
  return label !== '' && !/[^a-z0-9-]/.test(label) && !label.startsWith('-') && !label.endsWith('-');
}

/** What makes a token one that is taken once, or undefined where it has no such name. */
export function tokenIdOf(payloadBytes: Uint8Array): string | undefined {
  const jti = isStrictObject(payloadBytes)?.get('jti');
  return typeof jti === 'string' && jti.length > 0 && jti.length <= 256 ? jti : undefined;
}

/** The uid of the ServiceAccount that a payload speaks of. */
export function uidOf(payloadBytes: Uint8Array): unknown {
  const own = isStrictObject(payloadBytes)?.get('kubernetes.io');
  const account: unknown = own instanceof Map ? own.get('serviceaccount') : undefined;
  return account instanceof Map ? account.get('uid') : undefined;
}

/** A second opinion on what may pass, written on its own: a JSON reader and a token's rules that share no line with the broker. */

class NotStrict extends Error {}

/** Strict JSON by recursive descent, at most 16 levels; members come as a Map, so nothing is inherited. */
function readStrict(text: string): unknown {
  let at = 0;
  const whole = readValue(1);
  blanks();
  if (at !== text.length) throw new NotStrict('text behind the value');
  return whole;

  function readValue(depth: number): unknown {
    blanks();
    const first = text[at];
    if (first === '{') return readObject(depth);
    if (first === '[') return readArray(depth);
    if (first === '"') return readString();
    for (const [word, meaning] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (!text.startsWith(word, at)) continue;
      at += word.length;
      return meaning;
    }
    return readNumber();
  }

  function readObject(depth: number): ReadonlyMap<string, unknown> {
    if (depth > 16) throw new NotStrict('too deep');
    const members = new Map<string, unknown>();
    at += 1;
    blanks();
    if (take('}')) return members;
    do {
      blanks();
      const name = readString();
      if (members.has(name)) throw new NotStrict('twice');
      blanks();
      if (!take(':')) throw new NotStrict('no colon');
      members.set(name, readValue(depth + 1));
      blanks();
    } while (take(','));
    if (!take('}')) throw new NotStrict('object not closed');
    return members;
  }

  function readArray(depth: number): readonly unknown[] {
    if (depth > 16) throw new NotStrict('too deep');
    const items: unknown[] = [];
    at += 1;
    blanks();
    if (take(']')) return items;
    do {
      items.push(readValue(depth + 1));
      blanks();
    } while (take(','));
    if (!take(']')) throw new NotStrict('array not closed');
    return items;
  }

  function readString(): string {
    if (!take('"')) throw new NotStrict('no string');
    let said = '';
    for (;;) {
      const character = text[at++];
      if (character === undefined || character < ' ') throw new NotStrict('string not closed');
      if (character === '"') break;
      said += character === '\\' ? readEscape() : character;
    }
    for (let unit = 0; unit < said.length; unit++) {
      const code = said.codePointAt(unit) ?? 0;
      if (code >= 0xd800 && code <= 0xdfff) throw new NotStrict('lone surrogate');
      if (code > 0xffff) unit += 1;
    }
    return said;
  }

  function readEscape(): string {
    const letter = text[at++] ?? '';
    if (letter === 'u') {
      const digits = text.slice(at, at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new NotStrict('escape');
      at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meant = new Map(
      [...'"\\/']
        .map((one) => [one, one] as const)
        .concat([
          ['b', '\b'],
          ['f', '\f'],
          ['n', '\n'],
          ['r', '\r'],
          ['t', '\t'],
        ]),
    ).get(letter);
    if (meant === undefined) throw new NotStrict('escape');
    return meant;
  }

  function readNumber(): number {
    const [spelled = ''] = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/.exec(text.slice(at, at + 400)) ?? [];
    if (spelled === '') throw new NotStrict('no value');
    at += spelled.length;
    const value = Number(spelled);
    if (value > 2 ** 53 - 1 || value < 1 - 2 ** 53) throw new NotStrict('number');
    return value;
  }

  function take(character: string): boolean {
    if (text[at] !== character) return false;
    at += 1;
    return true;
  }

  function blanks(): void {
    while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at += 1;
  }
}

export function isStrictObject(bytes: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  try {
    const value = readStrict(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return value instanceof Map ? (value as ReadonlyMap<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export interface Expected {
  readonly kid: string;
  readonly issuerUri: string;
  readonly audiences: readonly string[];
  readonly nowSeconds: number;
}

/** Who a validly signed token is for a cluster that expects this: `ns/NAMESPACE/sa/NAME`, or undefined for nobody. */
export function subjectOf(headerBytes: Uint8Array, payloadBytes: Uint8Array, expected: Expected): string | undefined {
  const [header, claims] = [isStrictObject(headerBytes), isStrictObject(payloadBytes)];
  if (header === undefined || claims === undefined) return undefined;
  const known = ['alg', 'kid', 'typ', 'x5t', 'x5t#S256'];
  if ([...header.keys()].some((name) => !known.includes(name))) return undefined;
  if (header.get('alg') !== 'ES256' || header.get('kid') !== expected.kid) return undefined;
  const typ = header.has('typ') ? header.get('typ') : 'JWT';
  if (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT') return undefined;
  if (claims.get('iss') !== expected.issuerUri || claims.has('kubernetes.io/serviceaccount/namespace'))
    return undefined;
  const aud = claims.get('aud');
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.length !== 1 || !expected.audiences.some((one) => one === audiences[0])) return undefined;
  if (!timesHold(claims, expected.nowSeconds)) return undefined;
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

function timesHold(claims: ReadonlyMap<string, unknown>, nowSeconds: number): boolean {
  const seconds = (name: string): number => {
    const value = claims.get(name);
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 253_402_300_800
      ? value
      : Number.NaN;
  };
  const [exp, iat] = [seconds('exp'), seconds('iat')];
  const nbf = claims.has('nbf') ? seconds('nbf') : 0;
  return exp > iat && exp - iat <= 86_400 && exp - nowSeconds >= 2 && iat <= nowSeconds + 60 && nbf <= nowSeconds + 60;
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

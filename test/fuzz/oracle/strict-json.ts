/** A second opinion on JSON, written on its own: a strict reader that shares no line with the broker's. */

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

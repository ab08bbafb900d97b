/** The titles of the tests in a file, as they stand in the code: what is said to prove something must be a test, not a word somewhere. */

/** First arguments of `it`, `test` and `describe`, also behind `.each(…)`; and every text that stands in quotes, for the rows of a table. */
export interface Titles {
  readonly tests: ReadonlySet<string>;
  readonly texts: ReadonlySet<string>;
}

const CALLERS = new Set(['it', 'test', 'describe']);
/** What may stand before a regular expression, and never before a division. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};>]|\breturn)\s*$/;

type Token =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'word'; readonly value: string }
  | { readonly kind: 'mark'; readonly value: string };

export function titlesIn(code: string): Titles {
  const tokens = [...tokensOf(code)];
  const tests = new Set<string>();
  tokens.forEach((token, at) => {
    if (token.kind !== 'word' || !CALLERS.has(token.value) || isMark(tokens[at - 1], '.')) return;
    const first = tokens[argumentOf(tokens, at + 1)];
    if (first?.kind === 'text') tests.add(first.value);
  });
  return { tests, texts: new Set(tokens.filter((token) => token.kind === 'text').map(({ value }) => value)) };
}

/** Behind `it(` or `it.each(…)(`, nothing else: a test that is skipped or to be done proves nothing. */
function argumentOf(tokens: readonly Token[], from: number): number {
  if (isMark(tokens[from], '(')) return from + 1;
  const each = tokens[from + 1];
  if (!isMark(tokens[from], '.') || each?.kind !== 'word' || each.value !== 'each') return -1;
  let depth = 0;
  for (let at = afterTypes(tokens, from + 2); at < tokens.length; at++) {
    if (isMark(tokens[at], '(')) depth += 1;
    if (isMark(tokens[at], ')')) depth -= 1;
    if (depth === 0) return isMark(tokens[at + 1], '(') ? at + 2 : -1;
  }
  return -1;
}

/** Behind `<[string, () => number]>`, where it is there. */
function afterTypes(tokens: readonly Token[], from: number): number {
  if (!isMark(tokens[from], '<')) return from;
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    if (isMark(tokens[at], '<')) depth += 1;
    if (isMark(tokens[at], '>') && !isMark(tokens[at - 1], '=')) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return tokens.length;
}

function isMark(token: Token | undefined, value: string): boolean {
  return token?.kind === 'mark' && token.value === value;
}

function* tokensOf(code: string): Generator<Token> {
  let at = 0;
  while (at < code.length) {
    const rest = code.slice(at, at + 20_000);
    const skipped = /^(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)/.exec(rest)?.[0];
    const text = /^(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")/.exec(rest)?.[0];
    const word = /^[A-Za-z_$][\w$]*/.exec(rest)?.[0];
    const isRegex = rest.startsWith('/') && BEFORE_REGEX.test(code.slice(Math.max(0, at - 40), at));
    const regex = isRegex ? /^\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/.exec(rest)?.[0] : undefined;
    const template = rest.startsWith('`') ? templateAt(code, at) : undefined;
    if (skipped === undefined) {
      if (text !== undefined) yield { kind: 'text', value: unquoted(text) };
      else if (word !== undefined) yield { kind: 'word', value: word };
      else if (template === undefined && regex === undefined) yield { kind: 'mark', value: rest.charAt(0) };
    }
    at += (skipped ?? text ?? word ?? regex ?? template ?? rest.charAt(0)).length;
  }
}

/** A template from its backtick to its last, whatever stands in its braces. */
function templateAt(code: string, from: number): string {
  let at = from + 1;
  while (at < code.length && code[at] !== '`') {
    if (code[at] === '\\') at += 2;
    else if (code.startsWith('${', at)) at = closingBrace(code, at + 2);
    else at += 1;
  }
  return code.slice(from, at + 1);
}

function closingBrace(code: string, from: number): number {
  let depth = 1;
  let at = from;
  while (at < code.length && depth > 0) {
    const quoted = /^(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")/.exec(code.slice(at, at + 2_000))?.[0];
    if (code[at] === '`') at += templateAt(code, at).length;
    else if (quoted !== undefined) at += quoted.length;
    else {
      if (code[at] === '{') depth += 1;
      if (code[at] === '}') depth -= 1;
      at += 1;
    }
  }
  return at;
}

function unquoted(text: string): string {
  return text
    .slice(1, -1)
    .replaceAll(/\\(u[0-9a-f]{4}|.)/gi, (_, escape: string) =>
      escape.length === 5 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : (ESCAPES[escape] ?? escape),
    );
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

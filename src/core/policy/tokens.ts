/** The words of an expression, and what is none. Only for saying what is wrong: what is valid, the engine's parser decides. */
export interface Token {
  readonly kind: 'string' | 'number' | 'name' | 'infix' | 'prefix' | 'mark' | 'broken';
  readonly text: string;
  readonly offset: number;
  /** Of a broken one: what is wrong with it. */
  readonly problem?: string;
}

type Kind = Token['kind'] | 'blank';

/** Tried in this order at each place. */
const PATTERNS: readonly (readonly [Kind, RegExp])[] = [
  ['blank', /[ \t\n\f\r]+|\/\/[^\n]*\n/y],
  ['string', /[bB]?[rR](?:"""[^]*?"""|'''[^]*?'''|"(?!"")[^"\r\n]*"|'(?!'')[^'\r\n]*')/y],
  ['string', /[bB]?(?:"""(?:\\[^]|[^\\])*?"""|'''(?:\\[^]|[^\\])*?''')/y],
  ['string', /[bB]?(?:"(?!"")(?:\\[^\r\n]|[^"\\\r\n])*"|'(?!'')(?:\\[^\r\n]|[^'\\\r\n])*')/y],
  ['broken', /(?:[bB]?[rR]|[bB])?["']/y],
  ['number', /0x[0-9a-fA-F]+[uU]?|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[uU]?/y],
  ['infix', /in(?![A-Za-z0-9_])|&&|\|\||[=!<>]=|[-+*/%<>]/y],
  ['name', /[A-Za-z_]\w*/y],
  ['prefix', /!/y],
  ['mark', /[()[\]{}?:,.]/y],
  ['broken', /[^]/uy],
];

const OTHER_SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['=', `'=' is no operator: equal is written '=='`],
  ['&', `'&' is no operator: and is written '&&'`],
  ['|', `'|' is no operator: or is written '||'`],
]);

export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  while (offset < source.length) {
    const { kind, text } = tokenAt(source, offset);
    if (kind === 'broken') return [...tokens, { kind, text, offset, problem: problemOf(source, offset, text) }];
    if (kind !== 'blank') tokens.push({ kind, text, offset });
    offset += text.length;
  }
  return tokens;
}

function tokenAt(source: string, offset: number): { readonly kind: Kind; readonly text: string } {
  if (source.startsWith('//', offset) && !source.includes('\n', offset)) return { kind: 'broken', text: '//' };
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = offset;
    const [text = ''] = pattern.exec(source) ?? [];
    if (text !== '') return { kind, text };
  }
  return { kind: 'broken', text: source.charAt(offset) };
}

function problemOf(source: string, offset: number, text: string): string {
  if (text === '//') return 'a comment ends with a line break';
  if (/["']$/.test(text)) return 'this string is not closed';
  if (/[\u2018-\u201f\u00ab\u00bb]/.test(text)) return `'${text}' is no quotation mark of CEL: use " or '`;
  // What cannot be seen, such as a no-break space, is told by its number.
  const code = (source.codePointAt(offset) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const shown = /^[!-~]$/.test(text) ? `'${text}'` : `U+${code}`;
  return OTHER_SPELLINGS.get(text) ?? `${shown} has no meaning here`;
}

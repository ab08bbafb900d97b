/**
 * Where an expression that does not parse goes wrong. The parser goes back to the last thing that was complete and blames what follows,
 * which is often a correct operator lines before the mistake; this reads on from the left until something cannot stand where it stands.
 */
import { faultAt, positionOf, type CelFault } from './fault.ts';
import { tokensOf, type Token } from './tokens.ts';

/** A bracket that is open, or a `?` that waits for its `:`. */
interface Open {
  readonly mark: string;
  readonly offset: number;
  /** Commas may stand in it. */
  readonly isList: boolean;
}

const CLOSERS: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);
const WORDS: ReadonlyMap<string, string> = new Map([
  ['and', '&&'],
  ['or', '||'],
  ['not', '!'],
]);
const END = 'the end of the expression';

/** Undefined where the order of the words is right: then the parser's own complaint is the better one. */
export function diagnose(source: string): CelFault | undefined {
  const reader = new Reader(source);
  for (const token of tokensOf(source)) {
    const problem = reader.read(token);
    if (problem !== undefined) return faultAt(source, token.offset, problem);
  }
  const problem = reader.end();
  return problem === undefined ? undefined : faultAt(source, endOf(source), problem);
}

class Reader {
  readonly #source: string;
  readonly #open: Open[] = [];
  #expects: 'value' | 'operator' | 'name' = 'value';
  /** After `[`, `{`, the `(` of a call, and the last comma of a list or map. */
  #mayClose = false;
  /** After a name: a bracket makes it a call. */
  #isCallable = false;

  constructor(source: string) {
    this.#source = source;
  }

  /** What is wrong with this token here, or undefined. */
  read(token: Token): string | undefined {
    if (token.kind === 'broken') return token.problem;
    if (this.#expects === 'name') {
      if (token.kind !== 'name' && token.text !== 'in') return `a name is expected after '.'`;
      this.#valueEnds(true);
      return undefined;
    }
    return this.#expects === 'value' ? this.#readValue(token) : this.#readOperator(token);
  }

  end(): string | undefined {
    if (this.#expects === 'name') return `a name is expected after '.'`;
    if (this.#expects === 'value' && !this.#mayClose) return `a value is expected before ${END}`;
    const open = this.#open.at(-1);
    return open === undefined ? undefined : this.#unclosed(open, END);
  }

  #readValue({ kind, text, offset }: Token): string | undefined {
    if (kind === 'string' || kind === 'number' || kind === 'name') {
      this.#valueEnds(kind === 'name');
    } else if (kind === 'prefix' || text === '-') {
      this.#mayClose = false;
    } else if (text === '.') {
      this.#expects = 'name';
    } else if (CLOSERS.has(text)) {
      this.#opens({ mark: text, offset, isList: text !== '(' }, text !== '(');
    } else if (/[)\]}]/.test(text) && this.#mayClose) {
      return this.#closes(text);
    } else if (text !== ',' || !this.#isEmptyList()) {
      return `a value is expected before '${text}'`;
    }
    return undefined;
  }

  #readOperator({ kind, text, offset }: Token): string | undefined {
    const top = this.#open.at(-1);
    const isCall = this.#isCallable && (text === '(' || text === '{');
    if (kind === 'infix') {
      this.#valueBegins();
    } else if (isCall) {
      this.#opens({ mark: text, offset, isList: true }, true);
    } else if (text === '[' || text === '?') {
      this.#opens({ mark: text, offset, isList: false }, false);
    } else if (kind !== 'mark' || CLOSERS.has(text)) {
      return operatorExpected(kind, text);
    } else if (text === '.') {
      this.#expects = 'name';
    } else if (text === ':') {
      if (top?.mark === '?') this.#open.pop();
      else if (top?.mark !== '{') return `':' stands after a '?' or in a map only`;
      this.#valueBegins();
    } else if (text === ',') {
      if (top?.mark === '?') return this.#unclosed(top, `','`);
      if (top?.isList !== true) return `',' stands in calls, lists and maps only`;
      this.#valueBegins();
      this.#mayClose = top.mark !== '(';
    } else {
      return this.#closes(text);
    }
    return undefined;
  }

  #closes(text: string): string | undefined {
    const top = this.#open.at(-1);
    if (top === undefined) return `'${text}' closes nothing`;
    if (CLOSERS.get(top.mark) !== text) return this.#unclosed(top, `'${text}'`);
    this.#open.pop();
    this.#valueEnds(false);
    return undefined;
  }

  #unclosed({ mark, offset }: Open, before: string): string {
    const closer = CLOSERS.get(mark);
    if (closer === undefined) return `':' is expected before ${before}`;
    const { line, column } = positionOf(this.#source, offset);
    return `'${closer}' is expected before ${before}: '${mark}' at ${line}:${column} is open`;
  }

  #opens(open: Open, mayClose: boolean): void {
    this.#open.push(open);
    this.#expects = 'value';
    this.#mayClose = mayClose;
  }

  #valueBegins(): void {
    this.#expects = 'value';
    this.#mayClose = false;
  }

  #valueEnds(isCallable: boolean): void {
    this.#expects = 'operator';
    this.#isCallable = isCallable;
    this.#mayClose = false;
  }

  /** `[,]` is an empty list. */
  #isEmptyList(): boolean {
    const top = this.#open.at(-1);
    return this.#mayClose && top !== undefined && top.mark !== '(';
  }
}

function operatorExpected(kind: Token['kind'], text: string): string {
  if (kind === 'string') return 'an operator is expected before this string';
  const written = WORDS.get(text.toLowerCase());
  const hint = written === undefined ? '' : `: ${text.toLowerCase()} is written '${written}'`;
  return `an operator is expected before '${text}'${hint}`;
}

/** Behind the last thing written: nobody looks for a mistake in blank lines. */
function endOf(source: string): number {
  const last = tokensOf(source).at(-1);
  return last === undefined ? 0 : last.offset + last.text.length;
}

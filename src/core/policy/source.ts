/** What can be told from the text alone, before a recursive parser sees it. */
interface SourceShape {
  /** `&&`, `||` and `!` as they are written; the parser folds `!!x` away and macros add operators of their own. */
  readonly logicalOperators: number;
  readonly bracketDepth: number;
  /** Where the deepest bracket opens. */
  readonly deepestOffset: number;
}

export function shapeOf(source: string): SourceShape {
  let logicalOperators = 0;
  let depth = 0;
  let bracketDepth = 0;
  let deepestOffset = 0;
  let offset = 0;
  while (offset < source.length) {
    const character = source.charAt(offset);
    if (source.startsWith('//', offset)) {
      // A quote in a comment opens nothing; taken for one, it would hide every operator behind it.
      const end = source.indexOf('\n', offset);
      offset = end < 0 ? source.length : end;
      continue;
    }
    if (character === '"' || character === "'") {
      offset = endOfLiteral(source, offset);
      continue;
    }
    if ('([{'.includes(character)) {
      depth += 1;
      if (depth > bracketDepth) [bracketDepth, deepestOffset] = [depth, offset];
    }
    if (')]}'.includes(character)) depth -= 1;
    const pair = source.slice(offset, offset + 2);
    if (pair === '&&' || pair === '||') logicalOperators += 1;
    if (character === '!' && pair !== '!=') logicalOperators += 1;
    offset += pair === '&&' || pair === '||' || pair === '!=' ? 2 : 1;
  }
  return { logicalOperators, bracketDepth, deepestOffset };
}

/** The offset after a string literal that begins at `start`; the end of the source where it is never closed. */
function endOfLiteral(source: string, start: number): number {
  const quote = source.charAt(start);
  const fence = source.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  const isRaw = /(?<![A-Za-z0-9_])(?:[rR][bB]?|[bB][rR])$/.test(source.slice(Math.max(0, start - 3), start));
  let offset = start + fence.length;
  while (offset < source.length) {
    if (source.startsWith(fence, offset)) return offset + fence.length;
    offset += !isRaw && source.charAt(offset) === '\\' ? 2 : 1;
  }
  return source.length;
}

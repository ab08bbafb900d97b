/** What is wrong with an expression, and where its author has to look. Lines and columns count from 1. */
export interface CelFault {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export function faultAt(source: string, offset: number, message: string): CelFault {
  return { message, ...positionOf(source, offset) };
}

export function positionOf(source: string, offset: number): { readonly line: number; readonly column: number } {
  const lines = source.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

/** What is wrong in somebody's file, and where: as compilers say it, so that editors find the place. */
import { EXIT } from '../exit-codes.ts';
import { CliFault } from '../fault.ts';

export interface FileFault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

function shown({ file, line, column, message }: FileFault): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** All of them, in the order in which one reads; nothing was changed. */
export function faultOfFiles(faults: readonly FileFault[]): CliFault {
  const sorted = faults.toSorted(
    (one, other) =>
      (one.file < other.file ? -1 : one.file > other.file ? 1 : 0) ||
      one.line - other.line ||
      one.column - other.column,
  );
  const lines = [...new Set(sorted.map(shown))];
  const count = lines.length === 1 ? 'one fault' : `${lines.length} faults`;
  return new CliFault(EXIT.usage, `${count}; nothing was changed.`, lines);
}

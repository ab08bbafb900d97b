/** How an answer is printed: for people as a table or text, for programs as JSON or YAML, for shells as names. */
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { usageFault } from './fault.ts';
import { renderTable, type Table } from './table.ts';
import { paintedLines, paintFor, visibleLines, type Paint } from './terminal.ts';
import type { CliWorld } from './world.ts';

export const FORMATS = ['table', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

export interface Answer {
  /** What `-o json` and `-o yaml` print: the documents of the API, as they are. */
  readonly value: unknown;
  /** What people read. */
  readonly text: (paint: Paint) => string;
  /** A file for programs: piped on it is kept to the letter, on a terminal it is shown as everything is. */
  readonly isFile?: boolean;
  /** What `-o name` prints, one a line. */
  readonly names?: readonly string[];
}

/** `--json` and `-o` say the same; who says two different things is asked to make up his mind. */
function formatOf(command: Command): Format {
  const { json, output } = command.optsWithGlobals<{ json?: boolean; output?: Format }>();
  if (json === true && output !== undefined && output !== 'json') {
    throw usageFault(`--json and -o ${output} say different things.`);
  }
  return json === true ? 'json' : (output ?? 'table');
}

export function print(command: Command, world: CliWorld, answer: Answer): void {
  world.stdout.write(render(formatOf(command), world, answer));
}

function render(format: Format, world: CliWorld, { value, text, names, isFile = false }: Answer): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(value, null, 2)}\n`;
    case 'yaml':
      return toYaml(value);
    case 'name':
      if (names === undefined) throw usageFault('-o name: this command answers with nothing that has a name.');
      return names.map((name) => `${name}\n`).join('');
    case 'table':
      if (isFile && !world.stdout.isTerminal) return text((_style, one) => one);
      return paintedLines(text, paintFor(world.stdout, world.env));
  }
}

/** Long texts stay on one line: a folded JWKS cannot be copied. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

export function tableText(table: Table, empty: string): (paint: Paint) => string {
  return (paint) => (table.rows.length === 0 ? `${empty}\n` : renderTable(table, (text) => paint('bold', text)));
}

/** A document for people: YAML, without anybody's control characters. */
export function documentText(value: unknown): () => string {
  return () => visibleLines(toYaml(value));
}

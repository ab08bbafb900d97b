/** Rows under headings, as kubectl prints them: columns as wide as what stands in them. */
import { visible } from './terminal.ts';

export interface Table {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const GAP = '   ';

export function renderTable(
  { headings, rows }: Table,
  paintHeading: (text: string) => string = (text) => text,
): string {
  const shown = rows.map((row) => row.map((cell) => visible(cell)));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...shown.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join(GAP)
      .trimEnd();
  return [paintHeading(line(headings)), ...shown.map(line)].map((text) => `${text}\n`).join('');
}

/** Entries of a history as rows: who changed what, when. */
import type { Resource } from '../client/administration.ts';
import { cell } from './columns.ts';
import type { Table } from './table.ts';

export function entriesTable(entries: readonly Resource[]): Table {
  return {
    headings: ['SEQUENCE', 'TIME', 'WHO', 'WHAT', 'RESOURCE'],
    rows: entries.map((entry) =>
      ['sequence', 'time', 'actor', 'command', 'resource'].map((member) => cell(entry[member])),
    ),
  };
}

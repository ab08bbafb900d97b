/** The figures for a reader: one table a section, the machine above. */
import type { Measured } from './sections.ts';

export function tableOf(machine: Readonly<Record<string, string>>, { summaries, figures, notes }: Measured): string {
  const sections = [...new Set(summaries.map(({ section }) => section))];
  return [
    Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    ...sections.flatMap((section) => ['', section, ...tableOfSection(section, summaries)]),
    ...(figures.length === 0
      ? []
      : ['', ...figures.map(({ name, value, unit }) => `${name}: ${shown(value)} ${unit}`.trim())]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
  ].join('\n');
}

const HEADS = [
  '',
  'requests/s',
  'of the reference',
  'CPU µs/request',
  'of the reference',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'RSS MiB',
];

function tableOfSection(section: string, summaries: Measured['summaries']): readonly string[] {
  const rows = summaries
    .filter((one) => one.section === section)
    .map((one) => [
      one.name,
      one.perSecond.toFixed(0),
      one.ofReference.perSecond.toFixed(2),
      one.cpuUs.toFixed(0),
      one.ofReference.cpu.toFixed(2),
      one.p50Ms.toFixed(2),
      one.p99Ms.toFixed(2),
      one.p999Ms.toFixed(2),
      one.residentMib.toFixed(0),
    ]);
  const widths = HEADS.map((head, at) => Math.max(head.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return [line(HEADS), ...rows.map(line)];
}

function shown(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}

/** The table of docs/design/cel-conformance.md, and the reasons below it, as Markdown that the formatter leaves alone. */
import type { Judged } from './suite.ts';

/** The rest of the page is written by hand. */
const BEGIN = '<!-- Written by `npm run cel:conformance`: do not edit from here -->';
const END = '<!-- to here -->';

export function report(all: readonly Judged[]): string {
  const files = [...new Set(all.map(({ file }) => file))];
  const rows = [
    ...files.map((file) =>
      row(
        file,
        all.filter((each) => each.file === file),
      ),
    ),
    row('**all**', all),
  ];
  const head = ['file', 'tests', 'passed', 'failed', 'left out', 'whole road', 'unchecked', 'refused early'];
  return [table(head, rows), '## Failed', groups(all, 'failed'), '## Left out', groups(all, 'left out')].join('\n\n');
}

/** The page with its generated part replaced; throws where the page has none. */
export function withReport(page: string, generated: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('the page has no place for the report');
  return `${page.slice(0, begin + BEGIN.length)}\n\n${generated}\n\n${page.slice(end)}`;
}

function row(name: string, tests: readonly Judged[]): readonly string[] {
  const count = (is: (each: Judged) => boolean): string => String(tests.filter(is).length);
  return [
    name,
    String(tests.length),
    count(({ outcome }) => outcome === 'passed'),
    count(({ outcome }) => outcome === 'failed'),
    count(({ outcome }) => outcome === 'left out'),
    count(({ outcome, road }) => outcome === 'passed' && road === 'whole'),
    count(({ outcome, road }) => outcome === 'passed' && road === 'unchecked'),
    count(({ refusedEarly }) => refusedEarly),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((cells) => cells[column]?.length ?? 0)));
  const padded = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [padded(head), padded(rule), ...rows.map(padded)].join('\n');
}

/** One line for each file and reason; failures are named, since each of them is a difference from the specification. */
function groups(all: readonly Judged[], outcome: Judged['outcome']): string {
  const lines = new Map<string, Judged[]>();
  for (const each of all) {
    if (each.outcome !== outcome) continue;
    const key = `${each.file} ${each.reason}`;
    lines.set(key, [...(lines.get(key) ?? []), each]);
  }
  return [...lines.values()].map((tests) => line(tests, outcome === 'failed')).join('\n');
}

function line(tests: readonly Judged[], isNamed: boolean): string {
  const sections = [...new Set(tests.map(({ section }) => section))];
  const parts = sections.map((section) => {
    const own = tests.filter((each) => each.section === section);
    return isNamed ? own.map(({ test }) => `\`${section}/${test}\``).join(', ') : `\`${section}\` ${own.length}`;
  });
  return `- \`${tests[0]?.file ?? ''}\`, ${tests.length}: ${tests[0]?.reason ?? ''} (${parts.join(', ')}).`;
}

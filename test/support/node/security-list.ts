/** docs/security.md as data: the lines of its table, the rows that must be covered, the reasons of those that are not yet. */
import type { Titles } from './test-titles.ts';

interface Line {
  readonly threat: string;
  readonly file: string;
  readonly title: string;
  /** Of the test's table, where one row is meant. */
  readonly row: string | undefined;
  readonly covers: readonly string[];
}

export interface Listed {
  readonly lines: readonly Line[];
  readonly unreadable: readonly string[];
  readonly described: readonly string[];
  readonly notYet: readonly { readonly id: string; readonly what: string; readonly why: string }[];
}

const LEAST_REASON = 20;
const TEST = /^`([\w./-]+\.test\.ts)` "(.+?)"(?: › "([^"]+)")?$/;

export function readList(markdown: string): Listed {
  const lines: Line[] = [];
  const unreadable: string[] = [];
  for (const [threat = '', , test = '', covers = ''] of tableUnder(markdown, 'Threat, control, test')) {
    const [, file, title, row] = TEST.exec(test) ?? [];
    if (file === undefined || title === undefined || covers === '') unreadable.push(threat);
    else lines.push({ threat, file, title, row, covers: covers === '–' ? [] : covers.split(', ') });
  }
  const described = tableUnder(markdown, 'The rows that must be covered').map(([id = '']) => id);
  const notYet = tableUnder(markdown, 'Not applicable yet').map(([id = '', what = '', why = '']) => ({
    id,
    what,
    why,
  }));
  return { lines, unreadable, described, notYet };
}

/** What is wrong with it, in words; nothing where it is true. */
export function faultsOf(
  { lines, unreadable, described, notYet }: Listed,
  required: readonly string[],
  alsoKnown: readonly string[],
  titlesOf: (file: string) => Titles | undefined,
): readonly string[] {
  const covered = new Set(lines.flatMap(({ covers }) => covers));
  // Where only a part is missing, the rest needs its test.
  const excused = new Set(notYet.filter(({ what }) => what === 'all').map(({ id }) => id));
  const named = new Set([...required, ...alsoKnown]);
  return [
    ...unreadable.map((threat) => `the line of "${threat}" cannot be read`),
    ...lines.flatMap((line) => faultsOfTest(line, titlesOf(line.file))),
    ...twice(lines.map(({ threat }) => threat)),
    ...twice(lines.map(({ file, title, row = '' }) => `${file} "${title}" ${row}`)),
    ...required
      .filter((id) => !covered.has(id) && !excused.has(id))
      .map((id) => `${id} has neither a test nor a reason`),
    ...required.filter((id) => !described.includes(id)).map((id) => `${id} is not described`),
    ...[...covered, ...notYet.map(({ id }) => id), ...described]
      .filter((id) => !named.has(id))
      .map((id) => `${id} is no row`),
    ...notYet.filter(({ why }) => why.length < LEAST_REASON).map(({ id }) => `${id} has no reason`),
  ];
}

function faultsOfTest({ file, title, row }: Line, titles: Titles | undefined): readonly string[] {
  if (titles === undefined) return [`${file} is no file`];
  if (!titles.tests.has(title)) return [`"${title}" is no test of ${file}`];
  return row === undefined || titles.texts.has(row) ? [] : [`"${title}" of ${file} has no row "${row}"`];
}

function twice(texts: readonly string[]): readonly string[] {
  return texts.filter((text, at) => texts.indexOf(text) !== at).map((text) => `${text} stands twice`);
}

/** The cells of the table under a heading, without its two head lines. */
function tableUnder(markdown: string, heading: string): readonly (readonly string[])[] {
  const section = markdown.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );
}

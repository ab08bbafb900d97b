/** Differences of resources for people: each under its name, as lines of YAML that go and come. */
import { diffLines, type DiffLine } from './line-diff.ts';
import { toYaml } from './output.ts';
import { visible, type Paint } from './terminal.ts';

export interface Difference {
  readonly resource: string;
  /** Absent: it was not there. */
  readonly before?: unknown;
  /** Absent: it is not there any more. */
  readonly after?: unknown;
}

const MARKS: Readonly<Record<DiffLine['kind'], string>> = { stays: ' ', goes: '-', comes: '+', skipped: ' ' };

export function differencesText(differences: readonly Difference[], paint: Paint): string {
  if (differences.length === 0) return 'No differences.\n';
  return differences.map((one) => differenceText(one, paint)).join('\n');
}

function differenceText({ resource, before, after }: Difference, paint: Paint): string {
  const verb = before === undefined ? 'new' : after === undefined ? 'gone' : 'changed';
  const lines = diffLines(yamlOf(before), yamlOf(after)).map(({ kind, text }) => {
    const line = `  ${MARKS[kind]} ${visible(text)}`.trimEnd();
    if (kind === 'goes') return paint('red', line);
    return kind === 'comes' ? paint('green', line) : line;
  });
  return [`${paint('bold', visible(resource))} (${verb})`, ...lines, ''].join('\n');
}

function yamlOf(value: unknown): string {
  return value === undefined ? '' : toYaml(value);
}

/** OpenMetrics 1.0 read strictly, by its grammar and the rules beside it, and by nothing of ours: whatever is not allowed throws with its line. */

export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  readonly samples: readonly ReadSample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*';
const ESCAPED = String.raw`(?:[^"\\\n]|\\["\\n])*`;
const NUMBER = String.raw`[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?`;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL}="${ESCAPED}",?)*)\\})? (${NUMBER})$`);
const ONE_LABEL = new RegExp(`(${LABEL})="(${ESCAPED})"(,|$)`, 'y');
const DESCRIPTOR = new RegExp(`^# (TYPE|UNIT|HELP) (${NAME}) (.*)$`);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { counter: ['_total', '_created'], gauge: [''] };

export function readOpenMetrics(text: string): ReadonlyMap<string, ReadFamily> {
  if (!text.endsWith('# EOF\n')) throw new Error('does not end with # EOF and a line feed');
  const families = new Map<string, ReadFamily>();
  const points = new Set<string>();
  let current: { -readonly [K in keyof ReadFamily]: ReadFamily[K] } | undefined;
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const [, keyword, name = '', rest = ''] = DESCRIPTOR.exec(line) ?? [];
    if (keyword !== undefined) {
      if (current?.name !== name) {
        if (families.has(name)) throw new Error(`a family in two places: ${line}`);
        current = { name, type: '', unit: '', help: '', samples: [] };
        families.set(name, current);
      }
      if (current.samples.length > 0) throw new Error(`a descriptor after samples: ${line}`);
      describe(current, keyword, rest, line);
      continue;
    }
    const [whole, sampleName = '', labelText = '', number] = SAMPLE.exec(line) ?? [];
    if (whole === undefined || current === undefined) throw new Error(`no sample: ${line}`);
    const suffix = sampleName.startsWith(current.name) ? sampleName.slice(current.name.length) : 'of another family';
    if (SUFFIXES[current.type]?.includes(suffix) !== true) throw new Error(`not of ${current.name}: ${line}`);
    const labels = readLabels(labelText, line);
    const point = JSON.stringify([sampleName, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
    if (points.has(point)) throw new Error(`twice: ${line}`);
    points.add(point);
    const value = Number(number);
    if (current.type === 'counter' && value < 0) throw new Error(`a counter below zero: ${line}`);
    current.samples = [...current.samples, { name: sampleName, labels, value }];
  }
  return families;
}

function describe(
  family: { type: string; unit: string; help: string; name: string },
  keyword: string,
  rest: string,
  line: string,
): void {
  const member = keyword.toLowerCase() as 'type' | 'unit' | 'help';
  if (family[member] !== '') throw new Error(`said twice: ${line}`);
  if (member === 'type' && SUFFIXES[rest] === undefined) throw new Error(`no type that is used here: ${line}`);
  if (member === 'unit' && !family.name.endsWith(`_${rest}`)) throw new Error(`the name has not its unit: ${line}`);
  if (member === 'help' && !new RegExp(`^${ESCAPED}$`).test(rest)) throw new Error(`help that is not escaped: ${line}`);
  family[member] = rest;
}

function readLabels(text: string, line: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (ONE_LABEL.lastIndex = 0; ONE_LABEL.lastIndex < text.length;) {
    const [, name = '', escaped = '', end] = ONE_LABEL.exec(text) ?? [];
    if (name === '' || Object.hasOwn(labels, name)) throw new Error(`labels: ${line}`);
    labels[name] = escaped.replaceAll(/\\(.)/g, (_all, one: string) => (one === 'n' ? '\n' : one));
    if (end === ',' && ONE_LABEL.lastIndex === text.length) throw new Error(`a comma at the end: ${line}`);
  }
  return labels;
}

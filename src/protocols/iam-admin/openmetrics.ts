/** Metric families as text: OpenMetrics 1.0, or the older format of Prometheus for who prefers that. Pure. */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Of a counter: when it began. */
  readonly createdMs?: number;
}

export interface Family {
  /** Of a counter without `_total`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** The name ends in it. */
  readonly unit?: 'seconds';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export type TextFormat = 'openmetrics' | 'prometheus';

export const MEDIA_TYPES: Readonly<Record<TextFormat, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
};

/** The older one only for who says that he would rather have it: a scraper names both, a person with curl neither. */
export function preferredFormat(accept: string | undefined): TextFormat {
  const ranges = (accept ?? '*/*').split(',').map(readRange);
  const weightOf = (type: string): number => {
    const [main = ''] = type.split('/');
    const named = [type, `${main}/*`, '*/*'].map((wanted) => ranges.find((range) => range.type === wanted));
    return named.find((range) => range !== undefined)?.weight ?? 0;
  };
  return weightOf('text/plain') > weightOf('application/openmetrics-text') ? 'prometheus' : 'openmetrics';
}

function readRange(text: string): { readonly type: string; readonly weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1');
  return { type, weight: Number.isFinite(weight) ? weight : 0 };
}

export function renderFamilies(families: readonly Family[], format: TextFormat): string {
  const told = families.filter(({ samples }) => samples.length > 0);
  const lines = told.flatMap((family) =>
    format === 'openmetrics' ? openMetricsLines(family) : prometheusLines(family),
  );
  return `${[...lines, ...(format === 'openmetrics' ? ['# EOF'] : [])].join('\n')}\n`;
}

function openMetricsLines(family: Family): readonly string[] {
  const { name, type, unit, help, samples } = family;
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escaped(help)}`,
    ...samples.flatMap(({ labels, value, createdMs }) => [
      sampleLine(nameOfSamples(family), labels, value),
      ...(createdMs === undefined ? [] : [sampleLine(`${name}_created`, labels, createdMs / 1_000)]),
    ]),
  ];
}

/** There the name of a counter's family is that of its samples, and nobody knows when it began. */
function prometheusLines(family: Family): readonly string[] {
  const name = nameOfSamples(family);
  return [
    `# HELP ${name} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name} ${family.type}`,
    ...family.samples.map(({ labels, value }) => sampleLine(name, labels, value)),
  ];
}

function nameOfSamples({ name, type }: Family): string {
  return type === 'counter' ? `${name}_total` : name;
}

function sampleLine(name: string, labels: Labels, value: number): string {
  const told = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${told.length > 0 ? `{${told.join(',')}}` : ''} ${value}`;
}

/** A name that ends a line, or a label, would let whoever chose it write metrics of his own. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

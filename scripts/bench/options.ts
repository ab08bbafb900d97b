/** What `npm run bench` is asked to do. */
import { parseArgs } from 'node:util';

export const SECTIONS = [
  'exchange',
  'algorithms',
  'conditions',
  'size',
  'connections',
  'quota',
  'configuration',
  'start',
  'memory',
  'profile',
] as const;
export type Section = (typeof SECTIONS)[number];

export interface BenchOptions {
  readonly sections: readonly Section[];
  readonly full: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly json: boolean;
  readonly plot: boolean;
  readonly dex: string | undefined;
  /** Instead of our own generator. */
  readonly autocannon: boolean;
}

export const HELP = `npm run bench [-- OPTIONS]
  --only A,B     of ${SECTIONS.join(', ')}
  --full         every value of every dimension (half an hour), not a few (some minutes)
  --rounds N     alternating rounds, 5 unless said
  --seconds S    of one stretch of load, 2 unless said
  --connections N  32 unless said
  --dex FILE     a Dex binary; else one is built where there is a Go toolchain
  --autocannon   drives with autocannon, which takes more of the machine, instead of our own generator
  --json         for machines, with every row
  --plot         writes docs/performance.svg`;

/** Nothing long: a default run takes some minutes. */
const DEFAULT: readonly Section[] = ['exchange', 'conditions', 'connections', 'size', 'start', 'memory'];

/** The options, or what is wrong with them. */
export function readOptions(args: readonly string[]): BenchOptions | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        full: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '2' },
        connections: { type: 'string', default: '32' },
        dex: { type: 'string' },
        autocannon: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        plot: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return HELP;
    const named = values.only?.split(',');
    const unknown = named?.find((name) => !(SECTIONS as readonly string[]).includes(name));
    if (unknown !== undefined) return `there is no section ${unknown}\n${HELP}`;
    const numbers = [values.rounds, values.seconds, values.connections].map(Number);
    if (!numbers.every((number) => number > 0 && number <= 1_000)) return `no such number\n${HELP}`;
    const [rounds = 5, seconds = 2, connections = 32] = numbers;
    const wanted =
      named === undefined
        ? values.full
          ? SECTIONS.filter((one) => one !== 'profile')
          : DEFAULT
        : SECTIONS.filter((one) => named.includes(one));
    const { full, json, plot, dex, autocannon } = values;
    return { sections: wanted, full, rounds, seconds, connections, json, plot, dex, autocannon };
  } catch (fault) {
    return `${fault instanceof Error ? fault.message : String(fault)}\n${HELP}`;
  }
}

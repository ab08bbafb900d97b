/** The populations that leases are measured on, and what is told of each: the bench prints it, a test asserts it. */
import { type Population, simulate } from './quota-simulation.ts';

type Described = Omit<Population, 'load' | 'seed' | 'seconds'> & {
  readonly name: string;
  readonly loads: readonly number[];
};

export interface Figures {
  readonly population: string;
  readonly load: number;
  /** Of the limit; of the whole run. */
  readonly fullestMinute: number;
  /** Of the limit. The smaller of two measures: a count over the time looked at, and how long a limit's worth of admissions takes. */
  readonly used: number;
  readonly refused: number;
  /** For permits. */
  readonly callsPerRequest: number;
  readonly callsPerExchange: number;
  /** For accounts alone, beside those. */
  readonly accountCallsPerExchange: number;
  /** Both. */
  readonly callsPerSecond: number;
  /** After the start: from the fifteenth second on. */
  readonly mostCallsInASecond: number;
  readonly callsInFirstSecond: number;
  /** Both. */
  readonly rowsPerThousand: number;
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
}

/** Thirty places, 10 to 250 ms away. */
const PLACES = Array.from({ length: 30 }, (_, place) => 10 + (240 * place) / 29);
const EIGHT_PLACES = PLACES.filter((_, index) => index % 4 === 0);
const LOADS = [0.1, 0.5, 0.8, 0.89, 0.95, 1, 1.2, 3, 10];
const MANY = { isolates: 300, roundTripsMs: PLACES };

export const MANY_ISOLATES: Described = {
  name: '300 isolates, 6,000/min',
  ...MANY,
  limitPerMinute: 6_000,
  loads: LOADS,
};
export const EIGHT_ISOLATES: Described = {
  name: '8 isolates, 6,000/min',
  isolates: 8,
  roundTripsMs: EIGHT_PLACES,
  limitPerMinute: 6_000,
  loads: LOADS,
};
export const MANY_BUSY: Described = {
  name: '300 isolates, 225,000/min',
  ...MANY,
  limitPerMinute: 225_000,
  loads: LOADS,
};
export const SKEWED: Described = {
  ...MANY_ISOLATES,
  name: '300 isolates, 6,000/min, the n-th busiest exchanging 1/n as much as the first',
  skew: (isolate) => 300 / (isolate + 1) / harmonic(300),
  loads: [0.8, 1.2, 10],
};
export const BURST: Described = {
  ...MANY_ISOLATES,
  name: '300 isolates, 6,000/min, 5 % of it for two minutes and then all at once',
  shape: (second) => (second < 120 ? 0.05 : 1),
  loads: [0.8, 1.2],
};
const DIURNAL: Described = {
  ...MANY_ISOLATES,
  name: '300 isolates, 6,000/min, up and down by 60 % every five minutes',
  shape: (second) => 1 + 0.6 * Math.sin((2 * Math.PI * second) / 300),
  loads: [0.5, 0.8],
};
export const POPULATIONS = [MANY_ISOLATES, EIGHT_ISOLATES, MANY_BUSY, SKEWED, BURST, DIURNAL];

const STARTED_AFTER_S = 15;

export async function figuresOf(population: Described, load: number, seconds: number, seed: number): Promise<Figures> {
  const outcome = await simulate({ ...population, load, seconds, seed });
  const { steady, addedMs, callsBySecond } = outcome;
  const { limitPerMinute } = population;
  const sorted = addedMs.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  const counted = steady.admitted / ((limitPerMinute * steady.seconds) / 60);
  return {
    population: population.name,
    load,
    fullestMinute: outcome.fullestMinute / limitPerMinute,
    used: outcome.usedShare === undefined ? counted : Math.min(counted, outcome.usedShare),
    refused: steady.refused / steady.requests,
    callsPerRequest: steady.calls / steady.requests,
    callsPerExchange: steady.calls / steady.admitted,
    accountCallsPerExchange: steady.accountCalls / steady.admitted,
    callsPerSecond: (steady.calls + steady.accountCalls) / steady.seconds,
    mostCallsInASecond: Math.max(...callsBySecond.slice(STARTED_AFTER_S)),
    callsInFirstSecond: callsBySecond[0] ?? 0,
    rowsPerThousand: (steady.rows / steady.admitted) * 1_000,
    addedP50Ms: at(0.5),
    addedP99Ms: at(0.99),
  };
}

function harmonic(n: number): number {
  return Array.from({ length: n }, (_, index) => 1 / (index + 1)).reduce((sum, part) => sum + part, 0);
}

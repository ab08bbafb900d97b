/** `npm run bench:quota`: what leases cost and waste, at loads from idle to ten times the limit. */
import { type Outcome, type Population, simulate } from './quota-simulation.ts';

const PLACES = Array.from({ length: 30 }, (_, place) => 10 + (240 * place) / 29);
const LOADS = [0.1, 0.5, 0.8, 0.89, 1, 1.2, 10];
const SEED = 1;
const SECONDS = 400;

const populations: readonly (readonly [string, Omit<Population, 'load' | 'seed' | 'seconds'>])[] = [
  ['300 isolates, 6,000/min', { isolates: 300, roundTripsMs: PLACES, limitPerMinute: 6_000 }],
  [
    '8 isolates, 6,000/min',
    { isolates: 8, roundTripsMs: PLACES.filter((_, index) => index % 4 === 0), limitPerMinute: 6_000 },
  ],
  ['300 isolates, 225,000/min', { isolates: 300, roundTripsMs: PLACES, limitPerMinute: 225_000 }],
];

for (const [name, population] of populations) {
  console.log(name);
  for (const load of LOADS) {
    const outcome = simulate({ ...population, load, seconds: SECONDS, seed: SEED });
    console.log(row(load, population.limitPerMinute, outcome));
  }
}

function row(load: number, limit: number, outcome: Outcome): string {
  const { steady, addedMs } = outcome;
  const steadySeconds = SECONDS - 130;
  const sorted = addedMs.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return [
    `${load * 100}%`.padStart(6),
    `fullest ${((outcome.fullestMinute / limit) * 100).toFixed(1)}%`,
    `used ${((steady.admitted / ((limit * steadySeconds) / 60)) * 100).toFixed(1)}%`,
    `refused ${((1 - steady.admitted / steady.requests) * 100).toFixed(2)}%`,
    `calls/request ${(steady.calls / steady.requests).toFixed(4)}`,
    `calls/exchange ${(steady.calls / steady.admitted).toFixed(4)}`,
    `calls/s ${(steady.calls / steadySeconds).toFixed(0)} max ${outcome.fullestCallSecond}/${outcome.fullestSteadySecond}`,
    `rows/1000 ${((steady.rows / steady.admitted) * 1_000).toFixed(1)}`,
    `added p50 ${at(0.5).toFixed(0)} p99 ${at(0.99).toFixed(0)} ms`,
  ].join('  ');
}

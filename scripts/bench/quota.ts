/**
 * `npm run bench:quota`: what leases cost and waste, at loads from idle to ten times the limit. Time is simulated and chance is seeded, so the
 * figures are exact; `--json` prints them for machines.
 */
import { figuresOf, type Figures, POPULATIONS } from './quota-figures.ts';

const SEED = 1;
/** Of which the first 130 are not looked at, unless it says so: the ledger fills. */
const SECONDS = 700;

const asJson = process.argv.includes('--json');
const all: Figures[] = [];
for (const population of POPULATIONS) {
  if (!asJson) process.stdout.write(`\n${population.name}\n`);
  for (const load of population.loads) {
    const figures = await figuresOf(population, load, SECONDS, SEED);
    all.push(figures);
    if (!asJson) process.stdout.write(`${row(figures)}\n`);
  }
}
if (asJson) process.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);

function row(figures: Figures): string {
  const percent = (share: number, digits: number): string => `${(share * 100).toFixed(digits)}%`;
  return [
    percent(figures.load, 0).padStart(6),
    `fullest 60 s ${percent(figures.fullestMinute, 1)}`,
    `used ${percent(figures.used, 1)}`,
    `refused ${percent(figures.refused, 2)}`,
    `calls/request ${figures.callsPerRequest.toFixed(4)}`,
    `calls/exchange ${figures.callsPerExchange.toFixed(4)}`,
    `for accounts ${figures.accountCallsPerExchange.toFixed(4)}`,
    `calls/s mean ${figures.callsPerSecond.toFixed(0)} most ${figures.mostCallsInASecond} first ${figures.callsInFirstSecond}`,
    `rows/1000 ${figures.rowsPerThousand.toFixed(1)}`,
    `added p50 ${figures.addedP50Ms.toFixed(0)} p99 ${figures.addedP99Ms.toFixed(0)} ms`,
  ].join('  ');
}

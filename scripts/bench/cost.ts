/**
 * `npm run bench:cost`: what a million exchanges cost at Cloudflare's list prices. CPU, object calls, rows and KV reads are counted while a
 * broker in plain workerd exchanges 100 times a second for a minute, from one isolate and from several; the arithmetic is printed.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildBundle } from '../../src/local/bundle.ts';
import { KV_WORKER } from '../../test/support/node/workerd-config.ts';
import { startLoadGenerator, writePool } from './load.ts';
import { FREE, OBJECT_GB, PAID } from './prices.ts';
import { cpuMs } from './process.ts';
import { newFolder, startBroker } from './servers.ts';
import { variablesOf } from './variables.ts';
import { BASE, makeWorld } from './world.ts';

const PER_SECOND = 100;
const WARM_UP_MS = 15_000;
const MEASURED_MS = 60_000;
const ISOLATES = [1, 8];

interface Counts {
  readonly spend: number;
  readonly remember: number;
  readonly otherCalls: number;
  readonly alarms: number;
  readonly rowsWritten: number;
  readonly kvReads: number;
}

interface Line {
  readonly what: string;
  /** Of one exchange. */
  readonly amount: number;
  readonly unit: string;
  readonly perMillion: number;
}

const asJson = process.argv.includes('--json');
const results = [];
for (const isolates of ISOLATES) {
  process.stderr.write(`${isolates} isolate${isolates === 1 ? '' : 's'}: ${(WARM_UP_MS + MEASURED_MS) / 1_000} s\n`);
  results.push({ isolates, lines: await linesFor(isolates) });
}
process.stdout.write(
  asJson
    ? `${JSON.stringify({ prices: PAID, perSecond: PER_SECOND, results }, undefined, 2)}\n`
    : results.map(shown).join('\n'),
);

async function linesFor(isolates: number): Promise<readonly Line[]> {
  const { requests, cpu, counts } = await count(isolates);
  const calls = counts.spend + counts.remember + counts.otherCalls + counts.alarms;
  const line = (what: string, amount: number, unit: string, perMillion: number): Line => ({
    what,
    amount,
    unit,
    perMillion,
  });
  return [
    line('requests to the Worker', 1, '', PAID.perMillionRequests),
    line('CPU time, the server and the objects included', cpu / requests, 'ms', PAID.perMillionCpuMs),
    line('reads of KV', counts.kvReads / requests, '', PAID.perMillionKvReads),
    line('calls and alarms of objects', calls / requests, '', PAID.perMillionObjectRequests),
    line('the Quota object awake', OBJECT_GB / PER_SECOND, 'GB-s', PAID.perMillionGbSeconds),
    line('rows written', counts.rowsWritten / requests, '', PAID.perMillionRowsWritten),
  ];
}

async function count(isolates: number) {
  const folder = newFolder();
  const owner = readFileSync(new URL('workers/counting-owner.mjs', import.meta.url), 'utf8');
  const server = await startBroker(await buildBundle(), variablesOf, { owner, kv: countingKv(), edges: isolates });
  const generators = server.edgePorts.map((port) => ({ port, load: startLoadGenerator() }));
  try {
    const world = await makeWorld(server.origin, BASE);
    const poolPath = join(folder, 'pool');
    writePool(poolPath, world.requests);
    const drive = async (durationMs: number): Promise<number> => {
      const order = { poolPath, connections: 4, durationMs, perSecond: PER_SECOND / isolates };
      const driven = await Promise.all(generators.map(({ port, load }) => load.drive({ ...order, port })));
      return driven.reduce((sum, { requests }) => sum + requests, 0);
    };
    await drive(WARM_UP_MS);
    const before = await countsOf(server.origin);
    const cpuBefore = cpuMs(server.pid);
    const requests = await drive(MEASURED_MS);
    const cpu = cpuMs(server.pid) - cpuBefore;
    const after = await countsOf(server.origin);
    const counts = Object.fromEntries(
      Object.entries(after).map(([name, value]) => [name, Number(value) - before[name as keyof Counts]]),
    ) as unknown as Counts;
    return { requests, cpu, counts: { ...counts, kvReads: counts.kvReads } };
  } finally {
    for (const { load } of generators) load.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function countsOf(origin: string): Promise<Counts> {
  return (await (await fetch(`${origin}/counts`)).json()) as Counts;
}

/** One key of it tells how often another was read. */
function countingKv(): string {
  const look = 'const value = values.get(key);';
  if (!KV_WORKER.includes(look)) throw new Error('the KV of the tests reads in another way');
  const counted = `if (key === 'reads-so-far') return new Response(String(globalThis.reads ?? 0));
    globalThis.reads = (globalThis.reads ?? 0) + 1;
    ${look}`;
  return KV_WORKER.replace(look, counted);
}

function shown({ isolates, lines }: { readonly isolates: number; readonly lines: readonly Line[] }): string {
  const dollars = ({ amount, perMillion }: Line): number => amount * perMillion;
  const rows = lines.map(
    (line) =>
      `  ${line.what.padEnd(48)} ${line.amount.toFixed(5).padStart(9)} ${line.unit.padEnd(5)} × ${String(line.perMillion).padStart(5)} $/million = ${dollars(line).toFixed(4)} $`,
  );
  const sum = lines.reduce((total, line) => total + dollars(line), 0);
  const rowsWritten = lines.at(-1)?.amount ?? 0;
  const calls = lines.at(3)?.amount ?? 0;
  const freeADay = Math.min(FREE.requests, FREE.objectRequests / calls, FREE.rowsWritten / rowsWritten);
  return [
    `A million exchanges at ${PER_SECOND}/s from ${isolates} isolate${isolates === 1 ? '' : 's'}, paid plan, beyond what it includes:`,
    ...rows,
    `  ${'together, without logs'.padEnd(76)}  ${sum.toFixed(4)} $`,
    `  ${'the audit line in Workers Logs'.padEnd(48)} ${'1.00000'.padStart(9)}       × ${String(PAID.perMillionLogEvents).padStart(5)} $/million = ${PAID.perMillionLogEvents.toFixed(4)} $  (invocation_logs = false: one event, not two)`,
    `  The free plan has room for ${Math.floor(freeADay).toLocaleString('en')} a day.`,
    '',
  ].join('\n');
}

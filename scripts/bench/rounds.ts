/** Alternating rounds: every contender in each of them, forwards and backwards in turn, so that a machine that drifts drifts for all. */
import type { LoadGenerator } from './load.ts';
import { cpuMs, residentMib } from './process.ts';
import type { Server } from './servers.ts';

export interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly poolPath: string;
  /** Where they differ in it. */
  readonly connections?: number;
  readonly perSecond?: number;
  /** Each is asked with twice before the first round. */
  readonly tokens?: number;
}

export interface Row {
  readonly section: string;
  readonly name: string;
  readonly round: number;
  readonly requests: number;
  readonly refused: number;
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly residentMib: number;
}

export interface Plan {
  readonly section: string;
  readonly rounds: number;
  readonly durationMs: number;
  readonly connections: number;
}

/**
 * Before the first round that counts: compilers and leases want to be warm, and what is kept in memory to be there. After some thousand requests
 * V8's optimizing compiler is still at work beside the main thread, and takes a tenth of all CPU time: a start is not a steady state.
 */
const WARM_UP_MS = 3_000;
const MAX_WARM_UPS = 30;
const WARM_REQUESTS = 40_000;

export async function alternate(
  load: LoadGenerator,
  { section, rounds, durationMs, connections }: Plan,
  contenders: readonly Contender[],
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const one of contenders) {
    say(`${section}: warming up ${one.name}`);
    let requests = 0;
    for (let time = 0; time < MAX_WARM_UPS; time += 1) {
      requests += (await drive(one, WARM_UP_MS)).requests;
      if (one.perSecond !== undefined || requests >= Math.max(WARM_REQUESTS, 2 * (one.tokens ?? 0))) break;
    }
  }
  for (let round = 1; round <= rounds; round += 1) {
    say(`${section}: round ${round} of ${rounds}`);
    const order = round % 2 === 1 ? contenders : contenders.toReversed();
    for (const one of order) rows.push({ section, name: one.name, round, ...(await drive(one, durationMs)) });
  }
  return rows;

  async function drive({ server, poolPath, perSecond, connections: own = connections }: Contender, forMs: number) {
    const beforeMs = cpuMs(server.pid);
    const order = { port: server.port, poolPath, connections: own, durationMs: forMs };
    const result = await load.drive(perSecond === undefined ? order : { ...order, perSecond });
    const { requests, refused, elapsedMs, p50Ms, p99Ms, p999Ms } = result;
    return {
      requests,
      refused,
      perSecond: (requests * 1_000) / elapsedMs,
      cpuUs: ((cpuMs(server.pid) - beforeMs) * 1_000) / requests,
      p50Ms,
      p99Ms,
      p999Ms,
      residentMib: residentMib(server.pid),
    };
  }
}

export interface Summary {
  readonly section: string;
  readonly name: string;
  /** Medians over the rounds. */
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly residentMib: number;
  /** Medians of the rounds' own ratios: its requests a second by the reference's, and the reference's CPU by its. */
  readonly ofReference: { readonly perSecond: number; readonly cpu: number };
}

/** Each round is compared with itself: what disturbed it disturbed both. */
export function summarize(rows: readonly Row[], reference: string): readonly Summary[] {
  const names = [...new Set(rows.map(({ name }) => name))];
  return names.map((name) => {
    const own = rows.filter((row) => row.name === name);
    const pairs = own.flatMap((row) => {
      const other = rows.find((one) => one.name === reference && one.round === row.round);
      return other === undefined ? [] : [{ row, other }];
    });
    const middle = (value: (row: Row) => number): number => median(own.map(value));
    return {
      section: own[0]?.section ?? '',
      name,
      perSecond: middle((row) => row.perSecond),
      cpuUs: middle((row) => row.cpuUs),
      p50Ms: middle((row) => row.p50Ms),
      p99Ms: middle((row) => row.p99Ms),
      p999Ms: middle((row) => row.p999Ms),
      residentMib: middle((row) => row.residentMib),
      ofReference: {
        perSecond: median(pairs.map(({ row, other }) => row.perSecond / other.perSecond)),
        cpu: median(pairs.map(({ row, other }) => other.cpuUs / row.cpuUs)),
      },
    };
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

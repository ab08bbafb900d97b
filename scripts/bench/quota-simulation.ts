/** Isolates, a network and one quota object, simulated with the broker's own desk and holders: time is made up, chance is seeded. */
import { Desk } from '../../src/core/quota/desk.ts';
import { LeaseHolder, type Taken } from '../../src/core/quota/holder.ts';

export interface Population {
  readonly isolates: number;
  /** Of the round trip to the object, for each place; isolates are dealt out evenly. */
  readonly roundTripsMs: readonly number[];
  readonly limitPerMinute: number;
  /** Demand as a share of the limit. */
  readonly load: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface Outcome {
  readonly requests: number;
  readonly admitted: number;
  readonly refused: number;
  readonly calls: number;
  readonly rows: number;
  /** The fullest 60 s of admissions. */
  readonly fullestMinute: number;
  readonly fullestCallSecond: number;
  readonly fullestSteadySecond: number;
  /** In the second half, when the ledger has filled. */
  readonly steady: {
    readonly requests: number;
    readonly admitted: number;
    readonly calls: number;
    readonly rows: number;
  };
  readonly usedShare: number;
  /** Of the run: how often the object was asked. */
  readonly callsBySecond: readonly number[];
  /** Share of the limit that was admitted in each ten seconds. */
  readonly usedByTenSeconds: readonly number[];
  /** What asking added to a request that was admitted. */
  readonly addedMs: readonly number[];
}

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

const LOOK_AGAIN_MS = 20;
const START_MS = 1_800_000_000_000;

export function simulate(population: Population): Outcome {
  const { isolates, roundTripsMs, limitPerMinute, load, seconds, seed } = population;
  const random = seeded(seed);
  const events = new Heap();
  const desk = new Desk([], 'sim');
  const endMs = START_MS + seconds * 1_000;
  const steadyFromMs = START_MS + Math.min(seconds / 2, 130) * 1_000;
  const admittedAt: number[] = [];
  const addedMs: number[] = [];
  const callsBySecond = new Map<number, number>();
  const total = { requests: 0, admitted: 0, refused: 0, calls: 0, rows: 0 };
  const steady = { requests: 0, admitted: 0, calls: 0, rows: 0 };
  let nowMs = START_MS;
  let isolateCount = 0;

  for (let index = 0; index < isolates; index += 1) startIsolate(roundTripsMs[index % roundTripsMs.length] ?? 0);
  for (let event = events.pop(); event !== undefined && event.atMs < endMs; event = events.pop()) {
    nowMs = event.atMs;
    event.run();
  }
  return {
    ...total,
    fullestMinute: fullestWindow(admittedAt, 60_000),
    fullestCallSecond: Math.max(0, ...callsBySecond.values()),
    fullestSteadySecond: Math.max(
      0,
      ...[...callsBySecond].filter(([second]) => second * 1_000 >= steadyFromMs).map(([, calls]) => calls),
    ),
    steady,
    callsBySecond: Array.from({ length: seconds }, (_, second) => callsBySecond.get(START_MS / 1_000 + second) ?? 0),
    usedShare: usedShare(admittedAt, steadyFromMs, limitPerMinute),
    usedByTenSeconds: shares(admittedAt, START_MS, seconds, limitPerMinute),
    addedMs,
  };

  function startIsolate(roundTripMs: number): void {
    const holder = new LeaseHolder(`isolate-${(isolateCount += 1)}`);
    const meanGapMs = (isolates * 60_000) / (limitPerMinute * load);
    next();

    function next(): void {
      events.push({ atMs: nowMs - Math.log(1 - random()) * meanGapMs, run: arrive });
    }

    function arrive(): void {
      next();
      total.requests += 1;
      if (nowMs >= steadyFromMs) steady.requests += 1;
      const sinceMs = nowMs;
      go(holder.take(nowMs));

      function go(taken: Taken): void {
        if (taken.tag === 'permit') {
          admit(sinceMs);
          if (holder.shouldRenew(nowMs)) ask(() => undefined);
        } else if (taken.tag === 'wait' || nowMs > sinceMs + 4_000) total.refused += 1;
        else if (taken.tag === 'pending')
          events.push({ atMs: nowMs + LOOK_AGAIN_MS, run: () => go(holder.look(nowMs)) });
        else ask(() => go(holder.look(nowMs)));
      }
    }

    function admit(sinceMs: number): void {
      total.admitted += 1;
      if (nowMs >= steadyFromMs) steady.admitted += 1;
      admittedAt.push(nowMs);
      addedMs.push(nowMs - sinceMs);
    }

    function ask(then: () => void): void {
      const askedAtMs = nowMs;
      const question = holder.ask(nowMs);
      const thereMs = roundTripMs * (0.3 + 0.4 * random());
      events.push({
        atMs: nowMs + thereMs,
        run: () => {
          total.calls += 1;
          if (nowMs >= steadyFromMs) steady.calls += 1;
          const second = Math.floor(nowMs / 1_000);
          callsBySecond.set(second, (callsBySecond.get(second) ?? 0) + 1);
          const answer = desk.ask(question, Math.floor(nowMs), limitPerMinute, random());
          total.rows += answer.rows.length;
          if (nowMs >= steadyFromMs) steady.rows += answer.rows.length;
          events.push({
            atMs: nowMs + roundTripMs - thereMs,
            run: () => {
              holder.answered(answer, askedAtMs, nowMs);
              then();
            },
          });
        },
      });
    }
  }
}

/**
 * How much of the limit was used: 60 s, by how long as many admissions took as a minute may hold. Unlike a count over some minutes it does not
 * depend on where in a wave they begin and end.
 */
function usedShare(admittedAt: readonly number[], fromMs: number, limitPerMinute: number): number {
  const first = admittedAt.findIndex((atMs) => atMs >= fromMs);
  const pairs = admittedAt.length - limitPerMinute - first;
  if (first < 0 || pairs < 1) return 0;
  let sumMs = 0;
  for (let n = first; n < first + pairs; n += 1) sumMs += (admittedAt[n + limitPerMinute] ?? 0) - (admittedAt[n] ?? 0);
  return 60_000 / (sumMs / pairs);
}

function shares(
  admittedAt: readonly number[],
  fromMs: number,
  seconds: number,
  limitPerMinute: number,
): readonly number[] {
  const counts = Array.from({ length: Math.ceil(seconds / 10) }, () => 0);
  for (const atMs of admittedAt) {
    const ten = Math.floor((atMs - fromMs) / 10_000);
    counts[ten] = (counts[ten] ?? 0) + 1;
  }
  return counts.map((count) => (count * 6) / limitPerMinute);
}

export function fullestWindow(timesMs: readonly number[], windowMs: number): number {
  const sorted = timesMs.toSorted((one, other) => one - other);
  let fullest = 0;
  let from = 0;
  for (const [index, atMs] of sorted.entries()) {
    while ((sorted[from] ?? atMs) <= atMs - windowMs) from += 1;
    fullest = Math.max(fullest, index - from + 1);
  }
  return fullest;
}

/** mulberry32: small, and the same everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Heap {
  readonly #events: Event[] = [];

  push(event: Event): void {
    const list = this.#events;
    let at = list.length;
    list.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = list[parent];
      if (above === undefined || above.atMs <= event.atMs) break;
      list[at] = above;
      at = parent;
    }
    list[at] = event;
  }

  pop(): Event | undefined {
    const list = this.#events;
    const [first] = list;
    const last = list.pop();
    if (first === undefined || last === undefined || list.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const leftAt = list[left]?.atMs ?? Infinity;
      const rightAt = list[right]?.atMs ?? Infinity;
      const child = leftAt <= rightAt ? left : right;
      const below = list[child];
      if (below === undefined || below.atMs >= last.atMs) break;
      list[at] = below;
      at = child;
    }
    list[at] = last;
    return first;
  }
}

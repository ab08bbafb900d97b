/** Isolates, a network and one quota object, simulated with the broker's own desk and holders: time is made up, chance is seeded. */
import { Desk } from '../../src/core/quota/desk.ts';
import { LeaseHolder, type Taken } from '../../src/core/quota/holder.ts';
import { EventQueue, seeded } from './event-queue.ts';
import { createAccounts } from './quota-accounts.ts';

export interface Population {
  readonly isolates: number;
  /** Of the round trip to the object, for each place; isolates are dealt out evenly. */
  readonly roundTripsMs: readonly number[];
  readonly limitPerMinute: number;
  /** Demand as a share of the limit: its mean, where `shape` changes it. */
  readonly load: number;
  /** What the demand is at a second, as a share of its mean; at most `PEAK`. */
  readonly shape?: (second: number) => number;
  /** One isolate's demand, as a share of the mean isolate's. */
  readonly skew?: (isolate: number) => number;
  readonly seconds: number;
  readonly seed: number;
}

export interface Outcome {
  /** The fullest 60 s of admissions, from the very start. */
  readonly fullestMinute: number;
  /** From the start too: how often the object was asked. */
  readonly callsBySecond: readonly number[];
  /** Calls for accounts alone are among them, and here. */
  readonly accountCallsBySecond: readonly number[];
  /** What asking added to each request that was admitted. */
  readonly addedMs: readonly number[];
  /** When the ledger has filled. */
  readonly steady: {
    readonly seconds: number;
    readonly requests: number;
    readonly admitted: number;
    readonly refused: number;
    /** For permits. */
    readonly calls: number;
    readonly accountCalls: number;
    /** Those of the accounts among them. */
    readonly rows: number;
  };
  /** Of the limit; undefined where too little was admitted to say. */
  readonly usedShare: number | undefined;
}

/** How much more than its mean a shape may be. */
const PEAK = 2;
/** As the gate does: a Worker cannot await another request's promise. */
const LOOK_AGAIN_MS = 20;
const GIVES_UP_AFTER_MS = 4_000;
const FILLED_AFTER_S = 130;
/** As many as a sender needs from a wait to its call and back. */
const TURNS = 20;
const START_MS = 1_800_000_000_000;

export async function simulate(population: Population): Promise<Outcome> {
  const { isolates, roundTripsMs, limitPerMinute, load, seconds, seed, shape, skew } = population;
  const random = seeded(seed);
  const events = new EventQueue();
  const desk = new Desk([], 'simulated');
  const steadySeconds = seconds - Math.min(seconds / 2, FILLED_AFTER_S);
  const endMs = START_MS + seconds * 1_000;
  const steadyFromMs = endMs - steadySeconds * 1_000;
  const admittedAtMs: number[] = [];
  const addedMs: number[] = [];
  const callsBySecond = Array.from({ length: seconds }, () => 0);
  const steady = { requests: 0, admitted: 0, refused: 0, calls: 0, rows: 0 };
  let nowMs = START_MS;
  let isTurning = false;
  const accounts = createAccounts({
    nowMs: () => nowMs,
    wait: (ms) =>
      new Promise((resolve) => {
        const run = (): void => {
          isTurning = true;
          resolve();
        };
        events.push({ atMs: nowMs + ms, run });
      }),
  });

  for (let isolate = 0; isolate < isolates; isolate += 1) start(isolate);
  for (let event = events.pop(); event !== undefined && event.atMs < endMs; event = events.pop()) {
    nowMs = event.atMs;
    event.run();
    // What waited goes on at this moment, and not at that of the next event.
    if (isTurning) await turned();
    isTurning = false;
  }
  const accountCallsBySecond = bySecond(accounts.callsAtMs, seconds);
  const isSteady = (atMs: number): boolean => atMs >= steadyFromMs;
  return {
    fullestMinute: fullestWindow(admittedAtMs, 60_000),
    callsBySecond: callsBySecond.map((calls, second) => calls + (accountCallsBySecond[second] ?? 0)),
    accountCallsBySecond,
    addedMs,
    steady: {
      ...steady,
      rows: steady.rows + accounts.rowsAtMs.filter(isSteady).length,
      accountCalls: accounts.callsAtMs.filter(isSteady).length,
      seconds: steadySeconds,
    },
    usedShare: usedShare(admittedAtMs, steadyFromMs, limitPerMinute),
  };

  function count(what: keyof typeof steady, howMany = 1): void {
    if (nowMs >= steadyFromMs) steady[what] += howMany;
  }

  function start(isolate: number): void {
    const roundTripMs = roundTripsMs[isolate % roundTripsMs.length] ?? 0;
    const holder = new LeaseHolder(`isolate-${isolate}`);
    const own = accounts.isolate(`isolate-${isolate}`);
    const perMinute = limitPerMinute * load * (skew?.(isolate) ?? 1) * (shape === undefined ? 1 : PEAK);
    const meanGapMs = (isolates * 60_000) / perMinute;
    next();

    function next(): void {
      events.push({ atMs: nowMs - Math.log(1 - random()) * meanGapMs, run: arrive });
    }

    function arrive(): void {
      next();
      if (shape !== undefined && random() > shape((nowMs - START_MS) / 1_000) / PEAK) return;
      count('requests');
      const sinceMs = nowMs;
      go(holder.take(nowMs));

      function go(taken: Taken): void {
        if (taken.tag === 'permit') {
          admit(sinceMs);
          if (holder.shouldRenew(nowMs)) ask(() => undefined);
        } else if (taken.tag === 'wait' || nowMs > sinceMs + GIVES_UP_AFTER_MS) refuse();
        else if (taken.tag === 'ask') ask(() => go(holder.look(nowMs)));
        else events.push({ atMs: nowMs + LOOK_AGAIN_MS, run: () => go(holder.look(nowMs)) });
      }
    }

    function refuse(): void {
      count('refused');
      own.exchanged('refused');
    }

    function admit(sinceMs: number): void {
      count('admitted');
      own.exchanged('granted');
      admittedAtMs.push(nowMs);
      addedMs.push(nowMs - sinceMs);
    }

    function ask(then: () => void): void {
      const askedAtMs = nowMs;
      const question = holder.ask(nowMs);
      const batch = own.take();
      const thereMs = roundTripMs * (0.3 + 0.4 * random());
      events.push({
        atMs: nowMs + thereMs,
        run: () => {
          const second = Math.floor((nowMs - START_MS) / 1_000);
          callsBySecond[second] = (callsBySecond[second] ?? 0) + 1;
          const answer = desk.ask(question, Math.floor(nowMs), limitPerMinute, random());
          const ack = accounts.received(batch);
          count('calls');
          count('rows', answer.rows.length);
          events.push({
            atMs: nowMs + roundTripMs - thereMs,
            run: () => {
              holder.answered(answer, askedAtMs, nowMs);
              own.answered(ack);
              then();
            },
          });
        },
      });
    }
  }
}

async function turned(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
}

function bySecond(timesMs: readonly number[], seconds: number): readonly number[] {
  const counts = Array.from({ length: seconds }, () => 0);
  for (const atMs of timesMs) {
    const second = Math.floor((atMs - START_MS) / 1_000);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

/** `timesMs` in order. */
function fullestWindow(timesMs: readonly number[], windowMs: number): number {
  let fullest = 0;
  let from = 0;
  for (const [index, atMs] of timesMs.entries()) {
    while ((timesMs[from] ?? atMs) <= atMs - windowMs) from += 1;
    fullest = Math.max(fullest, index - from + 1);
  }
  return fullest;
}

/**
 * How much of the limit was used: 60 s, by how long as many admissions took as a minute may hold. Unlike a count over some minutes it does not
 * depend on where in a wave they begin and end.
 */
function usedShare(admittedAtMs: readonly number[], fromMs: number, limitPerMinute: number): number | undefined {
  const first = admittedAtMs.findIndex((atMs) => atMs >= fromMs);
  const pairs = admittedAtMs.length - limitPerMinute - first;
  if (first < 0 || pairs < 1) return undefined;
  let sumMs = 0;
  for (let n = first; n < first + pairs; n += 1)
    sumMs += (admittedAtMs[n + limitPerMinute] ?? 0) - (admittedAtMs[n] ?? 0);
  return 60_000 / (sumMs / pairs);
}

/**
 * The promise, by exhaustive search: every order of a few acts on the real ledger, each with the best and the worst clock that is allowed. Time
 * goes in steps of 250 ms and the window is 1 s instead of 60; bucket, margin, clock error and the extra second are the true ones.
 */
import { describe, expect, it } from 'vitest';
import { bucketOf, Ledger, type LedgerRow } from '../../../src/core/quota/ledger.ts';

// Written down again, in steps: the oracle borrows no number from the code it judges.
const STEP_MS = 250;
const WINDOW = 4;
const MARGIN = 2;
const EXTRA_SECOND = 4;
/** The bucket that a lease is cut from ends so many steps after it. */
const LONGEST_LIFE = 4;
const LIVES = [3, LONGEST_LIFE];
const START = 1_000;
const SLOW_MS = 60_000;

type Who = 'live' | 'stale';

/**
 * Who holds a lease uses it now, later or never: that covers answers that are late or lost, isolates that die, and questions that come twice (the
 * second one's lease is never used). How many isolates there are does not matter, for each reading of a clock is off by itself.
 */
type Act =
  | { readonly kind: 'step' }
  | {
      readonly kind: 'ask';
      readonly who: Who;
      readonly permits: number;
      readonly reserve: number;
      readonly life: number;
      readonly objectClock: number;
      readonly askClock: number;
    }
  | { readonly kind: 'use'; readonly lease: number; readonly clock: number }
  | { readonly kind: 'settle'; readonly lease: number }
  /** A report arrives, once or again; at the instance of that moment, whoever gave the lease. */
  | { readonly kind: 'report'; readonly lease: number }
  /** Another instance takes over from the rows. The old one, if it lives, does not know; nothing that it writes will be. */
  | { readonly kind: 'replace' };

interface Rules {
  readonly limit: number;
  /** Acts other than steps of time. */
  readonly maxActs: number;
  readonly maxSteps: number;
  /** Only the longest lives, the largest rows, and questions by the fastest clock: what is worst for the promise. */
  readonly isWorst: boolean;
  readonly countedAfterExpiry: number;
  readonly rowsAreWritten: boolean;
  /** How far a clock may run ahead of true time; two of them differ by as much. */
  readonly clockError: number;
  readonly usedPastEnd: number;
  readonly settledIsUsed: boolean;
  readonly settledTwice: boolean;
  readonly staleReserves: boolean;
}
const CORRECT: Rules = {
  limit: 1,
  maxActs: 4,
  maxSteps: 13,
  isWorst: false,
  countedAfterExpiry: WINDOW + EXTRA_SECOND,
  rowsAreWritten: true,
  clockError: 2,
  usedPastEnd: 0,
  settledIsUsed: false,
  settledTwice: false,
  staleReserves: false,
};

interface Lease {
  readonly name: string;
  /** Counts the instances: a report means something only to the one that gave the lease. */
  readonly instance: number;
  readonly bucket: number;
  left: number;
  readonly usableUntil: number;
  settled: number | undefined;
  reports: number;
}

class World {
  now = START;
  replaced = 0;
  acts = 0;
  readonly rows = new Map<number, LedgerRow>();
  readonly leases: Lease[] = [];
  readonly admittedAt: number[] = [];
  /** What the instances know, as far as it shows: so that two histories that end alike are told to be alike. */
  highest = 0;
  staleHighest = 0;
  staleRows = '';
  #live: Ledger;
  #stale: Ledger | undefined;
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
    this.#live = this.#restored();
  }

  do(act: Act): boolean {
    if (act.kind === 'step') this.now += 1;
    else this.acts += 1;
    if (act.kind === 'ask') return this.#ask(act);
    if (act.kind === 'use') return this.#use(act);
    if (act.kind === 'settle') return this.#settle(act.lease);
    if (act.kind === 'report') return this.#report(act.lease);
    if (act.kind === 'replace') this.#replace();
    return true;
  }

  #ask({ who, permits, reserve, life, objectClock, askClock }: Extract<Act, { kind: 'ask' }>): boolean {
    const ledger = who === 'live' ? this.#live : this.#stale;
    if (ledger === undefined) return false;
    const { limit, rowsAreWritten, staleReserves } = this.#rules;
    const timeMs = ledger.advance((this.now + objectClock) * STEP_MS);
    const bucket = bucketOf(timeMs + life * STEP_MS, this.#numbers());
    if (who === 'live') {
      const rows =
        ledger.free(bucket) >= permits ? [] : ledger.reserve(bucket, { least: 1, most: reserve, worthARow: 1 }, limit);
      if (rowsAreWritten) for (const row of rows) this.rows.set(row.bucket, row);
    } else if (staleReserves) ledger.reserve(bucket, { least: 1, most: reserve, worthARow: 1 }, limit);
    const cut = ledger.cut(bucket, permits, limit);
    if (cut === undefined) return false;
    const expiresAfter = bucket + 1 - timeMs / STEP_MS;
    this.leases.push({
      name: cut.lease,
      instance: this.replaced - (who === 'live' ? 0 : 1),
      bucket,
      left: cut.permits,
      usableUntil: this.now + askClock + expiresAfter - MARGIN + this.#rules.usedPastEnd,
      settled: undefined,
      reports: 0,
    });
    if (who === 'live') this.highest = timeMs / STEP_MS;
    else this.staleHighest = timeMs / STEP_MS;
    return true;
  }

  #use({ lease: index, clock }: Extract<Act, { kind: 'use' }>): boolean {
    const lease = this.leases[index];
    const at = this.now + clock;
    if (lease === undefined || lease.left < 1 || at >= lease.usableUntil) return false;
    if (lease.settled !== undefined && !this.#rules.settledIsUsed) return false;
    lease.left -= 1;
    this.admittedAt.push(at);
    return true;
  }

  #settle(index: number): boolean {
    const lease = this.leases[index];
    if (lease === undefined || lease.left < 1 || lease.settled !== undefined) return false;
    lease.settled = lease.left;
    return true;
  }

  #report(index: number): boolean {
    const lease = this.leases[index];
    if (lease?.settled === undefined || lease.reports > 1) return false;
    lease.reports += 1;
    if (this.#rules.settledTwice) this.#live.giveBack(lease.name, lease.settled);
    else this.#live.settle(lease.name, lease.settled);
    return true;
  }

  #replace(): void {
    this.#stale = this.#live;
    this.staleHighest = this.highest;
    this.staleRows = this.#rowsText();
    this.replaced += 1;
    this.#live = this.#restored();
    this.highest = Math.max(0, ...[...this.rows.values()].map((row) => row.writtenMs / STEP_MS));
  }

  #restored(): Ledger {
    return new Ledger([...this.rows.values()], `instance-${this.replaced}`, this.#numbers());
  }

  #numbers(): { bucketMs: number; countedAfterExpiryMs: number } {
    return { bucketMs: STEP_MS, countedAfterExpiryMs: this.#rules.countedAfterExpiry * STEP_MS };
  }

  #rowsText(): string {
    return [...this.rows.values()]
      .map((row) => `${row.bucket - this.now}:${row.reserved}:${row.writtenMs / STEP_MS - this.now}`)
      .toSorted()
      .join(' ');
  }

  isOverfull(): boolean {
    return this.admittedAt.some(
      (from) => this.admittedAt.filter((at) => at >= from && at < from + WINDOW).length > this.#rules.limit,
    );
  }

  /** Everything that the future depends on, with times as seen from now. */
  key(): string {
    const leases = this.leases.map((lease) => [
      this.replaced - lease.instance,
      lease.bucket - this.now,
      lease.left,
      Math.max(0, lease.usableUntil - this.now),
      lease.settled,
      lease.reports,
    ]);
    const admitted = this.admittedAt.map((at) => at - this.now).filter((at) => at > -WINDOW - 1);
    return JSON.stringify([
      this.now - START,
      this.acts,
      this.#rowsText(),
      this.staleRows,
      this.replaced,
      Math.max(this.highest - this.now, 0),
      Math.max(this.staleHighest - this.now, 0),
      leases.map((lease) => lease.join()).toSorted(),
      admitted.toSorted((a, b) => a - b),
    ]);
  }
}

function actsIn(world: World, rules: Rules): readonly Act[] {
  const acts: Act[] = [];
  if (world.now < START + rules.maxSteps) acts.push({ kind: 'step' });
  if (world.acts >= rules.maxActs) return acts;
  const lives = rules.isWorst ? LIVES.slice(-1) : LIVES;
  const clocks = [0, rules.clockError];
  for (const who of ['live', 'stale'] as const) {
    for (let permits = 1; permits <= rules.limit; permits += 1) {
      for (const reserve of rules.isWorst ? [rules.limit] : new Set([permits, rules.limit])) {
        for (const life of lives) {
          for (const objectClock of clocks) {
            for (const askClock of rules.isWorst ? [rules.clockError] : clocks)
              acts.push({ kind: 'ask', who, permits, reserve, life, objectClock, askClock });
          }
        }
      }
    }
  }
  for (const [lease, { left, settled }] of world.leases.entries()) {
    if (left > 0) for (const clock of clocks) acts.push({ kind: 'use', lease, clock });
    if (left > 0 && settled === undefined) acts.push({ kind: 'settle', lease });
    if (settled !== undefined) acts.push({ kind: 'report', lease });
  }
  if (world.replaced < (rules.isWorst ? 1 : 2)) acts.push({ kind: 'replace' });
  return acts;
}

interface Found {
  readonly states: number;
  readonly admissions: number;
  readonly broken?: readonly Act[];
}

function search(rules: Rules): Found {
  const seen = new Set<string>();
  const paths: (readonly Act[])[] = [[]];
  let admissions = 0;
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const before = replay(rules, path);
    for (const act of actsIn(before, rules)) {
      const world = replay(rules, path);
      if (!world.do(act)) continue;
      if (world.isOverfull()) return { states: seen.size, admissions, broken: [...path, act] };
      const key = world.key();
      if (seen.has(key)) continue;
      seen.add(key);
      admissions = Math.max(admissions, world.admittedAt.length);
      paths.push([...path, act]);
    }
  }
  return { states: seen.size, admissions };
}

function replay(rules: Rules, path: readonly Act[]): World {
  const world = new World(rules);
  for (const act of path) world.do(act);
  return world;
}

describe('in every order of acts', () => {
  it.each([
    { limit: 1, maxActs: 5, isWorst: false },
    { limit: 1, maxActs: 6, isWorst: true },
    { limit: 2, maxActs: 5, isWorst: true },
  ])(
    'no window holds more than $limit, within $maxActs acts',
    ({ limit, maxActs, isWorst }) => {
      const found = search({ ...CORRECT, limit, maxActs, isWorst });
      expect(found.broken).toBeUndefined();
      // And not because nothing was tried, or nothing admitted: a second window was filled as well.
      expect(found.states).toBeGreaterThan(50_000);
      expect(found.admissions).toBeGreaterThan(limit);
    },
    SLOW_MS,
  );
});

describe('the same search finds out', () => {
  it.each<[string, Partial<Rules>]>([
    ['rows that are not written', { rowsAreWritten: false, maxActs: 5 }],
    ['permits that count for a window after their expiry, and nothing for clocks', { countedAfterExpiry: WINDOW }],
    ['permits that count from their grant', { countedAfterExpiry: WINDOW - LONGEST_LIFE }],
    ['permits that outlive their lease', { usedPastEnd: 4 }],
    ['permits that are used though they were settled', { settledIsUsed: true, maxActs: 6, maxSteps: 0 }],
    ['settlements that count twice', { settledTwice: true, limit: 2, maxActs: 8, maxSteps: 0, isWorst: true }],
    ['an instance that hands out what it could not write', { staleReserves: true, maxActs: 5 }],
    ['clocks that differ by a whole second: more than is allowed for', { clockError: 4 }],
  ])(
    '%s',
    (_, broken) => {
      expect(search({ ...CORRECT, ...broken }).broken).toBeDefined();
    },
    SLOW_MS,
  );

  it('nothing where clocks differ by 750 ms: half as much again as is promised', () => {
    expect(search({ ...CORRECT, clockError: 3 }).broken).toBeUndefined();
  });
});

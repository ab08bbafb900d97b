/**
 * The desk behind which one limit is handed out: it asks the plan how much and for how long, and the ledger whether there is room. What keeps
 * the promise is the ledger; everything here is about wasting little of it and being asked seldom.
 */
import { DecayingRate } from './decaying.ts';
import { Demand } from './demand.ts';
import { Evenly } from './evenly.ts';
import { Handed } from './handed.ts';
import { bucketEndMs, bucketOf, type Counted, type Cut, Ledger, type LedgerRow } from './ledger.ts';
import { BUCKET_MS, COUNTED_AFTER_EXPIRY_MS, type LedgerNumbers, LONGEST_LEASE_MS } from './numbers.ts';
import { clamp, neededPermits, type Plan, planFor } from './plan.ts';

export interface Ask {
  /** Tells askers apart, so that each one's rate counts once. */
  readonly asker: string;
  /** What the asker has seen lately; 0 where it has seen nothing yet, and then one permit is all it gets. */
  readonly ratePerSecond: number;
  /** Leases that it will not use any more, each told once. */
  readonly settled: readonly Settlement[];
  /** No more than this: 1 for a token that is taken a single time. */
  readonly atMost?: number;
}

export interface Settlement {
  readonly lease: string;
  readonly unused: number;
}

export interface Allotted {
  /** 0: refused. */
  readonly permits: number;
  /** Names the lease when it is settled. */
  readonly lease: string;
  /** From before the asking, by the asker's clock. */
  readonly expiresAfterMs: number;
  /** Do not ask again before: always with a refusal, and with a lease where the limit is scarce and many want of it. */
  readonly retryAfterMs?: number;
  /** With a refusal: from then on, how long it takes this asker's next permit to return. */
  readonly roomEveryMs?: number;
  /** Must be durable before anything of this answer leaves. Where they cannot be written, the desk is to be thrown away. */
  readonly rows: readonly LedgerRow[];
}

/** Of what will likely be wanted of a row while it serves: what is left over costs a row to win back. */
const LIKELY = 0.9;
/** No row is written to hand out less, of large limits: room is gathered first. */
const CRUMB_PERMITS = 20;
const CRUMB_SHARE = 1 / 500;
/** No row is written to win back fewer. */
const LEAST_WON_BACK = 3;
/** Who waits for long waits somewhat longer, so that not all come back at the moment when there is room again. */
const SPREAD_OF_WAIT = 0.1;
/** Nothing in the ledger brings room to a limit of 0. */
const CLOSED_RETRY_AFTER_MS = 60_000;
const ASKS_MEMORY_MS = 5_000;
/** Whoever asks has been seen to want something; and a rate of 0 is nothing to divide by. */
const LEAST_SEEN_PER_SECOND = 1e-6;

export class Desk {
  readonly #ledger: Ledger;
  readonly #asks = new DecayingRate(ASKS_MEMORY_MS);
  readonly #demand = new Demand();
  readonly #handed = new Handed();
  #evenly = new Evenly();
  #limit = 0;
  /** Which leases are cut from now. */
  #openBucket = -1;

  /** From the rows that are stored. `name`: unlike that of any instance before. */
  constructor(rows: readonly LedgerRow[], name: string, numbers?: LedgerNumbers) {
    this.#ledger = new Ledger(rows, name, numbers);
  }

  /** `chance`: in [0, 1), for who is sent away together must not come back together. */
  ask(ask: Ask, nowMs: number, limit: number, chance: number): Allotted {
    this.settle(ask.settled, nowMs);
    const timeMs = this.#ledger.advance(nowMs);
    this.#limitIs(limit);
    this.#asks.add(timeMs);
    this.#demand.seen(ask.asker, ask.ratePerSecond, 0, timeMs);
    const plan = planFor(this.#load(timeMs, limit));
    const most = Math.min(ask.atMost ?? Infinity, this.#evenly.most(plan.evenPerSecond, timeMs));
    const awayMs = plan.paceMs * (0.8 + 0.4 * chance);
    const wanted = (bucket: number): number => {
      const lifeMs = Math.min(bucketEndMs(bucket) - timeMs, LONGEST_LEASE_MS);
      return Math.min(most, neededPermits(plan, ask.ratePerSecond, lifeMs, awayMs, chance));
    };
    const rows = most < 1 ? [] : this.#open(plan, wanted, timeMs, limit);
    const cut =
      most < 1 || !this.#isOpen(plan, timeMs)
        ? undefined
        : this.#ledger.cut(this.#openBucket, wanted(this.#openBucket), limit);
    this.#evenly.left(limit - this.#ledger.issued(), limit);
    if (cut === undefined) {
      const retryAfterMs = this.#refused(ask, plan, { nowMs, timeMs, limit, chance });
      return { permits: 0, lease: '', expiresAfterMs: 0, retryAfterMs, ...this.#returning(ask, plan), rows };
    }
    return this.#given(cut, plan, awayMs, timeMs, rows);
  }

  /** Object time, which never goes back. */
  timeMs(nowMs: number): number {
    return this.#ledger.advance(nowMs);
  }

  /** What came back without a question of its own. */
  settle(settled: readonly Settlement[], nowMs: number): void {
    this.#ledger.advance(nowMs);
    for (const { lease, unused } of settled) this.#ledger.settle(lease, unused);
  }

  /** Part of a lease that was allotted just now, and has not left: as if it had not been handed out. */
  giveBack(lease: string, permits: number, nowMs: number): void {
    if (!this.#ledger.giveBack(lease, permits)) return;
    const timeMs = this.#ledger.advance(nowMs);
    this.#evenly.handed(-permits, timeMs);
    this.#handed.add(-permits, timeMs);
  }

  /** What counts, and until when. */
  counted(nowMs: number): readonly Counted[] {
    this.#ledger.advance(nowMs);
    return this.#ledger.counted();
  }

  handedPerMs(nowMs: number): number {
    return this.#handed.perMs(this.#ledger.advance(nowMs));
  }

  /** Permits that count now: the limit less this is free. */
  issued(nowMs: number): number {
    this.#ledger.advance(nowMs);
    return this.#ledger.issued();
  }

  /** A raise is for those who were refused: what is new of the limit is not to wait for an even pace. */
  #limitIs(limit: number): void {
    if (limit > this.#limit) this.#evenly = new Evenly();
    this.#limit = limit;
  }

  #load(timeMs: number, limit: number): Parameters<typeof planFor>[0] {
    const issued = this.#ledger.issued();
    const seenPerSecond = Math.max(
      this.#demand.perSecond(),
      // Who asks wants one permit at the least, however seldom.
      this.#asks.perSecond(timeMs),
      // After a restart nothing was told yet, but what is in the rows was handed out over all the time that it counts.
      (issued * 1_000) / (COUNTED_AFTER_EXPIRY_MS + LONGEST_LEASE_MS),
      LEAST_SEEN_PER_SECOND,
    );
    return { limit, issued, seenPerSecond, askers: this.#demand.askers(), isEven: this.#evenly.isOn(timeMs) };
  }

  /** The rows to write, where the open bucket will not do. */
  #open(plan: Plan, wanted: (bucket: number) => number, timeMs: number, limit: number): readonly LedgerRow[] {
    // Where the limit is scarce the last permit of a row is worth more than a question saved.
    const enough = plan.isScarce ? 1 : wanted(this.#openBucket) / 2;
    if (this.#isOpen(plan, timeMs) && this.#ledger.free(this.#openBucket) >= enough) return [];
    const bucket = bucketOf(timeMs + plan.leaseMs + plan.serviceMs);
    const servedMs = bucketEndMs(bucket) - timeMs - plan.leaseMs;
    const most = Math.max(wanted(bucket), Math.floor((plan.handedPerSecond * servedMs * LIKELY) / 1_000));
    const least = Math.min(most, crumbOf(limit));
    const rows = this.#ledger.reserve(bucket, { least, most, worthARow: Math.min(least, LEAST_WON_BACK) }, limit);
    if (rows.length > 0) this.#openBucket = bucket;
    return rows;
  }

  #isOpen(plan: Plan, timeMs: number): boolean {
    const restMs = bucketEndMs(this.#openBucket) - timeMs;
    return restMs >= plan.shortestMs && restMs <= plan.leaseMs + plan.serviceMs + BUCKET_MS;
  }

  #given(cut: Cut, plan: Plan, awayMs: number, timeMs: number, rows: readonly LedgerRow[]): Allotted {
    this.#evenly.handed(cut.permits, timeMs);
    this.#handed.add(cut.permits, timeMs);
    return {
      ...cut,
      // The bucket may reach further than a lease may: then it counts for longer than it is used.
      expiresAfterMs: Math.min(bucketEndMs(this.#openBucket) - timeMs, LONGEST_LEASE_MS),
      rows,
      ...(plan.isScarce && awayMs >= 1 ? { retryAfterMs: Math.ceil(awayMs) } : {}),
    };
  }

  /** Away until there is room, and who are many come back one after the other. */
  #refused(ask: Ask, plan: Plan, { timeMs, nowMs, limit, chance }: Moment): number {
    const roomAtMs = Math.max(
      this.#ledger.roomReturnsAtMs(crumbOf(limit), limit),
      timeMs + this.#evenly.returnsAfterMs(plan.evenPerSecond),
    );
    const roomAfterMs = limit < 1 ? CLOSED_RETRY_AFTER_MS : Math.max(1, roomAtMs - nowMs);
    const spreadMs = Math.max(2 * plan.paceMs, Math.min(plan.spreadMs, roomAfterMs * SPREAD_OF_WAIT));
    const retryAfterMs = Math.ceil(roomAfterMs + spreadMs * chance);
    this.#evenly.refused(timeMs + retryAfterMs);
    this.#demand.seen(ask.asker, ask.ratePerSecond, retryAfterMs, timeMs);
    return retryAfterMs;
  }

  #returning({ ratePerSecond }: Ask, { share, evenPerSecond }: Plan): Pick<Allotted, 'roomEveryMs'> {
    const perSecond = Math.max(ratePerSecond * share, evenPerSecond / Math.max(1, this.#demand.askers()));
    return perSecond > 0 ? { roomEveryMs: 1_000 / perSecond } : {};
  }
}

interface Moment {
  /** By the object's clock, and as the ledger's time, which never goes back. */
  readonly nowMs: number;
  readonly timeMs: number;
  readonly limit: number;
  readonly chance: number;
}

function crumbOf(limit: number): number {
  return clamp(Math.floor(limit * CRUMB_SHARE), 1, CRUMB_PERMITS);
}

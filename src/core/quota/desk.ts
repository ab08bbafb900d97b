/**
 * The desk behind which one limit is handed out: how long a lease may be, how much it holds, and when who was sent away may come again. What
 * keeps the promise is the ledger; everything here is about wasting little of it and being asked seldom.
 */
import { DecayingRate } from './decaying.ts';
import { Demand } from './demand.ts';
import { bucketEndMs, bucketOf, type Cut, Ledger, type LedgerRow } from './ledger.ts';
import {
  BUCKET_MS,
  COUNTED_AFTER_EXPIRY_MS,
  LEASE_MARGIN_MS,
  LONGEST_LEASE_MS,
  LONGEST_SERVICE_MS,
} from './numbers.ts';

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
  /** Must be durable before anything of this answer leaves. Where they cannot be written, the desk that made them is to be thrown away. */
  readonly rows: readonly LedgerRow[];
}

interface Plan {
  /** What each asker may be given of the rate that it wants: 1 where there is enough for all. */
  readonly share: number;
  /** How long each asker stays away, so that all together do not ask too often. */
  readonly paceMs: number;
  readonly shortestMs: number;
  readonly leaseMs: number;
  /** For how long leases are cut from one row. */
  readonly serviceMs: number;
  /** Permits that will be handed out a second. */
  readonly handedPerSecond: number;
}

/** As full as the ledger is planned to be: chance crowds above it. */
const PLANNED_FILL = 0.93;
/** The answer's journey takes some of a lease, its margin takes half a second, and a waiting request must be served by what is left. */
const SHORTEST_LEASE_MS = 1_000;
const LONGEST_JOURNEY_MS = 250;
/** What a lease counts for at the least: with so much time between two uses of one permit, this is what a limit yields. */
const SHORTEST_COUNT_MS = COUNTED_AFTER_EXPIRY_MS + SHORTEST_LEASE_MS;
/** Room that nobody uses yet is given away as if it had to last so long: a burst finds it, and those who come after do too. */
const ROOM_LASTS_MS = 5_000;
/** Rows are reserved for so many permits, where time and room allow. */
const ROW_PERMITS = 50;
/** Of what will likely be wanted of a row while it serves: what is left over costs a row to win back. */
const LIKELY = 0.9;
/** No row is written to hand out fewer, of large limits: room is gathered first. */
const CRUMB_PERMITS = 20;
const CRUMB_SHARE = 1 / 500;
/** No row is written to win back fewer. */
const LEAST_WON_BACK = 3;
/** So many askings a second, and no more, from all askers together. */
const ASKS_PER_SECOND = 230;
const PACE_SPARE = 1.15;
const CLOSED_RETRY_AFTER_MS = 60_000;

export class Desk {
  readonly #ledger: Ledger;
  readonly #asks = new DecayingRate(5_000);
  readonly #demand = new Demand();
  #openBucket = -1;

  /** `name`: unlike that of any instance before. */
  constructor(rows: readonly LedgerRow[], name: string) {
    this.#ledger = new Ledger(rows, name);
  }

  /** `chance`: in [0, 1), for who is sent away together must not come back together. */
  ask(ask: Ask, nowMs: number, limit: number, chance: number): Allotted {
    const timeMs = this.#ledger.advance(nowMs);
    for (const { lease, unused } of ask.settled) this.#ledger.settle(lease, unused);
    this.#asks.add(timeMs);
    this.#demand.seen(ask.asker, ask.ratePerSecond, 0, timeMs);
    const plan = this.#plan(timeMs, limit);
    const awayMs = plan.paceMs * (0.8 + 0.4 * chance);
    const restMs = bucketEndMs(this.#openBucket) - timeMs;
    const isOpen = restMs >= plan.shortestMs && restMs <= plan.leaseMs + plan.serviceMs + BUCKET_MS;
    const fresh = bucketOf(timeMs + plan.leaseMs + plan.serviceMs);
    const wanted = (bucket: number): number => {
      const lifeMs = Math.min(bucketEndMs(bucket) - timeMs, LONGEST_LEASE_MS);
      return this.#wanted(ask, plan, lifeMs, awayMs, chance);
    };
    const cut = (bucket: number): Cut | undefined => this.#ledger.cut(bucket, wanted(bucket), limit);

    let rows: readonly LedgerRow[] = [];
    const enough = plan.share < 1 ? 1 : wanted(this.#openBucket) / 2;
    if (!isOpen || this.#ledger.free(this.#openBucket) < enough) {
      const servedMs = bucketEndMs(fresh) - timeMs - plan.leaseMs;
      const most = Math.max(wanted(fresh), Math.floor((plan.handedPerSecond * servedMs * LIKELY) / 1_000));
      const crumb = crumbOf(limit);
      rows = this.#ledger.reserve(fresh, { least: Math.min(most, crumb), most, worthARow: Math.min(most, crumb, LEAST_WON_BACK) }, limit);
      if (rows.length > 0) this.#openBucket = fresh;
    }
    const given = isOpen || rows.length > 0 ? cut(this.#openBucket) : undefined;
    if (given === undefined) return this.#refused(ask, timeMs, nowMs, limit, plan.paceMs * 2 * chance, rows);
    return {
      ...given,
      // The bucket may reach further than a lease may: then it counts for longer than it is used.
      expiresAfterMs: Math.min(bucketEndMs(this.#openBucket) - timeMs, LONGEST_LEASE_MS),
      rows,
      ...(plan.share < 1 && awayMs >= 1 ? { retryAfterMs: Math.ceil(awayMs) } : {}),
    };
  }

  /** Part of a lease that never left. */
  giveBack(lease: string, permits: number): void {
    this.#ledger.giveBack(lease, permits);
  }

  /** Permits that count now: the limit less this is free. */
  issued(nowMs: number): number {
    this.#ledger.advance(nowMs);
    return this.#ledger.issued();
  }

  #plan(timeMs: number, limit: number): Plan {
    const issued = this.#ledger.issued();
    // Who asks wants one permit at least. After a restart nothing was told yet, but what is in the rows was handed out over all the time that it counts.
    const seen = Math.max(
      this.#demand.perSecond(),
      this.#asks.perSecond(timeMs),
      (issued * 1_000) / (COUNTED_AFTER_EXPIRY_MS + LONGEST_LEASE_MS),
      1e-6,
    );
    const yieldPerSecond = (limit * 1_000) / SHORTEST_COUNT_MS;
    const share = Math.min(1, Math.max(yieldPerSecond, ((limit - issued) * 1_000) / ROOM_LASTS_MS) / seen);
    const askers = this.#demand.askers();
    // So that `askers`, each asking once in its pace and the time till it is needed again, ask no more often than that.
    const paceMs = 1_000 * askers * Math.max(0, 1 / ASKS_PER_SECOND - 1 / seen);
    const permitsAPace = (share * seen * paceMs) / 1_000 / Math.max(1, askers);
    // A lease of several permits must live as long as they are to last; a single one is used at once.
    const lastingMs = permitsAPace > 1 ? (share < 1 ? share : 1.4) * paceMs + LONGEST_JOURNEY_MS + LEASE_MARGIN_MS : 0;
    const shortestMs = clamp(lastingMs, SHORTEST_LEASE_MS, LONGEST_LEASE_MS);
    const handedPerSecond = share * seen;
    // A permit counts for its lease's life beside the 61 s; at load ρ there is room for 60·(1/ρ − 1) s of it, less what is kept for chance.
    const spareMs = (PLANNED_FILL * limit * 1_000) / seen - COUNTED_AFTER_EXPIRY_MS;
    const serviceMs = Math.min((ROW_PERMITS * 1_000) / handedPerSecond, Math.min(LONGEST_SERVICE_MS, Math.max(500, spareMs - LONGEST_LEASE_MS)));
    const leaseMs = clamp(spareMs - serviceMs, shortestMs, LONGEST_LEASE_MS);
    return { share, paceMs, shortestMs, leaseMs, serviceMs, handedPerSecond };
  }

  /** What the asker's share of its rate needs until the lease ends, or until it may ask again. */
  #wanted(ask: Ask, plan: Plan, lifeMs: number, awayMs: number, chance: number): number {
    const usableMs = Math.max(BUCKET_MS, lifeMs - LEASE_MARGIN_MS - LONGEST_JOURNEY_MS);
    // Rather used up too early than left over; and not by all at the same time.
    const lastsMs = Math.max(plan.share < 1 && awayMs > 0 ? PACE_SPARE * (awayMs + LONGEST_JOURNEY_MS) : 0, usableMs * (0.75 + 0.25 * chance));
    const needed = Math.floor((ask.ratePerSecond * plan.share * lastsMs) / 1_000);
    return Math.max(1, Math.min(needed, ask.atMost ?? needed));
  }

  #refused(ask: Ask, timeMs: number, nowMs: number, limit: number, awayMs: number, rows: readonly LedgerRow[]): Allotted {
    const roomMs = limit > 0 ? this.#ledger.roomReturnsAtMs(crumbOf(limit), limit) - nowMs : CLOSED_RETRY_AFTER_MS;
    const retryAfterMs = Math.ceil(Math.max(1, roomMs) + awayMs);
    this.#demand.seen(ask.asker, ask.ratePerSecond, retryAfterMs, timeMs);
    return { permits: 0, lease: '', expiresAfterMs: 0, retryAfterMs, rows };
  }
}

function crumbOf(limit: number): number {
  return clamp(Math.floor(limit * CRUMB_SHARE), 1, CRUMB_PERMITS);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/**
 * The desk behind which one limit is handed out: how long a lease may be, how much it holds, and when who was sent away may come again. What
 * keeps the promise is the ledger; everything here is about wasting little of it and being asked seldom.
 */
import { DecayingRate } from './decaying.ts';
import { Demand } from './demand.ts';
import { bucketEndMs, bucketOf, Ledger, type LedgerRow } from './ledger.ts';
import {
  BUCKET_MS,
  COUNTED_AFTER_EXPIRY_MS,
  LONGEST_LEASE_MS,
  LONGEST_RESERVATION_MS,
  SHORTEST_LEASE_MS,
} from './numbers.ts';

export interface Ask {
  /** Tells askers apart, so that each one's rate counts once. */
  readonly asker: string;
  /** What the asker has seen lately; 0 where it has seen nothing yet, and then one permit is all it gets. */
  readonly ratePerSecond: number;
  /** Leases that it will not use any more, each told once. */
  readonly settled: readonly Settlement[];
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
  /** Do not ask again before: always with a refusal, else where the object is asked too often. */
  readonly retryAfterMs?: number;
  /** Must be durable before anything of this answer leaves. */
  readonly rows: readonly LedgerRow[];
}

interface Lease {
  readonly bucket: number;
  readonly permits: number;
}

/** As full as the ledger is planned to be: chance crowds above it. */
const PLANNED_FILL = 0.94;
/** Rows are reserved for so many permits, where the room allows. */
const CHUNK_PERMITS = 50;
/** Above so many askings a second, askers are told to stay away for a while. */
const ASKS_PER_SECOND = 150;
/** How much more than it needed lately a lease holds. */
const SPARE = 1.1;
const CLOSED_RETRY_AFTER_MS = 60_000;
const SHORTEST_RESERVATION_MS = 400;
const COUNTED_AT_MOST_MS = LONGEST_LEASE_MS + LONGEST_RESERVATION_MS + COUNTED_AFTER_EXPIRY_MS;

export class Desk {
  readonly #ledger: Ledger;
  readonly #name: string;
  readonly #leases = new Map<string, Lease>();
  readonly #asks = new DecayingRate(2_000);
  readonly #demand = new Demand();
  #openBucket = -1;
  #leaseCount = 0;

  /** `name`: unlike that of any instance before, for a lease is settled only where it was given. */
  constructor(rows: readonly LedgerRow[], name: string) {
    this.#ledger = new Ledger(rows);
    this.#name = name;
  }

  /** `chance`: in [0, 1), for who is sent away together must not come back together. */
  ask(ask: Ask, nowMs: number, limit: number, chance: number): Allotted {
    const timeMs = this.#ledger.advance(nowMs);
    this.#settle(ask.settled, timeMs);
    this.#asks.add(1, timeMs);
    this.#demand.seen(ask.asker, ask.ratePerSecond, timeMs);
    const room = limit - this.#ledger.issued();
    if (room < 1) return this.#refused(timeMs, nowMs, limit, chance, []);
    const { bucket, leaseMs } = this.#bucketFor(timeMs, limit);
    const wanted = this.#wanted(ask, leaseMs, room, timeMs);
    const rows = this.#ledger.free(bucket) < wanted ? this.#reserve(bucket, wanted, timeMs, limit) : [];
    const permits = Math.min(wanted, this.#ledger.free(bucket));
    if (permits < 1) return this.#refused(timeMs, nowMs, limit, chance, rows);
    this.#ledger.hand(bucket, permits);
    const lease = `${this.#name}.${(this.#leaseCount += 1)}`;
    this.#leases.set(lease, { bucket, permits });
    const awayMs = this.#awayMs(timeMs, chance);
    return {
      permits,
      lease,
      expiresAfterMs: bucketEndMs(bucket) - timeMs,
      rows,
      ...(awayMs === 0 ? {} : { retryAfterMs: awayMs }),
    };
  }

  /** Object time, which never goes back. */
  timeMs(nowMs: number): number {
    return this.#ledger.advance(nowMs);
  }

  issued(nowMs: number): number {
    this.#ledger.advance(nowMs);
    return this.#ledger.issued();
  }

  /** Told twice, or by nobody that is known here, it changes nothing: what is in doubt stays counted. */
  #settle(settled: readonly Settlement[], timeMs: number): void {
    for (const { lease, unused } of settled) {
      const known = this.#leases.get(lease);
      if (known === undefined || !(unused >= 0 && unused <= known.permits)) continue;
      this.#leases.delete(lease);
      this.#ledger.giveBack(known.bucket, unused);
    }
    // Past this, a report could change nothing any more.
    for (const [lease, { bucket }] of this.#leases) {
      if (bucketEndMs(bucket) + COUNTED_AFTER_EXPIRY_MS > timeMs) break;
      this.#leases.delete(lease);
    }
  }

  /** The reservation that leases are cut from now, or the next one: as far ahead as the load leaves time for. */
  #bucketFor(timeMs: number, limit: number): { readonly bucket: number; readonly leaseMs: number } {
    const { leaseMs, reservationMs } = this.#lengths(timeMs, limit);
    const restMs = bucketEndMs(this.#openBucket) - timeMs;
    if (restMs >= SHORTEST_LEASE_MS && restMs <= leaseMs + reservationMs + BUCKET_MS) {
      return { bucket: this.#openBucket, leaseMs: restMs };
    }
    this.#openBucket = bucketOf(timeMs + leaseMs + reservationMs);
    return { bucket: this.#openBucket, leaseMs: bucketEndMs(this.#openBucket) - timeMs };
  }

  /**
   * A permit counts for its lease's life beside the 61 s; at load ρ there is room for 60·(1/ρ − 1) s of it, less what is kept for chance
   * and for the second that clocks are given.
   */
  #lengths(timeMs: number, limit: number): { readonly leaseMs: number; readonly reservationMs: number } {
    // After a restart nothing was seen yet, and what is in the rows was handed out over all the time that it counts.
    const seen = Math.max(this.#demand.perSecond(timeMs), (this.#ledger.issued() * 1_000) / COUNTED_AT_MOST_MS);
    const perMs = Math.max(seen / 1_000, 1e-9);
    const spareMs = (PLANNED_FILL * limit) / perMs - COUNTED_AFTER_EXPIRY_MS - BUCKET_MS;
    const reservationMs = clamp(CHUNK_PERMITS / perMs, SHORTEST_RESERVATION_MS, LONGEST_RESERVATION_MS);
    const affordableMs = clamp(spareMs - SHORTEST_LEASE_MS, SHORTEST_RESERVATION_MS, reservationMs);
    return { leaseMs: clamp(spareMs - affordableMs, SHORTEST_LEASE_MS, LONGEST_LEASE_MS), reservationMs: affordableMs };
  }

  /** What the asker's rate needs for so long; of scarce room no more than what is left for each who asks within half a second. */
  #wanted(ask: Ask, leaseMs: number, room: number, timeMs: number): number {
    const needed = Math.ceil((ask.ratePerSecond * Math.min(leaseMs, LONGEST_LEASE_MS) * SPARE) / 1_000);
    const share = Math.floor(room / Math.max(2, this.#asks.perSecond(timeMs) / 2));
    return Math.max(1, Math.min(needed, share));
  }

  #reserve(bucket: number, wanted: number, timeMs: number, limit: number): readonly LedgerRow[] {
    const soonMs = bucketEndMs(bucket) - timeMs - SHORTEST_LEASE_MS;
    const likely = (this.#demand.perSecond(timeMs) * Math.max(0, soonMs)) / 1_000;
    const missing = wanted - this.#ledger.free(bucket);
    return this.#ledger.reserve(bucket, Math.max(missing, Math.min(Math.floor(likely), CHUNK_PERMITS)), limit);
  }

  #refused(timeMs: number, nowMs: number, limit: number, chance: number, rows: readonly LedgerRow[]): Allotted {
    const returnsAfterMs = limit > 0 ? this.#ledger.roomReturnsAtMs(limit) - nowMs : CLOSED_RETRY_AFTER_MS;
    const retryAfterMs = Math.ceil(Math.max(1, returnsAfterMs, this.#awayMs(timeMs, chance)));
    return { permits: 0, lease: '', expiresAfterMs: 0, retryAfterMs, rows };
  }

  /** Nobody stays away while the object keeps up; beyond that the longer the more are asking. */
  #awayMs(timeMs: number, chance: number): number {
    const crowd = this.#asks.perSecond(timeMs) / ASKS_PER_SECOND;
    return crowd <= 1 ? 0 : Math.ceil(1_000 * crowd * (0.5 + chance));
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/**
 * The ledger of one limit: permits by the stretch in which they expire, so that no 60 s anywhere hold more admissions than the limit. Rows are
 * reserved in chunks and leases are cut from them: what leaves was durable before, and a lease costs no row of its own. The promise rests on
 * this file alone: however the desk behaves, it cannot hand out more.
 */
import { LEDGER_NUMBERS, type LedgerNumbers, RING_SLOTS } from './numbers.ts';

/** All permits that expire in one stretch; stretch 0 began at the epoch of Unix time. */
export interface LedgerRow {
  readonly bucket: number;
  /** Durable: at least as many as were ever handed out and not given back. */
  readonly reserved: number;
  /** Object time of the writing. */
  readonly writtenMs: number;
}

export interface Counted {
  readonly permits: number;
  readonly leavesAtMs: number;
}

export interface Cut {
  readonly lease: string;
  readonly permits: number;
}

interface Entry {
  readonly bucket: number;
  reserved: number;
  /** Of those: handed out and not given back. Known to the instance that handed them out, and no other. */
  issued: number;
  /** What may still be given back, by the lease's name. */
  readonly leases: Map<string, number>;
}

/** As many rows as one call may write to gather room: the fullest first, the rest waits for the next call. */
const MAX_SHRINKS = 8;

export class Ledger {
  readonly #name: string;
  readonly #numbers: LedgerNumbers;
  readonly #entries = new Map<number, Entry>();
  /** Which bucket a lease was cut from. */
  readonly #entryOf = new Map<string, Entry>();
  #highestMs: number;
  #leaseCount = 0;

  /**
   * From whatever rows the ring holds: all of it counts as handed out, for who holds it is not known. `name`: unlike that of any instance
   * before, for a lease is given back only where it was cut.
   */
  constructor(rows: readonly LedgerRow[], name: string, numbers: LedgerNumbers = LEDGER_NUMBERS) {
    this.#name = name;
    this.#numbers = numbers;
    for (const { bucket, reserved } of rows) {
      this.#entries.set(bucket, { bucket, reserved, issued: reserved, leases: new Map() });
    }
    this.#highestMs = Math.max(0, ...rows.map((row) => row.writtenMs));
  }

  /** Object time: what the clock says, but never less than it said before. Forgets what no longer counts. */
  advance(nowMs: number): number {
    this.#highestMs = Math.max(nowMs, this.#highestMs);
    for (const entry of this.#entries.values()) {
      if (this.#leavesAtMs(entry.bucket) > this.#highestMs) continue;
      this.#entries.delete(entry.bucket);
      for (const lease of entry.leases.keys()) this.#entryOf.delete(lease);
    }
    return this.#highestMs;
  }

  /** Handed out and counting. */
  issued(): number {
    let sum = 0;
    for (const entry of this.#entries.values()) sum += entry.issued;
    return sum;
  }

  /** Handed out and counting, and until when. */
  counted(): readonly Counted[] {
    return [...this.#entries.values()].map(({ bucket, issued }) => ({
      permits: issued,
      leavesAtMs: this.#leavesAtMs(bucket),
    }));
  }

  /** Reserved in this bucket and not handed out. */
  free(bucket: number): number {
    const entry = this.#entries.get(bucket);
    return entry === undefined ? 0 : entry.reserved - entry.issued;
  }

  /**
   * The rows to write so that up to `most` permits more can be cut from `bucket` while no more than `limit` are reserved in all; none where
   * there is no room for `least`. Reservations elsewhere that nobody holds are given up for it, the largest first, none under `worthARow`.
   */
  reserve(bucket: number, { least, most, worthARow }: Wanted, limit: number): readonly LedgerRow[] {
    let room = limit - this.#reserved();
    const shrunk: Entry[] = [];
    for (const entry of room < most ? this.#idle(bucket, worthARow) : []) {
      if (room >= most) break;
      room += entry.reserved - entry.issued;
      shrunk.push(entry);
    }
    const added = Math.min(most, room);
    if (added < least || added < 1) return [];
    for (const entry of shrunk) entry.reserved = entry.issued;
    const entry = this.#entries.get(bucket) ?? { bucket, reserved: 0, issued: 0, leases: new Map<string, number>() };
    entry.reserved += added;
    this.#entries.set(bucket, entry);
    return [...shrunk, entry].map(({ bucket: written, reserved }) => ({
      bucket: written,
      reserved,
      writtenMs: this.#highestMs,
    }));
  }

  /** A lease on at most `wanted` permits of what the bucket has free; undefined where that, or a limit lowered since, leaves none. */
  cut(bucket: number, wanted: number, limit: number): Cut | undefined {
    const entry = this.#entries.get(bucket);
    const permits = Math.min(wanted, this.free(bucket), limit - this.issued());
    if (entry === undefined || permits < 1) return undefined;
    const lease = `${this.#name}.${(this.#leaseCount += 1)}`;
    entry.issued += permits;
    entry.leases.set(lease, permits);
    this.#entryOf.set(lease, entry);
    return { lease, permits };
  }

  /** All that its holder will not use of a lease, told once. Told again, or of a lease that is not known here, it changes nothing: what is in doubt stays counted. */
  settle(lease: string, unused: number): void {
    if (this.giveBack(lease, unused)) this.#entryOf.get(lease)?.leases.delete(lease);
  }

  /** Part of a lease that never left: the rest of it lives on. */
  giveBack(lease: string, permits: number): boolean {
    const entry = this.#entryOf.get(lease);
    const held = entry?.leases.get(lease);
    if (entry === undefined || held === undefined) return false;
    if (!(Number.isSafeInteger(permits) && permits >= 0 && permits <= held)) return false;
    entry.issued -= permits;
    entry.leases.set(lease, held - permits);
    return true;
  }

  /** When there is room for `permits` more, if nobody else takes it. */
  roomReturnsAtMs(permits: number, limit: number): number {
    let reserved = this.#reserved();
    for (const entry of [...this.#entries.values()].toSorted((one, other) => one.bucket - other.bucket)) {
      if (reserved + permits <= limit) break;
      reserved -= entry.reserved;
      if (reserved + permits <= limit) return this.#leavesAtMs(entry.bucket);
    }
    return this.#highestMs;
  }

  /** Durable and counting: what another instance would see. */
  #reserved(): number {
    let sum = 0;
    for (const entry of this.#entries.values()) sum += entry.reserved;
    return sum;
  }

  #idle(except: number, worthARow: number): readonly Entry[] {
    const idle = (entry: Entry): number => entry.reserved - entry.issued;
    return [...this.#entries.values()]
      .filter((entry) => entry.bucket !== except && idle(entry) >= worthARow)
      .toSorted((one, other) => idle(other) - idle(one))
      .slice(0, MAX_SHRINKS);
  }

  /** A bucket counts whole until its last permit has ceased to matter: over-counting, never under-counting. */
  #leavesAtMs(bucket: number): number {
    return bucketEndMs(bucket, this.#numbers) + this.#numbers.countedAfterExpiryMs;
  }
}

export interface Wanted {
  readonly least: number;
  readonly most: number;
  readonly worthARow: number;
}

/** The bucket of permits that expire at this moment: its end is never before it. */
export function bucketOf(expiresAtMs: number, { bucketMs }: LedgerNumbers = LEDGER_NUMBERS): number {
  return Math.ceil(expiresAtMs / bucketMs) - 1;
}

export function bucketEndMs(bucket: number, { bucketMs }: LedgerNumbers = LEDGER_NUMBERS): number {
  return (bucket + 1) * bucketMs;
}

/** Where a row is kept: it overwrites one that no longer counts, for deletes are billed as writes. */
export function ringSlot(bucket: number): number {
  return bucket % RING_SLOTS;
}

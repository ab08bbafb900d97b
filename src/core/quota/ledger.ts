/**
 * The ledger of one limit: permits by the stretch in which they expire, so that no 60 s anywhere hold more admissions than the limit. Rows are
 * reserved ahead in chunks and leases are cut from them: what leaves was durable before, and a lease costs no row of its own.
 */
import { BUCKET_MS, COUNTED_AFTER_EXPIRY_MS, RING_SLOTS } from './numbers.ts';

/** All permits that expire in one stretch of half a second; stretch 0 began at the epoch of Unix time. */
export interface LedgerRow {
  readonly bucket: number;
  /** Durable: at least as many as were ever handed out and not given back. */
  readonly reserved: number;
  /** Object time of the writing. */
  readonly writtenMs: number;
}

interface Entry {
  reserved: number;
  /** Of those: handed out and not given back. Known to the instance that handed them out, and no other. */
  issued: number;
}

/** A row is written again for no less than this: what nobody holds of it waits for its end otherwise. */
const LEAST_SHRINK = 3;
const MAX_SHRINKS = 4;

export class Ledger {
  readonly #entries = new Map<number, Entry>();
  #highestMs: number;

  /** From whatever rows the ring holds: all of it counts as handed out, for who holds it is not known. */
  constructor(rows: readonly LedgerRow[]) {
    for (const { bucket, reserved } of rows) this.#entries.set(bucket, { reserved, issued: reserved });
    this.#highestMs = Math.max(0, ...rows.map((row) => row.writtenMs));
  }

  /** Object time: what the clock says, but never less than it said before. Forgets what no longer counts. */
  advance(nowMs: number): number {
    this.#highestMs = Math.max(nowMs, this.#highestMs);
    for (const bucket of this.#entries.keys()) if (leavesAtMs(bucket) <= this.#highestMs) this.#entries.delete(bucket);
    return this.#highestMs;
  }

  /** Handed out and counting. */
  issued(): number {
    let sum = 0;
    for (const entry of this.#entries.values()) sum += entry.issued;
    return sum;
  }

  /** Durable and counting: what another instance would see. */
  reserved(): number {
    let sum = 0;
    for (const entry of this.#entries.values()) sum += entry.reserved;
    return sum;
  }

  /** Reserved in this bucket and not handed out. */
  free(bucket: number): number {
    const entry = this.#entries.get(bucket);
    return entry === undefined ? 0 : entry.reserved - entry.issued;
  }

  /**
   * The rows to write so that `permits` can be handed out in `bucket` and at most `limit` are reserved in all: fewer where there is no room.
   * Reservations elsewhere that nobody holds are given up for it, oldest first.
   */
  reserve(bucket: number, permits: number, limit: number): readonly LedgerRow[] {
    const rows: LedgerRow[] = [];
    let room = limit - this.reserved();
    for (const [other, entry] of this.#sorted()) {
      if (room >= permits || rows.length >= MAX_SHRINKS) break;
      const idle = entry.reserved - entry.issued;
      if (other === bucket || idle < Math.min(LEAST_SHRINK, permits)) continue;
      entry.reserved = entry.issued;
      room += idle;
      rows.push({ bucket: other, reserved: entry.reserved, writtenMs: this.#highestMs });
    }
    const added = Math.min(permits, room);
    if (added <= 0) return rows;
    const entry = this.#entries.get(bucket) ?? { reserved: 0, issued: 0 };
    entry.reserved += added;
    this.#entries.set(bucket, entry);
    return [...rows, { bucket, reserved: entry.reserved, writtenMs: this.#highestMs }];
  }

  hand(bucket: number, permits: number): void {
    const entry = this.#entries.get(bucket);
    if (entry === undefined || entry.reserved - entry.issued < permits) throw new RangeError('more than is reserved');
    entry.issued += permits;
  }

  /** Permits that whoever held them will not use any more; the row is shrunk when the room is needed. */
  giveBack(bucket: number, permits: number): void {
    const entry = this.#entries.get(bucket);
    if (entry !== undefined) entry.issued = Math.max(0, entry.issued - permits);
  }

  /** When at least one permit more could be handed out, if nobody else took it. */
  roomReturnsAtMs(limit: number): number {
    let left = this.issued();
    for (const [bucket, entry] of this.#sorted()) {
      left -= entry.issued;
      if (left < limit) return leavesAtMs(bucket);
    }
    return this.#highestMs;
  }

  #sorted(): readonly (readonly [number, Entry])[] {
    return [...this.#entries].toSorted(([one], [other]) => one - other);
  }
}

/** The bucket of permits that expire at this moment: its end is never before it. */
export function bucketOf(expiresAtMs: number): number {
  return Math.ceil(expiresAtMs / BUCKET_MS) - 1;
}

export function bucketEndMs(bucket: number): number {
  return (bucket + 1) * BUCKET_MS;
}

export function ringSlot(bucket: number): number {
  return bucket % RING_SLOTS;
}

/** A bucket counts whole until its last permit has ceased to matter: over-counting, never under-counting. */
function leavesAtMs(bucket: number): number {
  return bucketEndMs(bucket) + COUNTED_AFTER_EXPIRY_MS;
}

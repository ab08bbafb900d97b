/** The numbers of the proof (docs/design/quota-leases.md). Those that only save calls, rows or waste stand where they are used. */

/** Permits count by the stretch of this length in which they expire: finer costs rows, coarser costs waste. */
export const BUCKET_MS = 250;
/** The end of a lease that its holder leaves unused: his clock may be set back by so much while he holds it. */
export const LEASE_MARGIN_MS = 500;
/** The promised 60 s and a second more: admissions are timed by clocks that may each differ from the object's. */
export const COUNTED_AFTER_EXPIRY_MS = 61_000;
/** Nobody may act on his own for longer, whatever is changed meanwhile. */
export const LONGEST_LEASE_MS = 10_000;
/** For how long at most leases are cut from one row before it is too old for another. */
export const LONGEST_SERVICE_MS = 10_000;
/**
 * Slots of the ring that keeps the rows. A row counts at most for a lease, the time that it serves, a bucket's rounding and the time after
 * expiry; so many slots, and two for the edges, and no row lands on one that still counts.
 */
export const RING_SLOTS = Math.ceil((LONGEST_LEASE_MS + LONGEST_SERVICE_MS + COUNTED_AFTER_EXPIRY_MS) / BUCKET_MS) + 2;

/** What the ledger calculates with: handed in, so that the exhaustive search can run it on a minute of a few seconds. */
export interface LedgerNumbers {
  readonly bucketMs: number;
  readonly countedAfterExpiryMs: number;
}
export const LEDGER_NUMBERS: LedgerNumbers = {
  bucketMs: BUCKET_MS,
  countedAfterExpiryMs: COUNTED_AFTER_EXPIRY_MS,
};

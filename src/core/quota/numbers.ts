/** The quota's numbers (DESIGN §6, docs/design/quota-leases.md): each is part of the proof or of the bill. */

/** A row of the ledger holds permits that expire in one stretch of this length. */
export const BUCKET_MS = 500;
/** The end of a lease that its holder leaves unused: his clock may be set back by so much while he holds it. */
export const LEASE_MARGIN_MS = 500;
/** The promised 60 s and a second more: admissions are timed by clocks that may each differ from the object's by 500 ms. */
export const COUNTED_AFTER_EXPIRY_MS = 61_000;
export const SHORTEST_LEASE_MS = 1_200;
export const LONGEST_LEASE_MS = 10_000;
/** For how long at most a reservation is handed out in leases that end with it. */
export const LONGEST_RESERVATION_MS = 10_000;
/** What may count at once: a lease, the reservation it came from, the window behind it, and a bucket at either end. */
export const RING_SLOTS = Math.ceil(
  (LONGEST_LEASE_MS + LONGEST_RESERVATION_MS + COUNTED_AFTER_EXPIRY_MS) / BUCKET_MS + 4,
);

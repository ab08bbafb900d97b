/** Cloudflare's list prices for what an exchange uses (developers.cloudflare.com, pricing pages of Workers, KV, Durable Objects, Workers Logs; looked up in November 2026). */

/** US dollars beyond what the plan includes; the plan itself is 5 a month. */
export const PAID = {
  perMillionRequests: 0.3,
  perMillionCpuMs: 0.02,
  perMillionKvReads: 0.5,
  perMillionObjectRequests: 0.15,
  /** An object is billed as if it had 128 MB, for as long as it is awake. */
  perMillionGbSeconds: 12.5,
  perMillionRowsWritten: 1,
  perMillionLogEvents: 0.6,
} as const;

export const OBJECT_GB = 0.128;

/** A day, on the free plan; what comes first ends the day. */
export const FREE = {
  requests: 100_000,
  kvReads: 100_000,
  objectRequests: 100_000,
  rowsWritten: 100_000,
  logEvents: 200_000,
} as const;

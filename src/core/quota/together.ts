/** Limits within a limit: a provider's and a principal's own cap, in the project's. A permit that is keyed to them counts in all, or in none. */
import type { Allotted, Ask, Desk } from './desk.ts';
import type { LedgerRow } from './ledger.ts';

export interface Limited {
  readonly name: string;
  readonly desk: Desk;
  readonly limit: number;
}

export interface AllottedTogether extends Pick<
  Allotted,
  'permits' | 'expiresAfterMs' | 'retryAfterMs' | 'roomEveryMs'
> {
  /** By the limit's name. Durable together, or all desks are to be thrown away. */
  readonly rows: readonly { readonly name: string; readonly rows: readonly LedgerRow[] }[];
  /** The first that had no room. */
  readonly fullLimit?: string;
  readonly fullLimitPerMinute?: number;
}

/** One permit, to be used at once: several would be a lease, which an isolate could spend past a cap that was lowered, or on somebody else. */
export function askTogether(limits: readonly Limited[], ask: Ask, nowMs: number, chance: number): AllottedTogether {
  const given: { readonly desk: Desk; readonly lease: string; readonly expiresAfterMs: number }[] = [];
  const rows: { readonly name: string; readonly rows: readonly LedgerRow[] }[] = [];
  for (const { name, desk, limit } of limits) {
    const allotted = desk.ask({ ...ask, atMost: 1 }, nowMs, limit, chance);
    rows.push({ name, rows: allotted.rows });
    if (allotted.permits < 1) {
      // Nobody knows of these yet.
      for (const one of given) one.desk.giveBack(one.lease, 1, nowMs);
      const { retryAfterMs = 1, roomEveryMs } = allotted;
      const returning = roomEveryMs === undefined ? {} : { roomEveryMs };
      return {
        permits: 0,
        expiresAfterMs: 0,
        retryAfterMs,
        ...returning,
        rows,
        fullLimit: name,
        fullLimitPerMinute: limit,
      };
    }
    given.push({ desk, lease: allotted.lease, expiresAfterMs: allotted.expiresAfterMs });
  }
  return { permits: 1, expiresAfterMs: Math.min(...given.map((one) => one.expiresAfterMs)), rows };
}

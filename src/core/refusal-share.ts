/** Who is refused pays nothing and may come again at once: of one principal so many refusals an hour are remembered, and the others counted. */
import { BoundedMap } from './bounded-map.ts';
import type { RecentExchange } from './recent.ts';

/** In 24 h a tenth of the ring of refused exchanges. */
export const REFUSALS_AN_HOUR = 20;
const HOUR_MS = 3_600_000;
const MAX_PRINCIPALS = 2_000;

export class RefusalShare {
  readonly #taken = new BoundedMap<{ readonly sinceMs: number; readonly count: number }>(MAX_PRINCIPALS);

  /** Told once of each refusal, in the order of their times. */
  admits({ poolId, subject, timeMs }: RecentExchange, projectNumber: string): boolean {
    const key = JSON.stringify([projectNumber, poolId, subject]);
    const before = this.#taken.get(key);
    const { sinceMs, count } =
      before === undefined || timeMs - before.sinceMs >= HOUR_MS ? { sinceMs: timeMs, count: 0 } : before;
    if (count >= REFUSALS_AN_HOUR) return false;
    this.#taken.set(key, { sinceMs, count: count + 1 });
    return true;
  }
}

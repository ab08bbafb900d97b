/** Refusals of those who ask for themselves, remembered by the limit that had no room: a crowd at a full limit does not ask once each. */
import { BoundedMap } from '../../core/bounded-map.ts';
import { LONGEST_LEASE_MS } from '../../core/quota/numbers.ts';

interface Refusal {
  /** What callers are told … */
  readonly roomAtMs: number;
  /** … and when to ask again: a limit that is raised meanwhile must not be hidden for longer than a lease. */
  readonly askAgainAtMs: number;
  readonly limitPerMinute: number | undefined;
}

const MAX_LIMITS = 1_000;

export class Refusals {
  #byLimit = new BoundedMap<Refusal>(MAX_LIMITS);

  add(
    limit: string,
    { retryAfterMs, limitPerMinute }: { readonly retryAfterMs: number; readonly limitPerMinute: number | undefined },
    nowMs: number,
  ): void {
    const askAgainAtMs = nowMs + Math.min(retryAfterMs, LONGEST_LEASE_MS);
    this.#byLimit.set(limit, { roomAtMs: nowMs + retryAfterMs, askAgainAtMs, limitPerMinute });
  }

  /** The wait for room, of the first of these limits that is known to have none. */
  find(
    limits: readonly string[],
    nowMs: number,
  ):
    | { readonly limit: string; readonly retryAfterMs: number; readonly limitPerMinute: number | undefined }
    | undefined {
    for (const limit of limits) {
      const refusal = this.#byLimit.get(limit);
      if (refusal !== undefined && nowMs < refusal.askAgainAtMs) {
        return { limit, retryAfterMs: refusal.roomAtMs - nowMs, limitPerMinute: refusal.limitPerMinute };
      }
    }
    return undefined;
  }

  forget(): void {
    this.#byLimit = new BoundedMap(MAX_LIMITS);
  }
}

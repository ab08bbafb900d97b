/** Refusals of those who ask for themselves, remembered by the limit that had no room: a crowd at a full limit does not ask once each. */
import { BoundedMap } from '../../core/bounded-map.ts';
import { LONGEST_LEASE_MS } from '../../core/quota/numbers.ts';
import { Queue } from '../../core/quota/queue.ts';

interface Refusal {
  readonly retryAfterMs: number;
  /** From then on, between two permits that return. */
  readonly roomEveryMs: number;
  readonly limitPerMinute: number | undefined;
}

interface Remembered extends Refusal {
  /** What callers are told, one after the other … */
  readonly roomAtMs: number;
  readonly queue: Queue;
  /** … and when to ask again: a limit that is raised meanwhile must not be hidden for longer than a lease. */
  readonly askAgainAtMs: number;
}

interface Told {
  readonly limit: string;
  readonly retryAfterMs: number;
  readonly limitPerMinute: number | undefined;
}

const MAX_LIMITS = 1_000;

export class Refusals {
  #byLimit = new BoundedMap<Remembered>(MAX_LIMITS);

  add(limit: string, refusal: Refusal, nowMs: number): void {
    const askAgainAtMs = nowMs + Math.min(refusal.retryAfterMs, LONGEST_LEASE_MS);
    const queue = this.#byLimit.get(limit)?.queue ?? new Queue();
    this.#byLimit.set(limit, { ...refusal, roomAtMs: nowMs + refusal.retryAfterMs, queue, askAgainAtMs });
  }

  /** What this caller is told, of the first of these limits that is known to have no room. */
  find(limits: readonly string[], nowMs: number): Told | undefined {
    for (const limit of limits) {
      const refusal = this.#byLimit.get(limit);
      if (refusal !== undefined && nowMs < refusal.askAgainAtMs) {
        const { queue, roomAtMs, roomEveryMs, limitPerMinute } = refusal;
        return { limit, retryAfterMs: queue.next(roomAtMs, roomEveryMs) - nowMs, limitPerMinute };
      }
    }
    return undefined;
  }

  forget(): void {
    this.#byLimit = new BoundedMap(MAX_LIMITS);
  }
}

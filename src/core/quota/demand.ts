/** How much is wanted of one limit in all: the rates that its askers last told, each asker once. */

/** Who has not asked for so long wants nothing. */
const FORGOTTEN_AFTER_MS = 15_000;
const MAX_ASKERS = 5_000;

export class Demand {
  /** Longest ago first. */
  readonly #askers = new Map<string, { readonly ratePerSecond: number; readonly atMs: number }>();
  #sum = 0;

  seen(asker: string, ratePerSecond: number, nowMs: number): void {
    this.#forget(asker);
    // A rate is somebody's word, and only ever makes leases shorter for all.
    const rate = Number.isFinite(ratePerSecond) ? Math.max(0, ratePerSecond) : 0;
    this.#askers.set(asker, { ratePerSecond: rate, atMs: nowMs });
    this.#sum += rate;
    for (const [oldest, { atMs }] of this.#askers) {
      if (atMs > nowMs - FORGOTTEN_AFTER_MS && this.#askers.size <= MAX_ASKERS) break;
      this.#forget(oldest);
    }
  }

  perSecond(nowMs: number): number {
    for (const [oldest, { atMs }] of this.#askers) {
      if (atMs > nowMs - FORGOTTEN_AFTER_MS) break;
      this.#forget(oldest);
    }
    return this.#sum;
  }

  #forget(asker: string): void {
    const known = this.#askers.get(asker);
    if (known === undefined) return;
    this.#askers.delete(asker);
    this.#sum = this.#askers.size === 0 ? 0 : this.#sum - known.ratePerSecond;
  }
}

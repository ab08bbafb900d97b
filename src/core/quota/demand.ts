/** How much is wanted of one limit in all, and by how many: the rates that its askers last told, each asker once. */

/** Who has not asked for so long, beyond the time that he was told to stay away, wants nothing. */
const FORGOTTEN_AFTER_MS = 15_000;
const MAX_ASKERS = 5_000;
const SWEEP_EVERY_MS = 500;
/** A rate is somebody's word: no more of it than anybody can use, so that one wrong word does not shorten all leases for long. */
const HIGHEST_RATE_PER_SECOND = 10_000;

export class Demand {
  /** Longest ago first. */
  readonly #askers = new Map<string, { readonly ratePerSecond: number; readonly untilMs: number }>();
  #sum = 0;
  #sweptAtMs = 0;

  /** `awayMs`: for how long nothing will be heard of him, because he was told so. */
  seen(asker: string, ratePerSecond: number, awayMs: number, nowMs: number): void {
    this.#forget(asker);
    const rate = ratePerSecond > 0 ? Math.min(ratePerSecond, HIGHEST_RATE_PER_SECOND) : 0;
    this.#askers.set(asker, { ratePerSecond: rate, untilMs: nowMs + awayMs + FORGOTTEN_AFTER_MS });
    this.#sum += rate;
    const [oldest] = this.#askers.keys();
    if (this.#askers.size > MAX_ASKERS && oldest !== undefined) this.#forget(oldest);
    this.#sweep(nowMs);
  }

  askers(): number {
    return this.#askers.size;
  }

  perSecond(): number {
    return this.#sum;
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#sweptAtMs + SWEEP_EVERY_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [asker, { untilMs }] of this.#askers) if (untilMs <= nowMs) this.#forget(asker);
    // What adding and taking away of fractions left over must not grow.
    this.#sum = [...this.#askers.values()].reduce((sum, { ratePerSecond }) => sum + ratePerSecond, 0);
  }

  #forget(asker: string): void {
    const known = this.#askers.get(asker);
    if (known === undefined) return;
    this.#askers.delete(asker);
    this.#sum -= known.ratePerSecond;
  }
}

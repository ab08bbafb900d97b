/** A rate that forgets: events a second, each counting less the longer it is ago. */
export class DecayingRate {
  readonly #memoryMs: number;
  #sum = 0;
  #atMs = 0;

  /** Half of what it says comes from the last 0.7 of `memoryMs`. */
  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
  }

  add(events: number, nowMs: number): void {
    this.#sum = Math.max(0, this.#decayed(nowMs) + events);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  perSecond(nowMs: number): number {
    return (this.#decayed(nowMs) * 1_000) / this.#memoryMs;
  }

  #decayed(nowMs: number): number {
    return this.#sum * Math.exp(-Math.max(0, nowMs - this.#atMs) / this.#memoryMs);
  }
}

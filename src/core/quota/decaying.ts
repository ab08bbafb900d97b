/** A rate that forgets: events a second, each counting less the longer it is ago. */

/** After one event nobody knows a rate: a younger one is taken to be this old. */
const YOUNGEST_MS = 250;

export class DecayingRate {
  readonly #memoryMs: number;
  #sum = 0;
  #atMs = 0;
  #sinceMs: number | undefined;

  /** Half of what it says comes from the last 0.7 of `memoryMs`. */
  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
  }

  add(nowMs: number): void {
    this.#sinceMs ??= nowMs;
    this.#sum = this.#decayed(nowMs) + 1;
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  /** Over no more time than there was: one that began a moment ago has seen little because it began a moment ago. */
  perSecond(nowMs: number): number {
    const ageMs = Math.max(YOUNGEST_MS, nowMs - (this.#sinceMs ?? nowMs));
    return (this.#decayed(nowMs) * 1_000) / (this.#memoryMs * (1 - Math.exp(-ageMs / this.#memoryMs)));
  }

  #decayed(nowMs: number): number {
    return this.#sum * Math.exp(-Math.max(0, nowMs - this.#atMs) / this.#memoryMs);
  }
}

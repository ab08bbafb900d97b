/**
 * Where requests wait for what another one is finding out. None can await another's promise: the runtime ends it with the request that made
 * it. So each looks again by a timer of its own, and only so many at once: whoever floods us must not fill memory with waiting.
 */
const STEP_MS = 25;
/** Two seconds. */
const STEPS = 80;

export class WaitingRoom {
  readonly #places: number;
  #waiting = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** What `look` finds, now or soon; undefined where it finds nothing in time, or every place is taken. */
  async until<T>(look: () => T | undefined): Promise<T | undefined> {
    const found = look();
    if (found !== undefined || this.#waiting >= this.#places) return found;
    this.#waiting += 1;
    try {
      for (let step = 0; step < STEPS; step++) {
        await new Promise((resolve) => setTimeout(resolve, STEP_MS));
        const seen = look();
        if (seen !== undefined) return seen;
      }
      return undefined;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** What is being asked about right now, by key. */
export class InFlight {
  readonly #counts = new Map<string, number>();

  has(key: string): boolean {
    return this.#counts.has(key);
  }

  async during<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    }
  }
}

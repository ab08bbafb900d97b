/** Who is refused while others wait is told when the permit after theirs is back: told the same moment, a crowd would come at once, and most in vain. */

/** By then all that counts has left: whoever would come later than that begins the row anew. */
const LONGEST_ROW_MS = 60_000;

export class Queue {
  #lastMs = 0;

  /** When to come, of whoever is refused now. `everyMs`: from one permit that returns to the next; 0 where that is not known. */
  next(roomAtMs: number, everyMs: number): number {
    const afterLastMs = this.#lastMs + everyMs;
    const isLater = everyMs > 0 && afterLastMs > roomAtMs && afterLastMs < roomAtMs + LONGEST_ROW_MS;
    this.#lastMs = isLater ? afterLastMs : roomAtMs;
    return this.#lastMs;
  }
}

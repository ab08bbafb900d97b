/**
 * For a minute after somebody was refused for want of room, room is handed out evenly: else a crowd takes it all in its first seconds, nothing is
 * left until these are a minute ago, and so on for ever. Who comes after a quiet minute finds the whole limit at once.
 */

/** What was handed out before the refusal has returned by then, and the crowd has been served at an even pace for once. */
const EVEN_FOR_MS = 62_000;
/** What was not taken for a while may be taken faster for a while. */
const BURST_MS = 2_000;
/**
 * Longer where there was room all that while: then it was no crowd that left it, for a crowd comes as soon as there is room. Without this, bursts
 * of a load that fits would be refused for ever after one overload, each refusal making the next minute an even one.
 */
const BURST_AFTER_QUIET_MS = 60_000;
/** Of the limit. */
const ROOM_AT_QUIET = 1 / 4;
/** Where the limit is small, chance is larger than any wave: such a burst is never held back. */
const BURST_PERMITS = 10;

export class Evenly {
  #untilMs = 0;
  #credit = 0;
  #atMs = 0;
  #burstMs = BURST_MS;

  isOn(timeMs: number): boolean {
    return timeMs < this.#untilMs;
  }

  /** `returnsAtMs`: when who was refused comes back; from then on it is that things must go evenly. */
  refused(returnsAtMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, returnsAtMs + EVEN_FOR_MS);
  }

  /** What may be handed out at this moment. */
  most(perSecond: number, timeMs: number): number {
    const isOn = this.isOn(timeMs);
    const burst = Math.max(BURST_PERMITS, (perSecond * (isOn ? this.#burstMs : BURST_MS)) / 1_000);
    this.#credit = isOn ? Math.min(burst, this.#credit + (perSecond * (timeMs - this.#atMs)) / 1_000) : burst;
    this.#atMs = timeMs;
    return isOn ? Math.floor(this.#credit) : Infinity;
  }

  handed(permits: number, timeMs: number): void {
    if (this.isOn(timeMs)) this.#credit -= permits;
  }

  /** What is free when somebody was answered, and so until the next one comes. */
  left(free: number, limit: number): void {
    this.#burstMs = free >= limit * ROOM_AT_QUIET ? BURST_AFTER_QUIET_MS : BURST_MS;
  }

  /** When there is something to hand out again. */
  returnsAfterMs(perSecond: number): number {
    return this.#credit >= 1 || perSecond <= 0 ? 0 : ((1 - this.#credit) * 1_000) / perSecond;
  }
}

/** Events in the order of their (simulated) time, and chance that is the same on every run. */

export interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

export class EventQueue {
  readonly #events: Event[] = [];

  push(event: Event): void {
    const list = this.#events;
    let at = list.length;
    list.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = list[parent];
      if (above === undefined || above.atMs <= event.atMs) break;
      list[at] = above;
      at = parent;
    }
    list[at] = event;
  }

  pop(): Event | undefined {
    const list = this.#events;
    const [first] = list;
    const last = list.pop();
    if (first === undefined || last === undefined || list.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const leftAt = list[left]?.atMs ?? Infinity;
      const rightAt = list[right]?.atMs ?? Infinity;
      const child = leftAt <= rightAt ? left : right;
      const below = list[child];
      if (below === undefined || below.atMs >= last.atMs) break;
      list[at] = below;
      at = child;
    }
    list[at] = last;
    return first;
  }
}

/** mulberry32: small, and the same everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

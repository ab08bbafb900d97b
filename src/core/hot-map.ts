/**
 * A bounded map for what every exchange looks up: reading changes nothing, where `BoundedMap` notes each use by taking the entry out and
 * putting it back. It keeps what was used last: of `maxEntries`, at least half, and never more than all.
 */
import { ownCopy } from './in-one-piece.ts';

export class HotMap<V> {
  readonly #half: number;
  /** What was used since the last change of generations … */
  #young = new Map<string, V>();
  /** … and what was used before that; used again it becomes young, else it goes with the next change. */
  #old = new Map<string, V>();

  constructor(maxEntries: number) {
    this.#half = Math.ceil(maxEntries / 2);
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#old.delete(key);
    // Also where what is old becomes young: the key it was asked for by is a part of another text.
    this.#young.set(ownCopy(key), value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}

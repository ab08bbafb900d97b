/** A map that forgets what was used longest ago: isolate memory that no number of projects, and no stranger, can fill. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #maxEntries: number;
  /** What was used last need not be moved to be the newest: a busy project asks for its own again and again. */
  #newestKey: string | undefined;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined && key !== this.#newestKey) this.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    if (key !== this.#newestKey) this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#newestKey = key;
    if (this.#entries.size <= this.#maxEntries) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

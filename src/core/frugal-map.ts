/** Maps that share one allowance of memory: what no longer fits is not remembered, and is worked out anew each time. */

/** In characters, or what weighs about as much. */
export class Allowance {
  #left: number;

  constructor(characters: number) {
    this.#left = characters;
  }

  get left(): number {
    return this.#left;
  }

  take(characters: number): boolean {
    if (characters > this.#left) return false;
    this.#left -= characters;
    return true;
  }
}

const ENTRY_CHARACTERS = 64;

export class FrugalMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #allowance: Allowance;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** Of a key that is new; `characters`: what the value weighs. */
  add(key: string, value: V, characters: number): void {
    if (this.#allowance.take(ENTRY_CHARACTERS + key.length + characters)) this.#entries.set(key, value);
  }
}

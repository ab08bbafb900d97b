/** Token buckets by key: how often strangers may make us ask somebody else. Bounded, so that keys made up by strangers cannot fill memory. */
import { BoundedMap } from '../core/bounded-map.ts';

export interface BudgetOptions {
  /** So many at once … */
  readonly burst: number;
  /** … and then so many a second. */
  readonly refillPerSecond: number;
  readonly maxKeys: number;
}

interface Bucket {
  readonly left: number;
  readonly atMs: number;
}

export class Budget {
  readonly #buckets: BoundedMap<Bucket>;
  readonly #options: BudgetOptions;
  readonly #nowMs: () => number;

  constructor(options: BudgetOptions, nowMs: () => number) {
    this.#buckets = new BoundedMap(options.maxKeys);
    this.#options = options;
    this.#nowMs = nowMs;
  }

  /** True, and one less, while there is any left for `key`. */
  take(key: string): boolean {
    const atMs = this.#nowMs();
    const { burst, refillPerSecond } = this.#options;
    const bucket = this.#buckets.get(key) ?? { left: burst, atMs };
    const left = Math.min(burst, bucket.left + (Math.max(0, atMs - bucket.atMs) / 1_000) * refillPerSecond);
    this.#buckets.set(key, { left: left >= 1 ? left - 1 : left, atMs });
    return left >= 1;
  }
}

/** Quota object, one a project: the only place where permits are counted, and where the Registry announces each new epoch. */
import { DurableObject } from 'cloudflare:workers';
import type { EpochNews } from '../../core/news.ts';
import type { AdvanceInput, SpendAnswer } from '../../core/quota.ts';
import type { SpendOnce } from '../../core/quota-once.ts';
import { QuotaStore, type QuotaUsage } from './store.ts';

export class Quota extends DurableObject<Env> {
  /** A property of the instance, which RPC does not reach: no caller can tell this object the time. */
  clock: () => number = () => Date.now();
  readonly #store: QuotaStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new QuotaStore(ctx.storage);
  }

  /** Called by the Registry; returns the epoch that is now in force, once it is durable. */
  async advance(input: AdvanceInput): Promise<number> {
    return this.#store.advance(input);
  }

  /** Answers only when the permit's row is durable: the output gate holds the answer until then. `once`: for a token that is taken a single time. */
  async spend(once?: SpendOnce): Promise<SpendAnswer> {
    return this.#store.spend(this.clock(), once);
  }

  async news(): Promise<EpochNews> {
    return this.#store.news();
  }

  async usage(): Promise<QuotaUsage> {
    return this.#store.usage(this.clock());
  }

  async ping(): Promise<'pong'> {
    return 'pong';
  }
}

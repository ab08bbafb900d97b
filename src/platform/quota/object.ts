/** Quota object, one a project: the only place where permits are counted, where the Registry announces each new epoch, and where exchanges are remembered. */
import { DurableObject } from 'cloudflare:workers';
import type { EpochNews } from '../../core/news.ts';
import type { AdvanceInput, SpendAnswer } from '../../core/quota.ts';
import type { SpendOnce } from '../../core/quota-once.ts';
import type { RecentBatch } from '../../core/recent.ts';
import type { PageWanted } from './recent-page.ts';
import { RecentStore } from './recent-store.ts';
import { QuotaStore, type QuotaUsage } from './store.ts';

const ALARM_AFTER_FAULT_MS = 30_000;

// oxlint-disable-next-line no-console -- stdout is where faults belong; an alarm has no caller to tell
const writeLine = (line: string): void => console.log(line);

/** Never its message, which may quote a row. */
const nameOf = (fault: unknown): string => (fault instanceof Error ? fault.name : 'unknown');

export class Quota extends DurableObject<Env> {
  /** A property of the instance, which RPC does not reach: no caller can tell this object the time. */
  clock: () => number = () => Date.now();
  readonly #store: QuotaStore;
  readonly #recent: RecentStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new QuotaStore(ctx.storage);
    this.#recent = new RecentStore({
      sql: ctx.storage.sql,
      retentionMs: () => this.#store.recentRetentionMs(),
      setAlarm: (atMs) => void ctx.storage.setAlarm(atMs).catch(() => undefined),
      afterwards: (work) => void setTimeout(() => this.#inSilence(work), 0),
    });
  }

  /** Called by the Registry; returns the epoch that is now in force, once it is durable. */
  async advance(input: AdvanceInput): Promise<number> {
    const retentionMs = this.#store.recentRetentionMs();
    const epoch = this.#store.advance(input);
    if (this.#store.recentRetentionMs() !== retentionMs)
      this.#inSilence(() => this.#recent.retentionChanged(this.clock()));
    return epoch;
  }

  /** Answers only when the permit's row is durable: the output gate holds the answer until then. `once`: for a token that is taken a single time; `recent`: what the asker remembers. */
  async spend(once?: SpendOnce, recent?: RecentBatch): Promise<SpendAnswer> {
    const answer = this.#store.spend(this.clock(), once);
    this.#recent.take(recent, this.clock());
    return answer;
  }

  async news(recent?: RecentBatch): Promise<EpochNews> {
    this.#recent.take(recent, this.clock());
    return this.#store.news();
  }

  /** For what no question took along. */
  async remember(recent: RecentBatch): Promise<void> {
    this.#recent.take(recent, this.clock());
  }

  /** A `RecentPage` as JSON: claims are of any depth, which the types of RPC cannot follow. */
  async recentExchanges(wanted: PageWanted): Promise<string> {
    return JSON.stringify(this.#recent.page(wanted, this.clock()));
  }

  async usage(): Promise<QuotaUsage> {
    return this.#store.usage(this.clock());
  }

  async ping(): Promise<'pong'> {
    return 'pong';
  }

  /** Never throws: after a few throws the runtime would give up, and what is too old would stay. */
  override async alarm(): Promise<void> {
    try {
      const dueAtMs = this.#recent.wake(this.clock());
      if (dueAtMs !== undefined) await this.ctx.storage.setAlarm(dueAtMs);
    } catch (fault) {
      writeLine(JSON.stringify({ event: 'fault', where: 'quota alarm', name: nameOf(fault) }));
      // Where the storage itself is away there is nothing left to set.
      await this.ctx.storage.setAlarm(this.clock() + ALARM_AFTER_FAULT_MS).catch(() => undefined);
    }
  }

  /** What is remembered may fail; the alarm will come to it again. */
  #inSilence(work: () => void): void {
    try {
      work();
    } catch {
      void this.ctx.storage.setAlarm(this.clock() + ALARM_AFTER_FAULT_MS).catch(() => undefined);
    }
  }
}

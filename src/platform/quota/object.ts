/** Quota object, one a project: the only place where permits are counted, where the Registry announces each new epoch, and where exchanges are remembered. */
import { DurableObject } from 'cloudflare:workers';
import type { AdvanceInput } from '../../core/quota/project.ts';
import type { NewsAnswer, SpendAnswer, SpendAsk } from '../../core/quota/spend.ts';
import type { QuotaFigures } from '../../core/metrics.ts';
import type { RecentBatch } from '../../core/recent.ts';
import type { UsageAck } from '../../core/usage-delivery.ts';
import type { UsageWanted } from '../../core/usage-page.ts';
import { QuotaAlerts } from './alerts.ts';
import type { PageWanted } from './recent-page.ts';
import { RecentStore } from './recent-store.ts';
import { QuotaStore, type QuotaUsage } from './store.ts';
import { UsageStore } from './usage-store.ts';

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
  readonly #usage: UsageStore;
  readonly #alerts: QuotaAlerts;
  /** One alarm for both: the earlier of what they want. */
  #alarmAtMs = Infinity;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new QuotaStore(ctx.storage);
    this.#recent = new RecentStore({
      sql: ctx.storage.sql,
      retentionMs: () => this.#store.recentRetentionMs(),
      setAlarm: (atMs) => this.#wakeBy(atMs),
      afterwards: (work) => void setTimeout(() => this.#inSilence(work), 0),
    });
    this.#alerts = new QuotaAlerts(ctx.id.name ?? 'unknown', writeLine);
    this.#usage = new UsageStore({
      storage: ctx.storage,
      exists: () => this.#store.news().epoch > 0,
      setAlarm: (atMs) => this.#wakeBy(atMs),
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

  /** Answers only when the rows it rests on are durable: the output gate holds the answer until then. `recent`: what the asker remembers; `requestId`: whose exchange asks. */
  async spend(ask: SpendAsk, recent?: RecentBatch, requestId?: string): Promise<SpendAnswer> {
    const answer = this.#store.spend(this.clock(), ask, Math.random());
    this.#alerts.look(this.#store.usage(this.clock()), this.clock(), requestId);
    return { ...answer, ...this.#take(recent) };
  }

  async news(recent?: RecentBatch): Promise<NewsAnswer> {
    return { ...this.#take(recent), ...this.#store.news() };
  }

  /** For what no question took along. Answers what of the asker's counts is durable. */
  async remember(recent: RecentBatch): Promise<UsageAck | undefined> {
    this.#recent.take(recent, this.clock());
    return this.#usage.take(recent?.usage, this.clock(), true);
  }

  /** A `RecentPage` as JSON: claims are of any depth, which the types of RPC cannot follow. */
  async recentExchanges(wanted: PageWanted): Promise<string> {
    return JSON.stringify(this.#recent.page(wanted, this.clock()));
  }

  /** A `UsagePage` as JSON. */
  async usagePoints(wanted: UsageWanted): Promise<string> {
    return JSON.stringify(this.#usage.page(wanted, this.clock()));
  }

  async usage(): Promise<QuotaUsage> {
    const nowMs = this.clock();
    const refusalsStartInMs = this.#store.forecastMs(nowMs);
    return { ...this.#store.usage(nowMs), ...(refusalsStartInMs === undefined ? {} : { refusalsStartInMs }) };
  }

  /** For whoever watches. */
  async figures(): Promise<QuotaFigures> {
    const nowMs = this.clock();
    const { totals, lost } = this.#usage.totals(nowMs);
    return {
      ...(await this.usage()),
      epoch: this.#store.news().epoch,
      lostExchanges: lost,
      ...(totals === undefined ? {} : { exchanges: totals }),
    };
  }

  async ping(): Promise<'pong'> {
    return 'pong';
  }

  /** Never throws: after a few throws the runtime would give up, and what is too old would stay. */
  override async alarm(): Promise<void> {
    const nowMs = this.clock();
    const dues = [
      this.#woken(() => this.#recent.wake(nowMs), nowMs),
      this.#woken(() => this.#usage.wake(nowMs), nowMs),
    ].filter((due) => due !== undefined);
    this.#alarmAtMs = Math.min(Infinity, ...dues);
    // Where the storage itself is away there is nothing left to set.
    if (dues.length > 0) await this.ctx.storage.setAlarm(this.#alarmAtMs).catch(() => undefined);
  }

  /** When this one's next alarm is due; what fails does not keep the other from its turn. */
  #woken(wake: () => number | undefined, nowMs: number): number | undefined {
    try {
      return wake();
    } catch (fault) {
      const time = new Date(nowMs).toISOString();
      writeLine(JSON.stringify({ event: 'fault', time, where: 'quota alarm', name: nameOf(fault) }));
      return nowMs + ALARM_AFTER_FAULT_MS;
    }
  }

  #take(recent: RecentBatch | undefined): { readonly usage?: UsageAck } {
    this.#recent.take(recent, this.clock());
    const usage = this.#usage.take(recent?.usage, this.clock(), false);
    return usage === undefined ? {} : { usage };
  }

  /** An alarm that was set by the instance before this one may come later than it wanted, by what is asked here: seconds. */
  #wakeBy(atMs: number): void {
    const isEarlier = atMs < this.#alarmAtMs || this.#alarmAtMs < this.clock();
    if (!isEarlier) return;
    this.#alarmAtMs = atMs;
    void this.ctx.storage.setAlarm(atMs).catch(() => undefined);
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

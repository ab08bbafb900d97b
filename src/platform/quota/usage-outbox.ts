/** The counts of one isolate for one project: those that wait, and the batches that are under way until the object has them on disk. */
import { ISOLATE_LIMITS, MINUTE_MS, type CountedExchange, UsageTally } from '../../core/usage.ts';
import { has, type UsageAck, type UsageBatch, type UsageMessage } from '../../core/usage-delivery.ts';

/** Minutes that may wait while the object is away; then the oldest are let go, and counted as lost. */
const MAX_WAITING_MINUTES = 10;
/** Then no new one is made: counts wait in the tally, where they take no more room. */
const MAX_HELD_BATCHES = 64;
/** Well below the time after which an object forgets a silent isolate: a batch that came twice would count twice then. */
const HELD_FOR_MS = 600_000;

interface Held {
  readonly batch: UsageBatch;
  readonly madeAtMs: number;
  readonly exchanges: number;
  /** It was handed out, and nobody has said that it did not come. */
  readonly isSent: boolean;
}

export class UsageOutbox {
  readonly #sender: string;
  readonly #waiting = new Map<number, UsageTally>();
  #waitingSinceMs: number | undefined;
  #held: readonly Held[] = [];
  #nextSequence = 1;
  #lost = 0;
  #underWay = 0;

  constructor(sender: string) {
    this.#sender = sender;
  }

  count(exchange: CountedExchange, isProven: boolean, nowMs: number): void {
    const minute = Math.floor(exchange.atMs / MINUTE_MS);
    this.#waitingSinceMs ??= nowMs;
    const known = this.#waiting.get(minute);
    if (known !== undefined) return known.add(exchange, exchange.reason, isProven);
    const tally = new UsageTally(ISOLATE_LIMITS);
    tally.add(exchange, exchange.reason, isProven);
    this.#waiting.set(minute, tally);
    if (this.#waiting.size <= MAX_WAITING_MINUTES) return;
    const oldest = Math.min(...this.#waiting.keys());
    this.#lost += this.#waiting.get(oldest)?.total() ?? 0;
    this.#waiting.delete(oldest);
  }

  /** A permit is asked for; `ended` when it came or did not. */
  begun(): void {
    this.#underWay += 1;
  }

  ended(): void {
    this.#underWay -= 1;
  }

  /** For how long the first that waits has waited; undefined where nothing does. */
  waitingForMs(nowMs: number): number | undefined {
    return this.#waitingSinceMs === undefined ? undefined : nowMs - this.#waitingSinceMs;
  }

  /** Is there anything of which it is not known to be durable? */
  hasHeld(): boolean {
    return this.#held.length > 0;
  }

  hasUnsent(): boolean {
    return this.#held.some(({ isSent }) => !isSent);
  }

  /** What waits goes along where it has waited so long: not every question is to carry some. */
  take(nowMs: number, waitedMs = 0): UsageMessage {
    this.#letGo(nowMs);
    const isDue = (this.waitingForMs(nowMs) ?? -1) >= waitedMs;
    if (isDue && this.#held.length < MAX_HELD_BATCHES) this.#makeBatch(nowMs);
    const batches = this.#held.filter(({ isSent }) => !isSent).map(({ batch }) => batch);
    this.#held = this.#held.map((one) => ({ ...one, isSent: true }));
    const oldest = this.#held[0]?.batch.sequence ?? this.#nextSequence;
    return { sender: this.#sender, oldest, lost: this.#lost, open: this.#underWay + this.#waitingExchanges(), batches };
  }

  /** Whether these arrived is not known: they are sent again, and counted once all the same. */
  putBack({ batches }: UsageMessage): void {
    const back = new Set(batches.map(({ sequence }) => sequence));
    this.#held = this.#held.map((one) => (back.has(one.batch.sequence) ? { ...one, isSent: false } : one));
  }

  /** An object that began anew has only what was durable: the rest is sent again. */
  acknowledged({ durable, received }: UsageAck): void {
    this.#held = this.#held
      .filter(({ batch }) => !has(durable, batch.sequence))
      .map((one) => (has(received, one.batch.sequence) ? one : { ...one, isSent: false }));
  }

  #makeBatch(nowMs: number): void {
    const minutes = [...this.#waiting].map(([minute, tally]) => [minute, tally.sums()] as const);
    const exchanges = this.#waitingExchanges();
    const batch = { sequence: this.#nextSequence, minutes };
    this.#nextSequence += 1;
    this.#waiting.clear();
    this.#waitingSinceMs = undefined;
    this.#held = [...this.#held, { batch, madeAtMs: nowMs, exchanges, isSent: false }];
  }

  #waitingExchanges(): number {
    return [...this.#waiting.values()].reduce((sum, tally) => sum + tally.total(), 0);
  }

  #letGo(nowMs: number): void {
    const isOld = ({ madeAtMs }: Held): boolean => madeAtMs <= nowMs - HELD_FOR_MS;
    this.#lost += this.#held.filter(isOld).reduce((sum, { exchanges }) => sum + exchanges, 0);
    this.#held = this.#held.filter((one) => !isOld(one));
  }
}

/** How remembered and counted exchanges get to their project's Quota object: with the next question to it, or, where none comes in 12 s, by a call of their own. */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { ExchangeEvent } from '../../core/event.ts';
import type { RecentBatch, RecentExchange } from '../../core/recent.ts';
import type { UsageAck } from '../../core/usage-delivery.ts';
import { isLater, type Soon } from '../../core/soon.ts';
import { Budget } from '../budget.ts';
import { within } from '../within.ts';
import { RecentBuffer, sentAgain } from './recent-buffer.ts';
import { type Task, Tasks } from './tasks.ts';
import { UsageOutboxes } from './usage-outboxes.ts';

/** What a question takes along. */
export interface Cargo {
  take(projectNumber: string): RecentBatch | undefined;
  putBack(projectNumber: string, batch: RecentBatch): void;
  /** What the answer said of the asker's counts; undefined where it said nothing. */
  acknowledged(projectNumber: string, ack: UsageAck | undefined): void;
}

export interface RecentSender extends Cargo {
  remember(projectNumber: string, ending: RecentExchange['outcome'] | 'again', make: () => RecentExchange): void;
  /** Asks for a permit of a project that exists: while it is under way it is said to be, lest it go uncounted with its isolate. */
  during<T>(projectNumber: string, asking: () => Soon<T>): Soon<T>;
  /** Every exchange once, as its audit line has it. */
  count(event: ExchangeEvent): void;
  /** Hands over what waits, for somebody who is about to read. Never rejects. */
  flush(projectNumber: string): Promise<void>;
}

export const NO_CARGO: Cargo = { take: () => undefined, putBack: () => undefined, acknowledged: () => undefined };

/** As much of `DurableObjectNamespace<Quota>` as is used here. */
interface Objects {
  getByName(name: string): { remember(recent: RecentBatch): Promise<UsageAck | undefined> };
}

/** Longer than a lease lives and than a refusal is remembered: whoever is busy asks before, and makes no call for this. */
const WAITS_MS = 12_000;
/** Counts go along with a question when they have waited so long: not each question is to carry one. */
const RIDES_AFTER_MS = 250;
/** So many records do not wait for a question, lest the oldest be let go … */
const MANY_RECORDS = 150;
/** … but go not sooner after the last. */
const BETWEEN_CALLS_MS = 2_000;
/** An object writes every 15 s: whoever asked nothing for longer asks what is durable, for no answer told him. */
const SETTLE_AFTER_MS = 17_000;
/** A task ends with its request, half a minute after the answer at the latest: one so old is relieved by another. */
const SENDER_RELIEVED_AFTER_MS = 14_000;
const SETTLER_RELIEVED_AFTER_MS = 8_000;
const PATIENCE_MS = 2_000;
const MAX_PROJECTS = 1_000;
/** How often numbers that may be no project are looked up, all together. */
const LOOKING_UP = { burst: 30, refillPerSecond: 1, maxKeys: 1 };

export function createRecentSender(deps: {
  readonly namespace: Objects;
  readonly nowMs: () => number;
  readonly wait: (ms: number) => Promise<void>;
  readonly inBackground: (work: Promise<void>) => void;
  readonly newId: () => string;
  /** Undefined where it is not known now. */
  readonly projectExists: (projectNumber: string) => Promise<boolean | undefined>;
}): RecentSender {
  const buffer = new RecentBuffer();
  const usage = new UsageOutboxes(deps.newId);
  const lookingUp = new Budget(LOOKING_UP, deps.nowMs);
  const sending = new Tasks();
  const settling = new Tasks();
  const askedAtMs = new BoundedMap<number>(MAX_PROJECTS);

  return {
    remember(projectNumber, ending, make) {
      if (ending === 'granted' && buffer.isFull(projectNumber)) buffer.letGo(projectNumber);
      else buffer.add(projectNumber, make());
      const areMany = buffer.count(projectNumber) >= MANY_RECORDS && askedAgoMs(projectNumber) >= BETWEEN_CALLS_MS;
      if (!areMany) return sendSoon(projectNumber);
      askedAtMs.set(projectNumber, deps.nowMs());
      return deps.inBackground(handOver(projectNumber));
    },
    during(projectNumber, asking) {
      usage.prove(projectNumber);
      const outbox = usage.of(projectNumber);
      outbox?.begun();
      const asked = asking();
      if (isLater(asked)) return asked.finally(() => outbox?.ended());
      outbox?.ended();
      return asked;
    },
    count(event) {
      const projectNumber = usage.count(event, deps.nowMs());
      if (projectNumber !== undefined) sendSoon(projectNumber);
    },
    take(projectNumber) {
      const batch = load(projectNumber, RIDES_AFTER_MS);
      askedAtMs.set(projectNumber, deps.nowMs());
      if (usage.of(projectNumber)?.hasHeld() === true) settleSoon(projectNumber);
      return batch;
    },
    putBack,
    acknowledged(projectNumber, ack) {
      if (ack !== undefined) usage.of(projectNumber)?.acknowledged(ack);
    },
    flush: (projectNumber) => handOver(projectNumber),
  };

  function load(projectNumber: string, ripeAfterMs: number): RecentBatch | undefined {
    const recent = buffer.take(projectNumber);
    const outbox = usage.of(projectNumber);
    if (outbox === undefined) return recent;
    return { records: [], dropped: 0, ...recent, usage: outbox.take(deps.nowMs(), ripeAfterMs) };
  }

  function putBack(projectNumber: string, batch: RecentBatch): void {
    if (batch.usage !== undefined) usage.of(projectNumber)?.putBack(batch.usage);
    if (batch.records.length > 0 || batch.dropped > 0) buffer.putBack(projectNumber, sentAgain(batch));
  }

  function sendSoon(projectNumber: string): void {
    const task = sending.begin(projectNumber, deps.nowMs(), SENDER_RELIEVED_AFTER_MS);
    if (task !== undefined) deps.inBackground(send(projectNumber, task));
  }

  /** Never rejects. What could not be sent waits for the next exchange: an object that is away is not asked on and on. */
  async function send(projectNumber: string, task: Task): Promise<void> {
    let restMs = WAITS_MS - (waitedMs(projectNumber) ?? 0);
    while (restMs > 0) {
      await deps.wait(restMs);
      if (sending.isRelieved(projectNumber, task)) return;
      restMs = WAITS_MS - (waitedMs(projectNumber) ?? WAITS_MS);
    }
    sending.ended(projectNumber);
    await handOver(projectNumber);
  }

  /** For how long the oldest has waited; undefined where nothing is known to wait. */
  function waitedMs(projectNumber: string): number | undefined {
    const nowMs = deps.nowMs();
    const oldestMs = buffer.oldestMs(projectNumber);
    const counts = usage.of(projectNumber)?.waitingForMs(nowMs);
    return oldestMs === undefined ? counts : Math.max(nowMs - oldestMs, counts ?? 0);
  }

  async function handOver(projectNumber: string): Promise<void> {
    if (!usage.isProven(projectNumber)) await lookUp(projectNumber);
    const batch = load(projectNumber, 0);
    const isWorthIt = batch !== undefined && (batch.records.length > 0 || (batch.usage?.batches.length ?? 0) > 0);
    if (isWorthIt) await call(projectNumber, batch);
  }

  async function lookUp(projectNumber: string): Promise<void> {
    if (buffer.has(projectNumber)) usage.prove(projectNumber);
    else if (lookingUp.take('all')) {
      const exists = await deps.projectExists(projectNumber);
      if (exists === true) usage.prove(projectNumber);
      if (exists === false) usage.forget(projectNumber);
    }
  }

  async function call(projectNumber: string, batch: RecentBatch): Promise<void> {
    try {
      askedAtMs.set(projectNumber, deps.nowMs());
      const ack = await within(PATIENCE_MS, deps.namespace.getByName(projectNumber).remember(batch));
      const outbox = usage.of(projectNumber);
      if (ack === undefined || outbox === undefined) return;
      outbox.acknowledged(ack);
      if (outbox.hasUnsent()) sendSoon(projectNumber);
      else if (outbox.hasHeld()) settleSoon(projectNumber);
    } catch {
      putBack(projectNumber, batch);
    }
  }

  function settleSoon(projectNumber: string): void {
    const task = settling.begin(projectNumber, deps.nowMs(), SETTLER_RELIEVED_AFTER_MS);
    if (task !== undefined) deps.inBackground(settle(projectNumber, task));
  }

  /** Never rejects. */
  async function settle(projectNumber: string, task: Task): Promise<void> {
    for (let restMs = SETTLE_AFTER_MS; restMs > 0; restMs = SETTLE_AFTER_MS - askedAgoMs(projectNumber)) {
      await deps.wait(restMs);
      if (settling.isRelieved(projectNumber, task)) return;
    }
    settling.ended(projectNumber);
    const outbox = usage.of(projectNumber);
    if (outbox?.hasHeld() !== true) return;
    const recent = buffer.take(projectNumber) ?? { records: [], dropped: 0 };
    await call(projectNumber, { ...recent, usage: outbox.take(deps.nowMs()) });
  }

  function askedAgoMs(projectNumber: string): number {
    return deps.nowMs() - (askedAtMs.get(projectNumber) ?? 0);
  }
}

/** How remembered and counted exchanges get to their project's Quota object: with the next question to it, or, where none comes, one call a second. */
import { BoundedMap } from '../../core/bounded-map.ts';
import type { ExchangeEvent } from '../../core/event.ts';
import type { RecentBatch, RecentExchange } from '../../core/recent.ts';
import { Budget } from '../budget.ts';
import { within } from '../within.ts';
import type { Quota } from './object.ts';
import { RecentBuffer, sentAgain } from './recent-buffer.ts';
import { UsageOutboxes } from './usage-outboxes.ts';

/** What a question takes along. */
export interface Cargo {
  take(projectNumber: string): RecentBatch | undefined;
  putBack(projectNumber: string, batch: RecentBatch): void;
}

export interface RecentSender extends Cargo {
  remember(projectNumber: string, record: RecentExchange): void;
  /** Asks for a permit of a project that exists: while it is under way it is said to be, lest it go uncounted with its isolate. */
  during<T>(projectNumber: string, asking: () => Promise<T>): Promise<T>;
  /** Every exchange once, as its audit line has it. */
  count(event: ExchangeEvent): void;
}

export const NO_CARGO: Cargo = { take: () => undefined, putBack: () => undefined };

/** As much of `DurableObjectNamespace<Quota>` as is used here. */
interface Objects {
  getByName(name: string): Pick<Quota, 'remember'>;
}

const SEND_AFTER_MS = 1_000;
/** Counts go along with a question when they have waited so long: not each question is to carry one. */
const RIDES_AFTER_MS = 250;
/** What has waited less when the task wakes is left to the questions that seem to come. */
const CALLS_AFTER_MS = 500;
/** An object writes every 15 s: then it is asked what is durable, which questions do not tell. */
const SETTLE_AFTER_MS = 16_000;
const PATIENCE_MS = 2_000;
/** A task that has not ended by then went with its request; another may be begun. */
const LOST_AFTER_MS = 10_000;
const MAX_TASKS = 1_000;
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
  const begunAtMs = new BoundedMap<number>(MAX_TASKS);
  const settlingAtMs = new BoundedMap<number>(MAX_TASKS);

  return {
    remember(projectNumber, record) {
      buffer.add(projectNumber, record);
      sendSoon(projectNumber);
    },
    async during(projectNumber, asking) {
      usage.prove(projectNumber);
      const outbox = usage.of(projectNumber);
      outbox?.begun();
      try {
        return await asking();
      } finally {
        outbox?.ended();
      }
    },
    count(event) {
      const projectNumber = usage.count(event, deps.nowMs());
      if (projectNumber !== undefined) sendSoon(projectNumber);
    },
    take(projectNumber) {
      const batch = load(projectNumber, RIDES_AFTER_MS);
      if (usage.of(projectNumber)?.hasHeld() === true) settleSoon(projectNumber);
      return batch;
    },
    putBack,
  };

  function load(projectNumber: string, waitedMs: number): RecentBatch | undefined {
    const recent = buffer.take(projectNumber);
    const outbox = usage.of(projectNumber);
    if (outbox === undefined) return recent;
    return { records: [], dropped: 0, ...recent, usage: outbox.take(deps.nowMs(), waitedMs) };
  }

  function putBack(projectNumber: string, batch: RecentBatch): void {
    if (batch.usage !== undefined) usage.of(projectNumber)?.putBack(batch.usage);
    if (batch.records.length > 0 || batch.dropped > 0) buffer.putBack(projectNumber, sentAgain(batch));
  }

  /** One task a project, so never more than one call a second. */
  function sendSoon(projectNumber: string): void {
    const begun = begunAtMs.get(projectNumber);
    const nowMs = deps.nowMs();
    if (begun !== undefined && nowMs - begun < LOST_AFTER_MS) return;
    deps.inBackground(send(projectNumber));
  }

  /** Never rejects. What could not be sent waits for the next exchange: an object that is away is not asked on and on. */
  async function send(projectNumber: string): Promise<void> {
    do {
      begunAtMs.set(projectNumber, deps.nowMs());
      await deps.wait(SEND_AFTER_MS);
    } while (isBusy(projectNumber));
    begunAtMs.delete(projectNumber);
    if (!usage.isProven(projectNumber)) await lookUp(projectNumber);
    const batch = load(projectNumber, 0);
    const isWorthIt = batch !== undefined && (batch.records.length > 0 || (batch.usage?.batches.length ?? 0) > 0);
    if (isWorthIt) await call(projectNumber, batch);
  }

  /** Counts have come so lately that questions must have taken those before them. */
  function isBusy(projectNumber: string): boolean {
    const waitingForMs = usage.of(projectNumber)?.waitingForMs(deps.nowMs());
    return waitingForMs !== undefined && waitingForMs < CALLS_AFTER_MS && !buffer.has(projectNumber);
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
    const begun = settlingAtMs.get(projectNumber);
    const nowMs = deps.nowMs();
    if (begun !== undefined && nowMs - begun < SETTLE_AFTER_MS + LOST_AFTER_MS) return;
    settlingAtMs.set(projectNumber, nowMs);
    deps.inBackground(settle(projectNumber));
  }

  /** Never rejects. */
  async function settle(projectNumber: string): Promise<void> {
    await deps.wait(SETTLE_AFTER_MS);
    settlingAtMs.delete(projectNumber);
    const outbox = usage.of(projectNumber);
    if (outbox?.hasHeld() !== true) return;
    const recent = buffer.take(projectNumber) ?? { records: [], dropped: 0 };
    await call(projectNumber, { ...recent, usage: outbox.take(deps.nowMs()) });
  }
}

/** Accounting beside the simulated permits: each isolate's own sender, and as much of the object's accounts as tells calls and rows. */
import type { ExchangeEvent } from '../../src/core/event.ts';
import type { RecentBatch } from '../../src/core/recent.ts';
import { NOTHING_RECEIVED, receive, type Received, type UsageAck } from '../../src/core/usage-delivery.ts';
import { createRecentSender, type RecentSender } from '../../src/platform/quota/recent-sender.ts';
import { recordOf } from '../../test/support/recent.ts';

const PROJECT = '730000000001';
/** As the object does (`UsageStore`; test/platform/quota-usage counts its true rows). */
const WRITES_EVERY_MS = 15_000;
/** Who sent what, and the alarm. */
const ROWS_BESIDE_MINUTES = 2;

export interface Accounts {
  readonly isolate: (name: string) => IsolateAccounts;
  /** Calls that no permit was asked with, in the order of their times. */
  readonly callsAtMs: readonly number[];
  readonly rowsAtMs: readonly number[];
}

export interface IsolateAccounts {
  readonly exchanged: (outcome: 'granted' | 'refused') => void;
  readonly take: () => RecentBatch | undefined;
  readonly answered: (ack: UsageAck | undefined) => void;
}

export interface Simulation {
  readonly nowMs: () => number;
  /** Resolves so much later. */
  readonly wait: (ms: number) => Promise<void>;
}

export function createAccounts({ nowMs, wait }: Simulation): Accounts & {
  readonly received: (batch: RecentBatch | undefined) => UsageAck | undefined;
} {
  const callsAtMs: number[] = [];
  const rowsAtMs: number[] = [];
  const senders = new Map<string, { received: Received; durable: Received }>();
  const dirty = new Set<number>();
  let writtenAtMs = -Infinity;
  let isAlarmSet = false;

  return { isolate, received, callsAtMs, rowsAtMs };

  function isolate(name: string): IsolateAccounts {
    const sender: RecentSender = createRecentSender({
      namespace: {
        getByName: () => ({
          remember: async (batch) => {
            callsAtMs.push(nowMs());
            return received(batch);
          },
        }),
      },
      nowMs,
      wait,
      inBackground: () => undefined,
      newId: () => name,
      projectExists: async () => true,
    });
    return {
      exchanged(outcome) {
        const timeMs = nowMs();
        sender.count(eventOf(name, outcome, timeMs));
        if (outcome === 'granted') sender.remember(PROJECT, outcome, () => recordOf(name, timeMs));
      },
      take: () => sender.take(PROJECT),
      answered: (ack) => sender.acknowledged(PROJECT, ack),
    };
  }

  function received(batch: RecentBatch | undefined): UsageAck | undefined {
    const usage = batch?.usage;
    if (usage === undefined) return undefined;
    const before = senders.get(usage.sender) ?? { received: NOTHING_RECEIVED, durable: NOTHING_RECEIVED };
    const all = usage.batches.reduce((sum, { sequence }) => receive(sum, sequence), before.received);
    senders.set(usage.sender, { ...before, received: all });
    for (const { minutes } of usage.batches) for (const [minute] of minutes) dirty.add(minute);
    if (dirty.size > 0 && !isAlarmSet) {
      isAlarmSet = true;
      void wait(Math.max(0, writtenAtMs + WRITES_EVERY_MS - nowMs())).then(write);
    }
    return senders.get(usage.sender);
  }

  function write(): void {
    for (let row = 0; row < dirty.size + ROWS_BESIDE_MINUTES; row++) rowsAtMs.push(nowMs());
    dirty.clear();
    isAlarmSet = false;
    writtenAtMs = nowMs();
    for (const [sender, { received: all }] of senders) senders.set(sender, { received: all, durable: all });
  }
}

function eventOf(name: string, outcome: 'granted' | 'refused', timeMs: number): ExchangeEvent {
  return {
    timeMs,
    requestId: name,
    outcome,
    reason: outcome === 'granted' ? 'granted' : 'over_quota',
    project: PROJECT,
    provider: `projects/${PROJECT}/providers/one`,
    principal: 'principal://somebody',
    durationsMs: {},
  };
}

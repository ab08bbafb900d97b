/** Counts on their way: with questions, by a call where none comes in 12 s, and no object woken for what strangers make up. */
import { describe, expect, it } from 'vitest';
import type { ExchangeEvent } from '../../src/core/event.ts';
import type { RecentBatch } from '../../src/core/recent.ts';
import { has, NOTHING_RECEIVED, receive, type Received, type UsageAck } from '../../src/core/usage-delivery.ts';
import { createRecentSender, type RecentSender } from '../../src/platform/quota/recent-sender.ts';

const T = Date.UTC(2026, 6, 1);
const P = '730000000001';

interface World {
  readonly sender: RecentSender;
  /** By a call of their own: how many exchanges each brought. */
  readonly calls: { readonly to: string; readonly exchanges: number }[];
  readonly lookedUp: string[];
  readonly pass: (ms: number) => Promise<void>;
  nowMs: number;
  isAway: boolean;
  exists: boolean | undefined;
  /** As a fresh instance of the object would know it: nothing, or what is on disk. */
  received: Received;
  durable: Received;
}

function world(): World {
  const waiting: { readonly dueAtMs: number; readonly go: () => void }[] = [];
  const made: Omit<World, 'sender'> = {
    calls: [],
    lookedUp: [],
    nowMs: T,
    isAway: false,
    exists: true,
    received: NOTHING_RECEIVED,
    durable: NOTHING_RECEIVED,
    async pass(ms) {
      made.nowMs += ms;
      for (const one of waiting.filter(({ dueAtMs }) => dueAtMs <= made.nowMs)) {
        waiting.splice(waiting.indexOf(one), 1);
        one.go();
      }
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    },
  };
  const sender = createRecentSender({
    namespace: {
      getByName: (to) => ({
        remember: async (batch: RecentBatch): Promise<UsageAck> => {
          made.calls.push({ to, exchanges: exchangesOf(batch) });
          if (made.isAway) throw new Error('away');
          for (const { sequence } of batch.usage?.batches ?? []) {
            if (!has(made.received, sequence)) made.received = receive(made.received, sequence);
          }
          return { durable: made.durable, received: made.received };
        },
      }),
    },
    nowMs: () => made.nowMs,
    wait: (ms) => new Promise((go) => void waiting.push({ dueAtMs: made.nowMs + ms, go })),
    inBackground: () => undefined,
    newId: () => 'isolate',
    projectExists: async (projectNumber) => {
      made.lookedUp.push(projectNumber);
      return made.exists;
    },
  });
  return Object.assign(made, { sender });
}

function exchangesOf(batch: RecentBatch | undefined): number {
  const minutes = (batch?.usage?.batches ?? []).flatMap((one) => one.minutes);
  const counts = minutes.flatMap(([, sums]) => sums.provider.flatMap(([, reasons]) => Object.values(reasons)));
  return counts.reduce((sum, count) => sum + count, 0);
}

function event(changes: Partial<ExchangeEvent> = {}): ExchangeEvent {
  return {
    timeMs: T,
    requestId: 'r',
    outcome: 'granted',
    reason: 'granted',
    project: P,
    provider: `projects/${P}/providers/one`,
    principal: 'principal://somebody',
    durationsMs: {},
    ...changes,
  };
}

const STRANGERS: Partial<ExchangeEvent> = { outcome: 'refused', reason: 'unverified', check: 'token_format' };
function strangers(project: string): ExchangeEvent {
  const { principal: _nobody, ...rest } = event({ ...STRANGERS, project, provider: `projects/${project}/providers/x` });
  return rest;
}

describe('counts', () => {
  it('go with the next question once they have waited 250 ms, and then no call is made for them', async () => {
    const w = world();
    w.sender.count(event());
    w.sender.count(event());
    w.nowMs += 249;
    expect(exchangesOf(w.sender.take(P))).toBe(0);
    w.nowMs += 1;
    expect(exchangesOf(w.sender.take(P))).toBe(2);
    await w.pass(1_000);
    expect(w.calls).toEqual([]);
  });

  it('go by a call of their own where no question comes in 12 s', async () => {
    const w = world();
    for (let n = 0; n < 150; n++) w.sender.count(event());
    await w.pass(11_999);
    expect(w.calls).toEqual([]);
    await w.pass(1);
    expect(w.calls).toEqual([{ to: P, exchanges: 150 }]);
    await w.pass(12_000);
    expect(w.calls).toHaveLength(1);
  });

  it('are left to the questions of who holds leases, and to their answers', async () => {
    const w = world();
    let told = 0;
    for (let second = 0; second < 600; second++) {
      for (let n = 0; n < 10; n++) w.sender.count(event({ timeMs: w.nowMs }));
      await w.pass(1_000);
      if (second % 9 !== 8) continue;
      const batch = w.sender.take(P);
      told += exchangesOf(batch);
      for (const { sequence } of batch?.usage?.batches ?? []) w.received = receive(w.received, sequence);
      if (second % 18 === 17) w.durable = w.received;
      w.sender.acknowledged(P, { durable: w.durable, received: w.received });
    }
    expect(w.calls).toEqual([]);
    expect(told).toBe(5_940);
  });

  it('are on disk or are sent again: who asked nothing for 17 s asks what is durable', async () => {
    const w = world();
    for (let n = 0; n < 3; n++) {
      w.sender.count(event());
      await w.pass(8_000);
      w.received = receive(w.received, w.sender.take(P)?.usage?.batches[0]?.sequence ?? 0);
    }
    await w.pass(16_999);
    expect(w.calls).toEqual([]);
    await w.pass(1);
    expect(w.calls).toEqual([{ to: P, exchanges: 0 }]);
    w.durable = w.received;
    await w.pass(17_000);
    await w.pass(17_000);
    expect(w.calls).toHaveLength(2);
  });

  it('wait no longer than 24 s, also where refusals that ask nobody come without end', async () => {
    const w = world();
    for (let tenth = 0; tenth < 1_000; tenth++) {
      w.sender.count(event({ timeMs: w.nowMs, outcome: 'refused', reason: 'over_quota' }));
      await w.pass(97);
    }
    expect(w.calls.length).toBeGreaterThanOrEqual(4);
    expect(w.calls.length).toBeLessThanOrEqual(8);
  });

  it('are sent again where a call or a question failed, or the object began anew, and until they are durable', async () => {
    const w = world();
    w.sender.count(event());
    w.isAway = true;
    await w.pass(12_000);
    w.isAway = false;
    w.sender.count(event());
    await w.pass(12_000);
    expect(w.calls.map(({ exchanges }) => exchanges)).toEqual([1, 2]);
    w.received = NOTHING_RECEIVED;
    await w.pass(17_000);
    await w.pass(12_000);
    expect(w.calls.map(({ exchanges }) => exchanges)).toEqual([1, 2, 0, 2]);
    w.durable = w.received;
    await w.pass(17_000);
    await w.pass(17_000);
    expect(w.calls.map(({ exchanges }) => exchanges)).toEqual([1, 2, 0, 2, 0]);
  });

  it('of a failed question come back', () => {
    const w = world();
    w.sender.count(event());
    w.nowMs += 1_000;
    const batch = w.sender.take(P);
    if (batch !== undefined) w.sender.putBack(P, batch);
    expect(exchangesOf(w.sender.take(P))).toBe(1);
    expect(exchangesOf(w.sender.take(P))).toBe(0);
  });

  it('wait together while the object is away, whole', async () => {
    const w = world();
    w.isAway = true;
    for (let n = 0; n < 40; n++) {
      w.sender.count(event({ timeMs: w.nowMs }));
      await w.pass(12_000);
    }
    w.isAway = false;
    w.calls.length = 0;
    w.sender.count(event({ timeMs: w.nowMs }));
    await w.pass(12_000);
    w.durable = w.received;
    await w.pass(17_000);
    await w.pass(17_000);
    w.sender.count(event({ timeMs: w.nowMs }));
    await w.pass(12_000);
    expect(w.calls.reduce((sum, { exchanges }) => sum + exchanges, 0)).toBe(42);
  });

  it('say what is under way, while it is', async () => {
    const w = world();
    const seen: (number | undefined)[] = [];
    await w.sender.during(P, async () => void seen.push(w.sender.take(P)?.usage?.open));
    w.sender.count(event());
    seen.push(w.sender.take(P)?.usage?.open);
    w.nowMs += 250;
    seen.push(w.sender.take(P)?.usage?.open);
    expect(seen).toEqual([1, 1, 0]);
  });
});

describe('what strangers name', () => {
  it('is looked up first, and forgotten where there is no such project', async () => {
    const w = world();
    w.exists = false;
    w.sender.count(strangers('799'));
    await w.pass(12_000);
    expect([w.lookedUp, w.calls]).toEqual([['799'], []]);
    w.exists = true;
    w.sender.count(strangers(P));
    await w.pass(12_000);
    expect(w.calls).toEqual([{ to: P, exchanges: 1 }]);
    // A proven project is not looked up again.
    w.sender.count(strangers(P));
    await w.pass(12_000);
    expect(w.lookedUp).toEqual(['799', P]);
    expect(w.calls).toHaveLength(2);
  });

  it('is looked up 30 times, then once a second, and pushes no honest project out', async () => {
    const w = world();
    w.exists = false;
    w.sender.count(event());
    for (let n = 0; n < 2_000; n++) w.sender.count(strangers(String(800_000 + n)));
    await w.pass(12_000);
    expect(w.lookedUp).toHaveLength(30);
    expect(w.calls).toEqual([{ to: P, exchanges: 1 }]);
  });
});

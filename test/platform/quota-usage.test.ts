/** Usage in the Quota object: each count once whatever happens on the way, few rows, rings that stay within their bounds. */
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { SpendAsk } from '../../src/core/quota/spend.ts';
import type { UsageMessage } from '../../src/core/usage-delivery.ts';
import type { UsagePage, UsageWanted } from '../../src/core/usage-page.ts';
import type { Quota } from '../../src/platform/quota/object.ts';
import { UsageOutbox } from '../../src/platform/quota/usage-outbox.ts';

type Stub = DurableObjectStub<Quota>;

const ASK: SpendAsk = { asker: 'isolate', ratePerSecond: 0, settled: [] };

const HOUR = 3_600_000;
/** Ahead of every alarm, so that each runs when a test says so; a full hour. */
const T = Math.ceil(Date.now() / HOUR) * HOUR + HOUR;

let lastNumber = 740_000_000_000;
async function newProject(limitPerMinute = 1_000): Promise<{ number: string; stub: Stub }> {
  lastNumber += 1;
  const number = String(lastNumber);
  const stub = env.QUOTA.getByName(number);
  await stub.advance({ changes: [{ epoch: 1, shards: [] }], limitPerMinute });
  await setClock(stub, T);
  return { number, stub };
}

function setClock(stub: Stub, nowMs: number): Promise<void> {
  return runInDurableObject<Quota, void>(stub, (instance) => {
    instance.clock = () => nowMs;
  });
}

const batch = (usage: unknown) => ({ records: [], dropped: 0, usage: usage as UsageMessage });

function counted(outbox: UsageOutbox, count: number, atMs: number, principal = 'w', reason = 'granted'): void {
  const exchange = { provider: 'p', principal, target: 'none', reason, atMs };
  for (let n = 0; n < count; n++) outbox.count(exchange, true, atMs);
}

const ALL = { from: 0, to: 1e9, maxPoints: 10_000 } as const;
async function page(stub: Stub, wanted: Partial<UsageWanted> = {}): Promise<UsagePage> {
  const read: UsagePage = JSON.parse(await stub.usagePoints({ ...ALL, resolution: 'MINUTE', ...wanted }));
  return read;
}

async function granted(stub: Stub, resolution: 'MINUTE' | 'HOUR' = 'MINUTE'): Promise<number> {
  const { points } = await page(stub, { resolution });
  return points.reduce((sum, { byReason }) => sum + (byReason['granted'] ?? 0), 0);
}

function rowsOf(stub: Stub, table: string): Promise<readonly Record<string, SqlStorageValue>[]> {
  return runInDurableObject(stub, (_instance, ctx) => ctx.storage.sql.exec(`SELECT * FROM ${table}`).toArray());
}

function rowsWritten(stub: Stub): Promise<() => number> {
  return runInDurableObject(stub, (_instance, ctx) => {
    let rows = 0;
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    vi.spyOn(sql, 'exec').mockImplementation((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings);
      if (query.trimStart().startsWith('INSERT INTO usage')) rows += 1;
      return cursor;
    });
    const setAlarm = ctx.storage.setAlarm.bind(ctx.storage);
    vi.spyOn(ctx.storage, 'setAlarm').mockImplementation(async (at) => {
      rows += 1;
      return setAlarm(at);
    });
    return () => rows;
  });
}

describe('a batch', () => {
  it('is readable at once, counts once however often it comes, and is durable with the first call', async () => {
    const { stub } = await newProject();
    const outbox = new UsageOutbox('one');
    counted(outbox, 3, T);
    counted(outbox, 2, T, 'w', 'not_granted');
    const message = outbox.take(T);
    await stub.spend(ASK, batch(message));
    await stub.news(batch(message));
    expect((await page(stub, { groupBy: 'principal' })).points).toEqual([
      {
        start: T / 60_000,
        byReason: { granted: 3, not_granted: 2 },
        groups: [{ name: 'w', byReason: { granted: 3, not_granted: 2 } }],
      },
    ]);
    expect(await stub.remember(batch(message))).toEqual({
      durable: expect.objectContaining({ upTo: 1 }),
      received: expect.objectContaining({ upTo: 1 }),
    });
    await evictDurableObject(stub);
    await setClock(stub, T);
    await stub.remember(batch(message));
    expect([await granted(stub), await granted(stub, 'HOUR')]).toEqual([3, 3]);
  });

  it('that came with a question is lost by an eviction, not acknowledged, and sent again', async () => {
    const { stub } = await newProject();
    const outbox = new UsageOutbox('one');
    counted(outbox, 3, T);
    await stub.spend(ASK, batch(outbox.take(T)));
    await evictDurableObject(stub);
    await setClock(stub, T);
    expect(await granted(stub)).toBe(0);
    const ack = await stub.remember(batch(outbox.take(T)));
    expect(ack?.durable).toMatchObject({ upTo: 0 });
    if (ack !== undefined) outbox.acknowledged(ack);
    await stub.remember(batch(outbox.take(T)));
    expect(await granted(stub)).toBe(3);
  });

  it('that is none, or for a project that nobody announced, changes nothing', async () => {
    const { stub } = await newProject();
    const good = { sender: 'x', oldest: 1, lost: 0, open: 0 };
    const wrong: readonly unknown[] = [
      'x',
      {},
      { ...good, batches: [{ sequence: 0, minutes: [] }] },
      { ...good, batches: [{ sequence: 1, minutes: [[T / 60_000, {}]] }] },
      { ...good, lost: -1, batches: [] },
      { ...good, sender: 'x'.repeat(65), batches: [] },
    ];
    for (const usage of wrong) expect(await stub.spend(ASK, batch(usage))).toMatchObject({ permits: 1 });
    expect((await page(stub)).points).toEqual([]);
    const nobody = env.QUOTA.getByName('740999999999');
    const outbox = new UsageOutbox('one');
    counted(outbox, 1, T);
    expect(await nobody.remember(batch(outbox.take(T)))).toBeUndefined();
    expect((await page(nobody)).points).toEqual([]);
  });

  it('of another day counts, within what the ring can hold', async () => {
    const { stub } = await newProject();
    const outbox = new UsageOutbox('one');
    counted(outbox, 1, T - 48 * HOUR);
    counted(outbox, 1, T + 48 * HOUR);
    await stub.remember(batch(outbox.take(T)));
    expect((await page(stub)).points.map(({ start }) => start - T / 60_000)).toEqual([-30, 2]);
  });

  it('that the isolate let go is counted as lost, once', async () => {
    const { stub } = await newProject();
    const outbox = new UsageOutbox('one');
    counted(outbox, 4, T - 20 * 60_000);
    for (let minute = 10; minute > 0; minute--) counted(outbox, 1, T - minute * 60_000);
    const message = outbox.take(T);
    await stub.remember(batch(message));
    await stub.remember(batch(message));
    expect([await granted(stub), (await page(stub)).lost]).toEqual([10, 4]);
  });
});

describe('an isolate that dies', () => {
  it('is missed: what it had under way and what waited is counted as lost, unless it comes after all', async () => {
    const { stub } = await newProject();
    const dead = new UsageOutbox('dead');
    dead.begun();
    counted(dead, 2, T);
    await stub.spend(ASK, batch(dead.take(T, 250)));
    const silent = new UsageOutbox('silent');
    silent.begun();
    await stub.spend(ASK, batch(silent.take(T)));
    expect((await page(stub)).lost).toBe(0);
    await setClock(stub, T + 120_000);
    expect((await page(stub)).lost).toBe(4);
    silent.ended();
    counted(silent, 1, T);
    const ack = await stub.remember(batch(silent.take(T + 120_000)));
    if (ack !== undefined) silent.acknowledged(ack);
    expect([(await page(stub)).lost, await granted(stub)]).toEqual([3, 1]);
    // Also when it has been forgotten.
    await setClock(stub, T + HOUR);
    counted(silent, 1, T + HOUR);
    await stub.remember(batch(silent.take(T + HOUR)));
    expect((await rowsOf(stub, 'usage_senders'))[0]?.['lost']).toBe(3);
    expect((await page(stub)).lost).toBe(3);
  });
});

describe('aborts and evictions at random', () => {
  it('lose nothing, and count nothing twice, while isolates live', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('count' as const), who: fc.nat(2), n: fc.integer({ min: 1, max: 5 }) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constantFrom('ride' as const, 'lost ride' as const, 'lost answer' as const),
          who: fc.nat(2),
        }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('call' as const), who: fc.nat(2) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('evict' as const, 'abort' as const, 'alarm' as const),
          who: fc.nat(2),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const { number, stub: first } = await newProject();
        let stub = first;
        let nowMs = T;
        const isolates = ['a', 'b', 'c'].map((id) => new UsageOutbox(id));
        let sum = 0;
        const call = async (outbox: UsageOutbox): Promise<void> => {
          const ack = await stub.remember(batch(outbox.take(nowMs)));
          if (ack !== undefined) outbox.acknowledged(ack);
        };
        for (const one of steps) {
          nowMs += 4_000;
          await setClock(stub, nowMs);
          const outbox = isolates[one.who];
          if (outbox === undefined) continue;
          if (one.do === 'count') {
            counted(outbox, one.n, nowMs);
            sum += one.n;
          } else if (one.do === 'call') await call(outbox);
          else if (one.do === 'alarm') await runDurableObjectAlarm(stub);
          else if (one.do === 'evict') await evictDurableObject(stub);
          else if (one.do === 'abort') {
            await abortAllDurableObjects();
            stub = env.QUOTA.getByName(number);
          } else {
            const message = outbox.take(nowMs);
            if (one.do !== 'lost ride') await stub.news(batch(message));
            if (one.do !== 'ride') outbox.putBack(message);
          }
        }
        for (let round = 0; round < 3; round++) {
          nowMs += 16_000;
          await setClock(stub, nowMs);
          for (const outbox of isolates) await call(outbox);
          await runDurableObjectAlarm(stub);
        }
        expect(await granted(stub)).toBe(sum);
        await evictDurableObject(stub);
        await setClock(stub, nowMs);
        expect([await granted(stub), await granted(stub, 'HOUR')]).toEqual([sum, sum]);
        expect(isolates.filter((outbox) => outbox.hasUnsent())).toEqual([]);
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});

describe('rows', () => {
  it('are about 2 for 1,000 exchanges at 6,000 a minute, alarms included', async () => {
    const { stub } = await newProject();
    const written = await rowsWritten(stub);
    const outbox = new UsageOutbox('one');
    for (let second = 0; second < 600; second++) {
      const nowMs = T + second * 1_000;
      await setClock(stub, nowMs);
      if (second % 15 === 0) await runDurableObjectAlarm(stub);
      counted(outbox, 100, nowMs);
      const ack = await stub.remember(batch(outbox.take(nowMs)));
      if (ack !== undefined) outbox.acknowledged(ack);
    }
    const rows = await runInDurableObject(stub, () => written());
    expect(await granted(stub)).toBe(60_000);
    expect(rows).toBeGreaterThan(40);
    expect(rows / 60).toBeLessThanOrEqual(2.2);
  });

  it('stay one a minute and one an hour; hours outlive the minutes, also over a silence', async () => {
    const { stub } = await newProject();
    const outbox = new UsageOutbox('one');
    const at = async (nowMs: number): Promise<void> => {
      await setClock(stub, nowMs);
      counted(outbox, 1, nowMs);
      const ack = await stub.remember(batch(outbox.take(nowMs)));
      if (ack !== undefined) outbox.acknowledged(ack);
    };
    for (let minute = 0; minute < 70; minute++) await at(T + minute * 60_000);
    expect(await rowsOf(stub, 'usage_minute')).toHaveLength(70);
    expect((await rowsOf(stub, 'usage_hour')).map(({ start }) => start)).toEqual([T / HOUR]);
    // The same slots a day later, without anything between: the second hour was never packed.
    await evictDurableObject(stub);
    await at(T + 24 * HOUR + 65 * 60_000);
    expect(await rowsOf(stub, 'usage_minute')).toHaveLength(70);
    expect((await page(stub)).points).toHaveLength(1 + 4);
    const hours = await page(stub, { resolution: 'HOUR' });
    expect(hours.points.map(({ start, byReason }) => [start - T / HOUR, byReason['granted']])).toEqual([
      [0, 60],
      [1, 10],
      [25, 1],
    ]);
    // 90 days on, the oldest are shown no more, and their places are taken.
    await at(T + 2_160 * HOUR + 70 * 60_000);
    await at(T + 2_160 * HOUR + 140 * 60_000);
    expect((await page(stub, { resolution: 'HOUR' })).points.map(({ start }) => start - T / HOUR)).toEqual([
      25, 2_161, 2_162,
    ]);
    expect(await granted(stub)).toBe(2);
    // Minutes that nothing overwrote must not bring back an hour whose place another has taken.
    await evictDurableObject(stub);
    await at(T + 2_160 * HOUR + 200 * 60_000);
    expect((await page(stub, { resolution: 'HOUR' })).points.map(({ start }) => start - T / HOUR)).toEqual([
      25, 2_161, 2_162, 2_163,
    ]);
  });

  it('hold 50 principals, the rest together', async () => {
    const { stub } = await newProject();
    const outbox = new UsageOutbox('one');
    for (let n = 0; n < 120; n++) counted(outbox, n < 10 ? 2 : 1, T, `w${n}`);
    await stub.remember(batch(outbox.take(T)));
    await evictDurableObject(stub);
    await setClock(stub, T);
    const groups = (await page(stub, { groupBy: 'principal' })).points[0]?.groups ?? [];
    expect(groups).toHaveLength(51);
    expect(groups.at(-1)).toEqual({ name: 'other', byReason: { granted: 70 } });
  });

  it('are read page by page', async () => {
    const { stub } = await newProject();
    const outbox = new UsageOutbox('one');
    for (let minute = 0; minute < 5; minute++) counted(outbox, 1, T + minute * 60_000 - 300_000);
    await stub.remember(batch(outbox.take(T)));
    const first = await page(stub, { maxPoints: 2 });
    expect(first.points).toHaveLength(2);
    const second = await page(stub, { maxPoints: 10, from: first.next ?? 0 });
    expect([...first.points, ...second.points].map(({ start }) => start - T / 60_000)).toEqual([-5, -4, -3, -2, -1]);
    expect(second).not.toHaveProperty('next');
  });
});

describe('alerts and the forecast', () => {
  it('come of the permits that are granted, at 80, 90 and 100 %, once', async () => {
    const log = vi.spyOn(console, 'log');
    const { number, stub } = await newProject(10);
    for (let n = 0; n < 7; n++) await stub.spend(ASK);
    expect((await stub.usage()).refusalsStartInMs).toBeGreaterThan(0);
    for (let n = 0; n < 6; n++) await stub.spend(ASK);
    const lines = log.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('"kind":"quota"'));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      [8, 9, 10].map((permits) => ({
        event: 'alert',
        kind: 'quota',
        time: new Date(T).toISOString(),
        project: number,
        percent: permits * 10,
        limitPerMinute: 10,
        counted: permits,
      })),
    );
    expect(await stub.usage()).toMatchObject({ countedPermits: 10, refusalsStartInMs: 0 });
  });
});

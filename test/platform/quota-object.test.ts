/** The Quota object in workerd: what it writes and when, and that neither restarts nor lost instances let more through than the limit. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import { Quota } from '../../src/platform/quota/object.ts';

type Stub = DurableObjectStub<Quota>;

const T = Date.UTC(2026, 6, 1);
const change = (epoch: number): { epoch: number; shards: string[] } => ({ epoch, shards: [`target:t${epoch}`] });

let lastNumber = 700_000_000_000;
/** A project number of its own for each test: all share one namespace. */
function newProjectNumber(): string {
  lastNumber += 1;
  return String(lastNumber);
}

async function newProject(limitPerMinute: number): Promise<{ number: string; stub: Stub }> {
  const number = newProjectNumber();
  const stub = env.QUOTA.getByName(number);
  await stub.advance({ changes: [change(1)], limitPerMinute });
  return { number, stub };
}

function setClock(stub: Stub, nowMs: number): Promise<void> {
  return runInDurableObject<Quota, void>(stub, (instance) => {
    instance.clock = () => nowMs;
  });
}

function rowsOf(stub: Stub): Promise<unknown[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql.exec('SELECT bucket_index, permits FROM bucket ORDER BY bucket_index').toArray(),
  );
}

describe('a project that nobody announced', () => {
  it('has no permits and no news, and asking about it creates nothing', async () => {
    const stub = env.QUOTA.getByName(newProjectNumber());
    expect(await stub.spend()).toMatchObject({ permits: 0, epoch: 0, recent: [] });
    expect(await stub.news()).toMatchObject({ epoch: 0, recent: [] });
    expect(await stub.usage()).toMatchObject({ limitPerMinute: 0, countedPermits: 0 });
    expect(await stub.ping()).toBe('pong');
    expect(await stub.advance({ changes: [], limitPerMinute: 10 })).toBe(0);
    await runInDurableObject(stub, async (_instance, ctx) => {
      const tables = ctx.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'`);
      expect(tables.toArray()).toEqual([]);
      expect([...(await ctx.storage.list())]).toEqual([]);
      expect(await ctx.storage.getAlarm()).toBeNull();
    });
  });
});

describe('a delivery', () => {
  it('may be repeated, split, late and out of order', async () => {
    const { stub } = await newProject(10);
    expect(await stub.advance({ changes: [change(4)], limitPerMinute: 40 })).toBe(4);
    expect(await stub.advance({ changes: [change(2), change(3)], limitPerMinute: 30 })).toBe(4);
    expect(await stub.advance({ changes: [change(4)], limitPerMinute: 40 })).toBe(4);
    const news = { epoch: 4, recent: [1, 2, 3, 4].map(change) };
    expect(await stub.news()).toMatchObject(news);
    expect(await stub.usage()).toMatchObject({ limitPerMinute: 40 });
    await evictDurableObject(stub);
    expect(await stub.news()).toMatchObject(news);
    expect(await stub.spend()).toMatchObject({ ...news, permits: 1, expiresAfterMs: 2_000 });
    expect(await stub.usage()).toMatchObject({ limitPerMinute: 40, countedPermits: 1 });
  });

  it('with nonsense changes nothing', async () => {
    const { stub } = await newProject(10);
    const outcome = await runInDurableObject<Quota, string>(stub, async (instance) =>
      instance.advance({ changes: [change(2)], limitPerMinute: -1 }).then(
        () => 'taken',
        () => 'refused',
      ),
    );
    expect(outcome).toBe('refused');
    expect(await stub.news()).toMatchObject({ epoch: 1 });
    expect(await stub.usage()).toMatchObject({ limitPerMinute: 10 });
  });
});

describe('a permit', () => {
  it('is a row before it is an answer, and one row serves 250 ms', async () => {
    const { stub } = await newProject(10);
    await setClock(stub, T);
    for (let i = 0; i < 3; i++) await stub.spend();
    await setClock(stub, T + 250);
    await stub.spend();
    expect(await rowsOf(stub)).toEqual([
      { bucket_index: T / 250, permits: 3 },
      { bucket_index: T / 250 + 1, permits: 1 },
    ]);
  });

  it('stays counted through eviction and abort, until its time is over', async () => {
    const { stub, number } = await newProject(2);
    await setClock(stub, T);
    await stub.spend();
    await evictDurableObject(stub);
    await setClock(stub, T + 1_000);
    await stub.spend();
    await abortAllDurableObjects();
    const fresh = env.QUOTA.getByName(number);
    await setClock(fresh, T + 2_000);
    expect(await fresh.spend()).toMatchObject({ permits: 0, expiresAfterMs: 0, retryAfterMs: 63_250 - 2_000 });
    await setClock(fresh, T + 63_249);
    expect(await fresh.spend()).toMatchObject({ permits: 0, retryAfterMs: 1 });
    await setClock(fresh, T + 63_250);
    expect(await fresh.spend()).toMatchObject({ permits: 1, epoch: 1 });
  });

  it('is not given where the row cannot be written, and nothing of it stays in memory', async () => {
    const { stub } = await newProject(5);
    const outcome = await runInDurableObject<Quota, { failed: boolean; counted: number }>(
      stub,
      async (instance, ctx) => {
        ctx.storage.sql.exec('ALTER TABLE bucket RENAME TO bucket_away');
        const failed = await instance.spend().then(
          () => false,
          () => true,
        );
        ctx.storage.sql.exec('ALTER TABLE bucket_away RENAME TO bucket');
        return { failed, counted: (await instance.usage()).countedPermits };
      },
    );
    expect(outcome).toEqual({ failed: true, counted: 0 });
  });

  it('never needs more rows than the ring has', async () => {
    const { stub } = await newProject(6_000);
    const rows = await runInDurableObject<Quota, number>(stub, async (instance, ctx) => {
      for (let i = 0; i < 600; i++) {
        instance.clock = () => T + i * 250;
        await instance.spend();
      }
      return ctx.storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM bucket').one().n;
    });
    expect(rows).toBe(256);
    expect(await stub.usage()).toMatchObject({ countedPermits: 253 });
  });
});

describe('the clock', () => {
  it('is out of reach of every caller: RPC reaches what the class declares, never what an instance holds', async () => {
    const methods = Object.getOwnPropertyNames(Quota.prototype).filter((name) => name !== 'constructor');
    expect(methods.toSorted()).toEqual([
      'advance',
      'alarm',
      'news',
      'ping',
      'recentExchanges',
      'remember',
      'spend',
      'usage',
      'usagePoints',
    ]);
  });
});

describe('evictions and aborts while many ask at once', () => {
  it('never let more through than the limit in any 60 s, counting only answers that callers saw', async () => {
    const limit = 40;
    const { number } = await newProject(limit);
    const random = mulberry32(20_260_701);
    const admittedAtMs: number[] = [];
    const seen = { granted: 0, refused: 0, lost: 0 };
    // Ahead of the real clock at every moment: an instance that starts anew and has not yet been told this time goes on from its newest row.
    let nowMs = Date.now() + 600_000;
    await setClock(env.QUOTA.getByName(number), nowMs);

    const spend = async (): Promise<void> => {
      const gate = createQuotaGate(env.QUOTA, () => nowMs);
      const outcome = await gate.spend(number);
      if (outcome.ok) {
        expect(nowMs).toBeLessThan(outcome.value.usableUntilMs);
        admittedAtMs.push(nowMs);
      }
      seen[outcome.ok ? 'granted' : outcome.error.denial.tag === 'over_quota' ? 'refused' : 'lost']++;
    };
    const faults = [
      () => evictDurableObject(env.QUOTA.getByName(number)).catch(() => undefined),
      () => abortAllDurableObjects(),
    ];

    for (let round = 0; round < 300; round++) {
      const asking = Array.from({ length: Math.floor(random() * 8) }, spend);
      const fault = faults[Math.floor(random() * 6)];
      if (fault !== undefined) {
        await fault();
        await setClock(env.QUOTA.getByName(number), nowMs);
      }
      await Promise.all([...asking, ...Array.from({ length: Math.floor(random() * 8) }, spend)]);
      nowMs += Math.floor(random() * 2_500);
      await setClock(env.QUOTA.getByName(number), nowMs);
    }

    for (const fromMs of admittedAtMs) {
      expect(admittedAtMs.filter((at) => at >= fromMs && at < fromMs + 60_000).length).toBeLessThanOrEqual(limit);
    }
    expect(seen.granted).toBeGreaterThan(limit);
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.lost).toBeGreaterThan(0);
  });
});

/** A small seeded generator: the same faults at the same places in every run. */
function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The Quota object in workerd: what it writes and when, and that neither restarts nor lost instances let more through than the limit. */
import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { SpendAsk } from '../../src/core/quota/spend.ts';
import type { QuotaObjects } from '../../src/platform/quota/asking.ts';
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

interface Row {
  readonly [column: string]: SqlStorageValue;
  readonly bucket: number;
  readonly reserved: number;
}

function rowsOf(stub: Stub): Promise<readonly Row[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql.exec<Row>('SELECT bucket, reserved FROM ledger ORDER BY bucket').toArray(),
  );
}

/** What an isolate asks that has seen so many exchanges a second. */
function asking(ratePerSecond = 0, settled: SpendAsk['settled'] = []): SpendAsk {
  return { asker: 'isolate', ratePerSecond, settled };
}

/** When the last permit of a row ceases to count: a bucket is 250 ms, and what expires in it counts for 61 s more. */
const leavesAtMs = ({ bucket }: Row): number => (bucket + 1) * 250 + 61_000;
const reservedIn = (rows: readonly Row[]): number => rows.reduce((sum, { reserved }) => sum + reserved, 0);

describe('a project that nobody announced', () => {
  it('has no permits and no news, and asking about it creates nothing', async () => {
    const stub = env.QUOTA.getByName(newProjectNumber());
    expect(await stub.spend(asking())).toMatchObject({ permits: 0, epoch: 0, recent: [] });
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
    expect(await stub.spend(asking())).toMatchObject({ ...news, permits: 1 });
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

describe('a lease', () => {
  it('is one permit for who has seen nothing, many for who is busy, and covered by rows before it is an answer', async () => {
    const { stub } = await newProject(6_000);
    await setClock(stub, T);
    const first = await stub.spend(asking());
    expect(first).toMatchObject({ permits: 1, epoch: 1 });
    let granted = first.permits;
    for (let second = 1; second <= 20; second++) {
      await setClock(stub, T + second * 1_000);
      for (const asker of ['one', 'two', 'three', 'four']) {
        const { permits, expiresAfterMs } = await stub.spend({ ...asking(3), asker });
        expect(permits).toBeGreaterThan(1);
        expect(expiresAfterMs).toBeLessThanOrEqual(10_000);
        granted += permits;
        expect(reservedIn(await rowsOf(stub))).toBeGreaterThanOrEqual(granted);
      }
    }
    // Leases are cut from rows that were reserved ahead.
    expect((await rowsOf(stub)).length).toBeLessThan(40);
    expect(await stub.usage()).toMatchObject({ countedPermits: granted });
  });

  it('stays counted through eviction and abort, until its time is over', async () => {
    const { stub, number } = await newProject(5);
    await setClock(stub, T);
    await stub.spend(asking());
    await evictDurableObject(stub);
    await setClock(stub, T + 1_000);
    let granted = 1;
    while ((await stub.spend(asking())).permits > 0) granted += 1;
    expect(granted).toBeLessThanOrEqual(5);
    const rows = await rowsOf(stub);
    await abortAllDurableObjects();
    const fresh = env.QUOTA.getByName(number);
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) throw new Error('no row was written');
    expect(reservedIn(rows)).toBe(5);
    expect(last).not.toEqual(first);
    for (const atMs of [T + 2_000, leavesAtMs(first) - 1]) {
      await setClock(fresh, atMs);
      const refused = await fresh.spend(asking());
      expect(refused).toMatchObject({ permits: 0, lease: '', expiresAfterMs: 0 });
      expect(refused.retryAfterMs).toBeGreaterThanOrEqual(leavesAtMs(first) - atMs);
      expect(await fresh.usage()).toMatchObject({ countedPermits: 5 });
    }
    await setClock(fresh, leavesAtMs(first));
    expect(await fresh.usage()).toMatchObject({ countedPermits: 5 - first.reserved });
    await setClock(fresh, leavesAtMs(last) + 62_000);
    expect(await fresh.spend(asking())).toMatchObject({ permits: 1, epoch: 1 });
  });

  it('that is settled makes room at once, and only where it was given', async () => {
    const { stub } = await newProject(6_000);
    await setClock(stub, T);
    await stub.spend(asking());
    await setClock(stub, T + 1_000);
    const { permits, lease } = await stub.spend(asking(10));
    expect(await stub.usage()).toMatchObject({ countedPermits: 1 + permits });
    const again = await stub.spend(asking(0, [{ lease, unused: permits - 1 }]));
    expect(await stub.usage()).toMatchObject({ countedPermits: 2 + again.permits });
    await stub.spend(asking(0, [{ lease, unused: 1 }]));
    const before = await stub.usage();
    await evictDurableObject(stub);
    await setClock(stub, T + 1_000);
    // Whatever was reserved counts for the new instance, and it has given no lease of that name.
    const { countedPermits } = await stub.usage();
    expect(countedPermits).toBeGreaterThanOrEqual(before.countedPermits);
    await stub.spend(asking(0, [{ lease: again.lease, unused: again.permits }]));
    expect((await stub.usage()).countedPermits).toBeGreaterThan(countedPermits);
  });

  it('is not given where the row cannot be written, and nothing of it stays in memory', async () => {
    const { stub } = await newProject(5);
    const outcome = await runInDurableObject<Quota, { failed: boolean; counted: number }>(
      stub,
      async (instance, ctx) => {
        ctx.storage.sql.exec(`CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
        const failed = await instance.spend(asking()).then(
          () => false,
          () => true,
        );
        const { countedPermits } = await instance.usage();
        ctx.storage.sql.exec('DROP TRIGGER full');
        return { failed, counted: countedPermits };
      },
    );
    expect(outcome).toEqual({ failed: true, counted: 0 });
    expect(await stub.spend(asking())).toMatchObject({ permits: 1 });
    expect(await stub.usage()).toMatchObject({ countedPermits: 1 });
  });

  it('never needs more rows than the ring has, and each is overwritten only when it has ceased to count', async () => {
    const { stub } = await newProject(6_000);
    const outcome = await runInDurableObject<Quota, { rows: number; lost: number }>(stub, async (instance, ctx) => {
      const granted: { readonly permits: number; readonly endMs: number }[] = [];
      let lost = 0;
      for (let i = 0; i < 800; i++) {
        const nowMs = T + i * 250;
        instance.clock = () => nowMs;
        const { permits, expiresAfterMs } = await instance.spend(asking((i % 7) * 3));
        granted.push({ permits, endMs: nowMs + expiresAfterMs });
        const counting = granted
          .filter(({ endMs }) => endMs + 61_000 > nowMs)
          .reduce((sum, one) => sum + one.permits, 0);
        const stored = ctx.storage.sql
          .exec<Row>('SELECT bucket, reserved FROM ledger')
          .toArray()
          .filter((row) => leavesAtMs(row) > nowMs);
        if (reservedIn(stored) < counting) lost += 1;
      }
      return { rows: ctx.storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM ledger').one().n, lost };
    });
    expect(outcome.lost).toBe(0);
    // (10 s of lease + 10 s of service + 61 s) / 250 ms, and two for the edges.
    expect(outcome.rows).toBeLessThanOrEqual(326);
  });
});

describe('an object that was made before there were leases', () => {
  it('goes on counting what it had granted, and knows which tokens were taken', async () => {
    const { stub } = await newProject(3);
    const keyHash = 'a'.repeat(64);
    await runInDurableObject(stub, (_instance, ctx) => {
      ctx.storage.sql.exec(`
        DROP TABLE ledger;
        CREATE TABLE bucket (slot INTEGER PRIMARY KEY, bucket_index INTEGER NOT NULL, permits INTEGER NOT NULL) STRICT;
        CREATE TABLE once_mark (key_hash TEXT PRIMARY KEY, nonce TEXT NOT NULL, until_ms INTEGER NOT NULL, granted_ms INTEGER NOT NULL);`);
      for (let slot = 0; slot < 256; slot++) {
        const index = T / 250 - 255 + slot;
        ctx.storage.sql.exec('INSERT INTO bucket VALUES (?, ?, ?)', index % 256, index, slot === 255 ? 3 : 1_000);
      }
      ctx.storage.sql.exec(`INSERT INTO once_mark VALUES (?, 'n', ?, ?)`, keyHash, T + 3_600_000, T);
    });
    await evictDurableObject(stub);
    // The newest bucket alone counts now: it ended 250 ms after T, its permits 2 s later.
    const leavesMs = T + 250 + 2_000 + 61_000;
    await setClock(stub, leavesMs - 1);
    expect(await stub.usage()).toMatchObject({ limitPerMinute: 3, countedPermits: 3 });
    expect(await stub.spend(asking())).toMatchObject({ permits: 0, epoch: 1 });
    const once = { keyHash, untilMs: T + 3_600_000, nonce: 'another' };
    expect(await stub.spend({ ...asking(), once })).toMatchObject({ permits: 0, replayed: true });
    await setClock(stub, leavesMs);
    expect(await stub.usage()).toMatchObject({ countedPermits: 0 });
    await evictDurableObject(stub);
    await setClock(stub, leavesMs);
    expect(await stub.spend({ ...asking(), once })).toMatchObject({ replayed: true });
  });
});

describe('the clock', () => {
  it('is out of reach of every caller: RPC reaches what the class declares, never what an instance holds', async () => {
    const methods = Object.getOwnPropertyNames(Quota.prototype).filter((name) => name !== 'constructor');
    expect(methods.toSorted()).toEqual([
      'advance',
      'alarm',
      'figures',
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
    const limit = 120;
    const { number } = await newProject(limit);
    const random = mulberry32(20_260_701);
    const admittedAtMs: number[] = [];
    const seen = { granted: 0, refused: 0, lost: 0 };
    // Ahead of the real clock at every moment: an instance that starts anew and has not yet been told this time goes on from its newest row.
    let nowMs = Date.now() + 600_000;
    await setClock(env.QUOTA.getByName(number), nowMs);

    let leases = 0;
    const counted: QuotaObjects = {
      getByName(name) {
        const stub = env.QUOTA.getByName(name);
        return {
          async spend(ask) {
            const answer = await stub.spend(ask);
            if (answer.permits > 1) leases += 1;
            return answer;
          },
          news: () => stub.news(),
          usage: () => stub.usage(),
          ping: () => stub.ping(),
        };
      },
    };
    // Some isolates live on and hold leases, through every fault of the object; others begin anew, and what they held is lost.
    const gates = Array.from({ length: 4 }, () => createQuotaGate(counted, () => nowMs));

    const spend = async (): Promise<void> => {
      const at = Math.floor(random() * gates.length);
      const gate = gates[at];
      if (gate === undefined) throw new Error('no such gate');
      if (random() < 0.02) gates[at] = createQuotaGate(counted, () => nowMs);
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
      const crowd = Array.from({ length: Math.floor(random() * 8) }, spend);
      const fault = faults[Math.floor(random() * 6)];
      if (fault !== undefined) {
        await fault();
        await setClock(env.QUOTA.getByName(number), nowMs);
      }
      await Promise.all([...crowd, ...Array.from({ length: Math.floor(random() * 8) }, spend)]);
      nowMs += Math.floor(random() * 1_200);
      await setClock(env.QUOTA.getByName(number), nowMs);
    }

    for (const fromMs of admittedAtMs) {
      expect(admittedAtMs.filter((at) => at >= fromMs && at < fromMs + 60_000).length).toBeLessThanOrEqual(limit);
    }
    expect(seen.granted).toBeGreaterThan(limit);
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.lost).toBeGreaterThan(0);
    // Leases were held, or this would have shown nothing about them.
    expect(leases).toBeGreaterThan(5);
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

/** The ring of remembered exchanges in the Quota object: bounded, in place, purged in time; and a permit never suffers from it. */
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { RecentExchange, RecentPage } from '../../src/core/recent.ts';
import type { SpendAsk } from '../../src/core/quota/spend.ts';
import type { Quota } from '../../src/platform/quota/object.ts';
import { RecentStore } from '../../src/platform/quota/recent-store.ts';
import { batchOf, recordOf } from '../support/recent.ts';

type Stub = DurableObjectStub<Quota>;

/** Ahead of every alarm, so that each runs when a test says so. */
const T = Date.now() + 3_600_000;
const HOUR = 3_600_000;
const ASK: SpendAsk = { asker: 'isolate', ratePerSecond: 0, settled: [] };
const ALL = { maxRecords: 100_000 };

let lastNumber = 720_000_000_000;

async function newProject(
  advance: { limitPerMinute?: number; recentRetentionSeconds?: number } = {},
): Promise<{ number: string; stub: Stub }> {
  lastNumber += 1;
  const number = String(lastNumber);
  const stub = env.QUOTA.getByName(number);
  await stub.advance({ changes: [{ epoch: 1, shards: [] }], limitPerMinute: 1_000, ...advance });
  await setClock(stub, T);
  return { number, stub };
}

function setClock(stub: Stub, nowMs: number): Promise<void> {
  return runInDurableObject<Quota, void>(stub, (instance) => {
    instance.clock = () => nowMs;
  });
}

async function pageOf(stub: Stub): Promise<RecentPage> {
  const page: RecentPage = JSON.parse(await stub.recentExchanges(ALL));
  return page;
}

async function idsOf(stub: Stub, nowMs = T): Promise<readonly string[]> {
  await setClock(stub, nowMs);
  return (await pageOf(stub)).records.map(({ id }) => id);
}

function rowsOf(stub: Stub): Promise<readonly unknown[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql.exec('SELECT slot, sequence FROM recent ORDER BY sequence').toArray(),
  );
}

function tablesOf(stub: Stub): Promise<readonly unknown[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql
      .exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE name = 'recent'`)
      .toArray()
      .map(({ name }) => name),
  );
}

const many = (count: number, from = 0, timeMs = T): RecentExchange[] =>
  Array.from({ length: count }, (_, index) => recordOf(`r${from + index}`, timeMs));

describe('a project of which nothing is remembered', () => {
  it('has no table, and reading makes none', async () => {
    const { stub } = await newProject();
    expect(await pageOf(stub)).toMatchObject({ records: [], dropped: 0 });
    await stub.spend(ASK);
    expect(await tablesOf(stub)).toEqual([]);
    expect(await runInDurableObject(stub, (_instance, ctx) => ctx.storage.getAlarm())).toBeNull();
  });

  it('that nobody announced keeps nothing, whatever is sent', async () => {
    const stub = env.QUOTA.getByName('720999999999');
    await stub.spend(ASK, batchOf(many(60, 0, Date.now())));
    await stub.remember(batchOf(many(60, 0, Date.now())));
    expect((await pageOf(stub)).records).toEqual([]);
    await runInDurableObject(stub, async (_instance, ctx) => {
      expect(await ctx.storage.getAlarm()).toBeNull();
      expect([...(await ctx.storage.list())]).toEqual([]);
    });
  });
});

describe('what a question brings', () => {
  it('is shown at once, newest first, and packed 10 s later by the alarm', async () => {
    const { stub } = await newProject();
    const record = recordOf('a', T, { claims: { sub: 'x' }, check: 'c', kubernetes: KUBERNETES });
    expect(await stub.spend(ASK, batchOf([record]))).toMatchObject({ permits: 1 });
    await stub.news(batchOf([recordOf('b', T)]));
    await stub.remember(batchOf([recordOf('c', T)]));
    expect(await idsOf(stub)).toEqual(['c', 'b', 'a']);
    expect((await pageOf(stub)).records.at(-1)).toEqual(record);
    expect(await tablesOf(stub)).toEqual([]);
    await setClock(stub, T + 10_000);
    await runDurableObjectAlarm(stub);
    expect(await rowsOf(stub)).toHaveLength(1);
    await evictDurableObject(stub);
    expect(await idsOf(stub)).toEqual(['c', 'b', 'a']);
    expect((await pageOf(stub)).records.at(-1)).toEqual(record);
  });

  it('is packed as soon as a row is full, after the answer', async () => {
    const { stub } = await newProject();
    await stub.spend(ASK, batchOf(many(120)));
    await expect.poll(async () => (await tablesOf(stub)).length).toBe(1);
    expect(await rowsOf(stub)).toHaveLength(2);
    await abortAllDurableObjects();
    // The rest of a row is what an abort costs.
    expect(await idsOf(env.QUOTA.getByName(String(lastNumber)))).toEqual(
      many(100)
        .map(({ id }) => id)
        .toReversed(),
    );
  });

  it('is lost by an eviction before that, and no permit with it', async () => {
    const { stub } = await newProject({ limitPerMinute: 3 });
    await stub.spend(ASK, batchOf(many(3)));
    await evictDurableObject(stub);
    expect(await idsOf(stub)).toEqual([]);
    expect(await stub.usage()).toMatchObject({ countedPermits: 1 });
    await stub.spend(ASK);
    await stub.spend(ASK);
    expect(await stub.spend(ASK)).toMatchObject({ permits: 0 });
  });

  it('fills up the newest row after a restart', async () => {
    const { stub } = await newProject();
    for (let round = 0; round < 5; round++) {
      await setClock(stub, T + round * 20_000);
      await stub.remember(batchOf(many(3, round * 3)));
      await setClock(stub, T + round * 20_000 + 10_000);
      await runDurableObjectAlarm(stub);
      await evictDurableObject(stub);
    }
    expect(await rowsOf(stub)).toHaveLength(1);
    expect(await idsOf(stub)).toEqual(
      many(15)
        .map(({ id }) => id)
        .toReversed(),
    );
  });

  it.each<readonly [string, unknown]>([
    ['is no batch', 'x'],
    ['has no records', { dropped: 1 }],
    ['holds what is no record', batchOf([null, 1, [], {}, { id: 'x' }] as never)],
    ['holds a record without a subject', batchOf([recordOf('x', T, { subject: '' })])],
    ['holds a record of another time', batchOf([recordOf('x', T + HOUR), recordOf('y', T - 25 * HOUR)])],
    ['holds a record that is too large', batchOf([recordOf('x', T, { check: 'x'.repeat(30_000) })])],
    ['counts nonsense', { records: [], dropped: Number.NaN }],
  ])('and %s costs neither the permit nor the good ones beside it', async (_what, batch) => {
    const { stub } = await newProject();
    await stub.remember(batchOf([recordOf('good', T)]));
    expect(await stub.spend(ASK, batch as never)).toMatchObject({ permits: 1, epoch: 1 });
    expect(await idsOf(stub)).toEqual(['good']);
  });

  it('is counted where it was let go', async () => {
    const { stub } = await newProject();
    await stub.remember({ records: [recordOf('a', T), { id: '' } as never], dropped: 4 });
    expect(await pageOf(stub)).toMatchObject({ dropped: 5 });
    await setClock(stub, T + 10_000);
    await runDurableObjectAlarm(stub);
    await evictDurableObject(stub);
    await setClock(stub, T);
    expect(await pageOf(stub)).toMatchObject({ dropped: 5 });
  });
});

const KUBERNETES = { namespace: 'shop', serviceAccount: { name: 'sa', uid: 'u' }, cluster: 'https://c' };

describe('a row that cannot be written', () => {
  it('costs no permit; the alarm does not throw, says so, and comes again', async () => {
    const log = vi.spyOn(console, 'log');
    const { stub } = await newProject();
    await stub.remember(batchOf([recordOf('first', T)]));
    await setClock(stub, T + 10_000);
    await runDurableObjectAlarm(stub);
    await runInDurableObject(stub, (_instance, ctx) => {
      ctx.storage.sql.exec(`CREATE TRIGGER full BEFORE INSERT ON recent BEGIN SELECT RAISE(ABORT, 'full'); END`);
    });
    for (let round = 0; round < 30; round++) {
      expect(await stub.spend(ASK, batchOf(many(50, round * 50)))).toMatchObject({ permits: 1 });
    }
    await setClock(stub, T + 20_000);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const said = log.mock.calls.map((args) => String(args[0])).filter((line) => line.includes('quota alarm'));
    expect(said).toHaveLength(1);
    expect(said[0]).not.toContain('somebody');
    const next = await runInDurableObject(stub, async (_instance, ctx) => {
      ctx.storage.sql.exec('DROP TRIGGER full');
      return ctx.storage.getAlarm();
    });
    expect(next).toBe(T + 50_000);
    await setClock(stub, T + 50_000);
    await runDurableObjectAlarm(stub);
    // Bounded meanwhile: the oldest went, and were counted.
    const page = await pageOf(stub);
    expect(page.records.map(({ id }) => id)).toEqual(['first', ...many(1_000, 500).map(({ id }) => id)].toReversed());
    expect(page.dropped).toBe(500);
  });
});

const refusedBy = (subject: string, count: number, timeMs: number, name = subject): RecentExchange[] =>
  Array.from({ length: count }, (_, index) =>
    recordOf(`${name}-${index}`, timeMs, { subject, outcome: 'refused', reason: 'not_granted' }),
  );

describe('who is refused', () => {
  it('over and over leaves every grant in place and every other refusal; what is beyond his share is counted', async () => {
    const { stub } = await newProject();
    const others = ['anna', 'ben', 'carla'].flatMap((subject) => refusedBy(subject, 20, T));
    await stub.remember(batchOf([...many(120), ...others]));
    const floods = 40;
    for (let round = 0; round < floods; round++) {
      await stub.remember(batchOf(refusedBy('mallory', 500, T + round, `flood${round}`)));
    }
    const page = await pageOf(stub);
    const there = page.records.map(({ id }) => id);
    expect(there).toEqual(expect.arrayContaining([...many(120), ...others].map(({ id }) => id)));
    expect(page.records.filter(({ subject }) => subject === 'mallory')).toHaveLength(20);
    expect(page.dropped).toBe(floods * 500 - 20);
  });

  it('by a thousand names fills a ring of its own: no grant goes, and what goes is counted', async () => {
    const { stub } = await newProject();
    await runInDurableObject(stub, (_instance, ctx) => {
      const { store, settle } = storeOver(ctx.storage.sql, 24 * HOUR);
      const wake = (): void => {
        settle();
        store.wake(T + 10_000);
      };
      store.take(batchOf(many(120)), T);
      wake();
      const names = 300;
      for (let n = 0; n < names; n++) {
        store.take(batchOf(refusedBy(`mallory${n}`, 20, T)), T);
        wake();
      }
      const shown: RecentExchange[] = [];
      let before: string | undefined;
      let dropped = 0;
      do {
        const page = store.page({ maxRecords: 1_000, ...(before === undefined ? {} : { before }) }, T + 10_000);
        shown.push(...page.records);
        dropped = page.dropped;
        before = page.next;
      } while (before !== undefined);
      const refused = shown.filter(({ outcome }) => outcome === 'refused').length;
      expect(shown.length - refused).toBe(120);
      expect(refused).toBeLessThanOrEqual(5_000);
      expect(refused).toBeGreaterThan(4_900);
      expect(refused + dropped).toBe(names * 20);
    });
  });

  it('begins no new share because the object rested, and has another an hour later', async () => {
    const { stub } = await newProject();
    const ofMallory = async (nowMs: number): Promise<number> => {
      await setClock(stub, nowMs);
      return (await pageOf(stub)).records.filter(({ subject }) => subject === 'mallory').length;
    };
    await stub.remember(batchOf(refusedBy('mallory', 20, T)));
    await setClock(stub, T + 10_000);
    await runDurableObjectAlarm(stub);
    await evictDurableObject(stub);
    await setClock(stub, T + 20_000);
    await stub.remember(batchOf(refusedBy('mallory', 20, T + 20_000, 'again')));
    expect(await ofMallory(T + 20_000)).toBe(20);
    await setClock(stub, T + HOUR);
    await stub.remember(batchOf(refusedBy('mallory', 30, T + HOUR, 'later')));
    expect(await ofMallory(T + HOUR)).toBe(40);
  });

  it('after it was said that he was let in is no grant any more, wherever that lies, and takes no place among grants', async () => {
    const { stub } = await newProject();
    const overQuota = (id: string, subject = 'mallory'): RecentExchange =>
      recordOf(id, T, { subject, outcome: 'refused', reason: 'over_quota', again: true });
    await stub.remember(batchOf(many(120)));
    await expect.poll(async () => (await tablesOf(stub)).length).toBe(1);
    // One in a row that is closed, one that waits, and more of those than he has a share.
    const waiting = Array.from({ length: 25 }, (_, n) => recordOf(`w${n}`, T, { subject: 'mallory' }));
    await stub.remember(batchOf(waiting));
    await stub.remember(batchOf([overQuota('r7', 'somebody'), ...waiting.map(({ id }) => overQuota(id))]));
    const { records, dropped } = await pageOf(stub);
    expect(
      records
        .filter(({ outcome }) => outcome === 'granted')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(
      many(120)
        .map(({ id }) => id)
        .filter((id) => id !== 'r7')
        .toSorted(),
    );
    expect(records.filter(({ outcome }) => outcome === 'refused').map(({ id }) => id)).toContain('r7');
    expect(records.filter(({ outcome }) => outcome === 'refused')).toHaveLength(21);
    expect(dropped).toBe(5);
  });

  it('is listed among the others by his time, each once, over pages of any size', async () => {
    const { stub } = await newProject();
    const said = Array.from({ length: 90 }, (_, n) =>
      recordOf(`x${n}`, T + n, n % 3 === 0 ? { subject: `s${n}`, outcome: 'refused', reason: 'not_granted' } : {}),
    );
    await stub.remember(batchOf(said));
    for (const maxRecords of [1, 7, 50]) {
      const ids: string[] = [];
      let before: string | undefined;
      do {
        const text = await stub.recentExchanges({ maxRecords, ...(before === undefined ? {} : { before }) });
        const page: RecentPage = JSON.parse(text);
        ids.push(...page.records.map(({ id }) => id));
        before = page.next;
      } while (before !== undefined);
      expect(ids).toEqual(said.map(({ id }) => id).toReversed());
    }
  });
});

describe('retention', () => {
  it('is 24 h where nobody said otherwise: then nothing is shown, and the alarm takes it away', async () => {
    const { stub } = await newProject();
    await stub.remember(batchOf([recordOf('a', T)]));
    await setClock(stub, T + 10_000);
    await runDurableObjectAlarm(stub);
    expect(await runInDurableObject(stub, (_instance, ctx) => ctx.storage.getAlarm())).toBe(T + 24 * HOUR);
    expect(await idsOf(stub, T + 24 * HOUR - 1)).toEqual(['a']);
    expect(await idsOf(stub, T + 24 * HOUR)).toEqual([]);
    expect(await rowsOf(stub)).toHaveLength(1);
    await runDurableObjectAlarm(stub);
    expect(await rowsOf(stub)).toEqual([]);
    expect(await runInDurableObject(stub, (_instance, ctx) => ctx.storage.getAlarm())).toBeNull();
    // The ring goes on.
    await stub.remember(batchOf([recordOf('b', T + 24 * HOUR)]));
    expect(await idsOf(stub, T + 24 * HOUR)).toEqual(['b']);
  });

  it('holds back no old record beside a young one for longer than an hour', async () => {
    const { stub } = await newProject();
    for (let hour = 0; hour < 30; hour++) {
      const nowMs = T + hour * HOUR;
      await setClock(stub, nowMs);
      await stub.remember(batchOf([recordOf(`h${hour}`, nowMs), recordOf(`h${hour}+`, nowMs + 1)]));
      await setClock(stub, nowMs + 10_000);
      await runDurableObjectAlarm(stub);
    }
    const oldest = await runInDurableObject(stub, (_instance, ctx) =>
      ctx.storage.sql
        .exec<{ records: string }>('SELECT records FROM recent')
        .toArray()
        .flatMap(({ records }) => JSON.parse(records) as RecentExchange[])
        .reduce((least, { timeMs }) => Math.min(least, timeMs), Infinity),
    );
    expect(oldest).toBeGreaterThan(T + 29 * HOUR - 25 * HOUR);
    expect(await idsOf(stub, T + 29 * HOUR + 10_000)).toHaveLength(48);
  });

  it('that is shortened takes away what it shuts out; 0 takes everything and keeps nothing more', async () => {
    const { stub } = await newProject({ recentRetentionSeconds: 86_400 });
    await stub.remember(batchOf([...many(50, 0, T - 2 * HOUR), recordOf('young', T)]));
    await setClock(stub, T + 10_000);
    await runDurableObjectAlarm(stub);
    const advance = (epoch: number, recentRetentionSeconds?: number) =>
      stub.advance({
        changes: [{ epoch, shards: [] }],
        limitPerMinute: 1_000,
        ...(recentRetentionSeconds === undefined ? {} : { recentRetentionSeconds }),
      });
    await advance(2, 3_600);
    expect(await rowsOf(stub)).toHaveLength(1);
    await advance(7, 86_400);
    expect(await idsOf(stub)).toEqual(['young']);
    // A delivery of an older version says nothing of it.
    await advance(8);
    expect(await idsOf(stub)).toEqual(['young']);
    await advance(9, 0);
    expect(await rowsOf(stub)).toEqual([]);
    await stub.remember(batchOf(many(60)));
    expect(await idsOf(stub)).toEqual([]);
    await evictDurableObject(stub);
    await stub.spend(ASK, batchOf(many(60)));
    expect(await idsOf(stub)).toEqual([]);
  });

  it('is learnt by an object that was made before there was such a thing', async () => {
    const { stub } = await newProject();
    await runInDurableObject(stub, (_instance, ctx) => {
      ctx.storage.sql.exec('ALTER TABLE project DROP COLUMN recent_retention_seconds');
    });
    await evictDurableObject(stub);
    await setClock(stub, T);
    await stub.remember(batchOf([recordOf('a', T - 2 * HOUR)]));
    expect(await idsOf(stub)).toEqual(['a']);
    await stub.advance({ changes: [{ epoch: 2, shards: [] }], limitPerMinute: 7, recentRetentionSeconds: 60 });
    expect(await idsOf(stub)).toEqual([]);
    await evictDurableObject(stub);
    expect(await stub.usage()).toMatchObject({ limitPerMinute: 7 });
    await setClock(stub, T);
    await stub.remember(batchOf([recordOf('a', T - 2 * HOUR), recordOf('b', T)]));
    expect(await idsOf(stub)).toEqual(['b']);
  });
});

/** A store of its own over this object's storage, of which every row written is counted, alarms too. */
function storeOver(
  sql: SqlStorage,
  retentionMs: number,
): { store: RecentStore; settle: () => void; rowsWritten: () => number; alarms: number[] } {
  const cursors: { readonly rowsWritten: number }[] = [];
  const alarms: number[] = [];
  let afterwards: (() => void)[] = [];
  const counted = new Proxy(sql, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const cursor = Reflect.apply(member, target, args) as { readonly rowsWritten: number };
        cursors.push(cursor);
        return cursor;
      };
    },
  });
  const store = new RecentStore({
    sql: counted,
    retentionMs: () => retentionMs,
    setAlarm: (atMs) => alarms.push(atMs),
    afterwards: (work) => afterwards.push(work),
  });
  return {
    store,
    settle() {
      const works = afterwards;
      afterwards = [];
      for (const work of works) work();
    },
    rowsWritten: () => cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0),
    alarms,
  };
}

describe('the ring', () => {
  it.each([
    { retentionMs: HOUR, rows: 360, why: 'each row is purged in its time' },
    { retentionMs: 24 * HOUR, rows: 400, why: '20,000 are there, and each row is overwritten in place' },
  ])('writes three rows for fifty exchanges, alarms included: $why', async ({ retentionMs, rows }) => {
    const { stub } = await newProject();
    await runInDurableObject(stub, (_instance, ctx) => {
      const { store, settle, rowsWritten, alarms } = storeOver(ctx.storage.sql, retentionMs);
      // Five a second for three hours.
      let wakeAtMs: number | undefined;
      const seconds = 3 * 3_600;
      for (let second = 0; second < seconds; second++) {
        const nowMs = T + second * 1_000;
        store.take(batchOf(many(5, second * 5, nowMs)), nowMs);
        settle();
        wakeAtMs = alarms.at(-1);
        if (wakeAtMs !== undefined && wakeAtMs <= nowMs) {
          const next = store.wake(nowMs);
          if (next !== undefined) alarms.push(next);
        }
      }
      const written = rowsWritten() + alarms.length;
      expect(written / ((seconds * 5) / 50)).toBeLessThanOrEqual(3.2);
      const there = ctx.storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM recent').one().n;
      expect(Math.abs(there - rows)).toBeLessThanOrEqual(2);
      const nowMs = T + seconds * 1_000;
      // A message between objects is not to be larger than this, however many are asked for.
      expect(JSON.stringify(store.page(ALL, nowMs)).length).toBeLessThan(1_048_576);
      const ids: string[] = [];
      let before: string | undefined;
      do {
        const next = store.page({ maxRecords: 1_000, ...(before === undefined ? {} : { before }) }, nowMs);
        ids.push(...next.records.map(({ id }) => id));
        before = next.next;
      } while (before !== undefined);
      const newest = many(ids.length, seconds * 5 - ids.length).map(({ id }) => id);
      expect(ids).toEqual(newest.toReversed());
      expect(ids.length).toBeLessThanOrEqual(20_000);
      expect(Math.abs(ids.length - rows * 50)).toBeLessThanOrEqual(100);
      // Those that were purged in their time are no loss; those that were overwritten before it are, as long as the row that did it is there.
      const lost = retentionMs === HOUR ? 0 : Math.min(seconds * 5 - ids.length, 20_000);
      expect(Math.abs(store.page(ALL, nowMs).dropped - lost)).toBeLessThanOrEqual(50);
    });
  });

  it('writes a row anew where a word in it was said anew, although nothing else came', async () => {
    const { stub } = await newProject();
    const wake = async (nowMs: number): Promise<void> => {
      await setClock(stub, nowMs);
      await runDurableObjectAlarm(stub);
    };
    await stub.remember(batchOf(many(3)));
    await wake(T + 10_000);
    await stub.remember(batchOf([recordOf('r1', T, { reason: 'over_quota', again: true })]));
    await wake(T + 20_000);
    await evictDurableObject(stub);
    await setClock(stub, T + 20_000);
    expect((await pageOf(stub)).records.map(({ id, reason }) => [id, reason])).toEqual([
      ['r2', 'granted'],
      ['r1', 'over_quota'],
      ['r0', 'granted'],
    ]);
  });

  it('says each exchange once, by its last word, over any pages, packings and restarts', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), count: fc.integer({ min: 1, max: 70 }) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('say anew' as const), back: fc.nat(90) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('wake' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
    );
    const { stub } = await newProject();
    await runInDurableObject(stub, (_instance, ctx) => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 60 }), (steps, size) => {
          ctx.storage.sql.exec('DROP TABLE IF EXISTS recent');
          let over = storeOver(ctx.storage.sql, 24 * HOUR);
          const lastWord = new Map<string, string>();
          let nowMs = T;
          let count = 0;
          const wake = (): void => {
            nowMs += 10_000;
            over.store.wake(nowMs);
          };
          for (const one of steps) {
            nowMs += 100;
            if (one.do === 'say') {
              const said = many(one.count, count, nowMs);
              for (const { id, reason } of said) lastWord.set(id, reason);
              count += one.count;
              over.store.take(batchOf(said), nowMs);
            } else if (one.do === 'say anew' && one.back < count) {
              const id = `r${count - 1 - one.back}`;
              const reason = `${lastWord.get(id)}+`;
              lastWord.set(id, reason);
              over.store.take(batchOf([recordOf(id, nowMs, { reason, again: true })]), nowMs);
            } else if (one.do === 'wake') wake();
            else if (one.do === 'restart') {
              wake();
              over = storeOver(ctx.storage.sql, 24 * HOUR);
            }
            over.settle();
          }
          const shown: (readonly [string, string])[] = [];
          let before: string | undefined;
          do {
            const page = over.store.page({ maxRecords: size, ...(before === undefined ? {} : { before }) }, nowMs);
            expect(page.records.length).toBeLessThanOrEqual(size);
            shown.push(...page.records.map(({ id, reason }) => [id, reason] as const));
            before = page.next;
          } while (before !== undefined);
          expect(shown.length).toBe(lastWord.size);
          expect(new Map(shown)).toEqual(lastWord);
        }),
        { numRuns: 150 },
      );
    });
  });
});

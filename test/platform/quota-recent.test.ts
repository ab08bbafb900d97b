/** What questions bring to the ring of remembered exchanges, and who is refused; a permit never suffers from it. */
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { RecentExchange, RecentPage } from '../../src/core/recent.ts';
import { batchOf, recordOf } from '../support/recent.ts';
import {
  T,
  HOUR,
  ASK,
  newProject,
  setClock,
  pageOf,
  idsOf,
  rowsOf,
  tablesOf,
  many,
  KUBERNETES,
  refusedBy,
  storeOver,
} from './quota-recent-support.ts';

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
    const { number, stub } = await newProject();
    await stub.spend(ASK, batchOf(many(120)));
    await expect.poll(async () => (await tablesOf(stub)).length).toBe(1);
    expect(await rowsOf(stub)).toHaveLength(2);
    await abortAllDurableObjects();
    // The rest of a row is what an abort costs.
    expect(await idsOf(env.QUOTA.getByName(number))).toEqual(
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

/** The ring of remembered exchanges: bounded, in place, purged in time, whatever is aborted. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecentExchange } from '../../src/core/recent.ts';
import { batchOf, recordOf } from '../support/recent.ts';
import {
  T,
  HOUR,
  ASK,
  ALL,
  newProject,
  setClock,
  pageOf,
  idsOf,
  rowsOf,
  many,
  storeOver,
} from './quota-recent-support.ts';

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

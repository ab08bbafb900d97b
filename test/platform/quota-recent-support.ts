/** A Quota object whose clock a test sets, and a look at what it remembers. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { RecentExchange, RecentPage } from '../../src/core/recent.ts';
import type { SpendAsk } from '../../src/core/quota/spend.ts';
import type { Quota } from '../../src/platform/quota/object.ts';
import { RecentStore } from '../../src/platform/quota/recent-store.ts';
import { recordOf } from '../support/recent.ts';

type Stub = DurableObjectStub<Quota>;

/** Ahead of every alarm, so that each runs when a test says so. */
export const T = Date.now() + 3_600_000;
export const HOUR = 3_600_000;
export const ASK: SpendAsk = { asker: 'isolate', ratePerSecond: 0, settled: [] };
export const ALL = { maxRecords: 100_000 };

let lastNumber = 720_000_000_000;

export async function newProject(
  advance: { limitPerMinute?: number; recentRetentionSeconds?: number } = {},
): Promise<{ number: string; stub: Stub }> {
  lastNumber += 1;
  const number = String(lastNumber);
  const stub = env.QUOTA.getByName(number);
  await stub.advance({ changes: [{ epoch: 1, shards: [] }], limitPerMinute: 1_000, ...advance });
  await setClock(stub, T);
  return { number, stub };
}

export function setClock(stub: Stub, nowMs: number): Promise<void> {
  return runInDurableObject<Quota, void>(stub, (instance) => {
    instance.clock = () => nowMs;
  });
}

export async function pageOf(stub: Stub): Promise<RecentPage> {
  const page: RecentPage = JSON.parse(await stub.recentExchanges(ALL));
  return page;
}

export async function idsOf(stub: Stub, nowMs = T): Promise<readonly string[]> {
  await setClock(stub, nowMs);
  return (await pageOf(stub)).records.map(({ id }) => id);
}

export function rowsOf(stub: Stub): Promise<readonly unknown[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql.exec('SELECT slot, sequence FROM recent ORDER BY sequence').toArray(),
  );
}

export function tablesOf(stub: Stub): Promise<readonly unknown[]> {
  return runInDurableObject(stub, (_instance, ctx) =>
    ctx.storage.sql
      .exec<{ name: string }>(`SELECT name FROM sqlite_master WHERE name = 'recent'`)
      .toArray()
      .map(({ name }) => name),
  );
}

export const many = (count: number, from = 0, timeMs = T): RecentExchange[] =>
  Array.from({ length: count }, (_, index) => recordOf(`r${from + index}`, timeMs));

export const KUBERNETES = { namespace: 'shop', serviceAccount: { name: 'sa', uid: 'u' }, cluster: 'https://c' };

export const refusedBy = (subject: string, count: number, timeMs: number, name = subject): RecentExchange[] =>
  Array.from({ length: count }, (_, index) =>
    recordOf(`${name}-${index}`, timeMs, { subject, outcome: 'refused', reason: 'not_granted' }),
  );

/** A store of its own over this object's storage, of which every row written is counted, alarms too. */
export function storeOver(
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

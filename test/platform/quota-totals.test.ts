/** Sums of all time in the Quota object: they outlive the minutes and hours, each exchange is in them once, and they never go back. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { QuotaFigures } from '../../src/core/metrics.ts';
import type { UsageMessage } from '../../src/core/usage-delivery.ts';
import type { Quota } from '../../src/platform/quota/object.ts';
import { UsageOutbox } from '../../src/platform/quota/usage-outbox.ts';

type Stub = DurableObjectStub<Quota>;

const HOUR = 3_600_000;
const T = Math.ceil(Date.now() / HOUR) * HOUR + HOUR;

let lastNumber = 745_000_000_000;
async function newProject(): Promise<Stub> {
  lastNumber += 1;
  const stub = env.QUOTA.getByName(String(lastNumber));
  await stub.advance({ changes: [{ epoch: 1, shards: [] }], limitPerMinute: 1_000 });
  await setClock(stub, T);
  return stub;
}

function setClock(stub: Stub, nowMs: number): Promise<void> {
  return runInDurableObject<Quota, void>(stub, (instance) => {
    instance.clock = () => nowMs;
  });
}

/** `count` exchanges by an isolate of their own. */
function message(count: number, atMs: number, reason = 'granted'): UsageMessage {
  const outbox = new UsageOutbox(crypto.randomUUID());
  const exchange = { provider: 'p', principal: 'w', target: 'none', reason, atMs };
  for (let n = 0; n < count; n++) outbox.count(exchange, true, atMs);
  return outbox.take(atMs);
}

function send(stub: Stub, usage: UsageMessage): Promise<unknown> {
  return stub.remember({ records: [], dropped: 0, usage });
}

async function totals(stub: Stub): Promise<QuotaFigures['exchanges']> {
  return (await stub.figures()).exchanges;
}

describe('the sums of all time', () => {
  it('are none before anything was counted, and asking makes no table', async () => {
    const stub = await newProject();
    expect(await totals(stub)).toBeUndefined();
    const tables = await runInDurableObject(stub, (_instance, ctx) =>
      ctx.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name = 'usage_senders'`).toArray(),
    );
    expect(tables).toEqual([]);
  });

  it('hold each exchange once, whatever is sent again, and only what is on disk', async () => {
    const stub = await newProject();
    const first = message(3, T);
    await send(stub, first);
    await send(stub, first);
    expect(await totals(stub)).toEqual({ sinceMs: T, byReason: { granted: 3 } });
    // Within 15 s of the last writing: in memory, and gone with it.
    const second = message(4, T, 'unverified');
    await send(stub, second);
    expect(await totals(stub)).toEqual({ sinceMs: T, byReason: { granted: 3 } });
    await evictDurableObject(stub);
    await setClock(stub, T + 20_000);
    expect(await totals(stub)).toEqual({ sinceMs: T, byReason: { granted: 3 } });
    await send(stub, second);
    expect(await totals(stub)).toEqual({ sinceMs: T, byReason: { granted: 3, unverified: 4 } });
    await evictDurableObject(stub);
    expect(await totals(stub)).toEqual({ sinceMs: T, byReason: { granted: 3, unverified: 4 } });
  });

  it('stay when the minutes and hours they came from are gone', async () => {
    const stub = await newProject();
    await send(stub, message(3, T));
    const later = T + 100 * 24 * HOUR;
    await setClock(stub, later);
    await send(stub, message(2, later));
    expect(await totals(stub)).toEqual({ sinceMs: T, byReason: { granted: 5 } });
  });

  it('begin at their first exchange in an object that counted before there were any', async () => {
    const stub = await newProject();
    await send(stub, message(3, T));
    await runInDurableObject(stub, (_instance, ctx) => {
      ctx.storage.sql.exec('ALTER TABLE usage_senders DROP COLUMN totals');
    });
    await evictDurableObject(stub);
    await setClock(stub, T + 60_000);
    expect(await totals(stub)).toBeUndefined();
    await send(stub, message(2, T + 60_000));
    expect(await totals(stub)).toEqual({ sinceMs: T + 60_000, byReason: { granted: 2 } });
    await evictDurableObject(stub);
    expect(await totals(stub)).toEqual({ sinceMs: T + 60_000, byReason: { granted: 2 } });
  });

  it('do not grow without end where an isolate makes reasons up', async () => {
    const stub = await newProject();
    const made = (n: number): UsageMessage => message(1, T, `made-up-${n}`);
    for (let n = 0; n < 80; n++) await send(stub, made(n));
    await setClock(stub, T + 20_000);
    await runDurableObjectAlarm(stub);
    const { byReason = {} } = (await totals(stub)) ?? {};
    expect(Object.keys(byReason).length).toBeLessThanOrEqual(65);
    expect(Object.values(byReason).reduce((sum, count) => sum + count, 0)).toBe(80);
    expect(byReason['other']).toBe(16);
  });
});

/** Attacks on the Quota object from within: rows that fail half-way, and questions that no isolate of ours would ask. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { SpendAsk } from '../../src/core/quota/spend.ts';
import type { Quota } from '../../src/platform/quota/object.ts';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import { usagePage } from '../../src/platform/quota/usage-page.ts';
import { UsageOutbox } from '../../src/platform/quota/usage-outbox.ts';
import { silenceableObjects } from '../support/faulty-bindings.ts';

type Stub = DurableObjectStub<Quota>;

const PROVIDER = 'provider:projects/1/locations/global/workloadIdentityPools/p/providers/q';
const ANOTHER = `${PROVIDER}-too`;
const ASK: SpendAsk = { asker: 'isolate', ratePerSecond: 0, settled: [] };

let lastNumber = 745_000_000_000;
async function newProject(limitPerMinute: number, ownLimits: Readonly<Record<string, number>> = {}): Promise<Stub> {
  lastNumber += 1;
  const stub = env.QUOTA.getByName(String(lastNumber));
  await stub.advance({ changes: [{ epoch: 1, shards: [] }], limitPerMinute, ownLimits });
  return stub;
}

/** The next statement of this beginning fails, once. */
function breakOnce(stub: Stub, beginning: string): Promise<void> {
  return runInDurableObject(stub, (_instance, ctx) => {
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    const spy = vi.spyOn(sql, 'exec').mockImplementation((query: string, ...bindings: unknown[]) => {
      if (!query.trimStart().startsWith(beginning)) return exec(query, ...bindings);
      spy.mockRestore();
      throw new Error('disk full');
    });
  });
}

/** As the object answers inside: a call that throws must not end the test's own connection. */
function asked<T>(stub: Stub, ask: (instance: Quota) => Promise<T>): Promise<T | 'failed'> {
  return runInDurableObject<Quota, T | 'failed'>(stub, async (instance) =>
    ask(instance).catch((): 'failed' => 'failed'),
  );
}

describe('a writing that failed half-way', () => {
  it('of own limits is written when they come again, and holds after a restart', async () => {
    const stub = await newProject(100, { [PROVIDER]: 50 });
    const single = { ...ASK, atMost: 1 };
    expect(await stub.spend({ ...single, limits: [PROVIDER] })).toMatchObject({ permits: 1 });
    const delivery = { changes: [{ epoch: 2, shards: [] }], limitPerMinute: 100, ownLimits: { [ANOTHER]: 0 } };
    await breakOnce(stub, 'DELETE FROM ledger');
    expect(await asked(stub, (instance) => instance.advance(delivery))).toBe('failed');
    expect(await stub.advance(delivery)).toBe(2);
    expect(await stub.spend({ ...single, limits: [ANOTHER] })).toMatchObject({ permits: 0, fullLimit: ANOTHER });
    await evictDurableObject(stub);
    expect(await stub.spend({ ...single, limits: [ANOTHER] })).toMatchObject({ permits: 0, fullLimit: ANOTHER });
    expect(await stub.spend({ ...single, limits: [PROVIDER] })).toMatchObject({ permits: 1 });
  });

  it('of usage, be it the first, keeps no later one from being written', async () => {
    const stub = await newProject(100);
    const outbox = new UsageOutbox('one');
    const nowMs = Date.now();
    for (let n = 0; n < 3; n++) {
      outbox.count({ provider: 'p', principal: 'w', target: 'none', reason: 'granted', atMs: nowMs }, true, nowMs);
    }
    const batch = { records: [], dropped: 0, usage: outbox.take(nowMs) };
    await breakOnce(stub, 'INSERT INTO usage_senders');
    expect(await stub.remember(batch)).toMatchObject({ durable: { upTo: 0 } });
    expect(await stub.spend(ASK, batch)).toMatchObject({ permits: 1 });
    expect(await stub.remember(batch)).toMatchObject({ durable: { upTo: 1 } });
    await evictDurableObject(stub);
    const page = await stub.usagePoints({ resolution: 'MINUTE', from: 0, to: 1e9, maxPoints: 10 });
    expect(JSON.parse(page)).toMatchObject({ points: [{ byReason: { granted: 3 } }] });
  });
});

describe('a question that no isolate of ours asks', () => {
  it('brings nobody more than the limit, nor does it keep others from what is left', async () => {
    const odd = fc.constantFrom<unknown>(
      NaN,
      Infinity,
      -Infinity,
      -1,
      0,
      0.5,
      1.5,
      1e300,
      2 ** 53,
      '3',
      null,
      undefined,
      {},
    );
    const question = fc.record({
      asker: fc.constantFrom<unknown>('a', 'b', '', 7, undefined),
      ratePerSecond: odd,
      atMost: odd,
      settled: fc.oneof(
        fc.constantFrom<unknown>(undefined, null, 'x', [null]),
        fc.array(fc.record({ lease: fc.constantFrom<unknown>('', 'x', '__proto__', 7), unused: odd }), {
          maxLength: 3,
        }),
      ),
      limits: fc.constantFrom<unknown>(
        undefined,
        [],
        [PROVIDER],
        [PROVIDER, PROVIDER],
        ['project'],
        ['__proto__'],
        'x',
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(question, { maxLength: 20 }), async (questions) => {
        const stub = await newProject(20, { [PROVIDER]: 5 });
        let given = 0;
        const ask = async (one: unknown): Promise<number> => {
          const answer = await asked(stub, (instance) => instance.spend(one as SpendAsk));
          if (answer === 'failed') return 0;
          expect(Number.isSafeInteger(answer.permits)).toBe(true);
          if (answer.permits < 1) expect(answer.retryAfterMs).toBeGreaterThan(0);
          if (answer.permits < 1) expect(Number.isFinite(answer.retryAfterMs)).toBe(true);
          return answer.permits;
        };
        for (const one of questions) given += await ask(one);
        expect((await stub.usage()).countedPermits).toBeGreaterThanOrEqual(given);
        for (let n = 0; n < 30; n++) given += await ask({ ...ASK, atMost: 1 });
        expect(given).toBe(20);
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});

describe('a token that was taken once', () => {
  it('brought again and again by whoever found it costs the object one call an isolate, not one each time', async () => {
    await newProject(100);
    const number = String(lastNumber);
    const once = (key: string) => ({ limits: [], once: { key, untilSeconds: Math.floor(Date.now() / 1_000) + 600 } });
    const thief = silenceableObjects(env.QUOTA);
    const gate = createQuotaGate(thief.namespace, () => Date.now());
    expect((await createQuotaGate(env.QUOTA, () => Date.now()).spend(number, once('used'))).ok).toBe(true);
    for (let n = 0; n < 20; n++) {
      expect(await gate.spend(number, once('used'))).toMatchObject({
        ok: false,
        error: { denial: { tag: 'unverified', check: 'replay' }, news: { epoch: 1 } },
      });
    }
    expect(thief.calls('spend')).toBe(1);
    expect((await gate.spend(number, once('fresh'))).ok).toBe(true);
    gate.drop(number);
    expect((await gate.spend(number, once('used'))).ok).toBe(false);
  });
});

describe('usage with all names that rows can hold', () => {
  it('is read a part at a time, also where no names are asked for: who reads must not keep exchanges waiting', () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => [`name-${n}`, { granted: 1 }] as const);
    const sums = { provider: many(200), principal: many(50), target: many(200) };
    let rows = 0;
    const read = (from: number, to: number) => {
      rows += to - from + 1;
      return Array.from({ length: to - from + 1 }, (_, n) => ({ start: from + n, sums }));
    };
    const wanted = { resolution: 'HOUR', from: 1, to: 2_160, maxPoints: 2_160 } as const;
    let [next, pages]: [number | undefined, number] = [1, 0];
    const starts: number[] = [];
    while (next !== undefined) {
      rows = 0;
      const page = usagePage(next, wanted.to, wanted, read);
      expect(rows).toBeLessThanOrEqual(300);
      starts.push(...page.points.map(({ start }) => start));
      next = page.next;
      pages += 1;
    }
    expect(starts).toEqual(Array.from({ length: 2_160 }, (_, n) => n + 1));
    expect(pages).toBeLessThan(15);
  });
});

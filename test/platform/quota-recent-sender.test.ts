/** From the isolate to the object: with the next question, or by a call where none comes in 12 s; bounded, and nothing is lost where a call is. */
import { describe, expect, it } from 'vitest';
import type { SpendAnswer } from '../../src/core/quota/spend.ts';
import type { RecentBatch, RecentExchange } from '../../src/core/recent.ts';
import type { QuotaObjects } from '../../src/platform/quota/asking.ts';
import { createQuotaGate } from '../../src/platform/quota/gate.ts';
import { createRecentSender, type RecentSender } from '../../src/platform/quota/recent-sender.ts';
import { recordOf } from '../support/recent.ts';

const T = Date.UTC(2026, 6, 1);
const P = '730000000001';

function remember(sender: RecentSender, projectNumber: string, record: RecentExchange): void {
  sender.remember(projectNumber, record.outcome, () => record);
}

interface World {
  readonly sender: RecentSender;
  /** What came to an object, and by which question. */
  readonly sent: { readonly by: string; readonly to: string; readonly batch: RecentBatch | undefined }[];
  readonly tasks: Promise<void>[];
  readonly pass: (ms?: number) => Promise<void>;
  nowMs: number;
  fails: boolean;
}

function world(): World & { readonly namespace: QuotaObjects } {
  const waiting: { readonly dueAtMs: number; readonly go: () => void }[] = [];
  const made: Omit<World, 'sender'> & { namespace: QuotaObjects; sender?: RecentSender } = {
    sent: [],
    tasks: [],
    nowMs: T,
    fails: false,
    async pass(ms = 12_000) {
      made.nowMs += ms;
      for (const one of waiting.filter(({ dueAtMs }) => dueAtMs <= made.nowMs)) {
        waiting.splice(waiting.indexOf(one), 1);
        one.go();
      }
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    },
    namespace: objects(),
  };
  const sender = createRecentSender({
    namespace: objects(),
    nowMs: () => made.nowMs,
    wait: (ms) => new Promise((go) => void waiting.push({ dueAtMs: made.nowMs + ms, go })),
    inBackground: (work) => made.tasks.push(work),
    newId: () => 'isolate',
    projectExists: async () => true,
  });
  return Object.assign(made, { sender });

  function objects() {
    return {
      getByName: (to: string) => {
        const took = async <T>(by: string, batch: RecentBatch | undefined, answer: T): Promise<T> => {
          made.sent.push({ by, to, batch });
          if (made.fails) throw Object.assign(new Error('away'), { retryable: true });
          return answer;
        };
        const answer: SpendAnswer = { permits: 1, lease: 'l', expiresAfterMs: 2_000, epoch: 1, recent: [] };
        return {
          spend: (_once: unknown, batch?: RecentBatch) => took('spend', batch, answer),
          news: (batch?: RecentBatch) => took('news', batch, { epoch: 1, recent: [] }),
          remember: (batch: RecentBatch) => took('remember', batch, undefined),
          usage: () => took('usage', undefined, { limitPerMinute: 1, countedPermits: 0 }),
          ping: () => took('ping', undefined, 'pong' as const),
        };
      },
    };
  }
}

const ids = (batch: RecentBatch | undefined): readonly string[] => (batch?.records ?? []).map(({ id }) => id);

describe('a question to the project', () => {
  it('takes along what there is, and then no call is made for it', async () => {
    const w = world();
    const gate = createQuotaGate(w.namespace, () => w.nowMs, { cargo: w.sender });
    remember(w.sender, P, recordOf('a', T));
    remember(w.sender, '730000000002', recordOf('other', T));
    await gate.spend(P);
    remember(w.sender, P, recordOf('b', T));
    await gate.news(P);
    await gate.news(P);
    expect(w.sent.map(({ by, batch }) => [by, ids(batch)])).toEqual([
      ['spend', ['a']],
      ['news', ['b']],
      ['news', []],
    ]);
    await w.pass();
    expect(w.sent.slice(3).map(({ by, to, batch }) => [by, to, ids(batch)])).toEqual([
      ['remember', '730000000002', ['other']],
    ]);
  });

  it('that fails twice sends the same twice, marked the second time, and puts it back before what came since', async () => {
    const w = world();
    const gate = createQuotaGate(w.namespace, () => w.nowMs, { cargo: w.sender });
    remember(w.sender, P, recordOf('a', T));
    w.fails = true;
    const asking = gate.news(P);
    remember(w.sender, P, recordOf('b', T));
    expect((await asking).ok).toBe(false);
    expect(w.sent.map(({ batch }) => batch?.records.map(({ id, again }) => [id, again]))).toEqual([
      [['a', undefined]],
      [['a', true]],
    ]);
    w.fails = false;
    await gate.spend(P);
    expect(w.sent.at(-1)?.batch?.records.map(({ id, again }) => [id, again])).toEqual([
      ['a', true],
      ['b', undefined],
    ]);
  });

  it('for a lease that fails is asked anew, with all there is by then, and what came back is marked', async () => {
    const w = world();
    const gate = createQuotaGate(w.namespace, () => w.nowMs, { cargo: w.sender });
    remember(w.sender, P, recordOf('a', T));
    w.fails = true;
    const asking = gate.spend(P);
    remember(w.sender, P, recordOf('b', T));
    expect((await asking).ok).toBe(false);
    expect(w.sent.map(({ batch }) => batch?.records.map(({ id, again }) => [id, again]))).toEqual([
      [['a', undefined]],
      [
        ['a', true],
        ['b', undefined],
      ],
    ]);
    w.fails = false;
    await gate.spend(P);
    expect(w.sent.at(-1)?.batch?.records.map(({ id, again }) => [id, again])).toEqual([
      ['a', true],
      ['b', true],
    ]);
  });
});

describe('where no question comes', () => {
  it('for longer than a lease lives, a call is made', async () => {
    const w = world();
    for (let i = 0; i < 100; i++) remember(w.sender, P, recordOf(`r${i}`, T));
    expect(w.tasks).toHaveLength(1);
    await w.pass(11_999);
    expect(w.sent).toEqual([]);
    await w.pass(1);
    expect(w.sent.map(({ by, batch }) => [by, ids(batch).length])).toEqual([['remember', 100]]);
    await w.pass();
    expect(w.sent).toHaveLength(1);
    remember(w.sender, P, recordOf('later', w.nowMs));
    expect(w.tasks).toHaveLength(2);
    await w.pass();
    expect(w.sent).toHaveLength(2);
  });

  it('and too many to wait are there, a call is made two seconds after the last', async () => {
    const w = world();
    const calls: number[] = [];
    for (let tenth = 0; tenth < 30; tenth++) {
      for (let i = 0; i < 50; i++) remember(w.sender, P, recordOf(`r${tenth}-${i}`, w.nowMs));
      await w.pass(100);
      calls.push(w.sent.length);
    }
    // 150 are there after the third tenth; two seconds later 200 wait, and those that found no room were let go.
    expect(calls).toEqual([0, 0, ...Array.from({ length: 21 }, () => 1), ...Array.from({ length: 7 }, () => 2)]);
    expect(w.sent.map(({ batch }) => [ids(batch).length, batch?.dropped])).toEqual([
      [150, 0],
      [200, 801],
    ]);
  });

  it('what is about to be read is handed over at once', async () => {
    const w = world();
    remember(w.sender, P, recordOf('a', T));
    await w.sender.flush(P);
    await w.sender.flush(P);
    expect(w.sent.map(({ batch }) => ids(batch))).toEqual([['a']]);
  });

  it('a call that fails loses nothing, and is not repeated until there is more to say', async () => {
    const w = world();
    remember(w.sender, P, recordOf('a', T));
    w.fails = true;
    await w.pass();
    await w.pass();
    expect(w.sent).toHaveLength(1);
    w.fails = false;
    remember(w.sender, P, recordOf('b', w.nowMs));
    await w.pass();
    expect(w.sent.map(({ batch }) => ids(batch))).toEqual([['a'], ['a', 'b']]);
  });

  it('a task that went with its request is followed by another', async () => {
    const w = world();
    remember(w.sender, P, recordOf('a', T));
    w.tasks.length = 0;
    w.nowMs += 13_999;
    remember(w.sender, P, recordOf('b', T));
    expect(w.tasks).toHaveLength(0);
    w.nowMs += 1;
    remember(w.sender, P, recordOf('c', T));
    expect(w.tasks).toHaveLength(1);
    // That finds the oldest overdue.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(w.sent.map(({ batch }) => ids(batch))).toEqual([['a', 'b', 'c']]);
  });
});

describe('bounds', () => {
  it('of a project are 200 records: grants that find no room are counted, and never made', () => {
    const { sender } = world();
    for (let i = 0; i < 205; i++) remember(sender, P, recordOf(`r${i}`, T));
    let made = 0;
    sender.remember(P, 'granted', () => {
      made += 1;
      return recordOf('late', T);
    });
    const batch = sender.take(P);
    expect([made, batch?.dropped]).toEqual([0, 6]);
    expect([ids(batch)[0], ids(batch).at(-1)]).toEqual(['r0', 'r199']);
    expect(ids(batch)).toHaveLength(200);
    expect(ids(sender.take(P))).toEqual([]);
    if (batch === undefined) return;
    remember(sender, P, recordOf('new', T));
    sender.putBack(P, batch);
    const both = sender.take(P);
    expect([both?.dropped, ids(both)[0], ids(both).at(-1), both?.records.length]).toEqual([7, 'r1', 'new', 200]);
  });

  it('never cost the last word on an exchange: what it was granted in the end takes the place of what was thought', () => {
    const { sender } = world();
    for (let i = 0; i < 200; i++) remember(sender, P, recordOf(`r${i}`, T, { roles: ['before'] }));
    sender.remember(P, 'again', () => recordOf('r150', T, { roles: ['after'], again: true }));
    const batch = sender.take(P);
    expect([batch?.records.length, batch?.dropped]).toEqual([200, 0]);
    expect(batch?.records.filter(({ id }) => id === 'r150').map(({ roles }) => roles)).toEqual([['after']]);
  });

  it('of one principal who is refused are 20 an hour: the others are counted and push nobody out', () => {
    const { sender } = world();
    const refused = { outcome: 'refused', reason: 'not_granted' } as const;
    for (let i = 0; i < 100; i++) remember(sender, P, recordOf(`r${i}`, T));
    remember(sender, P, recordOf('other', T, { ...refused, subject: 'other' }));
    for (let i = 0; i < 260; i++) remember(sender, P, recordOf(`m${i}`, T + i, { ...refused, subject: 'mallory' }));
    const batch = sender.take(P);
    expect(batch?.records).toHaveLength(121);
    expect(batch?.dropped).toBe(240);
    expect(ids(batch).slice(0, 101)).toEqual([...Array.from({ length: 100 }, (_, i) => `r${i}`), 'other']);
    remember(sender, P, recordOf('soon', T + 3_599_999, { ...refused, subject: 'mallory' }));
    remember(sender, P, recordOf('late', T + 3_600_000, { ...refused, subject: 'mallory' }));
    expect(sender.take(P)).toMatchObject({ records: [{ id: 'late' }], dropped: 1 });
    // In another project he has another share.
    remember(sender, '730000000002', recordOf('a', T + 5_000, { ...refused, subject: 'mallory' }));
    expect(ids(sender.take('730000000002'))).toEqual(['a']);
  });

  it('are kept by letting go who was refused, by however many names, before anybody who was let in', () => {
    const { sender } = world();
    for (let i = 0; i < 150; i++) remember(sender, P, recordOf(`r${i}`, T));
    for (let i = 0; i < 90; i++)
      remember(sender, P, recordOf(`m${i}`, T, { outcome: 'refused', reason: 'not_granted', subject: `m${i}` }));
    const batch = sender.take(P);
    expect(ids(batch)).toEqual([
      ...Array.from({ length: 150 }, (_, i) => `r${i}`),
      ...Array.from({ length: 50 }, (_, i) => `m${i + 40}`),
    ]);
    expect(batch?.dropped).toBe(40);
  });

  it('of an isolate are 50 projects', () => {
    const { sender } = world();
    for (let i = 0; i < 60; i++) remember(sender, String(i), recordOf('a', T));
    const held = Array.from({ length: 60 }, (_, i) => sender.take(String(i))).filter((batch) => batch !== undefined);
    expect(held).toHaveLength(50);
  });

  it('the last word on an exchange takes the place of the one before', () => {
    const { sender } = world();
    remember(sender, P, recordOf('a', T));
    remember(sender, P, recordOf('b', T));
    remember(sender, P, recordOf('a', T, { reason: 'over_quota', again: true }));
    const batch = sender.take(P);
    expect(batch?.records.map(({ id, reason }) => [id, reason])).toEqual([
      ['b', 'granted'],
      ['a', 'over_quota'],
    ]);
    if (batch === undefined) return;
    remember(sender, P, recordOf('a', T, { reason: 'internal', again: true }));
    sender.putBack(P, batch);
    expect(sender.take(P)?.records.map(({ id, reason }) => [id, reason])).toEqual([
      ['b', 'granted'],
      ['a', 'internal'],
    ]);
  });
});

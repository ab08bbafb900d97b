/** The gate: closed whenever the object is away, slow or overloaded; asks again only where that may help; never hands out a permit past its time. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { SpendAnswer, SpendAsk } from '../../src/core/quota/spend.ts';
import type { QuotaObjects } from '../../src/platform/quota/asking.ts';
import { createQuotaGate, type GateOptions, type QuotaGate } from '../../src/platform/quota/gate.ts';

const T = Date.UTC(2026, 6, 1);
const CLOSED = { denial: { tag: 'unavailable', dependency: 'quota' } };
const NEWS = { epoch: 3, recent: [{ epoch: 3, shards: ['target:t'] }] };
const GRANTED: SpendAnswer = { permits: 1, lease: 'l', expiresAfterMs: 2_000, ...NEWS };

/** A namespace that answers, fails or hangs as it is told, one behaviour an asking; fault injection that workerd does not offer. */
function gateOver(
  askings: readonly (() => Promise<SpendAnswer>)[],
  nowMs = () => T,
  options: GateOptions = {},
): { gate: QuotaGate; stubs: string[]; questions: SpendAsk[] } {
  const stubs: string[] = [];
  const questions: SpendAsk[] = [];
  const namespace: QuotaObjects = {
    getByName(name: string) {
      stubs.push(name);
      const asking = askings[stubs.length - 1];
      if (asking === undefined) throw new Error('asked too often');
      const spend = (question: SpendAsk): Promise<SpendAnswer> => {
        questions.push(question);
        return asking();
      };
      return { spend, news: asking, usage: notAsked, ping: notAsked };
    },
  };
  return { gate: createQuotaGate(namespace, nowMs, options), stubs, questions };
}

function fails(marks: { retryable?: boolean; overloaded?: boolean }): () => Promise<SpendAnswer> {
  return () => Promise.reject(Object.assign(new Error('injected'), marks));
}
const grants = (): Promise<SpendAnswer> => Promise.resolve(GRANTED);
const notAsked = (): Promise<never> => Promise.reject(new Error('not part of this test'));
const hangs = (): Promise<SpendAnswer> => new Promise(() => {});

describe('over the real object', () => {
  it('gives permits up to the limit, then over_quota with the news and whole seconds to wait', async () => {
    const gate = createQuotaGate(env.QUOTA, () => Date.now());
    const number = '710000000001';
    await env.QUOTA.getByName(number).advance({ changes: [{ epoch: 1, shards: ['a'] }], limitPerMinute: 2 });
    const askedAtMs = Date.now();
    for (let i = 0; i < 2; i++) {
      const outcome = await gate.spend(number);
      expect(outcome).toMatchObject({ ok: true, value: { news: { epoch: 1, recent: [{ epoch: 1, shards: ['a'] }] } } });
      if (outcome.ok) expect(outcome.value.usableUntilMs).toBeGreaterThanOrEqual(askedAtMs + 500);
    }
    const refused = await gate.spend(number);
    expect(refused).toMatchObject({ ok: false, error: { denial: { tag: 'over_quota' }, news: { epoch: 1 } } });
    if (refused.ok || refused.error.denial.tag !== 'over_quota') throw new Error('not over quota');
    expect(refused.error.denial.retryAfterSeconds).toBeGreaterThanOrEqual(50);
    expect(refused.error.denial.retryAfterSeconds).toBeLessThanOrEqual(64);
    expect(Number.isInteger(refused.error.denial.retryAfterSeconds)).toBe(true);
    expect(await gate.news(number)).toMatchObject({ ok: true, value: { epoch: 1 } });
    expect(await gate.usage(number)).toMatchObject({ ok: true, value: { limitPerMinute: 2, countedPermits: 2 } });
    expect(await gate.ping()).toBe(true);
  });

  it('says epoch 0 of a project that does not exist', async () => {
    const gate = createQuotaGate(env.QUOTA, () => Date.now());
    expect(await gate.news('710000000002')).toMatchObject({ ok: true, value: { epoch: 0, recent: [] } });
    expect(await gate.spend('710000000002')).toMatchObject({ ok: false, error: { news: { epoch: 0 } } });
  });
});

describe('closed', () => {
  it('on a namespace that throws, for every question', async () => {
    const { gate } = gateOver([]);
    expect(await gate.spend('1')).toEqual({ ok: false, error: CLOSED });
    expect(await gate.news('1')).toEqual({ ok: false, error: CLOSED.denial });
    expect(await gate.usage('1')).toEqual({ ok: false, error: CLOSED.denial });
    expect(await gate.ping()).toBe(false);
  });

  it.each([
    ['a fault that is not retryable', {}],
    ['an overloaded object, even if the fault is retryable', { retryable: true, overloaded: true }],
  ])('on %s, without asking again', async (_what, marks) => {
    const { gate, stubs } = gateOver([fails(marks), grants]);
    expect(await gate.spend('1')).toEqual({ ok: false, error: CLOSED });
    expect(stubs.length).toBe(1);
  });

  it('on two retryable faults in a row', async () => {
    const { gate, stubs } = gateOver([fails({ retryable: true }), fails({ retryable: true }), grants]);
    expect(await gate.spend('1')).toEqual({ ok: false, error: CLOSED });
    expect(stubs.length).toBe(2);
  });

  it('on an object that does not answer, after 2 s', async () => {
    const { gate, stubs } = gateOver([hangs, grants]);
    expect(await gate.spend('1')).toEqual({ ok: false, error: CLOSED });
    expect(stubs.length).toBe(1);
  });
});

describe('a second asking', () => {
  it('follows one retryable fault, over a stub of its own', async () => {
    const { gate, stubs } = gateOver([fails({ retryable: true }), grants]);
    expect(await gate.spend('42')).toEqual({ ok: true, value: { news: NEWS, usableUntilMs: T + 1_500 } });
    expect(stubs).toEqual(['42', '42']);
  });

  it('follows an answer that came after its permit could be used, and counts from its own asking', async () => {
    let nowMs = T;
    const late = (): Promise<SpendAnswer> => {
      nowMs += 1_500;
      return grants();
    };
    const { gate } = gateOver([late, grants], () => nowMs);
    expect(await gate.spend('1')).toEqual({ ok: true, value: { news: NEWS, usableUntilMs: T + 3_000 } });
  });

  it('that is late too closes', async () => {
    let nowMs = T;
    const late = (): Promise<SpendAnswer> => {
      nowMs += 1_600;
      return grants();
    };
    const { gate, stubs } = gateOver([late, late, grants], () => nowMs);
    expect(await gate.spend('1')).toEqual({ ok: false, error: CLOSED });
    expect(stubs.length).toBe(2);
  });

  it('does not follow a refusal, however late: room does not come from asking', async () => {
    let nowMs = T;
    const refuses = (): Promise<SpendAnswer> => {
      nowMs += 1_900;
      return Promise.resolve({ permits: 0, lease: '', expiresAfterMs: 0, ...NEWS, retryAfterMs: 4_001 });
    };
    const { gate, stubs } = gateOver([refuses, grants], () => nowMs);
    const denial = { tag: 'over_quota', limit: 'project', retryAfterSeconds: 5 };
    expect(await gate.spend('1')).toEqual({ ok: false, error: { denial, news: NEWS } });
    expect(stubs.length).toBe(1);
  });
});

describe('a lease', () => {
  const lease = (permits: number, expiresAfterMs = 10_000, more: Partial<SpendAnswer> = {}): Promise<SpendAnswer> =>
    Promise.resolve({ ...GRANTED, lease: `of ${permits}`, permits, expiresAfterMs, ...more });

  /** A clock and askings that the test lets be answered when it wants. */
  function held(): { promise: Promise<SpendAnswer>; answer: (with_: Promise<SpendAnswer>) => void } {
    let answer: (with_: Promise<SpendAnswer>) => void = () => undefined;
    const promise = new Promise<SpendAnswer>((resolve) => {
      answer = resolve;
    });
    return { promise, answer };
  }

  it('is spent without asking, until its last permit or half a second before its end', async () => {
    let nowMs = T;
    const { gate, stubs, questions } = gateOver([() => lease(3), () => lease(9), grants], () => nowMs);
    for (let i = 0; i < 3; i++) {
      expect(await gate.spend('1')).toEqual({ ok: true, value: { news: NEWS, usableUntilMs: T + 9_500 } });
      nowMs += 1_000;
    }
    expect(stubs.length).toBe(1);
    expect((await gate.spend('1')).ok).toBe(true);
    expect(stubs.length).toBe(2);
    nowMs += 9_499;
    expect((await gate.spend('1')).ok).toBe(true);
    expect(stubs.length).toBe(2);
    nowMs += 1;
    expect((await gate.spend('1')).ok).toBe(true);
    expect(stubs.length).toBe(3);
    // What it did not use is told with the next question.
    expect(questions.map(({ settled }) => settled)).toEqual([[], [], [{ lease: 'of 9', unused: 7 }]]);
  });

  it('is asked for once by a crowd, and all are served from it', async () => {
    const { promise, answer } = held();
    const { gate, stubs } = gateOver([() => promise]);
    const crowd = Array.from({ length: 20 }, async () => gate.spend('1'));
    answer(lease(500));
    for (const outcome of await Promise.all(crowd)) expect(outcome.ok).toBe(true);
    expect(stubs.length).toBe(1);
  });

  it('is renewed beside a request that has its permit, and never by one that waits for it', async () => {
    let nowMs = T;
    const background: Promise<void>[] = [];
    const never = new Promise<SpendAnswer>(() => {});
    const { gate, stubs } = gateOver([() => lease(40), () => never], () => nowMs, {
      inBackground: (work) => background.push(work),
    });
    let renewedAfter = 0;
    for (let i = 1; i <= 40; i++) {
      nowMs += 20;
      // Each is answered although the renewal never is, and before any time can pass.
      const soon = new Promise<'waits'>((resolve) => void setTimeout(() => resolve('waits'), 0));
      expect(await Promise.race([gate.spend('1'), soon])).toMatchObject({ ok: true });
      if (stubs.length > 1) renewedAfter ||= i;
    }
    expect(renewedAfter).toBeGreaterThan(10);
    expect(renewedAfter).toBeLessThan(40);
    expect(stubs.length).toBe(2);
    expect(background.length).toBe(3);
  });

  it('that is held goes on while the object is away, then it is closed; the object is not asked by each exchange', async () => {
    let nowMs = T;
    const { gate, stubs } = gateOver([() => lease(100), ...Array.from({ length: 9 }, () => fails({}))], () => nowMs);
    for (let i = 0; i < 100; i++) {
      nowMs += 20;
      expect((await gate.spend('1')).ok).toBe(true);
    }
    const renewals = stubs.length - 1;
    expect(renewals).toBeGreaterThan(0);
    expect(renewals).toBeLessThanOrEqual(2);
    expect(await gate.spend('1')).toEqual({ ok: false, error: CLOSED });
  });

  it('whose answer comes too late for who asked is still used, and its rest is settled', async () => {
    let nowMs = T;
    const { promise, answer } = held();
    const { gate, stubs, questions } = gateOver([() => promise, grants], () => nowMs);
    expect(await gate.spend('1')).toEqual({ ok: false, error: CLOSED });
    nowMs += 2_100;
    answer(lease(5));
    await promise;
    expect(await gate.spend('1')).toEqual({ ok: true, value: { news: NEWS, usableUntilMs: T + 9_500 } });
    expect(stubs.length).toBe(1);
    nowMs += 10_000;
    await gate.spend('1');
    expect(questions.at(-1)?.settled).toEqual([{ lease: 'of 5', unused: 4 }]);
  });

  it('of a question that came to nothing leaves those who waited for it with nothing, and the next one asks anew', async () => {
    let fail: (fault: Error) => void = () => undefined;
    const first = new Promise<SpendAnswer>((_resolve, reject) => {
      fail = reject;
    });
    const { gate, stubs } = gateOver([() => first, grants]);
    const crowd = Array.from({ length: 5 }, async () => gate.spend('1'));
    fail(new Error('injected'));
    for (const outcome of await Promise.all(crowd)) expect(outcome).toEqual({ ok: false, error: CLOSED });
    expect(stubs.length).toBe(1);
    expect((await gate.spend('1')).ok).toBe(true);
  });

  it('is not waited for by another for longer than the question lives whose request was cut off', async () => {
    let nowMs = T;
    const never = new Promise<SpendAnswer>(() => {});
    const { gate, stubs } = gateOver([() => never, grants], () => nowMs, {
      wait: async () => {
        nowMs += 20;
      },
    });
    void gate.spend('1');
    nowMs += 600;
    expect((await gate.spend('1')).ok).toBe(true);
    expect(stubs.length).toBe(2);
    expect(nowMs - T).toBe(2_000);
  });
});

describe('a change', () => {
  const newer = { epoch: 4, recent: [] };
  const lease = (permits: number, more: Partial<SpendAnswer> = {}): Promise<SpendAnswer> =>
    Promise.resolve({ ...GRANTED, permits, expiresAfterMs: 10_000, ...more });

  it('makes the next exchange ask anew, and what is held is given back', async () => {
    const { gate, questions } = gateOver([() => lease(9), () => lease(9, newer)]);
    await gate.spend('1');
    gate.drop('1');
    expect(await gate.spend('1')).toMatchObject({ ok: true, value: { news: newer } });
    expect(questions[1]?.settled).toEqual([{ lease: 'l', unused: 8 }]);
  });

  it('drops answers that are on their way, too: they may be from before it', async () => {
    let answer: (with_: Promise<SpendAnswer>) => void = () => undefined;
    const first = new Promise<SpendAnswer>((resolve) => {
      answer = resolve;
    });
    const { gate, stubs } = gateOver([() => first, () => lease(9, newer)]);
    const asking = gate.spend('1');
    gate.drop('1');
    answer(lease(9));
    expect(await asking).toMatchObject({ ok: true, value: { news: newer } });
    expect(await gate.spend('1')).toMatchObject({ ok: true, value: { news: newer } });
    expect(stubs.length).toBe(2);
  });

  it('makes a refusal forgotten, also one that is on its way', async () => {
    const refuses = (): Promise<SpendAnswer> => lease(0, { lease: '', retryAfterMs: 50_000 });
    let answer: (with_: Promise<SpendAnswer>) => void = () => undefined;
    const late = new Promise<SpendAnswer>((resolve) => {
      answer = resolve;
    });
    const { gate, stubs } = gateOver([refuses, () => late, grants]);
    expect((await gate.spend('1')).ok).toBe(false);
    expect((await gate.spend('1')).ok).toBe(false);
    expect(stubs.length).toBe(1);
    gate.drop('1');
    const asking = gate.spend('1');
    gate.drop('1');
    answer(refuses());
    expect((await asking).ok).toBe(true);
  });

  it('is news for permits that were granted before, as soon as any answer tells it', async () => {
    const { gate } = gateOver([() => lease(9), () => lease(0, newer)]);
    await gate.spend('1');
    await gate.news('1');
    expect(await gate.spend('1')).toMatchObject({ ok: true, value: { news: newer } });
  });
});

describe('a refusal', () => {
  const alone = { limits: [], once: { key: 'k', untilSeconds: T / 1_000 + 60 } };
  it.each([
    ['by leases', undefined],
    ['alone', alone],
  ])('is remembered for 10 s at most, and what callers are told stays true (%s)', async (_how, spent) => {
    let nowMs = T;
    const refuses = (): Promise<SpendAnswer> =>
      Promise.resolve({ permits: 0, lease: '', expiresAfterMs: 0, ...NEWS, retryAfterMs: 50_000 });
    const { gate, stubs } = gateOver([refuses, grants], () => nowMs);
    for (const [atMs, seconds] of [
      [0, 50],
      [4_000, 46],
      [9_999, 41],
    ] as const) {
      nowMs = T + atMs;
      const denial = { tag: 'over_quota', limit: 'project', retryAfterSeconds: seconds };
      expect(await gate.spend('1', spent)).toEqual({ ok: false, error: { denial, news: NEWS } });
    }
    expect(stubs.length).toBe(1);
    nowMs = T + 10_000;
    expect((await gate.spend('1', spent)).ok).toBe(true);
  });
});

describe('Retry-After', () => {
  it.each([
    [1, 1],
    [0, 1],
    [-20, 1],
    [1_000, 1],
    [60_000, 60],
  ])('of %i ms is %i s', async (retryAfterMs, seconds) => {
    const { gate } = gateOver([
      () => Promise.resolve({ permits: 0, lease: '', expiresAfterMs: 0, ...NEWS, retryAfterMs }),
    ]);
    expect(await gate.spend('1')).toMatchObject({ error: { denial: { retryAfterSeconds: seconds } } });
  });

  it.each([
    ['of the project', undefined],
    ['of their own', { limits: ['provider:x'] }],
  ])('of a crowd at a limit %s is one moment each, from one question', async (_, alone) => {
    const answer = { permits: 0, lease: '', expiresAfterMs: 0, ...NEWS, retryAfterMs: 50_000, roomEveryMs: 3_000 };
    const { gate, stubs } = gateOver([() => Promise.resolve(answer)], () => T);
    const seconds: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      const spent = await gate.spend('1', alone);
      if (!spent.ok && spent.error.denial.tag === 'over_quota') seconds.push(spent.error.denial.retryAfterSeconds);
    }
    expect(seconds).toEqual([50, 53, 56, 59]);
    expect(stubs.length).toBe(1);
  });
});

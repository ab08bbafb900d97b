/** The gate: closed whenever the object is away, slow or overloaded; asks again only where that may help; never hands out a permit past its time. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { SpendAnswer } from '../../src/core/quota/project.ts';
import { createQuotaGate, type QuotaGate, type QuotaObjects } from '../../src/platform/quota/gate.ts';

const T = Date.UTC(2026, 6, 1);
const CLOSED = { denial: { tag: 'unavailable', dependency: 'quota' } };
const NEWS = { epoch: 3, recent: [{ epoch: 3, shards: ['target:t'] }] };
const GRANTED: SpendAnswer = { permits: 1, expiresAfterMs: 2_000, ...NEWS };

/** A namespace that answers, fails or hangs as it is told, one behaviour an asking; fault injection that workerd does not offer. */
function gateOver(
  askings: readonly (() => Promise<SpendAnswer>)[],
  nowMs = () => T,
): { gate: QuotaGate; stubs: string[] } {
  const stubs: string[] = [];
  const namespace: QuotaObjects = {
    getByName(name: string) {
      stubs.push(name);
      const asking = askings[stubs.length - 1];
      if (asking === undefined) throw new Error('asked too often');
      return { spend: asking, news: asking, usage: notAsked, ping: notAsked };
    },
  };
  return { gate: createQuotaGate(namespace, nowMs), stubs };
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
      if (outcome.ok) expect(outcome.value.usableUntilMs).toBeGreaterThanOrEqual(askedAtMs + 1_500);
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
      return Promise.resolve({ permits: 0, expiresAfterMs: 0, ...NEWS, retryAfterMs: 4_001 });
    };
    const { gate, stubs } = gateOver([refuses, grants], () => nowMs);
    const denial = { tag: 'over_quota', retryAfterSeconds: 5 };
    expect(await gate.spend('1')).toEqual({ ok: false, error: { denial, news: NEWS } });
    expect(stubs.length).toBe(1);
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
    const { gate } = gateOver([() => Promise.resolve({ permits: 0, expiresAfterMs: 0, ...NEWS, retryAfterMs })]);
    expect(await gate.spend('1')).toMatchObject({ error: { denial: { retryAfterSeconds: seconds } } });
  });
});

import { describe, expect, it } from 'vitest';
import { type LeaseAnswer, LeaseHolder } from '../../../src/core/quota/holder.ts';

const T = 1_800_000_000_000;
const lease = (permits: number, expiresAfterMs = 5_000, name = 'l'): LeaseAnswer => ({
  permits,
  lease: name,
  expiresAfterMs,
});
const REFUSED: LeaseAnswer = { permits: 0, lease: '', expiresAfterMs: 0, retryAfterMs: 700 };

/** A holder that has asked at T, and was answered 100 ms later. */
function holding(answer: LeaseAnswer): LeaseHolder {
  const holder = new LeaseHolder('h');
  holder.take(T);
  holder.ask(T);
  holder.answered(answer, T, T + 100);
  return holder;
}

describe('a lease holder', () => {
  it('asks when it has nothing, and while the question is on its way others wait for it', () => {
    const holder = new LeaseHolder('h');
    expect(holder.take(T).tag).toBe('ask');
    expect(holder.ask(T)).toEqual({ asker: 'h', ratePerSecond: 0, settled: [] });
    expect(holder.take(T + 1).tag).toBe('pending');
    holder.answered(lease(1), T, T + 100);
    expect(holder.look(T + 101).tag).toBe('permit');
    expect(holder.look(T + 101).tag).toBe('ask');
  });

  it('takes a question for lost whose asker is gone', () => {
    const holder = new LeaseHolder('h');
    holder.take(T);
    holder.ask(T);
    expect(holder.take(T + 1_999).tag).toBe('pending');
    expect(holder.take(T + 2_000).tag).toBe('ask');
  });

  it('spends each permit once, before the last half second of a life that began with the question', () => {
    const holder = holding(lease(2));
    expect(holder.take(T + 4_499)).toEqual({ tag: 'permit', usableUntilMs: T + 4_500 });
    expect(holder.take(T + 4_500).tag).toBe('ask');
  });

  it('spends first what dies first', () => {
    const holder = holding(lease(1, 9_000, 'long'));
    holder.answered(lease(1, 3_000, 'short'), T, T + 100);
    expect(holder.take(T + 200)).toMatchObject({ usableUntilMs: T + 2_500 });
    expect(holder.take(T + 200)).toMatchObject({ usableUntilMs: T + 8_500 });
  });

  it('remembers a refusal, and how long it is still to last', () => {
    const holder = holding(REFUSED);
    expect(holder.take(T + 200)).toEqual({ tag: 'wait', retryAfterMs: 600 });
    expect(holder.take(T + 800).tag).toBe('ask');
  });

  it('stays away for a while with a lease too, where it is told so, and does not renew', () => {
    const holder = holding({ ...lease(1), retryAfterMs: 1_000 });
    expect(holder.take(T + 200).tag).toBe('permit');
    expect(holder.shouldRenew(T + 200)).toBe(false);
    expect(holder.take(T + 300).tag).toBe('wait');
    expect(holder.take(T + 1_100).tag).toBe('ask');
  });

  it('tells with its next question what it did not use, once', () => {
    const holder = holding(lease(5));
    holder.take(T + 200);
    holder.take(T + 6_000);
    expect(holder.ask(T + 6_000).settled).toEqual([{ lease: 'l', unused: 4 }]);
    expect(holder.ask(T + 6_001).settled).toEqual([]);
  });

  it('tells it again where no answer came', () => {
    const holder = holding(lease(5));
    const question = holder.ask(T + 6_000);
    holder.failed(question, T + 6_000);
    expect(holder.ask(T + 6_500).settled).toEqual([{ lease: 'l', unused: 5 }]);
  });

  it('does not use what it has settled: nothing is left of what was dropped', () => {
    const holder = holding(lease(5));
    holder.drop();
    expect(holder.take(T + 200).tag).toBe('ask');
    expect(holder.ask(T + 200).settled).toEqual([{ lease: 'l', unused: 5 }]);
  });

  it('does not take the late answer to one question for that to the next', () => {
    const holder = new LeaseHolder('h');
    const question = holder.ask(T);
    holder.failed(question, T);
    holder.ask(T + 2_000);
    holder.answered(REFUSED, T, T + 2_100);
    expect(holder.take(T + 3_000).tag).toBe('pending');
  });

  it('renews ahead of need when it is busy, and not when it exchanges seldom', () => {
    const busy = holding(lease(30));
    const renewals = Array.from({ length: 30 }, (_, n) => {
      busy.take(T + 200 + n * 50);
      return busy.shouldRenew(T + 200 + n * 50);
    });
    expect(renewals.slice(0, 10)).not.toContain(true);
    expect(renewals.slice(-5)).toContain(true);

    const idle = holding(lease(2));
    idle.take(T + 4_000);
    expect(idle.shouldRenew(T + 4_000)).toBe(false);
  });

  it('tells the rate that it sees, and not that of the exchange in hand', () => {
    const holder = holding(lease(1_000, 60_000));
    for (let n = 1; n <= 500; n += 1) holder.take(T + n * 40);
    expect(holder.ask(T + 20_000).ratePerSecond).toBeCloseTo(25, 0);
    holder.take(T + 80_000);
    expect(holder.ask(T + 80_000).ratePerSecond).toBeLessThan(0.1);
  });
});

/** A crowd at a small limit: each is told his own moment, and finds room then. */
import { describe, expect, it } from 'vitest';
import { Desk } from '../../../src/core/quota/desk.ts';
import { LeaseHolder } from '../../../src/core/quota/holder.ts';
import { Queue } from '../../../src/core/quota/queue.ts';

const T = 1_800_000_000_000;
const LIMIT = 20;

/** One isolate whose question and answer take no time: the seconds that this caller is told, or 0 where he has his permit. */
function secondsFor(desk: Desk, holder: LeaseHolder, nowMs: number): number {
  for (let taken = holder.take(nowMs); ; taken = holder.look(nowMs)) {
    if (taken.tag === 'permit') return 0;
    if (taken.tag === 'wait') return Math.ceil(holder.comeBackAfterMs(taken.retryAfterMs, nowMs) / 1_000);
    holder.answered(desk.ask(holder.ask(nowMs), nowMs, LIMIT, 0.5), nowMs, nowMs);
  }
}

describe('forty callers, 300 ms apart, at a limit of 20', () => {
  const crowd = () => {
    const desk = new Desk([], 'd');
    const holder = new LeaseHolder('a');
    const told = Array.from({ length: 40 }, (_, n) => {
      const atMs = T + n * 300;
      return { atMs, seconds: secondsFor(desk, holder, atMs) };
    });
    return { desk, holder, refused: told.filter(({ seconds }) => seconds > 0) };
  };

  it('are told different seconds, over as long as it takes the room to return', () => {
    const comes = crowd().refused.map(({ atMs, seconds }) => Math.round((atMs - T) / 1_000) + seconds);
    expect(comes.length).toBeGreaterThanOrEqual(20);
    expect(new Set(comes).size).toBeGreaterThanOrEqual(comes.length - 2);
    expect(Math.max(...comes) - Math.min(...comes)).toBeLessThanOrEqual(60);
  });

  it('come back when they were told, and nine of ten find room', () => {
    const { desk, holder, refused } = crowd();
    const comes = refused.map(({ atMs, seconds }) => atMs + seconds * 1_000).toSorted((one, other) => one - other);
    const again = comes.filter((atMs) => secondsFor(desk, holder, atMs) > 0);
    expect(again.length).toBeLessThanOrEqual(2);
  });
});

describe('a queue', () => {
  it('goes on where it was while room is not there, and begins anew when it is, or after a minute', () => {
    const queue = new Queue();
    expect([queue.next(1_000, 500), queue.next(1_000, 500), queue.next(1_200, 500)]).toEqual([1_000, 1_500, 2_000]);
    expect(queue.next(9_000, 500)).toBe(9_000);
    expect([queue.next(9_000, 59_999), queue.next(9_000, 1)]).toEqual([68_999, 9_000]);
    expect(queue.next(9_000, 0)).toBe(9_000);
  });
});

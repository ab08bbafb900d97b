/** Bursts of a load that fits, after an overload: one isolate, whose clients come all at once every so often. */
import { describe, expect, it } from 'vitest';
import { EventQueue, seeded } from '../../../scripts/bench/event-queue.ts';
import { Desk } from '../../../src/core/quota/desk.ts';
import { LeaseHolder, type Taken } from '../../../src/core/quota/holder.ts';

const LIMIT = 700;
const START_MS = 1_800_000_000_000;
const ROUND_TRIP_MS = 3;
const LOOK_AGAIN_MS = 20;

interface Counts {
  granted: number;
  refused: number;
}

/** Twenty seconds of ten times the limit, a quiet minute, and then ten minutes of bursts: by minute of these. */
function afterOverload(size: number, everyMs: number): readonly Counts[] {
  const random = seeded(1);
  const events = new EventQueue();
  const desk = new Desk([], 'bursts');
  const holder = new LeaseHolder('isolate');
  const minutes = Array.from({ length: 10 }, (): Counts => ({ granted: 0, refused: 0 }));
  let nowMs = START_MS;
  for (let n = 0; n < 2_400; n += 1) events.push({ atMs: START_MS - 80_000 + n * 8, run: arrive });
  for (let atMs = START_MS; atMs < START_MS + 600_000; atMs += everyMs) {
    for (let n = 0; n < size; n += 1) events.push({ atMs: atMs + n, run: arrive });
  }
  for (let event = events.pop(); event !== undefined; event = events.pop()) {
    nowMs = event.atMs;
    event.run();
  }
  return minutes;

  function count(what: keyof Counts): void {
    const minute = minutes[Math.floor((nowMs - START_MS) / 60_000)];
    if (minute !== undefined) minute[what] += 1;
  }

  function arrive(): void {
    go(holder.take(nowMs));
  }

  function go(taken: Taken): void {
    if (taken.tag === 'permit') {
      count('granted');
      if (holder.shouldRenew(nowMs)) ask(() => undefined);
    } else if (taken.tag === 'wait') count('refused');
    else if (taken.tag === 'ask') ask(() => go(holder.look(nowMs)));
    else events.push({ atMs: nowMs + LOOK_AGAIN_MS, run: () => go(holder.look(nowMs)) });
  }

  function ask(then: () => void): void {
    const askedAtMs = nowMs;
    const question = holder.ask(nowMs);
    const answer = desk.ask(question, Math.floor(nowMs), LIMIT, random());
    events.push({
      atMs: nowMs + ROUND_TRIP_MS,
      run: () => {
        holder.answered(answer, askedAtMs, nowMs);
        then();
      },
    });
  }
}

describe('bursts of a load that fits, after an overload', () => {
  it.each([
    [80, 10_000],
    [200, 30_000],
    [300, 60_000],
  ])('%i exchanges at once every %i ms are served again, all of them, after two minutes', (size, everyMs) => {
    const minutes = afterOverload(size, everyMs);
    const wanted = (size * 60_000) / everyMs;
    for (const minute of minutes.slice(2)) expect(minute).toEqual({ granted: wanted, refused: 0 });
  });
});

/** What an exchange does in steady state, counted instead of timed: `npm run check` runs this file, so that no change makes it dearer unseen. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { aheadClock } from '../support/clock.ts';
import { busyCluster, countedIsolate } from './counted-isolate-support.ts';

let clock: ReturnType<typeof aheadClock>;

beforeEach(() => {
  clock = aheadClock();
});
afterEach(() => {
  clock.restore();
  vi.restoreAllMocks();
});

const EXCHANGES = 8;

/** From here on; what it answers is how often each was called since. */
function countWork() {
  const { subtle } = crypto;
  const calls = {
    verify: vi.spyOn(subtle, 'verify'),
    sign: vi.spyOn(subtle, 'sign'),
    digest: vi.spyOn(subtle, 'digest'),
    importKey: vi.spyOn(subtle, 'importKey'),
    deriveBits: vi.spyOn(subtle, 'deriveBits'),
    decrypt: vi.spyOn(subtle, 'decrypt'),
    parse: vi.spyOn(JSON, 'parse'),
    stringify: vi.spyOn(JSON, 'stringify'),
    fetch: vi.spyOn(globalThis, 'fetch'),
  };
  return (): Record<string, number> =>
    Object.fromEntries(Object.entries(calls).map(([name, spy]) => [name, spy.mock.calls.length]));
}

it('verifies once, signs once, hashes once, reads one text of JSON, writes three and imports no key', async () => {
  const isolate = countedIsolate(await busyCluster());
  for (let i = 0; i < 40; i++) {
    expect((await isolate.ask()).status).toBe(200);
    clock.ahead(50);
  }
  // Made before anything is counted: signing them is the test's work.
  const requests: Request[] = [];
  for (let i = 0; i < EXCHANGES; i++) requests.push(await isolate.request());
  const counted = countWork();
  const objects = isolate.quota.calls('spend') + isolate.elsewhere();
  for (const request of requests) expect((await isolate.fetch(request)).status).toBe(200);
  const asked = isolate.quota.calls('spend') + isolate.elsewhere() - objects;
  expect(counted()).toEqual({
    verify: EXCHANGES,
    sign: EXCHANGES,
    digest: EXCHANGES,
    importKey: 0,
    deriveBits: 0,
    decrypt: 0,
    // The subject token's claims; its header is known.
    parse: EXCHANGES,
    // The token’s claims; the audit line. The answer is put together by hand.
    stringify: 2 * EXCHANGES,
    fetch: 0,
  });
  expect(asked).toBeLessThanOrEqual(1);
});

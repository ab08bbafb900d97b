/** An exchange that finds a lease and a current snapshot in its isolate asks nobody, and a renewal goes beside it: counted, through the front door. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aheadClock } from '../support/clock.ts';
import { busyCluster, countedIsolate } from './counted-isolate-support.ts';

let busy: Awaited<ReturnType<typeof busyCluster>>;
let clock: ReturnType<typeof aheadClock>;

beforeEach(async () => {
  busy = await busyCluster();
  clock = aheadClock();
});
afterEach(() => {
  clock.restore();
  vi.restoreAllMocks();
});

describe('a busy isolate', () => {
  it('exchanges without a KV read, a fetch or an object call, and its renewals keep nobody waiting', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch');
    const isolate = countedIsolate(busy);
    for (let i = 0; i < 40; i++) {
      expect((await isolate.ask()).status).toBe(200);
      clock.ahead(50);
    }
    const before = { elsewhere: isolate.elsewhere(), spend: isolate.quota.calls('spend') };
    expect(before.elsewhere).toBeGreaterThan(0);
    expect(before.spend).toBeGreaterThan(0);
    expect(before.spend).toBeLessThan(10);

    // From here on nobody answers: who waited for anybody would wait for ever.
    isolate.silenceAll();
    let onTheLease = 0;
    while (isolate.quota.calls('spend') === before.spend) {
      expect((await isolate.ask()).status).toBe(200);
      onTheLease += 1;
    }
    expect(onTheLease).toBeGreaterThan(3);
    // The renewal has left by now, beside an exchange that was answered; those after it still have their permits.
    expect((await isolate.ask()).status).toBe(200);
    expect(isolate.quota.calls('spend')).toBe(before.spend + 1);
    expect(isolate.elsewhere()).toBe(before.elsewhere);
    expect(fetched).not.toHaveBeenCalled();
  });

  it('is closed once its lease is used up and nobody answers: 503 with Retry-After', async () => {
    const isolate = countedIsolate(busy);
    for (let i = 0; i < 20; i++) {
      expect((await isolate.ask()).status).toBe(200);
      clock.ahead(100);
    }
    isolate.silenceAll();
    clock.ahead(10_000);
    const refused = await isolate.ask();
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
  });
});

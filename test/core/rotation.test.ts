/** The timetable step by step: examples with the numbers written out, so that a change of rule shows here first. */
import { describe, expect, it } from 'vitest';
import {
  activeKey,
  emergencyGuards,
  KEEP_PUBLISHED_MS,
  nextWakeMs,
  perform,
  PERIOD_MS,
  plan,
  planRotation,
  PUBLISH_LEAD_MS,
  published,
  type Ring,
  type RingKey,
  stateOf,
} from '../../src/platform/keys/rotation.ts';

const T0_MS = Date.UTC(2030, 0, 1);
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let made = 0;

/** What the object does: the due steps, each new key with a name of its own. */
function settle(ring: Ring, nowMs: number): Ring {
  return performed(ring, plan(ring, nowMs));
}

function rotated(ring: Ring, nowMs: number, emergency = false): Ring {
  return performed(ring, planRotation(ring, nowMs, { algs: ['ES256', 'RS256'], emergency }));
}

function performed(ring: Ring, steps: ReturnType<typeof plan>): Ring {
  return perform(
    ring,
    steps,
    steps.filter((step) => step.type === 'make').map(() => `kid-${(made += 1)}`),
  );
}

/** `state publish+from..until` in days since T0, ES256 only: both algorithms follow the same rules. */
function picture(ring: Ring, nowMs: number): string[] {
  return es256(ring).map(
    (key) => `${stateOf(key, nowMs)} ${days(key.publishTimeMs)}+${days(key.signFromMs)}..${days(key.signUntilMs)}`,
  );
}

function days(ms: number): number {
  return rounded((ms - T0_MS) / DAY_MS);
}

function es256(keys: Ring): readonly RingKey[] {
  return keys.filter((key) => key.alg === 'ES256');
}

function rounded(number: number): number {
  return Math.round(number * 1_000) / 1_000;
}

const lead = rounded(PUBLISH_LEAD_MS / DAY_MS);

describe('the timetable', () => {
  it('has the numbers that were promised', () => {
    expect(PUBLISH_LEAD_MS).toBe((24 * 60 + 15) * MINUTE_MS);
    expect([KEEP_PUBLISHED_MS, PERIOD_MS]).toEqual([DAY_MS, 30 * DAY_MS]);
  });

  it('begins with a key that signs at once and one that waits, for each algorithm', () => {
    const ring = settle([], T0_MS);
    expect(ring.map((key) => key.alg)).toEqual(['ES256', 'ES256', 'RS256', 'RS256']);
    expect(picture(ring, T0_MS)).toEqual(['ACTIVE 0+0..30', 'NEXT 0+30..60']);
    expect(plan(ring, T0_MS)).toEqual([]);
    expect(nextWakeMs(ring, T0_MS)).toBe(T0_MS + DAY_MS);
  });

  it('switches by time, before any alarm came', () => {
    const ring = settle([], T0_MS);
    const [first, second] = ring;
    expect(activeKey(ring, 'ES256', T0_MS + 30 * DAY_MS - 1)).toBe(first);
    expect(activeKey(ring, 'ES256', T0_MS + 30 * DAY_MS)).toBe(second);
  });

  it('publishes the key after next when the next begins to sign, and drops the old one a day later', () => {
    const switchMs = T0_MS + 30 * DAY_MS;
    const ring = settle(settle([], T0_MS), switchMs);
    expect(picture(ring, switchMs)).toEqual(['RETIRING 0+0..30', 'ACTIVE 0+30..60', 'NEXT 30+60..90']);
    expect(nextWakeMs(ring, switchMs)).toBe(switchMs + DAY_MS);
    expect(published(ring, switchMs + DAY_MS - 1)).toHaveLength(6);
    expect(published(ring, switchMs + DAY_MS)).toHaveLength(4);
    expect(picture(settle(ring, switchMs + DAY_MS), switchMs + DAY_MS)).toEqual(['ACTIVE 0+30..60', 'NEXT 30+60..90']);
  });

  it('wakes exactly when the next key begins', () => {
    const ring = settle([], T0_MS);
    expect(nextWakeMs(ring, T0_MS + 29.5 * DAY_MS)).toBe(T0_MS + 30 * DAY_MS);
    expect(nextWakeMs(ring, T0_MS + 31 * DAY_MS)).toBe(T0_MS + 31 * DAY_MS);
  });

  it('lets a clock that is behind take the key that is about to begin, never one that is over', () => {
    const ring = settle([], T0_MS);
    expect(activeKey(ring, 'ES256', T0_MS - 4 * MINUTE_MS)).toBe(ring[0]);
    expect(activeKey(ring, 'ES256', T0_MS - 6 * MINUTE_MS)).toBeUndefined();
    expect(activeKey(ring, 'ES256', T0_MS + 60 * DAY_MS)).toBeUndefined();
  });
});

describe('alarms that came late', () => {
  it('by days: the successor still gets its full lead', () => {
    const lateMs = T0_MS + 59.5 * DAY_MS;
    const ring = settle(settle([], T0_MS), lateMs);
    const switchDay = rounded(59.5 + lead);
    expect(picture(ring, lateMs)).toEqual([
      `ACTIVE 0+30..${switchDay}`,
      `NEXT 59.5+${switchDay}..${rounded(switchDay + 30)}`,
    ]);
  });

  it('so late that the last key is over but still published: it serves on until its successor may', () => {
    const lateMs = T0_MS + 60.5 * DAY_MS;
    const before = settle([], T0_MS);
    const ring = settle(before, lateMs);
    expect(activeKey(before, 'ES256', lateMs)).toBeUndefined();
    expect(activeKey(ring, 'ES256', lateMs)?.kid).toBe(before[1]?.kid);
    expect(picture(ring, lateMs)).toHaveLength(2);
  });

  it('so late that nothing is published any more: the ring begins anew', () => {
    const lateMs = T0_MS + 100 * DAY_MS;
    const ring = settle(settle([], T0_MS), lateMs);
    expect(picture(ring, lateMs)).toEqual(['ACTIVE 100+100..130', 'NEXT 100+130..160']);
  });
});

describe('rotation by command', () => {
  it('switches at once where the successor has been out long enough', () => {
    const nowMs = T0_MS + 10 * DAY_MS;
    const ring = rotated(settle([], T0_MS), nowMs);
    expect(picture(ring, nowMs)).toEqual(['RETIRING 0+0..10', 'ACTIVE 0+10..40', 'NEXT 10+40..70']);
    expect(plan(ring, nowMs)).toEqual([]);
  });

  it('waits out the lead of a young successor, and asking again changes nothing', () => {
    const nowMs = T0_MS + DAY_MS;
    const ring = rotated(settle([], T0_MS), nowMs);
    expect(picture(ring, nowMs)).toEqual([`ACTIVE 0+0..${lead}`, `NEXT 0+${lead}..${rounded(lead + 30)}`]);
    expect(rotated(ring, nowMs + MINUTE_MS)).toEqual(ring);
  });

  it('in an emergency drops the active key from the JWKS and signs with the standby', () => {
    const nowMs = T0_MS + 10 * DAY_MS;
    const before = settle([], T0_MS);
    const ring = rotated(before, nowMs, true);
    expect(picture(ring, nowMs)).toEqual(['DISTRUSTED 0+0..10', 'ACTIVE 0+10..40', 'NEXT 10+40..70']);
    expect(published(ring, nowMs).map((key) => key.kid)).not.toContain(before[0]?.kid);
    expect(activeKey(ring, 'ES256', nowMs)?.kid).toBe(before[1]?.kid);
  });

  it('in an emergency after the clock was set back lets nobody sign before his key was published', () => {
    const before = settle([], T0_MS);
    const ring = rotated(before, T0_MS - 500, true);
    for (const key of ring) expect(key.signFromMs).toBeGreaterThanOrEqual(key.publishTimeMs);
    expect(activeKey(ring, 'ES256', T0_MS - 500)?.kid).toBe(before[1]?.kid);
  });

  it('does an emergency once in five minutes, for each algorithm: a repetition would make a key sign that nobody has seen', () => {
    const doneAtMs = T0_MS + 10 * DAY_MS;
    const before = settle([], T0_MS);
    const once = performed(before, planRotation(before, doneAtMs, { algs: ['ES256'], emergency: true }));
    const againFromMs = doneAtMs + 5 * MINUTE_MS;
    for (const nowMs of [doneAtMs, doneAtMs + 14, againFromMs - 1]) {
      expect(emergencyGuards(once, nowMs)).toEqual([{ alg: 'ES256', doneAtMs, againFromMs }]);
      expect(planRotation(once, nowMs, { algs: ['ES256'], emergency: true })).toEqual([]);
      const both = planRotation(once, nowMs, { algs: ['ES256', 'RS256'], emergency: true });
      expect(both).toEqual(planRotation(once, nowMs, { algs: ['RS256'], emergency: true }));
      expect(both).toHaveLength(3);
    }
    expect(emergencyGuards(once, againFromMs)).toEqual([]);
    const twice = rotated(once, againFromMs, true);
    expect(es256(twice).filter((key) => key.distrustedAtMs !== undefined)).toHaveLength(2);
  });

  it('touches only the algorithm that was named', () => {
    const ring = settle([], T0_MS);
    const steps = planRotation(ring, T0_MS + 10 * DAY_MS, { algs: ['RS256'], emergency: true });
    const after = performed(ring, steps);
    expect(es256(after)).toEqual(es256(ring));
    expect(after.find((key) => key.distrustedAtMs !== undefined)?.alg).toBe('RS256');
  });

  it('keeps distrusted keys on the list for ever and never publishes them again', () => {
    const start = rotated(settle([], T0_MS), T0_MS + 10 * DAY_MS, true);
    const dropped = start.find((key) => key.distrustedAtMs !== undefined);
    const muchLaterMs = T0_MS + 400 * DAY_MS;
    const ring = settle(start, muchLaterMs);
    expect(ring).toContainEqual(dropped);
    expect(published(ring, muchLaterMs)).not.toContainEqual(dropped);
  });
});

/** The clocks of Berlin and New York in 2026: both sides of the second at which they change, and runs across it. */
import { describe, expect, test } from 'vitest';
import { evaluateCondition, type Condition } from '../../../src/core/policy/condition.ts';
import { longestRunSeconds, newRunBudget } from '../../../src/core/policy/run.ts';
import { bindingActivations } from '../../../src/core/policy/variables.ts';
import { atTime, compiled, RESOURCE } from './support.ts';

interface Change {
  readonly zone: string;
  /** The first second of the new time. */
  readonly at: string;
  readonly offsetHours: readonly [before: number, after: number];
}

const CHANGES: readonly Change[] = [
  { zone: 'Europe/Berlin', at: '2026-03-29T01:00:00Z', offsetHours: [1, 2] },
  { zone: 'Europe/Berlin', at: '2026-10-25T01:00:00Z', offsetHours: [2, 1] },
  { zone: 'America/New_York', at: '2026-03-08T07:00:00Z', offsetHours: [-5, -4] },
  { zone: 'America/New_York', at: '2026-11-01T06:00:00Z', offsetHours: [-4, -5] },
  // An offset is no zone: nothing changes.
  { zone: '+01:00', at: '2026-03-29T01:00:00Z', offsetHours: [1, 1] },
  { zone: '-05:00', at: '2026-11-01T06:00:00Z', offsetHours: [-5, -5] },
];

const DAY_SECONDS = 86_400;

const GETTERS: Readonly<Record<string, (local: Date) => number>> = {
  getFullYear: (local) => local.getUTCFullYear(),
  getMonth: (local) => local.getUTCMonth(),
  getDate: (local) => local.getUTCDate(),
  getDayOfMonth: (local) => local.getUTCDate() - 1,
  getDayOfWeek: (local) => local.getUTCDay(),
  getDayOfYear: (local) => Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear(), 0)) / 1000 / DAY_SECONDS),
  getHours: (local) => local.getUTCHours(),
  getMinutes: (local) => local.getUTCMinutes(),
  getSeconds: (local) => local.getUTCSeconds(),
  getMilliseconds: (local) => local.getUTCMilliseconds(),
};

const secondsOf = (text: string): number => Date.parse(text) / 1000;

/** The oracle: no zone database, two offsets and the second between them. */
function localAt({ at, offsetHours: [before, after] }: Change, epochSeconds: number): Date {
  return new Date((epochSeconds + (epochSeconds < secondsOf(at) ? before : after) * 3600) * 1000);
}

describe.each([
  ['Europe/Berlin', '2026-03-29T00:59:59Z', '2026-03-29T01:59:59'],
  ['Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29T03:00:00'],
  ['Europe/Berlin', '2026-10-25T00:59:59Z', '2026-10-25T02:59:59'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00'],
  ['America/New_York', '2026-03-08T06:59:59Z', '2026-03-08T01:59:59'],
  ['America/New_York', '2026-03-08T07:00:00Z', '2026-03-08T03:00:00'],
  ['America/New_York', '2026-11-01T05:59:59Z', '2026-11-01T01:59:59'],
  ['America/New_York', '2026-11-01T06:00:00Z', '2026-11-01T01:00:00'],
  ['+01:00', '2026-03-29T00:59:59Z', '2026-03-29T01:59:59'],
  ['+01:00', '2026-03-29T01:00:00Z', '2026-03-29T02:00:00'],
  ['-05:00', '2026-11-01T05:59:59Z', '2026-11-01T00:59:59'],
  ['-05:00', '2026-11-01T06:00:00Z', '2026-11-01T01:00:00'],
])('in %s at %s', (zone, time, local) => {
  test.each(Object.entries(GETTERS))('%s reads the clock on the wall', (getter, read) => {
    const expected = read(new Date(`${local}Z`));
    expect(atTime(`request.time.${getter}('${zone}') == ${expected}`, secondsOf(time))).toEqual({
      ok: true,
      value: true,
    });
  });
});

describe.each(CHANGES)('in $zone around $at', (change) => {
  test.each(Object.entries(GETTERS))('%s agrees with the oracle at every minute of two days', (getter, read) => {
    const middle = secondsOf(change.at);
    const conditions = new Map<number, Condition>();
    for (let second = middle - DAY_SECONDS; second <= middle + DAY_SECONDS; second += 60) {
      const expected = read(localAt(change, second));
      const condition =
        conditions.get(expected) ?? compiled(`request.time.${getter}('${change.zone}') == ${expected}`, 'binding');
      conditions.set(expected, condition);
      const result = evaluateCondition(condition, { requestTimeSeconds: second, resource: RESOURCE });
      if (!result.ok || !result.value) throw new Error(`${getter} is not ${expected} at ${second}`);
    }
  });

  const start = secondsOf(change.at);

  test.each<[string, number, (local: Date) => boolean]>([
    [`request.time.getHours('ZONE') < 3`, start - 3600, (local) => local.getUTCHours() < 3],
    [`request.time.getHours('ZONE') == 1`, start - 3600, (local) => local.getUTCHours() === 1],
    [`request.time.getHours('ZONE') == 1`, start - 1, (local) => local.getUTCHours() === 1],
    [`request.time.getHours('ZONE') != 2`, start - 7200, (local) => local.getUTCHours() !== 2],
    [`request.time.getHours('ZONE') != 3`, start - 7200, (local) => local.getUTCHours() !== 3],
    [`request.time.getMinutes('ZONE') <= 59`, start - 3600, () => true],
    [
      `request.time.getHours('ZONE') * 60 + request.time.getMinutes('ZONE') < 150`,
      start - 1799,
      (local) => local.getUTCHours() * 60 + local.getUTCMinutes() < 150,
    ],
    [
      `request.time.getSeconds('ZONE') < 59 || request.time.getHours('ZONE') < 3`,
      start - 60,
      (local) => local.getUTCSeconds() < 59 || local.getUTCHours() < 3,
    ],
  ])('%s from %i lasts as long as the oracle says', (source, from, holds) => {
    expect(run(change, source, from, 4 * 3600)).toBe(runOf(change, holds, from, 4 * 3600));
  });

  test('a day lasts as long as the oracle says', () => {
    const date = localAt(change, start).getUTCDate();
    const midnight = new Date(localAt(change, start - 1).setUTCHours(0, 0, 0, 0)).getTime() / 1000;
    const from = midnight - change.offsetHours[0] * 3600;
    const length = run(change, `request.time.getDate('ZONE') == ${date}`, from, 2 * DAY_SECONDS);
    expect(length).toBe(runOf(change, (local) => local.getUTCDate() === date, from, 2 * DAY_SECONDS));
    expect(length).toBe(DAY_SECONDS - (change.offsetHours[1] - change.offsetHours[0]) * 3600);
  });
});

function run({ zone }: Change, source: string, fromSeconds: number, maxSeconds: number): number {
  const condition = compiled(source.replaceAll('ZONE', zone), 'binding');
  const standing = { allow: [condition], deny: [] };
  return longestRunSeconds(standing, bindingActivations(RESOURCE), fromSeconds, maxSeconds, newRunBudget());
}

/** A look at every second. */
function runOf(change: Change, holds: (local: Date) => boolean, fromSeconds: number, maxSeconds: number): number {
  let length = 0;
  while (length < maxSeconds && holds(localAt(change, fromSeconds + length))) length += 1;
  return length;
}

/** Local time is that of the zone asked for, whatever zone the process lives in. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { localTime } from '../../../src/core/policy/time-zone.ts';
import { atTime } from './support.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const seconds = (text: string): number => Date.parse(text) / 1000;

const PROBES: readonly [time: string, getter: string, expected: number][] = [
  ['2026-12-15T23:30:00Z', `getDate('Europe/Berlin')`, 16],
  ['2026-12-14T23:00:00Z', `getHours('Europe/Berlin')`, 0],
  ['2026-12-14T23:00:00Z', `getDayOfWeek('Europe/Berlin')`, 2],
  // Clocks go from 01:59:59 to 03:00:00.
  ['2026-03-29T00:59:59Z', `getHours('Europe/Berlin')`, 1],
  ['2026-03-29T01:00:00Z', `getHours('Europe/Berlin')`, 3],
  ['2026-03-29T02:30:00Z', `getHours('UTC')`, 2],
  // And twice through the same hour.
  ['2026-10-25T00:30:00Z', `getHours('Europe/Berlin')`, 2],
  ['2026-10-25T01:30:00Z', `getHours('Europe/Berlin')`, 2],
  ['2026-03-08T06:59:59Z', `getHours('America/New_York')`, 1],
  ['2026-03-08T07:00:00Z', `getHours('America/New_York')`, 3],
  ['2026-03-08T02:30:00Z', `getHours()`, 2],
  ['2026-04-04T15:30:00Z', `getMinutes('Australia/Lord_Howe')`, 0],
  ['2026-01-01T00:00:00Z', `getHours('+05:30')`, 5],
  ['2026-01-01T00:00:00Z', `getMinutes('+05:30')`, 30],
  ['2026-01-01T00:00:00Z', `getHours('02:00')`, 2],
  ['2026-01-01T00:00:00Z', `getDate('-08:00')`, 31],
  ['2026-01-01T00:00:00Z', `getDayOfYear()`, 0],
  ['2026-01-01T00:00:00Z', `getDayOfYear('America/New_York')`, 364],
  ['2024-12-31T23:59:59Z', `getDayOfYear()`, 365],
  ['2026-10-25T23:30:00Z', `getDayOfYear('Europe/Berlin')`, 298],
  ['2026-05-31T22:30:00Z', `getMonth('Europe/Berlin')`, 5],
  ['2026-12-31T23:30:00Z', `getFullYear('Europe/Berlin')`, 2027],
  ['2026-05-01T00:00:00Z', `getDayOfMonth()`, 0],
  ['2026-05-03T12:00:00Z', `getDayOfWeek()`, 0],
  ['2026-05-03T12:00:07Z', `getSeconds('Asia/Kathmandu')`, 7],
  ['2026-05-03T12:00:07Z', `getMinutes('Asia/Kathmandu')`, 45],
  ['2026-05-03T12:00:07Z', `getMilliseconds()`, 0],
];

describe.each(['UTC', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe'])(
  'in a process in %s',
  (processZone) => {
    test.each(PROBES)('at %s request.time.%s is %i', (time, getter, expected) => {
      vi.stubEnv('TZ', processZone);
      expect(atTime(`request.time.${getter} == ${expected}`, seconds(time))).toEqual({ ok: true, value: true });
    });

    test('the process really lives there', () => {
      vi.stubEnv('TZ', processZone);
      expect(new Date(0).getHours()).toBe(localTime(0, processZone).getUTCHours());
    });
  },
);

test('a zone is asked at every minute of a change and before 1973 at every second', () => {
  const before = seconds('1972-01-07T00:44:29Z');
  // Liberia ended its local mean time in the middle of a minute.
  expect(localTime(before * 1000, 'Africa/Monrovia').toISOString()).toBe('1972-01-06T23:59:59.000Z');
  expect(localTime((before + 1) * 1000, 'Africa/Monrovia').toISOString()).toBe('1972-01-07T00:44:30.000Z');
  for (let second = seconds('2026-03-29T00:58:00Z'); second < seconds('2026-03-29T01:02:00Z'); second += 1) {
    const offsetSeconds = localTime(second * 1000, 'Europe/Berlin').getTime() / 1000 - second;
    expect(offsetSeconds).toBe(second < seconds('2026-03-29T01:00:00Z') ? 3600 : 7200);
  }
});

test('the years of one digit and fractions of a second are read as they are', () => {
  expect(atTime(`timestamp('0009-01-02T00:00:00Z').getFullYear('UTC') == 9`)).toEqual({ ok: true, value: true });
  expect(atTime(`timestamp('1969-12-31T23:59:59.250Z').getMilliseconds('Europe/Berlin') == 250`)).toEqual({
    ok: true,
    value: true,
  });
});

test.each([
  [`date('2026-03-10') == timestamp('2026-03-10T00:00:00Z')`, true],
  [`date('2024-02-29') < date('2024-03-01')`, true],
  [`request.time < timestamp(1773144001) && request.time >= timestamp(1773144000)`, true],
  [`timestamp(0) == timestamp('1970-01-01T00:00:00Z')`, true],
  [`int(request.time) == 1773144000`, true],
  [`duration('1h30m').getMinutes() == 90 && duration('-90s') < duration('0s')`, true],
])('%s is %s', (source, expected) => {
  expect(atTime(source)).toEqual({ ok: true, value: expected });
});

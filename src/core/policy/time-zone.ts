/** Local time in a zone, from the zone database alone: the time zone of the process never enters. */
import { Refusal, spend } from './budget.ts';
import { BoundedMap } from '../bounded-map.ts';

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** Since 1973 every zone changes on a whole minute, so one minute has one offset. */
  minute: number;
  offsetMs: number;
}

/** Names are not case-sensitive, so a caller could spell one zone in thousands of ways. */
const zones = new BoundedMap<Zone>(32);

const FIRST_MINUTE_OF_1973 = Date.UTC(1973, 0, 1) / 60_000;

/** A date whose UTC parts are the local parts in `zone`: an IANA name or ±hh:mm. Throws a Refusal for anything else. */
export function localTime(epochMs: number, zone: string): Date {
  return new Date(epochMs + offsetMs(epochMs, zone));
}

export function isTimeZone(zone: string): boolean {
  try {
    localTime(0, zone);
    return true;
  } catch {
    return false;
  }
}

function offsetMs(epochMs: number, name: string): number {
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(name);
  if (fixed === null) return databaseOffsetMs(epochMs, zoneFor(name));
  const [hours, minutes] = [Number(fixed[2]), Number(fixed[3])];
  if (hours > 23 || minutes > 59) throw new Refusal('unknown time zone');
  return (fixed[1] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function databaseOffsetMs(epochMs: number, zone: Zone): number {
  const minute = Math.floor(epochMs / 60_000);
  if (minute !== zone.minute) {
    const wholeSecondMs = Math.floor(epochMs / 1000) * 1000;
    zone.offsetMs = partsAsUtcMs(zone.format.formatToParts(wholeSecondMs)) - wholeSecondMs;
    zone.minute = minute >= FIRST_MINUTE_OF_1973 ? minute : Number.NaN;
  }
  return zone.offsetMs;
}

function partsAsUtcMs(parts: readonly Intl.DateTimeFormatPart[]): number {
  const part = new Map(parts.map(({ type, value }) => [type, Number(value)]));
  const read = (type: Intl.DateTimeFormatPartTypes): number => part.get(type) ?? Number.NaN;
  const date = new Date(0);
  // Date.UTC would take the year 99 for 1999.
  date.setUTCFullYear(read('year'), read('month') - 1, read('day'));
  return date.setUTCHours(read('hour'), read('minute'), read('second'));
}

function zoneFor(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  spend(100);
  const zone = { format: formatFor(name), minute: Number.NaN, offsetMs: 0 };
  zones.set(name, zone);
  return zone;
}

function formatFor(name: string): Intl.DateTimeFormat {
  // Intl also takes offsets in spellings that CEL does not have.
  if (!/^[A-Za-z]/.test(name)) throw new Refusal('unknown time zone');
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new Refusal('unknown time zone');
  }
}

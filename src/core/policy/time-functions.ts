/** Timestamps and what is read from them. The engine takes `timestamp(int)` for milliseconds, which makes every expiry lie in 1970. */
import { celFunc, celMethod, CelScalar, objectType, type CelFunc } from '@bufbuild/cel';
import { create, type MessageShape } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { Refusal } from './budget.ts';
import { localTime } from './time-zone.ts';

const { INT, STRING } = CelScalar;
const TIMESTAMP = objectType(TimestampSchema);

const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

/** Each reads a date whose UTC parts are the local ones. */
export const TIME_GETTERS: ReadonlyMap<string, (local: Date) => number> = new Map([
  ['getFullYear', (local: Date) => local.getUTCFullYear()],
  ['getMonth', (local: Date) => local.getUTCMonth()],
  ['getDate', (local: Date) => local.getUTCDate()],
  ['getDayOfMonth', (local: Date) => local.getUTCDate() - 1],
  ['getDayOfWeek', (local: Date) => local.getUTCDay()],
  ['getDayOfYear', dayOfYear],
  ['getHours', (local: Date) => local.getUTCHours()],
  ['getMinutes', (local: Date) => local.getUTCMinutes()],
  ['getSeconds', (local: Date) => local.getUTCSeconds()],
  ['getMilliseconds', (local: Date) => local.getUTCMilliseconds()],
]);

export function timeFunctions(): CelFunc[] {
  return [
    celFunc('timestamp', [INT], TIMESTAMP, timestampOf),
    // Nobody agrees on the unit of duration(1): seconds here, nanoseconds elsewhere.
    celFunc('duration', [INT], CelScalar.DYN, () => {
      throw new Refusal('duration() takes a string with a unit');
    }),
    celFunc('date', [STRING], TIMESTAMP, midnightOf),
    ...[...TIME_GETTERS].flatMap(([name, read]) => [
      celMethod(name, TIMESTAMP, [], INT, function () {
        return BigInt(read(new Date(epochMsOf(this.message))));
      }),
      celMethod(name, TIMESTAMP, [STRING], INT, function (zone) {
        return BigInt(read(localTime(epochMsOf(this.message), zone)));
      }),
    ]),
  ];
}

export function timestampOf(seconds: bigint): MessageShape<typeof TimestampSchema> {
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND) throw new Refusal('timestamp out of range');
  return create(TimestampSchema, { seconds });
}

function midnightOf(text: string): MessageShape<typeof TimestampSchema> {
  const epochMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Some engines roll 31 February over into March.
  if (Number.isNaN(epochMs) || new Date(epochMs).toISOString().slice(0, 10) !== text) {
    throw new Refusal('date() takes "YYYY-MM-DD"');
  }
  return timestampOf(BigInt(epochMs / 1000));
}

function epochMsOf(message: MessageShape<typeof TimestampSchema>): number {
  return Number(message.seconds) * 1000 + Math.floor(message.nanos / 1_000_000);
}

function dayOfYear(local: Date): number {
  const midnight = new Date(local).setUTCHours(0, 0, 0, 0);
  const newYear = new Date(local);
  newYear.setUTCMonth(0, 1);
  return Math.round((midnight - newYear.setUTCHours(0, 0, 0, 0)) / 86_400_000);
}

/** A second opinion on what shuts somebody out: bodies of `:denyUids` and `:distrustKey`. */
import { isStrictObject } from './strict-json.ts';

const THIRTY_DAYS_IN_SECONDS = 2_592_000;

export interface Denied {
  readonly uids: readonly string[];
  readonly untilSeconds: number;
}

/** What the body denies, or undefined where it is not taken. */
export function deniedBy(body: Uint8Array, nowSeconds: number): Denied | undefined {
  const members = isStrictObject(body);
  const [uids, until] = [members?.get('uids'), members?.get('until')];
  if (members?.size !== 2 || !Array.isArray(uids) || typeof until !== 'string') return undefined;
  if (uids.length === 0 || uids.length > 100) return undefined;
  const areUids = uids.every(
    (uid) => typeof uid === 'string' && uid !== '' && uid.length <= 128 && !/[^\w.-]/.test(uid),
  );
  const untilSeconds = secondsOf(until);
  if (!areUids || untilSeconds === undefined || untilSeconds > nowSeconds + THIRTY_DAYS_IN_SECONDS) return undefined;
  return { uids: uids as readonly string[], untilSeconds };
}

/** The thumbprint that is distrusted, or undefined where the body is not taken. */
export function distrustedBy(body: Uint8Array): string | undefined {
  const members = isStrictObject(body);
  const thumbprint = members?.get('thumbprint');
  if (members?.size !== 1 || typeof thumbprint !== 'string') return undefined;
  const bytes = Buffer.from(thumbprint, 'base64url');
  return bytes.length === 32 && bytes.toString('base64url') === thumbprint ? thumbprint : undefined;
}

/** RFC 3339 by counting, without a parser of dates. */
function secondsOf(text: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (day < 1 || day > (lengths[month - 1] ?? 0) || hour > 23 || minute > 59 || second > 59) return undefined;
  const [sign, offsetHours, offsetMinutes] = [match[8] === '-' ? -1 : 1, Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  let days = lengths.slice(0, month - 1).reduce((sum, length) => sum + length, day - 1);
  for (let before = 1970; before < year; before++)
    days += before % 4 === 0 && (before % 100 !== 0 || before % 400 === 0) ? 366 : 365;
  const fraction = Number(`0.${match[7] ?? '0'}`);
  return (
    days * 86_400 + hour * 3_600 + minute * 60 + second + fraction - sign * (offsetHours * 3_600 + offsetMinutes * 60)
  );
}

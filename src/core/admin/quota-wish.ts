/** What a tenant may write into a quota preference: which quota, how much, until when, and why. */
import type { Project, QuotaPreference } from '../resources.ts';
import { err, ok, type Result } from '../result.ts';
import type { QuotaWish } from './commands.ts';
import type { AdminDenial } from './denial.ts';
import { checkLength, checkNoControl, checkWithin, readTime, wrong, type Bounds, type Violations } from './fields.ts';
import { baseOf, QUOTAS, quotaKind } from './quotas.ts';

export const QUOTA_SERVICE = 'sts';
const MAX_TEXT = 1_000;
const MAX_EMAIL = 254;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
/** Line separators that are no control characters, and what makes the letters after it run the other way. */
const TURNS = /[\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const MAX_ANNOTATIONS = 20;
const MAX_ANNOTATION = 256;
/** Longer than a raise that anybody calls temporary. */
const MAX_DAYS = 366;
const DAY_MS = 86_400_000;

export type WishFields = Pick<
  QuotaPreference,
  'quotaId' | 'preferredValue' | 'annotations' | 'justification' | 'contactEmail' | 'expireTime'
>;

export function checkWish(project: Project, input: QuotaWish, nowMs: number): Result<WishFields, AdminDenial> {
  const { quotaId = '', service, quotaConfig = {}, dimensions = {}, justification = '', contactEmail = '' } = input;
  const { preferredValue, annotations = {} } = quotaConfig;
  const quota = quotaKind(quotaId);
  const value = readLimit('quotaConfig.preferredValue', preferredValue, quota?.bounds);
  const expireTime = readExpireTime(input.expireTime, nowMs);
  const violations = [
    ...(service === QUOTA_SERVICE ? [] : wrong('service', `must be "${QUOTA_SERVICE}"`)),
    ...(quota === undefined ? wrong('quotaId', `must be one of ${QUOTAS.map((one) => one.quotaId).join(', ')}`) : []),
    ...(Object.keys(dimensions).length === 0 ? [] : wrong('dimensions', 'must be empty: the whole project asks')),
    ...(value.ok ? [] : value.error),
    ...checkAnnotations('quotaConfig.annotations', annotations),
    ...(justification.trim() === ''
      ? wrong('justification', 'is required')
      : checkComment('justification', justification)),
    ...checkEmail('contactEmail', contactEmail),
    ...(expireTime.ok ? [] : expireTime.error),
  ];
  if (violations.length > 0 || quota === undefined || !value.ok || !expireTime.ok) {
    return err({ tag: 'invalid_argument', violations });
  }
  const low = checkRaise('quotaConfig.preferredValue', value.value, expireTime.value, baseOf(project, quota));
  if (low.length > 0) return err({ tag: 'invalid_argument', violations: low });
  const fields = { quotaId, preferredValue: value.value, annotations, justification, contactEmail };
  return ok({ ...fields, ...(expireTime.value === undefined ? {} : { expireTime: expireTime.value }) });
}

/** The way back, for a patch to change. */
export function wishOf(preference: QuotaPreference): QuotaWish {
  const { quotaId, preferredValue, annotations, justification, contactEmail, expireTime } = preference;
  return {
    quotaId,
    service: QUOTA_SERVICE,
    quotaConfig: { preferredValue, annotations },
    dimensions: {},
    justification,
    contactEmail,
    ...(expireTime === undefined ? {} : { expireTime }),
  };
}

/** A 64-bit number in JSON is a text, and may be a number. */
export function readLimit(
  field: string,
  given: string | number | undefined,
  bounds: Bounds | undefined,
): Result<number, Violations> {
  if (given === undefined || given === '') return err(wrong(field, 'is required'));
  const value = typeof given === 'number' || /^-?[0-9]{1,19}$/.test(given) ? Number(given) : Number.NaN;
  const violations = checkWithin(field, value, bounds ?? { min: 0, max: Number.MAX_SAFE_INTEGER, unset: 0 });
  return violations.length > 0 ? err(violations) : ok(value);
}

/** As we spell times; undefined where the wish is for good. Empty is no time: a variable that a script forgot must not make a raise permanent. */
export function readExpireTime(text: string | undefined, nowMs: number): Result<string | undefined, Violations> {
  if (text === undefined) return ok(undefined);
  const timeMs = Math.round(readTime(text) * 1_000);
  if (Number.isNaN(timeMs)) {
    return err(wrong('expireTime', 'must be a time as a string (RFC 3339), such as "2026-01-31T12:00:00Z"'));
  }
  if (timeMs <= nowMs) return err(wrong('expireTime', 'must lie ahead'));
  if (timeMs > nowMs + MAX_DAYS * DAY_MS)
    return err(wrong('expireTime', `must not lie more than ${MAX_DAYS} days ahead`));
  return ok(new Date(timeMs).toISOString());
}

/** What ends by itself is a raise: it never lowers, so below the base it would do nothing. */
export function checkRaise(field: string, value: number, expireTime: string | undefined, base: number): Violations {
  if (expireTime === undefined || value > base) return [];
  return wrong(field, `must be above ${base}, the limit without it, where expireTime is given`);
}

/** Lines and tabs are how people write; every other control character forges lines and screens, and so does what turns the direction of reading. */
export function checkComment(field: string, text: string): Violations {
  return [
    ...checkLength(field, text, MAX_TEXT),
    ...checkNoControl(field, text.replaceAll(/[\t\r\n]/g, ' ')),
    ...(TURNS.test(text) ? wrong(field, 'holds a character that breaks lines or turns the direction of reading') : []),
  ];
}

/** Its length first: the expression goes back and forth over what is no address, and the project's object would do nothing else. */
function checkEmail(field: string, address: string): Violations {
  if (address === '') return [];
  const fits = address.length <= MAX_EMAIL && EMAIL.test(address);
  return fits ? checkNoControl(field, address) : wrong(field, 'must be an e-mail address');
}

function checkAnnotations(field: string, annotations: Readonly<Record<string, string>>): Violations {
  const entries = Object.entries(annotations);
  if (entries.length > MAX_ANNOTATIONS) return wrong(field, `holds more than ${MAX_ANNOTATIONS} annotations`);
  return entries.flatMap(([key, text]) => {
    const inKey = [
      ...(key === '__proto__' ? wrong(field, 'the key "__proto__" is not taken') : []),
      ...checkLength(field, key, MAX_ANNOTATION),
      ...checkNoControl(field, key),
    ];
    // A key that is wrong is not repeated, as a part of the path neither.
    const path = inKey.length > 0 ? field : `${field}.${key}`;
    return [...inKey, ...checkLength(path, text, MAX_ANNOTATION), ...checkNoControl(path, text)];
  });
}

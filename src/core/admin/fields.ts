/** Rules for single fields: each takes a field's path and value and answers with what is wrong, empty where nothing is. */
import { err, ok, type Result } from '../result.ts';
import type { FieldViolation } from './denial.ts';

export type Violations = readonly FieldViolation[];

const MAX_DISPLAY_NAME = 32;
const MAX_DESCRIPTION = 256;
const MAX_URI = 2_000;
const DAY_SECONDS = 86_400;

// oxlint-disable-next-line no-control-regex -- a control character in a name forges log lines and screens
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const DURATION = /^([0-9]{1,9})s$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\u0021-\u007e]+$/;

/** How ids are told that are too short or otherwise not of the form. */
export const ID_FORM = '[a-z0-9-], beginning with a letter and not ending with a hyphen';

export function wrong(field: string, description: string): Violations {
  return [{ field, description }];
}

/** Characters as people count them, not UTF-16 units. */
function characters(text: string): number {
  return Array.from(text).length;
}

export function checkLength(field: string, text: string, max: number): Violations {
  return characters(text) > max ? wrong(field, `longer than ${max} characters`) : [];
}

export function checkDisplayName(field: string, text: string): Violations {
  return [...checkLength(field, text, MAX_DISPLAY_NAME), ...checkNoControl(field, text)];
}

export function checkNoControl(field: string, text: string): Violations {
  return CONTROL.test(text) ? wrong(field, 'holds a control character') : [];
}

export function checkDescription(field: string, text: string): Violations {
  return checkLength(field, text, MAX_DESCRIPTION);
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly unset: number;
}

/** DESIGN §10. */
export const MAX_TOKEN_LIFETIME: Bounds = { min: 600, max: 365 * DAY_SECONDS, unset: DAY_SECONDS };
export const MAX_STALE: Bounds = { min: 0, max: 7 * DAY_SECONDS, unset: DAY_SECONDS };
export const PUSHED_KEYS_MAX_AGE: Bounds = { min: 3_600, max: 30 * DAY_SECONDS, unset: 7 * DAY_SECONDS };
export const NEW_KEY_HOLD: Bounds = { min: 0, max: DAY_SECONDS, unset: 0 };
export const TARGET_MAX_LIFETIME: Bounds = { min: 60, max: 43_200, unset: 3_600 };
export const TOKEN_EXCHANGES_PER_MINUTE: Bounds = { min: 0, max: 600_000, unset: 6_000 };
export const CREDENTIAL_GENERATIONS_PER_MINUTE: Bounds = { min: 0, max: 600_000, unset: 60_000 };

export function checkWithin(field: string, value: number, { min, max }: Bounds): Violations {
  const fits = Number.isSafeInteger(value) && value >= min && value <= max;
  return fits ? [] : wrong(field, `must be a whole number between ${min} and ${max}`);
}

/** A duration in JSON, `3600s`: whole seconds, because nothing here is finer. */
export function readSeconds(field: string, text: string | undefined, bounds: Bounds): Result<number, Violations> {
  if (text === undefined || text === '') return ok(bounds.unset);
  const match = DURATION.exec(text);
  if (match === null) return err(wrong(field, 'must be a duration in whole seconds, such as "3600s"'));
  const seconds = Number(match[1]);
  if (seconds < bounds.min || seconds > bounds.max) {
    return err(wrong(field, `must lie between ${bounds.min}s and ${bounds.max}s`));
  }
  return ok(seconds);
}

/** Printable ASCII only: what is compared byte for byte must have no second spelling that looks the same. */
export function checkAbsoluteUri(field: string, text: string | undefined): Violations {
  if (text === undefined || text === '') return wrong(field, 'is required');
  if (text.length > MAX_URI) return wrong(field, `longer than ${MAX_URI} characters`);
  if (!URI.test(text) || !URL.canParse(text)) return wrong(field, 'must be an absolute URI in printable ASCII');
  if (/^https?:(?!\/\/)/i.test(text)) return wrong(field, 'must have // after its scheme');
  return text.includes('#') ? wrong(field, 'must not have a fragment') : [];
}

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** NaN where it is no time. `Date.parse` takes the 30th of February for the 2nd of March. */
export function readTime(text: string): number {
  const day = RFC_3339.exec(text)?.[1];
  if (day === undefined || Number.isNaN(Date.parse(day))) return Number.NaN;
  return new Date(Date.parse(day)).toISOString().startsWith(day) ? Date.parse(text) / 1_000 : Number.NaN;
}

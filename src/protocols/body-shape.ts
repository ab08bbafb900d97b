/** A JSON body against its shape: an unknown member refuses the whole document, and each thing that is wrong is named by its path. */
import * as v from 'valibot';
import type { AdminDenial, FieldViolation } from '../core/admin/denial.ts';
import type { JsonObject } from '../core/json.ts';
import { err, ok, type Result } from '../core/result.ts';

export function parseBody<Schema extends v.GenericSchema>(
  schema: Schema,
  body: JsonObject,
): Result<v.InferOutput<Schema>, AdminDenial> {
  const parsed = v.safeParse(schema, body);
  return parsed.success
    ? ok(parsed.output)
    : err({ tag: 'invalid_argument', violations: parsed.issues.map(violationOf) });
}

/** A JSON object with these members only. An array passes for an empty object otherwise, and an empty policy is a cleared one. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the inferred type of the answer is made of it
export function document<Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(v.unknown(), v.check(isJsonDocument, 'Invalid type: Expected an object'), v.strictObject(entries));
}

/** Not `v.record`: that drops keys such as `constructor` without a word, and a dropped tag is a changed policy. */
export const textMap = v.exactOptional(
  v.custom<Readonly<Record<string, string>>>(isTextMap, 'Invalid type: Expected an object whose values are strings'),
);

export function isJsonDocument(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function violationOf(issue: v.BaseIssue<unknown>): FieldViolation {
  const field = (issue.path ?? [])
    .map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('');
  return { field: field.replace(/^\./, ''), description: describe(issue) };
}

function describe(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== 'strict_object') return issue.message;
  return issue.expected === 'never' ? 'unknown field' : issue.received === 'undefined' ? 'is required' : issue.message;
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonDocument(value) && Object.values(value).every((member) => typeof member === 'string');
}

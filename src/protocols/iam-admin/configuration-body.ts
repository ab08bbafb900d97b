/** The changes of a wish, each read by itself: what is wrong with one is told together with what is wrong with the others. */
import type { DesiredChange, DesiredDocument } from '../../core/admin/configuration/change.ts';
import type { FieldViolation } from '../../core/admin/denial.ts';
import type { JsonObject } from '../../core/json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseBody } from '../body-shape.ts';
import { DOCUMENTS, desiredChange } from './configuration-schemas.ts';

export interface ReadChanges {
  readonly changes: readonly DesiredChange[];
  /** By the name of the resource, where there is one. */
  readonly violations: readonly FieldViolation[];
  /** What is wrong in itself, by its name. */
  readonly refused: readonly string[];
}

export function readChanges(given: readonly JsonObject[]): ReadChanges {
  const changes: DesiredChange[] = [];
  const violations: FieldViolation[] = [];
  const refused: string[] = [];
  for (const [index, one] of given.entries()) {
    const name = typeof one['resource'] === 'string' && one['resource'] !== '' ? one['resource'] : `changes[${index}]`;
    const read = readChange(one);
    if (read.ok) changes.push(read.value);
    else {
      refused.push(name);
      violations.push(...read.error.map(({ field, description }) => ({ field: `${name}: ${field}`, description })));
    }
  }
  return { changes, violations, refused };
}

function readChange(given: JsonObject): Result<DesiredChange, readonly FieldViolation[]> {
  const read = parsed(desiredChange, given);
  if (!read.ok) return read;
  const { resource, etag, desired } = read.value;
  const kept = { resource, ...(etag === undefined ? {} : { etag }) };
  if (desired === null) return ok({ ...kept, desired: null });
  const document = readDocument(resource.split('/')[0] ?? '', desired);
  return document.ok ? ok({ ...kept, desired: document.value }) : document;
}

function readDocument(kind: string, desired: JsonObject): Result<DesiredDocument, readonly FieldViolation[]> {
  if (!isKind(kind)) {
    const kinds = Object.keys(DOCUMENTS).join(', ');
    return err([{ field: 'resource', description: `must begin with one of ${kinds}` }]);
  }
  const input = parsed(DOCUMENTS[kind], desired);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema is the one of that kind
  return input.ok ? ok({ kind, input: input.value } as DesiredDocument) : input;
}

function isKind(kind: string): kind is keyof typeof DOCUMENTS {
  return Object.hasOwn(DOCUMENTS, kind);
}

function parsed<Schema extends Parameters<typeof parseBody>[0]>(schema: Schema, body: JsonObject) {
  const read = parseBody(schema, body);
  if (read.ok) return read;
  return err(read.error.tag === 'invalid_argument' ? read.error.violations : []);
}

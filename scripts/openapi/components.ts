/** valibot's shapes → named JSON Schemas of the document. */
import { toJsonSchemaDefs, type JsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { awsVerified } from '../../src/protocols/aws-sts/answer-schemas.ts';
import { awsVerifyInput } from '../../src/protocols/aws-sts/schemas.ts';
import { isJsonDocument } from '../../src/protocols/body-shape.ts';
import * as sts from '../../src/protocols/google-sts/schemas.ts';
import * as health from '../../src/protocols/health/schemas.ts';
import * as credentials from '../../src/protocols/iam-credentials/schemas.ts';
import * as answers from '../../src/protocols/iam-admin/answer-schemas.ts';
import * as configuration from '../../src/protocols/iam-admin/configuration-schemas.ts';
import * as bodies from '../../src/protocols/iam-admin/schemas.ts';
import * as tokenCare from '../../src/protocols/token-care/schemas.ts';
import * as wellKnown from '../../src/protocols/well-known/schemas.ts';
import { SENT_BACK } from './operations.ts';

const named = new Map<v.GenericSchema, string>([
  ...namesOf(
    { ...sts, awsVerified, awsVerifyInput, ...health, ...wellKnown, ...credentials, ...tokenCare, ...answers },
    '',
  ),
  ...namesOf({ ...bodies, ...configuration }, 'Input'),
  [configuration.DOCUMENTS.policy, 'AllowPolicyDocumentInput'],
  [configuration.DOCUMENTS.denyPolicy, 'DenyPolicyDocumentInput'],
]);

interface Overridden {
  readonly valibotSchema: object;
  readonly jsonSchema: JsonSchema;
}

/** How a shape is told, whoever it is told to. */
export const SCHEMA_CONFIG = {
  // A document of a request is a check before a shape: the shape is what is told.
  typeMode: 'output',
  errorMode: 'throw',
  overrideSchema: ({ valibotSchema, jsonSchema }: Overridden) => overridden(valibotSchema, jsonSchema),
} as const;

const CONFIG = {
  ...SCHEMA_CONFIG,
  target: 'draft-2020-12',
  overrideRef: ({ referenceId }: { readonly referenceId: string }) => `#/components/schemas/${referenceId}`,
} as const;

export function refTo(schema: v.GenericSchema): JsonSchema {
  const name = named.get(schema);
  if (name === undefined) throw new Error('a schema that is exported by no module of schemas');
  return { $ref: `#/components/schemas/${name}` };
}

export function componentSchemas(): Readonly<Record<string, JsonSchema>> {
  const byName = Object.fromEntries([...named].map(([schema, name]) => [name, schema]));
  const schemas = toJsonSchemaDefs(byName, CONFIG);
  for (const schema of SENT_BACK) {
    const found = schemas[named.get(schema) ?? ''];
    if (found?.additionalProperties !== false) throw new Error('what may be sent back is no closed shape');
    delete found.additionalProperties;
  }
  // Parsed by itself, once its output-only members are gone.
  nest(schemas['NewRoleInput'], 'role', bodies.role);
  nest(schemas['NewServiceAccountInput'], 'serviceAccount', bodies.serviceAccount);
  // So are the changes of a configuration, one by one, each by the schema of its kind.
  for (const name of ['ApplyConfigurationInput', 'StageChangesInput']) {
    const { properties: wish } = schemas[name] ?? {};
    if (wish?.['changes'] === undefined) throw new Error(`${name} without changes`);
    wish['changes'] = { type: 'array', items: refTo(configuration.desiredChange) };
  }
  const { properties: change } = schemas['DesiredChangeInput'] ?? {};
  if (change?.['desired'] === undefined) throw new Error('a change without what is desired');
  const documents = Object.values(configuration.DOCUMENTS).map((document) => refTo(document));
  change['desired'] = { anyOf: [...documents, { type: 'null' }] };
  return schemas;
}

function nest(outer: JsonSchema | undefined, member: string, schema: v.GenericSchema): void {
  if (outer?.properties?.[member] === undefined) throw new Error(`a document without its ${member}`);
  outer.properties[member] = refTo(schema);
}

function namesOf(module: Readonly<Record<string, unknown>>, suffix: string): readonly [v.GenericSchema, string][] {
  return Object.entries(module)
    .flatMap(([name, member]) =>
      isSchema(member) ? [[member, `${name.charAt(0).toUpperCase()}${name.slice(1)}${suffix}`] as const] : [],
    )
    .map(([schema, name]) => [schema, name]);
}

function isSchema(value: unknown): value is v.GenericSchema {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'schema';
}

function overridden(schema: object, made: JsonSchema): JsonSchema | undefined {
  if (!('type' in schema)) return undefined;
  if (schema.type === 'custom') {
    const isAnyDocument = 'check' in schema && schema.check === isJsonDocument;
    return isAnyDocument ? { type: 'object' } : { type: 'object', additionalProperties: { type: 'string' } };
  }
  if (schema.type !== 'strict_object' || !('entries' in schema)) return undefined;
  // What may be left out of a request is not required, whatever the broker makes of that.
  const entries: Readonly<Record<string, unknown>> = { ...Object(schema.entries) };
  const required = (made.required ?? []).filter((name) => !mayBeLeftOut(entries[name]));
  const { required: _before, ...rest } = made;
  return required.length > 0 ? { ...rest, required } : rest;
}

function mayBeLeftOut(entry: unknown): boolean {
  return isSchema(entry) && (entry.type === 'optional' || entry.type === 'exact_optional');
}

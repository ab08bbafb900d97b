/** The shapes of a configuration's documents → the JSON Schema of its files, one kind beside the other. */
import { toJsonSchema } from '@valibot/to-json-schema';
import { DOCUMENTS } from '../../src/protocols/iam-admin/configuration-schemas.ts';
import { ON } from '../../src/cli/config/kinds.ts';
import { SCHEMA_CONFIG } from './components.ts';

type Schema = Record<string, unknown>;

const ID = { type: 'string', pattern: '^[^/]+$' };
const HEADER = {
  type: 'object',
  description: 'Once for all files: which project they are about, and whose the resources are.',
  properties: {
    kind: { const: 'Configuration' },
    project: { type: 'string', description: 'Id or number; else --project says it.' },
    owner: {
      type: 'string',
      pattern: '^[a-zA-Z0-9][a-zA-Z0-9._/@-]{0,99}$',
      description: 'What this owner has and the files do not name any more is removed by apply.',
    },
  },
  required: ['kind'],
  additionalProperties: false,
};

export function configurationSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'edge-sts configuration',
    description:
      'One document of a file for edge-sts apply. ${project.id} and ${project.number} stand for the project’s names.',
    oneOf: [
      HEADER,
      kind('Project', 'Settings of the project; what is left out stays as it is.', {}, DOCUMENTS.project),
      kind('Role', 'A custom role.', { name: ID }, DOCUMENTS.role),
      kind('Target', 'Who tokens are for.', { name: ID }, DOCUMENTS.target),
      kind(
        'ServiceAccount',
        'An identity of the project’s own; named by what stands before the @ of its address.',
        { name: ID },
        DOCUMENTS.serviceAccount,
      ),
      kind('Pool', 'A workload identity pool.', { name: ID }, DOCUMENTS.pool),
      provider(),
      kind(
        'AllowPolicy',
        'Who may do what on the project, a pool, a target or a service account: all of its bindings.',
        { on: on('AllowPolicy') },
        DOCUMENTS.policy,
      ),
      kind(
        'DenyPolicy',
        'Who may not, whatever a binding says.',
        { name: ID, on: on('DenyPolicy') },
        DOCUMENTS.denyPolicy,
      ),
    ],
  };
}

function on(name: string): Schema {
  return { type: 'string', pattern: ON[name]?.source ?? '' };
}

function kind(
  name: string,
  description: string,
  members: Schema,
  document: Parameters<typeof toJsonSchema>[0],
): Schema {
  return {
    type: 'object',
    description,
    properties: { kind: { const: name }, ...members, spec: specOf(document) },
    required: ['kind', ...Object.keys(members), ...(name === 'Pool' ? [] : ['spec'])],
    additionalProperties: false,
  };
}

/** The pool may be left out, and keys may lie in a file. */
function provider(): Schema {
  const made = kind('Provider', 'A cluster, or another issuer of tokens.', { name: ID }, DOCUMENTS.provider);
  const spec = specOf(DOCUMENTS.provider);
  for (const name of ['kubernetes', 'oidc']) {
    const { properties } = member(spec['properties'], name);
    Object.assign(Object(properties), {
      jwksFile: {
        type: 'string',
        description: 'A file with the JWKS, in the folder of the configuration; instead of jwksJson.',
      },
    });
  }
  const properties = {
    kind: { const: 'Provider' },
    name: ID,
    pool: { ...ID, description: 'The project’s own, ${project.id}.svc.id.goog, unless it is named.' },
    spec,
  };
  return { ...made, properties };
}

function specOf(document: Parameters<typeof toJsonSchema>[0]): Schema {
  const { $schema: _draft, ...spec } = toJsonSchema(document, { ...SCHEMA_CONFIG, target: 'draft-07' });
  return spec;
}

function member(value: unknown, name: string): Schema {
  const found: unknown = Object(value)[name];
  if (typeof found !== 'object' || found === null) throw new Error(`a provider without ${name}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object is its members
  return found as Schema;
}

/** An OpenAPI document as a judge of real answers: closed, so that a member nobody told of is found. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Json = Readonly<Record<string, unknown>>;

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Json>>;
  readonly requestBody?: unknown;
}

export interface OpenApi extends Json {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Judge {
  /** What is wrong with this JSON body of a request, by the document as it is. */
  requestFaults(method: string, path: string, body: unknown): readonly string[];
  /** What is wrong with this answer; empty where nothing is. */
  faults(method: string, path: string, status: number, contentType: string, body: unknown): readonly string[];
}

/** `GET /v1/projects`, of every operation. */
export function operationsOf({ paths }: OpenApi): readonly string[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).flatMap((method) => (method === 'parameters' ? [] : [`${method.toUpperCase()} ${path}`])),
  );
}

export function judgeBy(document: OpenApi): Judge {
  const closed = close(document) as OpenApi;
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  // The package is CommonJS, whose default export stands under that name as well.
  (addFormats as unknown as { default: (to: Ajv2020) => void }).default(ajv);
  ajv.addSchema({ ...closed, $id: 'openapi' }, 'openapi');
  const known = new Map<string, ValidateFunction>();
  ajv.addSchema({ ...document, $id: 'open' }, 'open');
  return {
    requestFaults(method, path, body) {
      const operation = document.paths[path]?.[method.toLowerCase()];
      if (operation?.requestBody === undefined) return ['takes no body'];
      const schema = `open#/paths/${escaped(path)}/${method.toLowerCase()}/requestBody/content/application~1json/schema`;
      return judged(schema, body);
    },
    faults(method, path, status, contentType, body) {
      const operation = closed.paths[path]?.[method.toLowerCase()];
      if (operation === undefined) return ['no such operation'];
      const place = String(status) in operation.responses ? String(status) : 'default';
      const response = operation.responses[place];
      if (response === undefined) return [`no answer ${status}`];
      const pointer =
        (response['$ref'] as string | undefined) ??
        `#/paths/${escaped(path)}/${method.toLowerCase()}/responses/${place}`;
      const content = (at(closed, pointer) as { content?: Record<string, { schema?: unknown }> }).content ?? {};
      const mediaType = contentType.split(';')[0] ?? '';
      if (content[mediaType] === undefined) return [`no answer ${status} in ${mediaType}`];
      return judged(`openapi${pointer}/content/${escaped(mediaType)}/schema`, body);
    },
  };

  function judged(schema: string, value: unknown): readonly string[] {
    const validate = known.get(schema) ?? ajv.compile({ $ref: schema });
    known.set(schema, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((one) => `${one.instancePath} ${one.message} ${JSON.stringify(one.params)}`);
  }
}

/** Every object whose members are told has no others. */
function close(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(close);
  if (typeof node !== 'object' || node === null) return node;
  const members = Object.fromEntries(Object.entries(node).map(([name, member]) => [name, close(member)]));
  const isShape = 'properties' in node && 'type' in node && node.type === 'object' && !('additionalProperties' in node);
  return isShape ? { ...members, additionalProperties: false } : members;
}

function at(document: unknown, pointer: string): unknown {
  let found = document;
  for (const part of pointer.slice(2).split('/')) {
    found = (found as Json)[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return found;
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** Random variables of our scopes, and which expressions read them. */
import * as fc from 'fast-check';
import type { AttributeVariables, BindingVariables } from '../../../../src/core/policy/variables.ts';

export type FuzzScope = 'attribute' | 'binding';

export type Variables =
  | { readonly scope: 'attribute'; readonly of: AttributeVariables }
  | { readonly scope: 'binding'; readonly of: BindingVariables };

/** `strings` and `ints` are lists. */
export type Type = 'bool' | 'string' | 'int' | 'double' | 'strings' | 'ints' | 'map' | 'timestamp' | 'duration';

type Paths = Readonly<Partial<Record<Type, readonly string[]>>> & {
  /** What may be absent, for has(). */
  readonly optional: readonly string[];
};

const claims = (of: string) => ({
  bool: [`${of}.flag`],
  string: [`${of}.sub`, `${of}['sub']`, `${of}.labels.a`, `${of}.nested.name`, `${of}.maybe`],
  double: [`${of}.n`, `${of}.half`],
  strings: [`${of}.groups`],
  map: [`${of}.labels`],
  optional: [`${of}.maybe`, `${of}.labels.a`, `${of}.nested.maybe`],
});

const OF_ASSERTION = claims('assertion');
const OF_CLAIMS = claims('request.workload.claims');

export const PATHS: Readonly<Record<FuzzScope, Paths>> = {
  attribute: {
    ...OF_ASSERTION,
    string: [...OF_ASSERTION.string, 'google.subject', 'attribute.env', `attribute['env']`, 'attribute.maybe'],
    strings: [...OF_ASSERTION.strings, 'google.groups'],
    map: [...OF_ASSERTION.map, 'attribute'],
    optional: [...OF_ASSERTION.optional, 'google.groups', 'attribute.maybe'],
  },
  binding: {
    ...OF_CLAIMS,
    string: [
      ...OF_CLAIMS.string,
      'resource.name',
      'resource.type',
      'resource.service',
      'request.workload.namespace',
      'request.workload.subject',
      'request.workload.pod.name',
      'request.workload.attribute.env',
    ],
    strings: [...OF_CLAIMS.strings, 'request.workload.groups'],
    map: [...OF_CLAIMS.map, 'request.workload.attribute'],
    timestamp: ['request.time', 'request.time', 'request.time'],
    optional: [
      ...OF_CLAIMS.optional,
      'resource.name',
      'request.workload.pod',
      'request.workload.namespace',
      'request.path',
    ],
  },
};

export function variablesIn(scope: FuzzScope, texts: readonly string[]): fc.Arbitrary<Variables> {
  const text = fc.constantFrom(...texts);
  const maybe = { freq: 3, nil: undefined };
  const strings = fc.array(text, { maxLength: 3 });
  const claim = fc
    .record({
      flag: fc.boolean(),
      sub: text,
      n: fc.integer({ min: -3, max: 12 }),
      half: fc.constantFrom(0.5, -1.5, 2, 1e21, 0.1),
      groups: strings,
      labels: fc.dictionary(fc.constantFrom('a', 'b', 'env'), text, { maxKeys: 3, noNullPrototype: true }),
      nested: fc.record({ name: text, maybe: fc.option(text, maybe) }),
      maybe: fc.option(text, maybe),
    })
    .map(present);
  const attribute = fc.record({ env: text, maybe: fc.option(text, maybe) }).map(present);
  if (scope === 'attribute') {
    return fc
      .record({
        assertion: claim,
        google: fc.record({ subject: text, groups: fc.option(strings, maybe) }).map(present),
        attribute,
      })
      .map((of) => ({ scope, of }));
  }
  const resource = fc.record({ name: fc.option(text, maybe), type: text, service: text }).map(present);
  const workload = fc
    .record({
      namespace: fc.option(text, maybe),
      pod: fc.option(fc.record({ name: text, uid: text }), maybe),
      provider: text,
      subject: text,
      groups: strings,
      attribute,
      claims: claim,
    })
    .map(present);
  return fc
    .record({ requestTimeSeconds: fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }), resource, workload })
    .map(({ requestTimeSeconds, resource: members, workload: who }) => ({
      scope,
      of: { requestTimeSeconds, resource: { ...members, tags: {}, tagIds: {} }, workload: who },
    }));
}

/** What is undefined is absent. */
function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return JSON.parse(JSON.stringify(members));
}

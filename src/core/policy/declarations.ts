/** The variables of each scope and their attributes: a name that is not here is a mistake of the author. */
import type { Scope } from './engine.ts';

/** A CEL type by its name, or a variable that is only good for its attributes. */
export type Declared = string | ReadonlyMap<string, Declared>;

/** A map whose members are strings, whatever they are called. */
export const STRING_MAP = 'map of strings';

const TIMESTAMP = 'google.protobuf.Timestamp';
const NAMED = members({ name: 'string', uid: 'string' });

const GOOGLE = members({ subject: 'string', groups: 'list' });

/** Who asks, beyond Google: which of these there are, the token and the kind of provider decide. */
export const WORKLOAD = members({
  namespace: 'string',
  serviceaccount: NAMED,
  pod: NAMED,
  node: NAMED,
  cluster: 'string',
  provider: 'string',
  subject: 'string',
  groups: 'list',
  attribute: STRING_MAP,
  claims: 'map',
});

/** `path`, `host` and `auth` are known though they never have a value: a condition written for a proxy must be storable and not grant. */
const REQUEST = members({
  time: TIMESTAMP,
  workload: WORKLOAD,
  path: 'string',
  host: 'string',
  auth: members({ access_levels: 'list' }),
});

const VARIABLES: Record<Scope, ReadonlyMap<string, Declared>> = {
  attribute: members({ assertion: 'map', google: GOOGLE, attribute: STRING_MAP }),
  mapping: members({ assertion: 'map' }),
  binding: members({
    request: REQUEST,
    resource: members({ name: 'string', type: 'string', service: 'string' }),
    api: members({}),
    // Known and never there: at Google they mean something to boundaries, tunnels and load balancers.
    principal: members({ type: 'string', subject: 'string' }),
    destination: members({ ip: 'string', port: 'int' }),
    compute: members({}),
  }),
};

export const TYPE_NAMES: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'type',
  'uint',
]);

export function variablesOf(scope: Scope): ReadonlyMap<string, Declared> {
  return VARIABLES[scope];
}

function members(types: Readonly<Record<string, Declared>>): ReadonlyMap<string, Declared> {
  return new Map(Object.entries(types));
}

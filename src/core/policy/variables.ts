/** What an expression sees, turned into values of the engine: never a JavaScript object, so a claim cannot pose as a message or a prototype. */
import { celList, celMap, type CelInput, type CelMap } from '@bufbuild/cel';
import { Refusal } from './budget.ts';
import { MAX_CLAIM_DEPTH } from './limits.ts';
import { timestampOf } from './time-functions.ts';

export interface AttributeVariables {
  readonly assertion: Readonly<Record<string, unknown>>;
  readonly google: { readonly subject: string; readonly groups?: readonly string[] };
  readonly attribute: Readonly<Record<string, string>>;
}

/** What `api.getAttribute` answers, by the attribute's name; any other answers its default. */
export type Api = Readonly<Record<string, readonly string[]>>;

export interface BindingVariables {
  readonly requestTimeSeconds: number;
  readonly resource: {
    readonly name?: string;
    readonly type?: string;
    readonly service?: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly tagIds: Readonly<Record<string, string>>;
  };
  /** Without it all of `request.workload` is absent. */
  readonly workload?: WorkloadVariables;
}

interface Named {
  readonly name: string;
  readonly uid: string;
}

/** `request.workload`: who asks, from the verified token and the provider that vouches for it. Nothing of it changes with time. */
export interface WorkloadVariables {
  readonly namespace?: string;
  readonly serviceaccount?: Named;
  readonly pod?: Named;
  readonly node?: { readonly name: string; readonly uid?: string };
  /** The provider's `clusterUri`: a token has no say in it. */
  readonly cluster?: string;
  /** Its full resource name. */
  readonly provider: string;
  /** `google.subject`. */
  readonly subject: string;
  readonly groups: readonly string[];
  readonly attribute: Readonly<Record<string, string>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Has no prototype: a variable called `constructor` must be unknown. */
export type Activation = Readonly<Record<string, CelInput>>;

export function attributeActivation({ assertion, google, attribute }: AttributeVariables): Activation {
  return activation({ assertion: mapOf(assertion), google: mapOf(google), attribute: mapOf(attribute) });
}

export function assertionActivation(assertion: Readonly<Record<string, unknown>>): Activation {
  return activation({ assertion: mapOf(assertion) });
}

/** The variables of one resource and workload at any time. What a condition may name but we do not know is absent, hence an error. */
export function bindingActivations(
  resource: BindingVariables['resource'],
  workload?: WorkloadVariables,
  api: Api = {},
): (epochSeconds: number) => Activation {
  let fixed: Activation | undefined;
  return (epochSeconds) => {
    // Not before anybody asks: most bindings have no condition.
    fixed ??= fixedVariables(resource, api);
    const asking = workload === undefined ? undefined : workloadMap(workload);
    const request = new Map<string, CelInput>([['time', timestampOf(BigInt(Math.floor(epochSeconds)))]]);
    if (asking !== undefined) request.set('workload', asking);
    return activation({ ...fixed, request: celMap(request) });
  };
}

function fixedVariables({ tags, tagIds, ...members }: BindingVariables['resource'], api: Api): Activation {
  return {
    resource: mapOf(members),
    '@tags': mapOf(tags),
    '@tagIds': mapOf(tagIds),
    api: mapOf(api),
    principal: mapOf({}),
    destination: mapOf({}),
    compute: mapOf({}),
  };
}

/** Made once for each exchange, however many bindings ask; forgotten with it. */
const workloadMaps = new WeakMap<WorkloadVariables, CelMap>();

function workloadMap(workload: WorkloadVariables): CelMap {
  const known = workloadMaps.get(workload);
  if (known !== undefined) return known;
  const { claims, ...members } = workload;
  const map = mapOf(members);
  let claimsMap: CelMap | undefined;
  // A token has many claims and few conditions ask for any: only then they become values.
  const get: CelMap['get'] = (key) => (key === 'claims' ? (claimsMap ??= mapOf(claims)) : map.get(key));
  const lazy = Object.assign(mapOf({}), { get, has: (key: Parameters<CelMap['get']>[0]) => get(key) !== undefined });
  workloadMaps.set(workload, lazy);
  return lazy;
}

function activation(variables: Activation): Activation {
  return { __proto__: null, ...variables };
}

function mapOf(members: object, depth = 0): CelMap {
  const entries = new Map<string, CelInput>();
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) entries.set(name, valueOf(value, depth + 1));
  }
  const map = celMap(entries);
  // The engine's has() says no to a member that is null.
  return Object.assign(map, { has: (key: Parameters<CelMap['get']>[0]) => map.get(key) !== undefined });
}

/** JSON numbers are doubles and stay so; CEL compares them with ints. */
function valueOf(value: unknown, depth: number): CelInput {
  if (depth > MAX_CLAIM_DEPTH) throw new Refusal('the claims are nested too deeply');
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'object':
      if (value === null) return value;
      return Array.isArray(value) ? celList(value.map((element) => valueOf(element, depth + 1))) : mapOf(value, depth);
    default:
      throw new Refusal('the claims are not JSON');
  }
}

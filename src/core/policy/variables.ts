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

export interface BindingVariables {
  readonly requestTimeSeconds: number;
  readonly resource: {
    readonly name?: string;
    readonly type?: string;
    readonly service?: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly tagIds: Readonly<Record<string, string>>;
  };
}

/** The workload behind a request, as `request.workload`; what its token does not say is absent. */
export interface WorkloadVariables {
  readonly namespace?: string;
  readonly serviceaccount?: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid?: string };
  readonly cluster?: string;
  readonly provider: string;
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

/** The variables of one resource at any time. What a condition may name but we do not know is absent, hence an error. */
export function bindingActivations(
  resource: BindingVariables['resource'],
  _workload?: WorkloadVariables,
): (epochSeconds: number) => Activation {
  const { tags, tagIds, ...members } = resource;
  const fixed = {
    resource: mapOf(members),
    '@tags': mapOf(tags),
    '@tagIds': mapOf(tagIds),
    api: mapOf({}),
    destination: mapOf({}),
  };
  return (epochSeconds) =>
    activation({ ...fixed, request: celMap(new Map([['time', timestampOf(BigInt(Math.floor(epochSeconds)))]])) });
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
